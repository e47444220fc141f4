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
	t := &w.running[i]
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
	var d detectors.Description
	if c.base.grid != nil {
		for j, q := range quantiles {
			b.Add(catalog.FeatureQuantile, c.base.grid.Quantile(t.Fine, q), l.quantiles[j]...)
		}
		b.Add(catalog.FeatureMean, t.Mean(c.base.grid), l.column...)
		for j, n := range c.base.grid.HistCounts(t.Fine) {
			b.Add(catalog.BinShare, share(n, t.N), l.bins[j]...)
		}
		if seen < in.model.MinRecords {
			return
		}
		d = c.describe(w, k, func() detectors.Description {
			return detectors.DescribeNumber(c.base.grid, &c.base.ref.NumberSummary, &t.NumberSummary)
		})
		addFinite(b, catalog.DriftEffect, d.MedianShift, l.column...)
	} else {
		for j, n := range t.Fine {
			b.Add(catalog.CategoryShare, share(n, t.N), l.categories[j]...)
		}
		b.Add(catalog.UnseenShare, share(t.Fine[len(t.Fine)-1], t.N), l.column...)
		if seen < in.model.MinRecords {
			return
		}
		d = c.describe(w, k, func() detectors.Description {
			return detectors.DescribeCategory(withMissing(&c.base.ref), withMissing(t))
		})
		addFinite(b, catalog.DriftEffect, d.LargestShift, l.column...)
	}
	for j, v := range statisticValues(&d) {
		addFinite(b, catalog.DriftStatistic, v, l.statistics[j]...)
	}
}

// described is the description of a column over one window, and what the window was then.
type described struct {
	d       detectors.Description
	newest  int64 // slot
	records uint64
	valid   bool
}

// describe returns the description of a window. Distances cost some ten microseconds a column, which a replay of a
// month would spend a million times, so they are computed anew when the window has moved by a slot or its records
// have changed by 2 %.
func (c *column) describe(w *window, k int, compute func() detectors.Description) detectors.Description {
	for len(c.described) <= k {
		c.described = append(c.described, described{})
	}
	old := &c.described[k]
	grown := max(old.records, w.records) - min(old.records, w.records)
	if !old.valid || old.newest != w.newest || grown*50 >= w.records {
		*old = described{d: compute(), newest: w.newest, records: w.records, valid: true}
	}
	return old.d
}

// withMissing appends the missing values as a category of their own.
func withMissing(t *tally) []uint64 {
	return append(append(make([]uint64, 0, len(t.Fine)+1), t.Fine...), t.MissingTotal())
}

// collectAges appends how old the column's values were.
func (in *Instance) collectAges(b *catalog.Batch, i int, c *column, w *window, l *windowLabels) {
	a := w.running[i].ages
	if a == nil || a.n == 0 {
		return
	}
	oldest, skew := w.ageExtremes(i)
	for k, q := range ageQuantiles {
		v := oldest
		if q < 1 {
			v = a.quantile(q, oldest)
		}
		b.Add(catalog.FeatureAge, v, l.ages[k]...)
	}
	b.Add(catalog.FeatureSkew, skew, l.stale...)
	if c.maxAge > 0 {
		b.Add(catalog.FeatureStaleShare, share(a.stale, a.n), l.stale...)
	}
}
