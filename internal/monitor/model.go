package monitor

import (
	"time"

	"github.com/plumbline-ml/plumbline/internal/parse"
)

// Model is a validated model file. It is immutable once parsed.
type Model struct {
	Name string // label of every metric of the model
	File string // where it was read from, for messages

	Logs      LogsConfig
	Timestamp TimestampConfig
	Entity    string // path of what a record is about, a user or a domain; empty means that nothing says
	Client    string // path of who sent a request; empty means that nothing says
	ClientCap int    // records of a client that count as facts in a bucket
	Version   string // path of the version label; empty means that records carry none

	Score    *PredictionConfig // nil when the model has none
	Label    *PredictionConfig // nil when the model has none
	Features []FeatureConfig   // in the order of the file; those that name a path win over wildcards

	ID    string       // path of the request's id; empty means that records carry none
	Truth *TruthConfig // nil when the truth is never known

	Replica   string          // path of the name of the replica that answered; empty means that the path of a pod's log says it
	Segments  []SegmentConfig // fields by which the records are cut into parts
	MaxSeries int             // of all segments and replicas together

	Reference ReferenceConfig

	Windows  []time.Duration // ascending
	Pane     time.Duration
	Bucket   time.Duration // a whole number of panes
	Lateness time.Duration // how long a pane stays open for records that come late

	Budget           Budget
	Tolerance        Tolerance
	Multivariate     bool          // watch all numeric features together
	Embeddings       []string      // wildcards whose numbers are watched together, each for itself
	MinRecords       uint64        // statistics of a window appear from here on
	Volume           string        // learn, reference or off: where the profile of traffic comes from; empty means learn
	Silence          time.Duration // how long without a record until the model counts as silent
	MinCategoryCount uint64        // names seen less often appear only as "other"
	MaxCategories    int           // named categories of one column
	MaxFeatures      int           // predictions and features that are followed

	place      [2]int // line and column of the name
	schemaless bool   // see Schemaless

	notes []string // what the file left out and a preset filled in
}

// LogsConfig says which lines belong to the model and how they are written.
type LogsConfig struct {
	Include []string // globs
	Exclude []string
	Format  string // a format or preset of internal/parse

	Pattern   string         // format regex: a pattern with named groups
	Columns   []string       // csv and tsv without a header line; empty means that the first line is the header
	Delimiter string         // csv: one character; empty means a comma
	Join      string         // json: path of the key that request and response share when they are two lines; empty means one line a record
	Location  *time.Location // of timestamps without a zone; nil means UTC

	Limits parse.FormatOptions // only its limits are set; 0 means the parser's default
}

// TimestampConfig is where the event time stands. An empty path means that records carry none, or that the
// preset knows.
type TimestampConfig struct {
	Path    string
	Pattern string // one group, applied to the text first; empty means the whole text
	Layout  string // a Go layout, or unix, unix_ms, unix_us, unix_ns; empty means detect
}

// Kind is what the values of a column are.
type Kind string

// The kinds. Auto is decided by the reference or by the first usable values.
const (
	KindAuto        Kind = "auto"
	KindNumber      Kind = "number"
	KindProbability Kind = "probability" // a number in [0, 1]
	KindCategory    Kind = "category"
)

// PredictionConfig is the score or the label.
type PredictionConfig struct {
	Path     string
	Kind     Kind   // score: number or probability; label: category
	Positive string // label: the class that one looks for; empty means none is special
}

// FeatureConfig is one feature, or all below a wildcard.
type FeatureConfig struct {
	Path       string        // ends in ".*" for a wildcard
	Name       string        // label; empty means the path; in a wildcard it may hold one * for the part that matched
	Kind       Kind          // empty means auto
	UpdatedAt  string        // path of the time at which the value was last written, with a * for the part that a wildcard matched; empty means unknown
	Age        string        // path of the age in seconds, instead of UpdatedAt; the same * applies
	MaxAge     time.Duration // older values are stale; 0 means no limit
	MaxStale   float64       // share of requests that may be served with an older value; 0 means 5 %
	Categories []string      // names that may always be shown
	Ignore     bool          // keep it out of a wildcard
	Tolerance  *Tolerance    // nil means that of the model
}

