package monitor

import (
	"math"
	"math/bits"
	"strconv"

	"github.com/plumbline-ml/plumbline/detectors"
	"github.com/plumbline-ml/plumbline/internal/parse"
)

// Roles of columns, as the label role names them.
const (
	RolePrediction = "prediction"
	RoleFeature    = "feature"
)

// column is one prediction or feature that an instance follows.
type column struct {
	// What every record touches stands together: a line of the processor's cache.
	slot     int     // of the parser's record; −1 while the plan has not met it
	ageSlot  int     // −1 when nothing says how old the values are
	batch    *batch  // numbers to be counted; nil for a category and while the column learns
	lastGood int64   // event time of the newest usable value within its age limit
	value    float64 // the value that was observed last, if it is a number
	bin      int32   // or where it was counted, if it is a category
	last     uint32  // hash of the last value
	present  bool    // the value that was observed last is usable, and counted in bins
	hasLast  bool
	isScore  bool
	isLabel  bool

	id     uint32 // names the column inside the state; never reused
	path   string
	name   string // label feature
	role   string
	config *FeatureConfig // nil for predictions
	kind   Kind           // auto until it is decided
	tol    Tolerance
	maxAge float64 // seconds; 0 means no limit

	ageForm ageForm

	base        *baseline     // nil while the column learns
	season      *packedSeason // what the reference knows of the time of the week; nil when it is the same at any time
	seasonMade  *packedSeason // that the detectors have
	seasonKappa float64
	seasonDirty bool
	anchor      *packedSeason // the first one of a rolling reference, which stays
	anchorKappa float64
	watched     bool      // has streams; a column that grows has none until it knows the time of the day
	grow        *growth   // nil when the reference is final
	growing     *tally    // what the open bucket adds to grow.total; nil without grow
	accepted    *accepted // nil unless somebody accepted another reference
	learn       *learner  // nil once it is ready

	low   float64 // the range of a number's reference
	high  float64
	split split // how replicas are compared by it

	lastFact    uint32 // hash of the last fact; with fields.client
	hasLastFact bool

	total   totals
	bucket  bucketColumn
	facts   *bucketColumn // with fields.client: what at most so many records of a client say
	labels  columnLabels
	scratch []byte

	described []described         // by window
	reference described           // what is said of the reference
	unseen    expected            // of the reference
	pairs     pairs               // while it learns
	appeared  int64               // event time at which a field came up that was not there before; 0 for one that was
	distinct  distinct            // of categories without a name
	named     map[string][]string // by stream, from before the reference changed: causes that alarms were named after
	streams   []*stream           // those of evidence.streams that are about this column
}

// totals are counts since start. They only grow.
type totals struct {
	hist    []uint64 // histogram buckets, or named categories with "other" last
	sum     float64
	missing [numMissing]uint64
}

// bucketColumn is what the detectors are fed when the open bucket closes.
type bucketColumn struct {
	counts  []uint64 // histogram buckets, or named categories with "other" last
	present uint64
	missing uint64
	reasons [numMissing]uint64 // of them; not of facts
	repeats uint64
	pairs   pairs  // of one entity
	aged    uint64 // values whose age is known
	stale   uint64 // of them, those older than the limit
}

// source is which records a detector counts.
type source uint8

const (
	everything source = iota
	facts             // at most one record of a client in a while
)

// counted is the open bucket of a source.
func (c *column) counted(s source) *bucketColumn {
	if s == facts && c.facts != nil {
		return c.facts
	}
	return &c.bucket
}

func (b *bucketColumn) reset() {
	clear(b.counts)
	b.present, b.missing, b.repeats, b.aged, b.stale, b.pairs = 0, 0, 0, 0, 0, pairs{}
	b.reasons = [numMissing]uint64{}
}

// grid is that of a number that has learned, else nil.
func (c *column) grid() *detectors.Grid {
	if c.base == nil {
		return nil
	}
	return c.base.grid
}

// bins is how many counts a tally of the column has.
func (c *column) bins() int {
	switch {
	case c.base == nil:
		return 0
	case c.base.grid != nil:
		return c.base.grid.Fine()
	default:
		return len(c.base.categories) + 1
	}
}

// buckets is how many counts the totals of the column have.
func (c *column) buckets() int {
	if c.base != nil && c.base.grid != nil {
		return len(c.base.grid.CoarseEdges()) + 1
	}
	return c.bins()
}

// ready gives the column its reference.
func (c *column) ready(b *baseline) {
	c.base, c.learn, c.kind, c.batch = b, nil, b.kind, nil
	if b.grid != nil {
		c.batch = &batch{}
		c.low, c.high = b.grid.Range()
	}
	c.described = nil
	c.total.hist = make([]uint64, c.buckets())
	c.total.sum = 0
	c.bucket.counts = make([]uint64, c.buckets())
}

// fold adds what a pane counted to the totals.
func (c *column) fold(t *tally) {
	for i, m := range t.Missing {
		c.total.missing[i] += m
	}
	if c.base == nil {
		return
	}
	c.total.sum += t.sum
	addBuckets(c.base, c.total.hist, t)
}

