package monitor

import (
	"time"

	"github.com/plumbline-ml/plumbline/internal/parse"
)

const (
	// kindSample is how many usable values decide whether a column holds numbers or categories.
	kindSample = 100
	// rollRecords is how many records at least go into a base before it is written.
	rollRecords = 1000
	// maxLearnedNames bounds the different categories that are told apart while a column learns.
	maxLearnedNames = 10000
)

// learner collects the reference of one column from the records as they come.
type learner struct {
	spec     ReferenceConfig
	records  uint64 // in which the column was looked at
	from     int64  // event time of the first and the newest of them
	until    int64
	usable   uint64 // values seen while the kind was open
	numbers  uint64 // of them, numbers
	missing  [numMissing]uint64
	repeats  uint64
	settles  bool // it is done when the bins are good enough
	number   *numberSample
	category *categorySample
	least    uint64 // how often a value must have been seen to be kept as it is in state
	rolled   bool   // the base of the samples was written into anew since the last commit
	base     uint64 // records that are in the base
}

func newLearner(c *column, m *Model) *learner {
	l := &learner{spec: m.Reference.of(), least: m.MinCategoryCount}
	// The bins settle after a day, if that brings enough values; the rest is learned in them.
	l.settles = l.spec.grows()
	l.start(c.kind)
	return l
}

func (l *learner) start(kind Kind) {
	if kind != KindCategory && l.number == nil {
		l.number = &numberSample{}
	}
	if kind == KindCategory || kind == KindAuto {
		if l.category == nil {
			l.category = &categorySample{}
		}
	}
}

// observe counts one value of a column that learns.
func (l *learner) observe(c *column, t *tally, v *parse.Value, event int64) {
	number := v.Kind == parse.Number
	if c.kind == KindNumber {
		number = number || v.Kind == parse.Bool
		if !number {
			reason := missingNumber(v.Kind)
			t.Missing[reason]++
			if l.wants(event) {
				l.missing[reason]++
			}
			return
		}
	}
	name, reason := c.category(v)
	if name == nil && !number {
		t.Missing[reason]++
		if l.wants(event) {
			l.missing[reason]++
		}
		return
	}
	t.unbinned++
	var h uint32
	if c.kind == KindNumber || c.kind == KindAuto && number {
		h = hashNumber(v.Num)
	} else {
		h = hashBytes(name)
	}
	repeat := c.hasLast && c.last == h
	c.last, c.hasLast = h, true
	if c.ageSlot < 0 {
		c.lastGood = max(c.lastGood, event)
	}
	if !l.wants(event) {
		return
	}
	if repeat {
		l.repeats++
	}
	if c.kind != KindCategory && number {
		l.number.add(v.Num)
	}
	if c.kind != KindNumber {
		l.category.add(name)
	}
	if c.kind == KindAuto {
		l.usable++
		if number {
			l.numbers++
		}
		if l.usable >= kindSample {
			l.decide(c)
		}
	}
}

// decide settles the kind: a number if every usable value was one.
func (l *learner) decide(c *column) {
	if l.numbers == l.usable {
		c.kind, l.category = KindNumber, nil
	} else {
		c.kind, l.number = KindCategory, nil
	}
}

// wants says whether a record of that time belongs to the reference.
func (l *learner) wants(event int64) bool {
	if l.spec.excludes(event) {
		return false
	}
	if !l.spec.From.IsZero() && event < l.spec.From.UnixNano() || !l.spec.Until.IsZero() && event >= l.spec.Until.UnixNano() {
		return false
	}
	return true
}

// count notes that a record was looked at. It is called once a record, after observe.
func (l *learner) count(event int64) {
	if !l.wants(event) {
		return
	}
	if l.records == 0 {
		l.from, l.until = event, event
	}
	l.from, l.until = min(l.from, event), max(l.until, event)
	l.records++
	if l.records-l.base >= max(rollRecords, l.base/4) {
		l.roll()
	}
}

// roll moves what was sampled since the last roll into the base. That the base is written a logarithmic number of times
// keeps the disk from being written with the whole sample every second.
func (l *learner) roll() {
	l.base, l.rolled = l.records, true
	if l.number != nil {
		l.number.roll()
	}
	if l.category != nil {
		l.category.roll()
	}
}

