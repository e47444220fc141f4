package monitor

import (
	"github.com/plumbline-ml/plumbline/detectors"
	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// collectWindow appends what a window says of a column. A window without records of the column says nothing: no data
// is not a share of zero.
func (in *Instance) collectWindow(b *catalog.Batch, i int, c *column, k int) {
	w, l := in.windows[k], &c.labels.windows[k]
	if i >= len(w.running) {
		return
	}
	h := &w.running[i]
	t := &h.rest // all but the counts
	seen := t.seen()
	if seen == 0 {
		return
	}
	b.Add(catalog.MissingShare, share(t.MissingTotal(), seen), l.column...)
	in.collectAges(b, i, c, w, l)
	if c.base == nil || t.N == 0 {
		return
	}
	b.Add(catalog.RepeatShare, share(t.Repeats, t.N), l.column...)
	if c.base.grid != nil {
		b.Add(catalog.OutOfRange, share(t.beyond, t.N), l.column...)
	}
	if c.base.grid == nil {
		b.Add(catalog.UnseenShare, share(h.count(h.bins()-1), t.N), l.column...)
	}
	in.description(b, i, c, k)
}

// described says where the samples are that describe a column over one window, and what the window was then.
type described struct {
	of       *baseline // for what is said of the reference only
	from, to int       // in the instance's cached samples
	made     uint64    // which of them; see collectCache
	newest   int64     // slot
	records  uint64
}

// description appends the samples that describe a column over a window: shape, distances, effect. They cost some
// twenty microseconds, which a replay of a month would spend a million times, so they are made anew when the window
// has moved by a slot or its records have changed by 2 %, and are otherwise those of the time before.
func (in *Instance) description(b *catalog.Batch, i int, c *column, k int) {
	w := in.windows[k]
	if len(c.described) < len(in.windows) {
		c.described = make([]described, len(in.windows))
	}
	d := &c.described[k]
	from := len(b.Samples)
	grown := max(d.records, w.records) - min(d.records, w.records)
	if d.made > 0 && d.made == in.cache.made && d.newest == w.newest && grown*50 < w.records {
		b.Samples = append(b.Samples, in.cache.samples[d.from:d.to]...)
	} else {
		in.describe(b, c, w.running[i].view(&w.scratch), &c.labels.windows[k], k == binWindow(in.windows))
		d.newest, d.records = w.newest, w.records
	}
	d.from, d.to, d.made = from, len(b.Samples), in.cache.made+1
}

func (in *Instance) describe(b *catalog.Batch, c *column, t *tally, l *windowLabels, bins bool) {
	grid := c.base.grid
	if grid != nil {
		if in.wants(catalog.FeatureQuantile) {
			for j, q := range quantiles {
				b.Add(catalog.FeatureQuantile, grid.Quantile(t.Fine, q), l.quantiles.at(j)...)
			}
		}
		b.Add(catalog.FeatureMean, t.Mean(grid), l.column...)
		if bins && in.wants(catalog.BinShare) {
			for j, n := range grid.HistCounts(t.Fine) {
				b.Add(catalog.BinShare, share(n, t.N), l.bins.at(j)...)
			}
		}
	} else if in.wants(catalog.CategoryShare) {
		for j, n := range t.Fine {
			b.Add(catalog.CategoryShare, share(n, t.N), l.categories.at(j)...)
		}
	}
	if t.N+t.MissingTotal() < in.model.MinRecords || !in.wants(catalog.DriftStatistic) && !in.wants(catalog.DriftEffect) {
		return
	}
	var d detectors.Description
	if grid != nil {
		if !in.wants(catalog.DriftStatistic) {
			addFinite(b, catalog.DriftEffect, grid.Quantile(t.Fine, .5)-grid.Quantile(c.base.ref.Fine, .5), l.column...)
			return
		}
		d = detectors.DescribeNumber(grid, &c.base.ref.NumberSummary, &t.NumberSummary)
		addFinite(b, catalog.DriftEffect, d.MedianShift, l.column...)
	} else {
		d = detectors.DescribeCategory(withMissing(&c.base.ref), withMissing(t))
		addFinite(b, catalog.DriftEffect, d.LargestShift, l.column...)
	}
	if in.wants(catalog.DriftStatistic) {
		for j, v := range statisticValues(&d) {
			addFinite(b, catalog.DriftStatistic, v, l.statistics.at(j)...)
		}
	}
}

// wants says whether anybody reads a metric; see EngineOptions.Metrics.
func (in *Instance) wants(m *catalog.Metric) bool { return in.metrics == nil || in.metrics[m] }

// withMissing appends the missing values as a category of their own.
func withMissing(t *tally) []uint64 {
	return append(append(make([]uint64, 0, len(t.Fine)+1), t.Fine...), t.MissingTotal())
}

// collectAges appends how old the column's values were.
func (in *Instance) collectAges(b *catalog.Batch, i int, c *column, w *window, l *windowLabels) {
	a := w.running[i].rest.ages
	if a == nil || a.n == 0 {
		return
	}
	if l.ages.flat == nil {
		l.ages = newLabelList(l.stale, ageQuantileTexts)
	}
	oldest, skew := w.ageExtremes(i)
	for k, q := range ageQuantiles {
		v := oldest
		if q < 1 {
			v = a.quantile(q, oldest)
		}
		b.Add(catalog.FeatureAge, v, l.ages.at(k)...)
	}
	b.Add(catalog.FeatureSkew, skew, l.stale...)
	if c.maxAge > 0 {
		b.Add(catalog.FeatureStaleShare, share(a.stale, a.n), l.stale...)
	}
}
