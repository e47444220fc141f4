package monitor

import (
	"math"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// collectCache keeps the samples that change only when a pane or a bucket is closed.
type collectCache struct {
	stale   bool
	lent    bool // somebody may still read samples: they are not written over
	samples []catalog.Sample
	before  []catalog.Sample // those before them, whose memory is used again; nil when they were lent
	made    uint64           // how often samples were made
	model   []string
}

// States of a model, as the label state says them.
const (
	stateLearning = "learning"
	stateYoung    = "young"
	stateReady    = "ready"
)

// collect appends the samples of the model; share puts those that seldom change into b.Shared.
func (in *Instance) collect(b *catalog.Batch, share bool) {
	in.settle()
	if in.cache.model == nil {
		in.cache.model = []string{in.model.Name}
		in.cache.stale = true
	}
	var capped uint64
	for i, c := range in.cols {
		capped += in.collectTotals(b, i, c)
	}
	in.collectCounts(b, capped)
	in.collectCuts(b)
	in.collectTruth(b)
	if in.cache.stale {
		// What describes a window is mostly copied from the samples that were made before; see description.
		cached := catalog.Batch{Samples: in.cache.before[:0]}
		if n := len(in.cache.samples); in.cache.lent {
			cached.Samples = make([]catalog.Sample, 0, n+n/64)
		}
		in.collectModel(&cached)
		for i, c := range in.cols {
			in.collectReference(&cached, c)
			for k := range in.windows {
				in.collectWindow(&cached, i, c, k)
			}
		}
		in.collectEvidence(&cached)
		in.collectPerformance(&cached)
		in.cache.before = in.cache.samples
		if in.cache.lent {
			in.cache.before = nil
		}
		in.cache.samples, in.cache.stale, in.cache.lent = cached.Samples, false, false
		in.cache.made++
	}
	if share {
		b.Shared = append(b.Shared, in.cache.samples)
		in.cache.lent = true
		return
	}
	b.Samples = append(b.Samples, in.cache.samples...)
}

// collectCounts appends what changes with every record. capped is how many values are "other" in columns that have
// used up their names.
func (in *Instance) collectCounts(b *catalog.Batch, capped uint64) {
	name := in.model.Name
	v := &in.versions
	if v.none > 0 || v.other == 0 && len(v.named) == 0 {
		b.Add(catalog.Records, float64(v.none), name, "")
	}
	if v.other > 0 {
		b.Add(catalog.Records, float64(v.other), name, nameOther)
	}
	for _, c := range v.named {
		if c.labels == nil {
			c.labels = []string{name, c.name}
		}
		b.Add(catalog.Records, float64(c.n), c.labels...)
	}
	if v.changed > 0 {
		b.Add(catalog.VersionChange, float64(v.changed)/1e9, name, v.current)
	}
	m := in.cache.model
	in.collectLines(b)
	if in.positives.last > 0 {
		b.Add(catalog.LastPositive, float64(in.positives.last)/1e9, m...)
	}
	b.Add(catalog.RecordsLate, float64(in.counts.late), m...)
	b.Add(catalog.RecordsFuture, float64(in.counts.future), m...)
	b.Add(catalog.RecordsUntimed, float64(in.counts.untimed), m...)
	for i, n := range in.counts.dropped {
		switch i {
		case limitFeature:
			n += in.plan.Overflow()
		case limitCategory:
			n += capped
		}
		b.Add(catalog.SeriesDropped, float64(n), name, limitNames[i])
	}
	if in.newest > 0 {
		b.Add(catalog.LastRecord, float64(in.newest)/1e9, m...)
		b.Add(catalog.LastArrival, float64(in.lastArrival)/1e9, m...)
	}
}

// collectTotals appends the counters of a column: what was folded and what stands in open panes, oldest first, so
// that a sum of floating-point numbers never goes back when a pane is folded.
func (in *Instance) collectTotals(b *catalog.Batch, i int, c *column) (capped uint64) {
	missing := c.total.missing
	for _, p := range in.panes.open {
		for r, n := range p.cols[i].Missing {
			missing[r] += n
		}
	}
	for r, n := range missing {
		b.Add(catalog.FeatureMissing, float64(n), c.labels.missing.at(r)...)
	}
	if c.lastGood > 0 {
		b.Add(catalog.LastGood, float64(c.lastGood)/1e9, c.labels.column...)
	}
	if c.base == nil {
		return 0
	}
	counts := append([]uint64(nil), c.total.hist...)
	sum := c.total.sum
	for _, p := range in.panes.open {
		addBuckets(c.base, counts, &p.cols[i])
		sum += p.cols[i].sum
	}
	if c.base.grid != nil {
		b.AddHistogram(catalog.FeatureValue, &catalog.HistogramValue{Bounds: c.base.grid.CoarseEdges(), Counts: counts, Sum: sum}, c.labels.column...)
		return 0
	}
	for k, n := range counts {
		b.Add(catalog.FeatureCategory, float64(n), c.labels.categories.at(k)...)
	}
	if len(c.base.categories) >= in.model.MaxCategories {
		return counts[len(counts)-1]
	}
	return 0
}

// state is learning while alarms open tickets only, young while the reference covers less than four weeks, and ready. A
// file without times was declared to be whole.
func (in *Instance) state() string {
	state := stateLearning
	for _, c := range in.cols {
		switch {
		case c.base == nil:
		case c.base.declared && c.base.until == 0 && c.season == nil:
			return stateReady
		case c.days() >= matureDays && (c.season == nil || !c.season.unstable):
			return stateReady
		case in.mayPage(&stream{col: c}):
			state = stateYoung
		}
	}
	return state
}

// collectModel appends what is known of the model as a whole.
func (in *Instance) collectModel(b *catalog.Batch) {
	m, name := in.cache.model, in.model.Name
	state := in.state()
	for _, s := range [...]string{stateLearning, stateYoung, stateReady} {
		b.Add(catalog.ModelState, boolValue(s == state), name, s)
	}
	b.Add(catalog.SilenceLimit, in.model.Silence.Seconds(), m...)
	b.Add(catalog.ColumnsFollowed, float64(len(in.cols)), m...)
	var rows uint64
	var until int64
	for _, c := range in.cols {
		if c.base != nil {
			rows, until = max(rows, c.base.records()), max(until, c.base.until)
		}
	}
	in.collectRebase(b)
	if in.clients != nil && in.clients.distinct > 0 { // an hour is over
		b.Add(catalog.Clients, in.clients.distinct, m...)
	}
	in.collectVersions(b)
	if in.wants(catalog.PositiveLimit) {
		if limit, ok := in.positiveLimit(); ok {
			b.Add(catalog.PositiveLimit, limit, m...)
		}
	}
	if in.volume != nil {
		if low, high, ok := in.volume.expected(in); ok {
			b.Add(catalog.VolumeExpected, low, name, "low")
			b.Add(catalog.VolumeExpected, high, name, "high")
		}
	}
	b.Add(catalog.ReferenceRows, float64(rows), m...)
	if until > 0 {
		b.Add(catalog.ReferenceTime, float64(until)/1e9, m...)
	}
	for _, w := range in.windows {
		b.Add(catalog.WindowRecords, float64(w.records), name, w.label)
	}
	var last *accepted
	for _, c := range in.cols {
		if c.accepted != nil && (last == nil || c.accepted.at > last.at) {
			last = c.accepted
		}
	}
	if last != nil {
		b.Add(catalog.ReferenceAccepted, float64(last.at)/1e9, name, last.author, last.reason)
	}
	b.Add(catalog.BudgetPages, in.model.Budget.allowed(), m...)
	b.Add(catalog.BudgetPeriod, in.model.Budget.Period.Seconds(), m...)
	spent := float64(len(in.evidence.pages))
	b.Add(catalog.BudgetSpent, spent, m...)
	b.Add(catalog.BudgetRemaining, max(0, in.model.Budget.allowed()-spent), m...)
}

// collectReference appends what the reference of a column says.
func (in *Instance) collectReference(b *catalog.Batch, c *column) {
	in.collectAppeared(b, c)
	if c.maxAge > 0 {
		b.Add(catalog.FeatureMaxAge, c.maxAge, c.labels.stale...)
	}
	if c.base == nil {
		return
	}
	ref := &c.base.ref
	b.Add(catalog.RefMissingShare, share(ref.MissingTotal(), ref.seen()), c.labels.column...)
	b.Add(catalog.RefRepeatShare, share(ref.Repeats, ref.N), c.labels.column...)
	if c.base.grid == nil {
		b.Add(catalog.UnseenExpected, c.expectedUnseen(), c.labels.column...)
		b.Add(catalog.Cardinality, in.cardinality(indexOf(in.cols, c)), c.labels.column...)
		if d := c.base.rare.distinct; d > 0 {
			b.Add(catalog.RefCardinality, float64(d), c.labels.column...)
		}
	}
	d := &c.reference
	from := len(b.Samples)
	if d.of == c.base && d.made > 0 && d.made == in.cache.made {
		b.Samples = append(b.Samples, in.cache.samples[d.from:d.to]...)
	} else {
		in.collectShape(b, c)
	}
	d.of, d.from, d.to, d.made = c.base, from, len(b.Samples), in.cache.made+1
}

// collectShape appends what is the same as long as the reference is: quantiles cost more than everything else that is published of it.
func (in *Instance) collectShape(b *catalog.Batch, c *column) {
	ref := &c.base.ref
	if c.base.grid == nil {
		for k, n := range ref.Fine {
			if !in.wants(catalog.RefCategoryShare) {
				break
			}
			b.Add(catalog.RefCategoryShare, share(n, ref.N), c.labels.categories.at(k)...)
		}
		return
	}
	for k, q := range quantiles {
		if !in.wants(catalog.RefQuantile) {
			break
		}
		b.Add(catalog.RefQuantile, c.base.grid.Quantile(ref.Fine, q), c.labels.quantiles.at(k)...)
	}
	if in.wants(catalog.RefMean) {
		b.Add(catalog.RefMean, ref.Mean(c.base.grid), c.labels.column...)
	}
	if in.wants(catalog.RefBinShare) {
		for k, n := range c.base.grid.HistCounts(ref.Fine) {
			b.Add(catalog.RefBinShare, share(n, ref.N), c.labels.bins.at(k)...)
		}
	}
}

// collectEvidence appends evidence and alarms.
func (in *Instance) collectEvidence(b *catalog.Batch) {
	name := in.model.Name
	ev := &in.evidence
	for _, cause := range causes {
		b.Add(catalog.Alarms, float64(ev.raised[cause]), name, cause)
	}
	if len(ev.streams) == 0 {
		return
	}
	b.Add(catalog.ModelEvidence, ev.ratio, name)
	in.collectContributions(b)
	in.collectShifts(b)
	for _, s := range ev.streams {
		if s.hidden() {
			continue
		}
		b.Add(catalog.EvidenceRatio, s.ratio, name, s.feature, s.cause, s.segment)
		in.collectAlarm(b, s)
	}
}

// addFinite leaves out what could not be computed: a series with NaN says less than none.
func addFinite(b *catalog.Batch, m *catalog.Metric, v float64, labels ...string) {
	if !math.IsNaN(v) && !math.IsInf(v, 0) {
		b.Add(m, v, labels...)
	}
}

func boolValue(v bool) float64 {
	if v {
		return 1
	}
	return 0
}