// done says whether the column has learned enough when a record of that time has come.
func (l *learner) done(event int64) bool {
	if l.records == 0 {
		return false
	}
	if l.settles && l.records >= settleRecords && event-l.from >= int64(settle) {
		return true
	}
	return l.spec.over(l.from, event, l.records)
}

// baseline makes the column's reference, or nil when it has not seen one usable value.
func (l *learner) baseline(c *column, m *Model) *baseline {
	if c.kind == KindAuto {
		if l.usable == 0 {
			return nil
		}
		l.decide(c)
	}
	ref := tally{}
	ref.Missing, ref.Repeats = l.missing, l.repeats
	var b *baseline
	if c.kind == KindNumber {
		grid, fine, err := l.number.grid()
		if err != nil {
			return nil
		}
		ref.NumberSummary = *fine
		ref.Missing, ref.Repeats = l.missing, l.repeats
		b = newNumberBaseline(grid, ref)
	} else {
		if l.category.n == 0 {
			return nil
		}
		allowed := c.allowed(m)
		names, rest := l.category.names(m.MinCategoryCount, allowed)
		b = newCategoryBaseline(names, rest, allowed, 0, m.MaxCategories, ref)
		upTo, next := l.category.rare(m.MinCategoryCount)
		b.rare = rareCounts{m.MinCategoryCount, upTo, next, uint64(len(l.category.known))}
	}
	b.ref.pairs = c.pairs
	b.from, b.until = l.from, l.until
	return b
}

// allowed lists the categories that may always be named.
func (c *column) allowed(m *Model) []string {
	switch {
	case c.isLabel && m.Label.Positive != "":
		return []string{m.Label.Positive}
	case c.config != nil:
		return c.config.Categories
	default:
		return nil
	}
}

// learnStep lets columns that have learned enough begin to watch.
func (in *Instance) learnStep(event int64) {
	still := false
	for _, c := range in.cols {
		if c.learn == nil {
			continue
		}
		c.learn.count(event)
		if !c.learn.done(event) {
			still = true
			continue
		}
		b := c.learn.baseline(c, in.model)
		if b == nil {
			still = true
			continue
		}
		b.whole = c.learn.spec.over(c.learn.from, event, c.learn.records)
		in.learned(c, b)
		in.announce(c, b)
	}
	in.evidence.learning = still
}

// learned gives a column its reference and room for its bins everywhere.
func (in *Instance) learned(c *column, b *baseline) {
	i := indexOf(in.cols, c)
	if c.slot >= 0 {
		in.plan.SetNumeric(c.slot, b.kind == KindNumber)
	}
	if c.learn != nil {
		in.dirty.learned = append(in.dirty.learned, c.id)
	}
	c.ready(b)
	if g := in.newGrowth(c, b); g != nil {
		c.grow, c.growing = g, &tally{}
		counts, m := c.referenceCounts()
		c.season = in.flatSeason(c, &counts, m, float64(b.until-b.from)/float64(24*time.Hour)).pack()
		c.seasonDirty = true
	}
	n := c.bins()
	for _, p := range in.panes.open {
		p.cols[i].grow(n)
	}
	for _, p := range in.panes.free {
		if i < len(p.cols) {
			p.cols[i].grow(n)
		}
	}
	for _, w := range in.windows {
		if i < len(w.running) {
			w.running[i].grow(c)
		}
		if s := w.at(w.newest); w.started && s.open && i < len(s.cols) {
			s.cols[i].grow(c)
		}
	}
	if c.grow == nil {
		c.watched = true
		in.addStreams(c)
	}
	in.layoutCuts()
	in.reseason()
	c.makeLabels(in.model, in.windows)
	in.dirty.columns, in.cache.stale = true, true
}

// announce logs that a column has begun to watch.
func (in *Instance) announce(c *column, b *baseline) {
	in.log.Info("a column has learned what is normal", "column", c.name, "kind", string(c.kind), "records", b.records(),
		"from", time.Unix(0, b.from).UTC(), "until", time.Unix(0, b.until).UTC())
}
