package monitor

import (
	"strconv"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// partLabels are the label values of a part's series, made once.
type partLabels struct {
	part    []string   // model, by, segment
	classes [][]string // and class
}

// collectCuts appends the counters of every part: what was folded and what stands in open panes, oldest first. All of them
// together stay within max_series, evidence and alarms included.
func (in *Instance) collectCuts(b *catalog.Batch) {
	if len(in.cuts) == 0 {
		return
	}
	series := 0
	for _, c := range in.cuts {
		series += c.collect(b)
	}
	name := in.model.Name
	b.Add(catalog.SegmentSeries, float64(series), name)
	b.Add(catalog.SegmentSeriesLimit, float64(in.model.MaxSeries), name)
}

func (c *cut) collect(b *catalog.Batch) (series int) {
	name := c.in.model.Name
	w := len(c.cells)
	row := make([]uint64, w)
	for i, p := range c.parts {
		if p.name == "" {
			continue
		}
		copy(row, c.total.n[i*w:][:w])
		sum := c.total.sums[i]
		for _, pane := range c.in.panes.open {
			t := &pane.cuts[c.number]
			for k, n := range t.n[i*w:][:w] {
				row[k] += n
			}
			sum += t.sums[i]
		}
		if p.labels.part == nil {
			c.makeLabels(p)
		}
		l := &p.labels
		b.Add(catalog.SegmentRecords, float64(row[0]), l.part...)
		b.Add(catalog.SegmentMissing, float64(row[1]), l.part...)
		for k := range c.classes {
			b.Add(catalog.SegmentClass, float64(row[c.classAt+k]), l.classes[k]...)
		}
		if c.buckets > 0 {
			counts := append([]uint64(nil), row[c.bucketAt:][:c.buckets]...)
			b.AddHistogram(catalog.SegmentScore, &catalog.HistogramValue{Bounds: c.in.score.base.grid.CoarseEdges(), Counts: counts, Sum: sum}, l.part...)
		}
		series += c.series()
	}
	if c.open && !c.replica {
		b.Add(catalog.SegmentDistinct, c.distinctValues(), name, c.by)
		series++
	}
	return series
}

// distinctValues is about how many different values the field has had: those with a name, which were counted by hash before
// they got it, or stand in the model file.
func (c *cut) distinctValues() float64 {
	n := c.distinct.Estimate()
	for _, p := range c.parts[firstPlace:] {
		if p.fixed && c.total.n[p.number*len(c.cells)] > 0 {
			n++
		}
	}
	return float64(int64(n + .5))
}

func (c *cut) makeLabels(p *piece) {
	name := c.in.model.Name
	p.labels.part = []string{name, c.by, p.segment}
	for k := range c.classes {
		class := nameOther
		if categories := c.in.label.base.categories; k < c.classes-1 {
			class = categories[k]
		}
		p.labels.classes = append(p.labels.classes, []string{name, c.by, p.segment, class})
	}
}

// hidden says whether a stream is not published: its place has no name.
func (s *stream) hidden() bool { return s.part != nil && s.part.name == "" }

// tag names a place inside the state.
func (c *cut) tag() string { return "cut/" + strconv.Itoa(c.number) }
