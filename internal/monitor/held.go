package monitor

import (
	"math"
	"math/bits"

	"github.com/plumbline-ml/plumbline/detectors"
)

// held is a tally that a window keeps for hours: its counts take four bytes each until they might not fit, which is
// when more than 4,294,967,295 values were counted. There are six of them for each column, and the counts are most of what
// they hold.
type held struct {
	rest   tally    // all of it, but for Fine while narrow is there
	narrow []uint32 // instead of rest.Fine
	grid   *detectors.Grid
}

// newHeld is an empty one for a column.
func newHeld(c *column) held {
	h := held{grid: c.grid()}
	if n := c.bins(); n > 0 {
		h.narrow = make([]uint32, n)
	}
	if c.ageSlot >= 0 {
		h.rest.ages = &ageTally{}
	}
	return h
}

// bins is how many counts there are.
func (h *held) bins() int { return max(len(h.narrow), len(h.rest.Fine)) }

// count is one of them.
func (h *held) count(bin int) uint64 {
	if h.narrow != nil {
		return uint64(h.narrow[bin])
	}
	return h.rest.Fine[bin]
}

// empty is that of the tally.
func (h *held) empty() bool { return h.rest.empty() }

// add merges a tally.
func (h *held) add(t *tally) {
	if n := t.bins(); h.bins() == 0 && n > 0 {
		h.narrow = make([]uint32, n)
	}
	if h.narrow == nil {
		h.rest.add(t)
		return
	}
	if h.rest.N+t.N > math.MaxUint32 { // no count is larger than their sum
		h.widen()
		h.rest.add(t)
		return
	}
	if t.tracks {
		for w, word := range t.touched {
			for ; word != 0; word &= word - 1 {
				i := w<<6 | bits.TrailingZeros64(word)
				h.narrow[i] += uint32(t.count(i))
			}
		}
	} else {
		for i, c := range t.Fine {
			h.narrow[i] += uint32(c)
		}
	}
	h.rest.addRest(t)
}

// sub takes away what add added before.
func (h *held) sub(t *tally) {
	if h.narrow == nil {
		h.rest.sub(t)
		return
	}
	for i, c := range t.Fine {
		h.narrow[i] -= uint32(c)
	}
	h.subRest(t)
}

// widen gives each count eight bytes.
func (h *held) widen() {
	h.rest.Fine = widened(h.narrow, make([]uint64, len(h.narrow)))
	h.narrow = nil
}

// reset empties it and keeps its memory.
func (h *held) reset() {
	clear(h.narrow)
	h.rest.reset()
}

// grow gives it room for the bins of a column that has just learned its reference.
func (h *held) grow(c *column) {
	h.grid = c.grid()
	n := c.bins()
	if h.bins() == n {
		return
	}
	h.rest.Fine, h.narrow = nil, make([]uint32, n)
	h.rest.N, h.rest.Dev, h.rest.DevSq, h.rest.Wide, h.rest.beyond = 0, 0, 0, [detectors.NumWide]float64{}, 0
}

// view copies it into a tally, whose memory is used again.
func (h *held) view(t *tally) *tally {
	fine, ages := t.Fine, t.ages
	*t = h.rest
	if cap(fine) < h.bins() {
		fine = make([]uint64, h.bins())
	}
	fine = fine[:h.bins()]
	copy(fine, h.rest.Fine)
	widened(h.narrow, fine)
	t.Fine, t.ages = fine, nil
	if h.rest.ages != nil {
		if ages == nil {
			ages = &ageTally{}
		}
		*ages = *h.rest.ages
		t.ages = ages
	}
	return t
}
