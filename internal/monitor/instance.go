package monitor

import (
	"fmt"
	"log/slog"
	"math"
	"slices"
	"time"

	"github.com/plumbline-ml/plumbline/internal/catalog"
	"github.com/plumbline-ml/plumbline/internal/parse"
)

// Instance follows one model.
type Instance struct {
	model      *Model
	metrics    map[*catalog.Metric]bool // nil means all; see EngineOptions.Metrics
	plan       *parse.Plan
	at         places
	log        *slog.Logger
	configHash uint64

	paneNs, bucketNs, latenessNs int64

	cols     []*column
	bySlot   []int32 // slot of the plan → index of the column; noColumn or pendingColumn
	pending  []wild  // slots that a wildcard found and that are not columns yet
	nextID   uint32
	wildFrom uint64 // records that must carry a key below a wildcard before it becomes a column

	restoredPending map[uint64]uint64 // hash of a path → what a wild had seen before the restart

	reference   *Reference // nil when the model learns
	acceptances []string   // IDs of the requests that were applied
	grew        bool       // the state holds references that grow
	built       bool       // all columns that are known from the start are there

	panes    panes
	windows  []*window
	truth    *truth  // nil when the truth is never known
	cuts     []*cut  // by segment and by replica
	score    *column // nil when the model has none
	label    *column // likewise
	source   []byte  // replica that wrote the records that are observed; see SetSource
	versions versions
	counts   counts

	positives  positives
	rebase     rebased
	entities   *entities // nil until a record names one
	clients    *clients  // nil when the model file does not say who sent a record
	lines      lines
	unreadable *unreadable          // nil when the model reads no logs
	volume     *volume              // nil when the model file switches it off
	ageSources map[string]ageSource // path of a feature → where its ages stand, for those below wildcards

	newest      int64 // largest event time seen; 0 before the first record
	hold        int64 // panes that end after this stay open; MaxInt64 means no hold
	closedUntil int64 // panes before it are closed
	lastArrival int64
	bucket      bucketState

	evidence evidence
	dirty    dirty
	cache    collectCache
	shifts   shiftCache

	vectors     []*vector
	vectorsMade bool // they are made once no column learns
}

// counts are plain totals since start.
type counts struct {
	late, future, untimed uint64
	dropped               [numLimits]uint64
}

// Limits on names, as the label limit of plumbline_series_dropped_total says them.
const (
	limitVersion = iota
	limitCategory
	limitFeature
	limitSegment
	numLimits
)

var limitNames = [numLimits]string{"version", "category", "feature", "segment"}

const (
	noColumn      = -1
	pendingColumn = -2
)

// wild is a key below a wildcard that was seen too rarely to be named.
type wild struct {
	config *FeatureConfig
	path   string
	slot   int
	seen   uint64
}

// bucketState is the bucket that is being filled.
type bucketState struct {
	index   int64
	open    bool
	records uint64
}

func newInstance(m *Model, log *slog.Logger) (*Instance, error) {
	ref, err := m.loadReference()
	if err != nil {
		return nil, err
	}
	return newInstanceWith(m, ref, log)
}

// newInstanceWith makes an instance with a reference that was read already; it is not changed and may be shared.
func newInstanceWith(m *Model, ref *Reference, log *slog.Logger) (*Instance, error) {
	plan, err := m.Compile()
	if err != nil {
		return nil, fmt.Errorf("model %s (%s): %w", m.Name, m.File, err)
	}
	in := &Instance{
		model: m, plan: plan, log: log.With("model", m.Name), reference: ref, configHash: configHash(m, ref),
		paneNs: int64(m.Pane), bucketNs: int64(m.Bucket), latenessNs: int64(m.Lateness),
		hold: math.MaxInt64, closedUntil: math.MinInt64,
	}
	_, in.at = m.layout()
	for _, w := range m.Windows {
		in.windows = append(in.windows, newWindow(w, m.Pane))
		in.windows[len(in.windows)-1].buf = in.windows[0].buf
	}
	in.versions.limit = m.MinCategoryCount
	in.wildFrom = m.MinCategoryCount
	if err := in.newEvidence(); err != nil {
		return nil, err
	}
	in.newVolume()
	in.newUnreadable()
	in.newClients()
	in.bySlot = slices.Repeat([]int32{noColumn}, len(plan.Slots()))
	if m.Score != nil {
		kind := KindNumber
		in.score = in.addColumn(&column{path: m.Score.Path, name: "score", role: RolePrediction, kind: kind, isScore: true, tol: m.Tolerance, slot: in.at.score, ageSlot: -1})
	}
	if m.Label != nil {
		in.label = in.addColumn(&column{path: m.Label.Path, name: "label", role: RolePrediction, kind: KindCategory, isLabel: true, tol: m.Tolerance, slot: in.at.label, ageSlot: -1})
	}
	for i := range m.Features {
		f := &m.Features[i]
		if f.Wildcard() {
			in.addKnown(f)
			continue
		}
		if !f.Ignore {
			in.addFeature(f, f.Path, in.at.features[i], in.at.updated[i])
		}
	}
	in.built = true
	in.reseason()
	// A field that is a segment's has a slot of its own, so a wildcard does not come across it.
	for i := range m.Segments {
		path := m.Segments[i].Path
		if f := in.featureFor(path); f != nil && f.Wildcard() && in.column(path) == nil {
			in.addFeature(f, path, in.at.segments[i], -1)
		}
	}
	if err := in.newCuts(); err != nil {
		return nil, err
	}
	if err := in.newTruth(); err != nil {
		return nil, err
	}
	return in, nil
}

