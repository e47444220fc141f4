package monitor

import (
	"math"
	"math/bits"

	"github.com/plumbline-ml/plumbline/detectors"
)

// What a tally in state holds beside its counts.
const (
	tallyAges   = 1
	tallyPairs  = 2
	tallyBeyond = 4
)

// numMissing is the number of reasons why a value is missing.
const numMissing = int(detectors.NumMissingReasons)

// tally is what is counted of one column over one interval: a pane, a slot of a window, a whole window.
// For a number Fine are the grid's fine bins; for a category they are the named categories with "other" last; while
// the column learns there are none.
type tally struct {
	detectors.NumberSummary
	sum      float64   // plain sum of the values, for the histogram
	beyond   uint64    // numbers below the lowest or above the highest of the reference
	unbinned uint64    // usable values that were counted while the column learned and had no bins
	ages     *ageTally // nil without updated_at
	pairs    pairs     // of one entity

	// A pane of a quiet model holds few values: touched says in which of the first 256 bins, so that folding it does
	// not visit the others. It is kept by those tallies only that were told to track.
	tracks  bool
	touched [4]uint64

	// A pane of a number that tracks holds its counts here instead of in Fine while there are less than 2^32 values; see settle.
	narrow []uint32
}

// bins is how many counts there are, and count is one of them.
func (t *tally) bins() int { return max(len(t.narrow), len(t.Fine)) }

func (t *tally) count(bin int) uint64 {
	if t.narrow != nil {
		return uint64(t.narrow[bin])
	}
	return t.Fine[bin]
}

// slim makes a tally that tracks keep its counts in four bytes each, if they fit.
func (t *tally) slim() {
	if !t.tracks || len(t.Fine) == 0 || t.N > math.MaxUint32 {
		return
	}
	t.narrow = make([]uint32, len(t.Fine))
	for i, c := range t.Fine {
		t.narrow[i] = uint32(c)
	}
	t.Fine = nil
}

// widen undoes slim.
func (t *tally) widen() {
	if t.narrow != nil {
		t.Fine = widened(t.narrow, make([]uint64, len(t.narrow)))
		t.narrow = nil
	}
}

func widened(from []uint32, to []uint64) []uint64 {
	for i, c := range from {
		to[i] = uint64(c)
	}
	return to
}

// touch notes a bin.
func (t *tally) touch(bin int) { t.touched[bin>>6&3] |= 1 << (bin & 63) }

// track makes a tally keep touched; it must not be used for more than 256 bins.
func (t *tally) track() {
	n := t.bins()
	t.tracks, t.touched = n <= 256, [4]uint64{}
	if !t.tracks {
		return
	}
	for i := range n {
		if t.count(i) != 0 {
			t.touch(i)
		}
	}
}

// add merges o into a tally that is not narrow. Interval tallies of one column differ only in that older ones may have been made while the column
// learned and then have no bins.
func (t *tally) add(o *tally) {
	if n := o.bins(); len(t.Fine) == 0 && n > 0 {
		t.Fine = make([]uint64, n)
	}
	if o.tracks {
		for w, word := range o.touched {
			for ; word != 0; word &= word - 1 {
				i := w<<6 | bits.TrailingZeros64(word)
				t.Fine[i] += o.count(i)
			}
		}
	} else {
		for i, c := range o.Fine {
			t.Fine[i] += c
		}
	}
	t.addRest(o)
}

// addRest merges all but the counts in bins.
func (t *tally) addRest(o *tally) {
	t.N += o.N
	t.Dev += o.Dev
	t.DevSq += o.DevSq
	for i, v := range o.Wide {
		t.Wide[i] += v
	}
	for i, m := range o.Missing {
		t.Missing[i] += m
	}
	t.Repeats += o.Repeats
	t.sum += o.sum
	t.beyond += o.beyond
	t.unbinned += o.unbinned
	t.pairs.same += o.pairs.same
	t.pairs.compared += o.pairs.compared
	if o.ages != nil {
		if t.ages == nil {
			t.ages = &ageTally{}
		}
		t.ages.add(o.ages)
	}
}

// sub takes away what add added before. Counts and the rounded sums come out exactly; the plain sum and the
// oldest age do not and are not read from a tally that was subtracted from.
func (t *tally) sub(o *tally) {
	for i, c := range o.Fine {
		t.Fine[i] -= c
	}
	t.subRest(o)
}