// addBuckets adds a tally's fine counts to histogram buckets, or its categories to categories.
func addBuckets(b *baseline, dst []uint64, t *tally) {
	switch {
	case t.tracks:
		for w, word := range t.touched {
			for ; word != 0; word &= word - 1 {
				i := w<<6 | bits.TrailingZeros64(word)
				at := i
				if b.grid != nil {
					at = b.grid.HistBucketOf(i)
				}
				dst[at] += t.count(i)
			}
		}
	case b.grid == nil:
		for i, n := range t.Fine {
			dst[i] += n
		}
	default:
		for i, n := range t.Fine {
			if n != 0 {
				dst[b.grid.HistBucketOf(i)] += n
			}
		}
	}
}

// observe counts one value into a pane's tally. It is the hot path.
func (c *column) observe(t *tally, v *parse.Value, event int64) {
	var h uint32
	c.present = false
	if c.batch != nil {
		if v.Kind != parse.Number && v.Kind != parse.Bool {
			t.Missing[missingNumber(v.Kind)]++
			return
		}
		if c.add(v.Num, event) {
			c.settle(t)
		}
		return
	} else if c.base != nil {
		name, reason := c.category(v)
		if name == nil {
			t.Missing[reason]++
			return
		}
		h = hashBytes(name)
		i := int(c.base.table.find(name, h))
		if i < 0 {
			i = len(c.base.categories)
			c.distinct.count(name, event)
		}
		t.Fine[i]++
		t.N++
		t.touch(i)
		c.present, c.bin = true, int32(i)
	} else {
		c.learn.observe(c, t, v, event)
		return
	}
	if c.hasLast && c.last == h {
		t.Repeats++
	}
	c.last, c.hasLast = h, true
	if event > c.lastGood && c.ageSlot < 0 {
		c.lastGood = event
	}
}

// What place returns for a value that is in none.
const (
	binMissing = -1 // the value is not usable
	binNone    = -2 // the column has no bins yet
)

// place is where a value is counted, and the hash by which repeats are told. It counts nothing.
func (c *column) place(v *parse.Value) (bin int, hash uint32) {
	switch {
	case c.base == nil:
		return binNone, 0
	case c.base.grid != nil:
		if v.Kind != parse.Number && v.Kind != parse.Bool {
			return binMissing, 0
		}
		return c.base.grid.Bin(v.Num), hashNumber(v.Num)
	default:
		name, _ := c.category(v)
		if name == nil {
			return binMissing, 0
		}
		hash = hashBytes(name)
		if bin = int(c.base.table.find(name, hash)); bin < 0 {
			bin = len(c.base.categories)
		}
		return bin, hash
	}
}

// count adds a value of that bin.
func (b *bucketColumn) count(c *column, bin int, repeat bool) {
	switch {
	case bin == binMissing:
		b.missing++
	case bin >= 0:
		if c.base.grid != nil {
			bin = c.base.grid.HistBucketOf(bin)
		}
		b.counts[bin]++
		b.present++
		if repeat {
			b.repeats++
		}
	}
}

// missingNumber is why a value of this kind is no number.
func missingNumber(k parse.Kind) detectors.MissingReason {
	switch k {
	case parse.Absent:
		return detectors.MissingAbsent
	case parse.Null:
		return detectors.MissingNull
	case parse.Empty:
		return detectors.MissingEmpty
	case parse.NaN:
		return detectors.MissingNaN
	case parse.PosInf, parse.NegInf:
		return detectors.MissingInf
	default:
		return detectors.MissingType
	}
}

// category is the text under which a value is counted, or nil and the reason why it is missing.
func (c *column) category(v *parse.Value) ([]byte, detectors.MissingReason) {
	switch v.Kind {
	case parse.String, parse.Number, parse.Bool:
		if len(v.Str) > 0 {
			return v.Str, 0
		}
		if v.Kind == parse.Number {
			// A number that the format computed has no text of its own.
			c.scratch = strconv.AppendFloat(c.scratch[:0], v.Num, 'g', -1, 64)
			return c.scratch, 0
		}
		return nil, detectors.MissingEmpty
	default:
		return nil, missingNumber(v.Kind)
	}
}

// hashNumber mixes the bits of a number; −0 and 0 are the same number.
func hashNumber(x float64) uint32 {
	h := math.Float64bits(x+0) * 0x9e3779b97f4a7c15
	h ^= h >> 29
	h *= 0xbf58476d1ce4e5b9
	return uint32(h >> 32)
}

// hash64 is FNV-1a over texts, each preceded by its length.
func hash64(parts ...string) uint64 {
	h := uint64(14695981039346656037)
	put := func(s string) {
		for i := range len(s) {
			h ^= uint64(s[i])
			h *= 1099511628211
		}
	}
	for _, p := range parts {
		put(strconv.Itoa(len(p)))
		put(":")
		put(p)
	}
	return h
}
