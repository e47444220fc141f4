package monitor

import (
	"math"

	"github.com/plumbline-ml/plumbline/detectors"
)

// batch holds numbers of one column that were observed and not yet counted. They all belong to the pane that the last
// record went into, and are counted in the order in which they came: what comes out is the same to the last bit.
//
// Who reads or closes panes, columns or their state must call Instance.settle before.
type batch struct {
	n       int
	numbers [detectors.AddBatch]float64
}

// add notes a number. It says whether there is no room for more: what has gathered must be counted then.
func (c *column) add(x float64, event int64) bool {
	b := c.batch
	b.numbers[b.n&(detectors.AddBatch-1)] = x
	b.n++
	c.present, c.value = true, x
	if c.ageSlot < 0 && event > c.lastGood {
		c.lastGood = event
	}
	return b.n == detectors.AddBatch
}

// settle counts the numbers that have gathered.
func (c *column) settle(t *tally) {
	xs := c.batch.numbers[:c.batch.n]
	c.batch.n = 0
	if t.narrow != nil && t.N+uint64(len(xs)) > math.MaxUint32 {
		t.widen()
	}
	if t.narrow != nil {
		t.AddAllTo(t.narrow, c.base.grid, xs, &t.touched)
	} else {
		t.AddAll(c.base.grid, xs, &t.touched)
	}
	sum, repeats, beyond, last := t.sum, uint64(0), uint64(0), c.last
	low, high := c.low, c.high
	if !c.hasLast {
		last = hashNumber(xs[0]) + 1
	}
	for _, x := range xs {
		sum += x
		h := hashNumber(x)
		if h == last {
			repeats++
		}
		last = h
		if x < low || x > high {
			beyond++
		}
	}
	t.sum = sum
	t.beyond += beyond
	t.Repeats += repeats
	c.last, c.hasLast = last, true
}

// settle counts what has gathered in all columns.
func (in *Instance) settle() {
	p := in.panes.last
	if p == nil {
		return
	}
	for i, c := range in.cols {
		if c.batch != nil && c.batch.n > 0 {
			c.settle(&p.cols[i])
		}
	}
}