// subRest takes away all but the counts in bins.
func (t *tally) subRest(o *tally) {
	t.N -= o.N
	t.Dev -= o.Dev
	t.DevSq -= o.DevSq
	for i, v := range o.Wide {
		t.Wide[i] -= v
	}
	for i, m := range o.Missing {
		t.Missing[i] -= m
	}
	t.Repeats -= o.Repeats
	t.sum -= o.sum
	t.beyond -= o.beyond
	t.unbinned -= o.unbinned
	t.pairs.same -= o.pairs.same
	t.pairs.compared -= o.pairs.compared
	if t.ages != nil && o.ages != nil {
		t.ages.sub(o.ages)
	}
}

// reset empties the tally and keeps its memory.
func (t *tally) reset() {
	ages := t.ages
	if t.tracks {
		fine := t.Fine
		for w, word := range t.touched {
			for ; word != 0; word &= word - 1 {
				i := w<<6 | bits.TrailingZeros64(word)
				if t.narrow != nil {
					t.narrow[i] = 0
				} else {
					fine[i] = 0
				}
			}
		}
		t.NumberSummary, t.touched = detectors.NumberSummary{Fine: fine}, [4]uint64{}
	} else {
		t.NumberSummary.Reset()
	}
	t.sum, t.beyond, t.unbinned, t.pairs = 0, 0, 0, pairs{}
	if ages != nil {
		ages.reset()
	}
}

// empty says whether nothing was counted.
func (t *tally) empty() bool { return t.seen() == 0 }

// seen is how many records the column was looked at in.
func (t *tally) seen() uint64 { return t.N + t.unbinned + t.MissingTotal() }

// grow gives the tally room for n bins when the column has just learned its reference.
func (t *tally) grow(n int) {
	if t.bins() != n {
		t.Fine, t.narrow = make([]uint64, n), nil
		t.N, t.Dev, t.DevSq, t.Wide, t.beyond = 0, 0, 0, [detectors.NumWide]float64{}, 0
		if t.tracks {
			t.track()
		}
	}
}

func (t *tally) encode(e *encoder) {
	if t.narrow != nil {
		var fine [detectors.MaxFineBins]uint64
		e.counts(widened(t.narrow, fine[:len(t.narrow)]))
	} else {
		e.counts(t.Fine)
	}
	e.float(t.Dev)
	e.float(t.DevSq)
	wide := 0
	for i, v := range t.Wide {
		if v != 0 {
			wide = i + 1
		}
	}
	e.uint(uint64(wide))
	for _, v := range t.Wide[:wide] {
		e.float(v)
	}
	for _, m := range t.Missing {
		e.uint(m)
	}
	e.uint(t.Repeats)
	e.float(t.sum)
	e.uint(t.unbinned)
	// One byte of flags: before there were pairs it was a truth value, and reads as it did.
	flags := byte(b2i(t.ages != nil))
	if t.pairs.compared > 0 {
		flags |= tallyPairs
	}
	if t.beyond > 0 {
		flags |= tallyBeyond
	}
	e.buf = append(e.buf, flags)
	if t.ages != nil {
		t.ages.encode(e)
	}
	if t.pairs.compared > 0 {
		e.uint(t.pairs.same)
		e.uint(t.pairs.compared)
	}
	if t.beyond > 0 {
		e.uint(t.beyond)
	}
}

// decode reads what encode wrote into a fresh tally; N is the sum of the counts.
func (t *tally) decode(d *stateDecoder) {
	t.Fine = d.counts(t.Fine[:0], detectors.MaxFineBins+maxCategoryLimit)
	t.N = 0
	for _, c := range t.Fine {
		t.N += c
	}
	t.Dev, t.DevSq = d.float(), d.float()
	t.Wide = [detectors.NumWide]float64{}
	wide := d.uint()
	if wide > detectors.NumWide {
		d.fail()
		return
	}
	for i := range wide {
		t.Wide[i] = d.float()
	}
	for i := range t.Missing {
		t.Missing[i] = d.uint()
	}
	t.Repeats = d.uint()
	t.sum = d.float()
	t.unbinned = d.uint()
	flags := byte(0)
	if b := d.take(1); b != nil {
		flags = b[0]
	}
	if flags&tallyAges != 0 {
		if t.ages == nil {
			t.ages = &ageTally{}
		}
		t.ages.decode(d)
	} else {
		t.ages = nil
	}
	t.pairs = pairs{}
	if flags&tallyPairs != 0 {
		t.pairs = pairs{d.uint(), d.uint()}
	}
	t.beyond = 0
	if flags&tallyBeyond != 0 {
		t.beyond = d.uint()
	}
}