// Wildcard says whether the feature stands for everything below its path.
func (f *FeatureConfig) Wildcard() bool { return isWildcard(f.Path) }

// ReferenceConfig is what counts as normal. Exactly one of File and learning (Records or For, or a range) is set.
type ReferenceConfig struct {
	File    string        // as written; relative to the folder of the model file
	Records uint64        // learn from the first so many records
	For     time.Duration // learn from the first so much event time
	From    time.Time     // learn from this event time on; zero means from the first record
	Until   time.Time     // and up to here; zero means until Records or For is reached

	OnNewVersion string // keep, learn or file: what happens when another version answers most requests; empty means keep
	VersionFile  string // of file: as File, with {version} in it

	Rolling time.Duration // the last so much event time, beside an anchor that stays; 0 means that it does not roll

	Flat              bool   // the same is expected at any time of the week
	PageWhileLearning bool   // alarms against less than 14 days that were learned wake people, too
	Exclude           []Span // known incidents: not part of what is normal
}

// Span is a stretch of event time.
type Span struct{ From, Until time.Time }

// Learns says whether the model builds its reference from what it reads.
func (r *ReferenceConfig) Learns() bool { return r.File == "" }

// Budget is what the user allows: so many false pages in so long a time on average, or, when Probability is set, any
// false page in that time with that probability at the most.
type Budget struct {
	Pages       float64
	Probability float64 // 0 means that Pages counts
	Period      time.Duration
}

// allowed is how many false pages a period may have on average. A probability of any is at least as strict as the same
// number of pages on average.
func (b *Budget) allowed() float64 {
	if b.Probability > 0 {
		return b.Probability
	}
	return b.Pages
}

// Tolerance is the smallest change that is worth a page. Everything smaller belongs to the null hypothesis, so no
// amount of data can page on it.
type Tolerance struct {
	Odds         float64 // class rates: ratio of odds, above 1
	Share        float64 // missing, unseen and repeated values: absolute change of a share
	Volume       float64 // traffic: factor by which an hour may differ from the same hour of other weeks; 0 means 2
	Distribution float64 // bins and categories of a feature or score: absolute change of a share
}

// Defaults of a model file.
const (
	defaultPane          = 10 * time.Second
	defaultBucket        = time.Minute
	defaultLateness      = 30 * time.Second
	defaultSilence       = 10 * time.Minute
	defaultMinRecords    = 200
	defaultMinCategory   = 20
	defaultMaxCategories = 50
	defaultMaxFeatures   = 256
	defaultLearn         = matureDays * 24 * time.Hour
)

// Limits of a model file; they bound the memory of a model.
const (
	maxModelFileBytes = 1 << 20
	maxWindows        = 6
	maxOpenPanes      = 64 // lateness is at most half of it
	maxFeatureLimit   = 2048
	maxCategoryLimit  = 1000
)

func defaultModel(file string) *Model {
	return &Model{
		File:             file,
		Windows:          []time.Duration{10 * time.Minute, time.Hour, 24 * time.Hour},
		Pane:             defaultPane,
		Bucket:           defaultBucket,
		Lateness:         defaultLateness,
		Budget:           Budget{Pages: 1, Period: 30 * 24 * time.Hour},
		Tolerance:        Tolerance{Odds: 1.10, Share: .01, Distribution: .02},
		MinRecords:       defaultMinRecords,
		Silence:          defaultSilence,
		MinCategoryCount: defaultMinCategory,
		MaxCategories:    defaultMaxCategories,
		MaxFeatures:      defaultMaxFeatures,
		Reference:        ReferenceConfig{For: defaultLearn},
		MaxSeries:        defaultMaxSeries,
	}
}

// Notes say in words what the file left out and was filled in, for `check` and the log at start.
func (m *Model) Notes() []string { return m.notes }
