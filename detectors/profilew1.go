package detectors

import "math"

// wasserstein is the Wasserstein-1 distance, the area between the two distribution functions, from two summaries.
//
// At every edge both functions are known. Inside a bin the area follows from where the values lie on average: the open
// and the widest bins keep sums for that; in the others the window's values are taken to lie where the reference's do,
// and what this leaves open of the difference of the two means, which is known, is spread over the bins in proportion to
// how much it could be wrong there. The distance is then exact for a pure shift or any other change in one direction.
func (g *Grid) wasserstein(ref, cur *NumberSummary) float64 {
	if ref.N == 0 || cur.N == 0 {
		return math.NaN()
	}
	n, m := float64(ref.N), float64(cur.N)
	var area [MaxFineBins]float64  // signed area in each bin, of F - G
	var slack [MaxFineBins]float64 // how far the area may be wrong
	var left [MaxFineBins]float64  // F - G at the left edge
	known, free := 0.0, 0.0
	var f, h uint64
	for b := range ref.Fine {
		left[b] = float64(f)/n - float64(h)/m
		f += ref.Fine[b]
		h += cur.Fine[b]
		if g.single(b) {
			continue
		}
		p, q := float64(ref.Fine[b])/n, float64(cur.Fine[b])/m
		w := g.wideOf[b]
		atP, atQ := g.spec.Means[b], g.spec.Means[b]
		if w != noWide {
			atP = g.meanIn(ref, b, int(w))
			atQ = g.meanIn(cur, b, int(w))
		}
		switch lo, up := g.lower(b), g.upper(b); {
		case math.IsInf(lo, 0) && math.IsInf(up, 0):
			area[b] = q*(atQ-g.spec.Center) - p*(atP-g.spec.Center)
		case math.IsInf(up, 0):
			area[b] = q*(atQ-lo) - p*(atP-lo)
		default:
			area[b] = p*(up-atP) - q*(up-atQ)
			if !math.IsInf(lo, 0) {
				area[b] += left[b] * (up - lo)
			}
			if w == noWide {
				slack[b] = (p + q) * (up - lo)
			}
		}
		known += area[b]
		free += slack[b]
	}
	missing := cur.Dev/m - ref.Dev/n - known
	if free > 0 {
		// No point can be further off than its bin is wide, and on average it is much less.
		missing = max(min(missing, free/2), -free/2)
	}
	total := 0.0
	for b := range ref.Fine {
		if g.single(b) {
			continue
		}
		a := area[b]
		if free > 0 {
			a += missing * slack[b] / free
		}
		right := left[b] + float64(ref.Fine[b])/n - float64(cur.Fine[b])/m
		total += unsignedArea(a, left[b], right, g.upper(b)-g.lower(b))
	}
	return total
}

// meanIn is the mean of the summary's values in a bin with a sum, kept inside the bin.
func (g *Grid) meanIn(s *NumberSummary, b, w int) float64 {
	if s.Fine[b] == 0 {
		return g.spec.Means[b]
	}
	x := g.spec.Center + s.Wide[w]/float64(s.Fine[b])
	return max(min(x, g.upper(b)), g.lower(b))
}

// unsignedArea is the area between two curves over a width, given the signed area and their difference at both ends. If
// the difference changes sign inside, the part on the other side is estimated as if the difference were a line.
func unsignedArea(signed, left, right, width float64) float64 {
	a := math.Abs(signed)
	if left*right >= 0 || math.IsInf(width, 0) {
		return a
	}
	l, r := math.Abs(left), math.Abs(right)
	return max(a, width*(l*l+r*r)/(2*(l+r)))
}
