package rules

import (
	"context"
	"maps"
	"math"
	"slices"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/util/annotations"
)

var (
	_ storage.Queryable = (*store)(nil)
	_ storage.Querier   = querier{}
	_ storage.Series    = view{}
)

// Querier implements storage.Queryable. The querier reads the live store: the caller holds Engine.mu until it is done.
func (st *store) Querier(mint, maxt int64) (storage.Querier, error) {
	return querier{st: st, mint: mint, maxt: maxt}, nil
}

type querier struct {
	st         *store
	mint, maxt int64
}

// Select implements storage.Querier.
func (q querier) Select(_ context.Context, sorted bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	mint, maxt, instant := q.mint, q.maxt, false
	if hints != nil {
		mint, maxt = hints.Start, hints.End
		instant = hints.Range == 0 && hints.Step == 0
	}
	var found []*series
	q.st.match(matchers, func(s *series) { found = append(found, s) })
	if sorted {
		sortSeries(found)
	}
	set := &seriesSet{views: make([]view, 0, len(found))}
	for _, s := range found {
		from, to := s.after(mint-1), s.after(maxt)
		if instant && to > from {
			from = to - 1 // one point in time is asked for: only the newest sample can answer
		}
		if to > from {
			set.views = append(set.views, view{s: s, from: from, to: to})
		}
	}
	return set
}

// LabelValues implements storage.LabelQuerier.
func (q querier) LabelValues(_ context.Context, name string, _ *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	values := map[string]struct{}{}
	q.st.match(matchers, func(s *series) {
		if v := s.lbls.Get(name); v != "" {
			values[v] = struct{}{}
		}
	})
	return slices.Sorted(maps.Keys(values)), nil, nil
}

// LabelNames implements storage.LabelQuerier.
func (q querier) LabelNames(_ context.Context, _ *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	names := map[string]struct{}{}
	q.st.match(matchers, func(s *series) {
		s.lbls.Range(func(l labels.Label) { names[l.Name] = struct{}{} })
	})
	return slices.Sorted(maps.Keys(names)), nil, nil
}

// Close implements storage.LabelQuerier.
func (q querier) Close() error { return nil }

// millis is a time in Unix milliseconds.
type millis = int64

// view is the part of a series that one query may see.
type view struct {
	s        *series
	from, to int
}

// Labels implements storage.Labels.
func (v view) Labels() labels.Labels { return v.s.lbls }

// Iterator implements storage.SampleIterable and reuses the iterator it is given when that is one of ours.
func (v view) Iterator(it chunkenc.Iterator) chunkenc.Iterator {
	if ours, ok := it.(*iterator); ok {
		*ours = iterator{view: v, i: v.from - 1}
		return ours
	}
	return &iterator{view: v, i: v.from - 1}
}

type seriesSet struct {
	views []view
	i     int
}

func (s *seriesSet) Next() bool                        { s.i++; return s.i <= len(s.views) }
func (s *seriesSet) At() storage.Series                { return s.views[s.i-1] }
func (s *seriesSet) Err() error                        { return nil }
func (s *seriesSet) Warnings() annotations.Annotations { return nil }

// iterator walks the samples of a view. The store holds plain numbers only, so the histogram methods have nothing to give.
type iterator struct {
	view
	i int
}

func (it *iterator) Next() chunkenc.ValueType {
	if it.i+1 >= it.to {
		it.i = it.to
		return chunkenc.ValNone
	}
	it.i++
	return chunkenc.ValFloat
}

// Seek implements chunkenc.Iterator; it has nothing to do with io.Seeker.
func (it *iterator) Seek(t millis) chunkenc.ValueType {
	if it.i < it.from {
		it.i = it.from
	}
	for it.i < it.to && it.s.at(it.i).t < t {
		if it.to-it.i > 16 { // far away: halve instead of walking
			it.i = max(it.i+1, it.s.after(t-1))
			continue
		}
		it.i++
	}
	if it.i >= it.to {
		it.i = it.to
		return chunkenc.ValNone
	}
	return chunkenc.ValFloat
}

func (it *iterator) At() (int64, float64) { x := it.s.at(it.i); return x.t, x.v }
func (it *iterator) AtT() int64           { return it.s.at(it.i).t }
func (it *iterator) AtST() int64          { return 0 }
func (it *iterator) Err() error           { return nil }

func (it *iterator) AtHistogram(*histogram.Histogram) (int64, *histogram.Histogram) {
	return 0, nil
}

func (it *iterator) AtFloatHistogram(*histogram.FloatHistogram) (int64, *histogram.FloatHistogram) {
	return 0, nil
}

func sameBits(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }
