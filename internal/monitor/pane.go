package monitor

import (
	"slices"

	"github.com/plumbline-ml/plumbline/detectors/sequential"
)

// pane holds the counts of the shortest interval that is summarised.
type pane struct {
	index      int64 // event time divided by the length of a pane
	cols       []tally
	sums       sequential.Sums     // of the score, when it is a probability
	bets       sequential.MeanBets // that the sums are made with
	betting    bool                // whether bets were chosen
	cuts       []cutTally          // beside the instance's cuts
	truth      truthTally          // empty without a truth
	facts      []factRow           // beside the instance's columns; empty without fields.client, see clients
	factSums   *sequential.Sums    // of the score's facts, made with the same bets; nil likewise
	records    uint64
	unreadable uint64 // lines of the log; see unreadable
	touched    bool   // since the last commit
	late       bool   // its bucket was closed before the pane was opened
}

// grow gives the pane a tally for every column.
func (p *pane) grow(cols []*column) {
	p.cols = slices.Grow(p.cols, max(0, len(cols)-len(p.cols)))
	for i := len(p.cols); i < len(cols); i++ {
		p.cols = append(p.cols, newTally(cols[i]))
		p.cols[i].track()
	}
	for i := range p.cols {
		if cols[i].batch != nil { // a new one, or one from before the column had learned, or with more values than ever
			p.cols[i].slim()
		}
	}
}

func newTally(c *column) tally {
	t := tally{}
	if n := c.bins(); n > 0 {
		t.Fine = make([]uint64, n)
	}
	if c.ageSlot >= 0 {
		t.ages = &ageTally{}
	}
	return t
}

// panes are the open panes of an instance, oldest first. There are few, so they are searched from the newest.
type panes struct {
	open []*pane
	free []*pane // emptied ones, to be used again
	last *pane   // the one that the previous record went into

	opened int // since the last tick, for trim
	burst  int // since Instance.Advance was called last
}

// maxFreePanes bounds what is kept for use again while a log is caught up on. Afterwards none is, see trim: it would be a fifth
// of what panes take, to be used once in ten seconds.
const maxFreePanes = 8

// trim gives back emptied panes when panes are opened one at a time again.
func (ps *panes) trim() {
	if ps.opened < 2 {
		clear(ps.free)
		ps.free = ps.free[:0]
	}
	ps.opened = 0
}

// find returns the pane with that index, and opens it when there is none.
func (ps *panes) find(index int64, cols []*column) *pane {
	at := len(ps.open)
	for at > 0 && ps.open[at-1].index >= index {
		if ps.open[at-1].index == index {
			ps.last = ps.open[at-1]
			return ps.last
		}
		at--
	}
	var p *pane
	if n := len(ps.free); n > 0 {
		p, ps.free = ps.free[n-1], ps.free[:n-1]
	} else {
		p = &pane{}
	}
	p.index = index
	ps.opened++
	ps.burst++
	p.grow(cols)
	ps.open = slices.Insert(ps.open, at, p)
	ps.last = p
	return p
}

// release empties the oldest pane and takes it out.
func (ps *panes) release() {
	p := ps.open[0]
	ps.open = slices.Delete(ps.open, 0, 1)
	if ps.last == p {
		ps.last = nil
	}
	for i := range p.cols {
		p.cols[i].reset()
	}
	for i := range p.cuts {
		p.cuts[i].reset()
	}
	p.truth.reset()
	for _, row := range p.facts {
		clear(row)
	}
	p.resetSums()
	p.records, p.unreadable, p.touched, p.late = 0, 0, false, false
	if len(ps.free) < maxFreePanes {
		ps.free = append(ps.free, p)
	}
}

// resetSums forgets the sums of the score, which belong to the bets that they were made with.
func (p *pane) resetSums() {
	p.sums.Reset()
	if p.factSums != nil {
		p.factSums.Reset()
	}
	p.betting = false
}