// addKnown makes columns for what the reference names below a wildcard, so that they are followed (and missed) from
// the first record on.
func (in *Instance) addKnown(f *FeatureConfig) {
	if in.reference == nil {
		return
	}
	for i := range in.reference.Columns {
		c := &in.reference.Columns[i]
		if c.Role == RoleFeature && covers(f.Path, c.Path) && in.featureFor(c.Path) == f && in.column(c.Path) == nil {
			in.addFeature(f, c.Path, -1, -1)
		}
	}
}

// featureFor is the entry of the model file that speaks about a path below a wildcard: its own entry if there is
// one, else the longest wildcard; nil when the path is not wanted (ignored, or read for another purpose).
func (in *Instance) featureFor(path string) *FeatureConfig {
	m := in.model
	var best *FeatureConfig
	for i := range m.Features {
		f := &m.Features[i]
		if f.UpdatedAt == path || f.Age == path {
			return nil
		}
		if f.Path == path {
			best = f
		} else if f.Wildcard() && covers(f.Path, path) && (best == nil || best.Wildcard() && len(f.Path) > len(best.Path)) {
			best = f
		}
	}
	if path == m.ID || m.Truth != nil && !m.Truth.Separate() && (path == m.Truth.Path || path == m.Truth.ID) {
		return nil
	}
	if path == m.Timestamp.Path || path == m.Version || path == m.Entity || path == m.Client || m.Score != nil && path == m.Score.Path || m.Label != nil && path == m.Label.Path {
		return nil
	}
	if best != nil && best.Ignore {
		return nil
	}
	return best
}

func (in *Instance) column(path string) *column {
	for _, c := range in.cols {
		if c.path == path {
			return c
		}
	}
	return nil
}

func (in *Instance) addFeature(f *FeatureConfig, path string, slot, ageSlot int) *column {
	c := &column{
		path: path, name: f.label(path), role: RoleFeature, config: f, kind: f.Kind, tol: in.model.Tolerance,
		maxAge: f.MaxAge.Seconds(), slot: slot, ageSlot: ageSlot,
	}
	if f.Tolerance != nil {
		c.tol = *f.Tolerance
	}
	if f.Age != "" {
		c.ageForm = ageSeconds
	}
	if s, ok := in.ageSources[path]; ok && c.ageSlot < 0 {
		c.ageSlot, c.ageForm = s.slot, s.form
	}
	return in.addColumn(c)
}

// addColumn appends a column, gives it its reference if there is one, and makes room for it everywhere. Nil means that
// the limit on columns is reached.
func (in *Instance) addColumn(c *column) *column {
	if len(in.cols) >= in.model.MaxFeatures {
		in.counts.dropped[limitFeature]++
		return nil
	}
	for _, other := range in.cols {
		if other.name == c.name {
			c.name = c.path // two wildcards gave the same short name
		}
	}
	c.id = in.nextID
	in.nextID++
	in.cols = append(in.cols, c)
	if c.slot >= 0 {
		in.mapSlot(c.slot, int32(len(in.cols)-1))
	}
	var base *baseline
	if in.reference != nil {
		base = in.reference.baseline(c, in.model)
	}
	if base != nil {
		c.ready(base)
		c.season = base.season
		c.watched = true
		in.addStreams(c)
		if in.built {
			in.reseason()
		}
		if c.slot >= 0 {
			in.plan.SetNumeric(c.slot, c.kind == KindNumber)
		}
	} else {
		if in.reference != nil {
			in.log.Info("the reference does not know this column; it learns by itself", "column", c.name, "kind", string(c.kind), "for", FormatDuration(defaultLearn))
		}
		c.learn = newLearner(c, in.model)
		in.evidence.learning = true
	}
	in.addStaleStream(c)
	c.makeLabels(in.model, in.windows)
	in.dirty.columns = true
	in.cache.stale = true
	for _, p := range in.panes.open {
		p.grow(in.cols)
	}
	in.layoutCuts()
	return c
}

func (in *Instance) mapSlot(slot int, column int32) {
	for len(in.bySlot) <= slot {
		in.bySlot = append(in.bySlot, noColumn)
	}
	in.bySlot[slot] = column
}

// Name is the model's name.
func (in *Instance) Name() string { return in.model.Name }

// Model is the model file that the instance runs.
func (in *Instance) Model() *Model { return in.model }

// Plan is what parsers for this instance must be made from.
func (in *Instance) Plan() *parse.Plan { return in.plan }

// HoldBack keeps panes open that end after t, because a source is known to have unread records from there on. The
// zero time lifts it.
func (in *Instance) HoldBack(t time.Time) {
	if t.IsZero() {
		in.hold = math.MaxInt64
		return
	}
	in.hold = t.UnixNano()
}

// Newest is the largest event time seen; zero before the first record.
func (in *Instance) Newest() time.Time {
	if in.newest == 0 {
		return time.Time{}
	}
	return time.Unix(0, in.newest).UTC()
}
