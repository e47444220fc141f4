package detectors

import (
	"math"
	"slices"
)

// Values that were rounded, frozen or clipped are few and frequent. Inside a bin they are one value, and the two distribution functions
// cross there in a step, not in a slope. Counts tell: what a bin has too much its neighbours have too little.

// stands says whether the window has far more in a bin than the bins around it would make one expect, and more than chance gives: then it is
// one value that it has there.
func (g *Grid) stands(ref, cur *NumberSummary, b int) bool {
	around, was := 0.0, 0.0
	for k := max(0, b-2); k <= min(len(cur.Fine)-1, b+2); k++ {
		if k != b && !g.single(k) {
			around += float64(cur.Fine[k])
			was += float64(ref.Fine[k])
		}
	}
	n := float64(cur.Fine[b])
	due := (around + 1) * (float64(ref.Fine[b]) + 1) / (was + 1)
	return n > 8*due && n > due+6*math.Sqrt(due)+10
}

const (
	latticeReach = 12     // bins to both sides that say what a bin should have
	latticeDue   = 2      // values that a bin should have for its emptiness to say something
	latticeEmpty = 5      // bins that must be empty
	latticeShare = 1. / 3 // of those that should have values
)

// latticeStep is how far apart the values of a window lie that takes only some of those that the reference had: a third of the bins between
// others with values are empty although they should have some. Bins narrower than the step hold one value each. It is 0 for any other window.
func (g *Grid) latticeStep(ref, cur *NumberSummary, means *[MaxFineBins]float64) float64 {
	var has, was [MaxFineBins + 1]float64 // counts of the bins below, those left out that can hold one value only
	first, last := -1, -1
	for b, n := range cur.Fine {
		has[b+1], was[b+1] = has[b], was[b]
		if n > 0 {
			if last = b; first < 0 {
				first = b
			}
		}
		if !g.single(b) {
			has[b+1] += float64(n)
			was[b+1] += float64(ref.Fine[b])
		}
	}
	if first < 0 {
		return 0
	}
	should, empty, chance := 0.0, 0.0, 0.0
	for b := first; b <= last; b++ {
		from, to := max(first, b-latticeReach), min(last, b+latticeReach)+1
		here := float64(ref.Fine[b])
		around := was[to] - was[from] - here
		if g.single(b) || around <= 0 {
			continue
		}
		due := (has[to] - has[from] - float64(cur.Fine[b])) * here / around
		if due < latticeDue {
			continue
		}
		should++
		chance += math.Exp(-due)
		if cur.Fine[b] == 0 {
			empty++
		}
	}
	if empty < latticeEmpty+3*chance || empty < latticeShare*should {
		return 0
	}
	var steps [MaxFineBins]float64
	n := 0
	before := math.NaN()
	for b := first; b <= last; b++ {
		if cur.Fine[b] == 0 || math.IsInf(g.lower(b), 0) || math.IsInf(g.upper(b), 0) {
			continue
		}
		if d := means[b] - before; d > 0 {
			steps[n] = d
			n++
		}
		before = means[b]
	}
	if n == 0 {
		return 0
	}
	slices.Sort(steps[:n])
	return steps[n/4]
}
