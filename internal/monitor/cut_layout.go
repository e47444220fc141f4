package monitor

import (
	"math"
	"slices"
)

// split cuts the values of a column in two, for a comparison of replicas.
type split struct {
	number bool
	above  float64 // numbers above it are hits
	bin    int32   // the category that is one
	what   string  // in words
}

func (s *split) hit(c *column) bool {
	if s.number {
		return c.value > s.above
	}
	return c.bin == s.bin
}

// newSplit cuts a number at its median, and takes the class one looks for, or the most frequent category, of the others.
func (in *Instance) newSplit(c *column) split {
	if c.base.grid == nil {
		at := 0
		if c.isLabel && len(c.base.categories) == 2 {
			at = in.preferred(c)
		} else if c.isLabel && in.model.Label.Positive != "" {
			at = max(0, slices.Index(c.base.categories, in.model.Label.Positive))
		}
		if at >= len(c.base.categories) {
			return split{bin: -1, what: "share of " + c.name}
		}
		return split{bin: int32(at), what: "share of " + c.base.categories[at]}
	}
	ref := c.base.ref.Fine
	total, below, best, at := c.base.ref.N, uint64(0), uint64(0), 1
	for i := range len(ref) - 1 {
		below += ref[i]
		if balance := min(below, total-below); balance > best {
			best, at = balance, i+1
		}
	}
	edge := math.Inf(1) // a grid of one bin
	if edges := c.base.grid.FineEdges(); len(edges) > 0 {
		edge = edges[at-1]
	}
	return split{number: true, above: edge, what: "share of " + c.name + " above " + formatNumber(edge)}
}

// layout decides what is counted in each part, from the columns that have a reference, and carries over what was counted.
func (c *cut) layout() {
	in := c.in
	cells := []cell{{kind: cellRecords}, {kind: cellMissing}}
	c.classAt, c.classes = len(cells), 0
	if l := in.label; l != nil && l.base != nil {
		c.classes = min(len(l.base.categories), maxPartClasses) + 1
		for i := range c.classes {
			cells = append(cells, cell{cellClass, l.id, i, l.base.hash})
		}
	}
	c.bucketAt, c.buckets = len(cells), 0
	if s := in.score; s != nil && s.base != nil && s.base.grid != nil {
		c.buckets = s.buckets()
		for i := range c.buckets {
			cells = append(cells, cell{cellHist, s.id, i, s.base.hash})
		}
	}
	c.factAt, c.facts = len(cells), 0
	if in.clients != nil && !c.replica {
		for _, x := range cells {
			if x.kind == cellClass || x.kind == cellHist && in.label == nil {
				x.kind = cellFact
				cells = append(cells, x)
				c.facts++
			}
		}
	}
	c.comparedAt, c.compared = len(cells), nil
	if c.replica {
		for _, col := range in.cols {
			if col.base == nil || len(c.compared) == maxComparedColumns {
				continue
			}
			c.compared = append(c.compared, col)
			col.split = in.newSplit(col)
			cells = append(cells, cell{cellSeen, col.id, 0, col.base.hash}, cell{cellHit, col.id, 0, col.base.hash})
		}
	}
	if slices.Equal(cells, c.cells) {
		return
	}
	old := c.cells
	c.cells = cells
	c.suspect()
	c.relay(&c.total, old)
	c.relay(&c.bucket, old)
	for _, p := range in.panes.open {
		if c.number < len(p.cuts) {
			c.relay(&p.cuts[c.number], old)
		}
	}
	for _, p := range in.panes.free {
		if c.number < len(p.cuts) {
			p.cuts[c.number] = c.newTally()
		}
	}
	for _, p := range c.parts {
		p.labels = partLabels{}
		if p.stream != nil {
			p.stream.detectors[0].(partDetector).relayout()
		}
	}
	for n := c.limit(); c.named() > n; {
		p := c.rarest()
		if p == nil {
			break
		}
		c.release(p)
	}
	c.dirty, in.cache.stale = true, true
}

// relay moves the counts of a tally to the places that the cells have now.
func (c *cut) relay(t *cutTally, old []cell) {
	next := c.newTally()
	for i, x := range c.cells {
		at := slices.Index(old, x)
		if at < 0 {
			continue
		}
		for p := range c.parts {
			if from := p*len(old) + at; from < len(t.n) {
				next.n[p*len(c.cells)+i] = t.n[from]
			}
		}
	}
	copy(next.sums, t.sums)
	*t = next
}

// series is how many series one part publishes at the most.
func (c *cut) series() int {
	n := 4 // records, missing, evidence and alarm
	for _, x := range c.cells {
		switch x.kind {
		case cellClass:
			n++
		case cellHist:
			n++
		}
	}
	if slices.ContainsFunc(c.cells, func(x cell) bool { return x.kind == cellHist }) {
		n += 2 // sum and count
	}
	return n
}

// modelSeries is what the cuts of a model publish besides: their distinct values and the state of the budget.
const modelSeries = 2

// limit is how many parts may be named, so that all cuts together stay within max_series: each has an equal share.
func (c *cut) limit() int {
	share := c.in.model.MaxSeries / max(len(c.in.cuts), 1)
	return max(0, min(len(c.parts)-firstPlace, (share-modelSeries)/c.series()-firstPlace))
}

func (c *cut) named() int {
	n := 0
	for _, p := range c.parts[firstPlace:] {
		if p.name != "" {
			n++
		}
	}
	return n
}

// layoutCuts follows a change of the columns.
func (in *Instance) layoutCuts() {
	for _, c := range in.cuts {
		c.layout()
	}
}

// growCuts gives a pane its tallies.
func (in *Instance) growCuts(p *pane) {
	for len(p.cuts) < len(in.cuts) {
		p.cuts = append(p.cuts, in.cuts[len(p.cuts)].newTally())
	}
}
