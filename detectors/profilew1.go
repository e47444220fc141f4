package detectors

import (
	"math"
	"slices"
)

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
	var atQ [MaxFineBins]float64 // mean of the window's values in each bin
	difference := cur.Dev/m - ref.Dev/n
	free := 0.0
	for b := range ref.Fine {
		p, q := float64(ref.Fine[b])/n, float64(cur.Fine[b])/m
		atQ[b] = g.meanIn(cur, b)
		difference -= q*(atQ[b]-g.spec.Center) - p*(g.meanIn(ref, b)-g.spec.Center)
		if g.wideOf[b] == noWide && !g.single(b) {
			free += q * (g.upper(b) - g.lower(b))
		}
	}
	// No mean is further from the middle of its bin than half of the width.
	push := 0.0
	if free > 0 {
		push = max(min(difference/free, 0.5), -0.5)
	}
	total := 0.0
	var f, h uint64
	for b := range ref.Fine {
		left := float64(f)/n - float64(h)/m
		f += ref.Fine[b]
		h += cur.Fine[b]
		if g.single(b) {
			continue
		}
		p, q := float64(ref.Fine[b])/n, float64(cur.Fine[b])/m
		lo, up := g.lower(b), g.upper(b)
		mp, mq := g.meanIn(ref, b), atQ[b]
		switch {
		case math.IsInf(lo, 0) && math.IsInf(up, 0):
			total += math.Abs(q*(mq-g.spec.Center) - p*(mp-g.spec.Center))
		case math.IsInf(up, 0):
			total += math.Abs(q*(mq-lo) - p*(mp-lo))
		case math.IsInf(lo, 0):
			total += math.Abs(p*(up-mp) - q*(up-mq))
		default:
			w := up - lo
			if g.wideOf[b] == noWide {
				mq += push * w
			}
			total += w * areaInside(left, p, q, unit((mp-lo)/w), unit((mq-lo)/w))
		}
	}
	return total
}

// meanIn is the mean of the summary's values in a bin: from its sum where there is one, else the reference's mean.
func (g *Grid) meanIn(s *NumberSummary, b int) float64 {
	w := g.wideOf[b]
	if s.Fine[b] == 0 || w == noWide {
		return g.spec.Means[b]
	}
	x := g.spec.Center + s.Wide[w]/float64(s.Fine[b])
	return max(min(x, g.upper(b)), g.lower(b))
}

func unit(x float64) float64 { return max(0, min(x, 1)) }

// areaInside is the area between two distribution functions over a bin of width one. They differ by left at its lower
// edge; inside, the first one rises by p around a and the second by q around b. Both are taken to rise evenly over
// the widest interval around their mean, but a mass that is many times what the reference has there is taken to be one
// value: that is what a feature that froze looks like.
func areaInside(left, p, q, a, b float64) float64 {
	ha, hb := min(a, 1-a), min(b, 1-b)
	if q > 0.02 && q > 8*p {
		hb = 0
	}
	at := [...]float64{0, a - ha, a + ha, b - hb, b + hb, 1}
	slices.Sort(at[:])
	sum := 0.0
	for i := range len(at) - 1 {
		x, y := at[i], at[i+1]
		if x == y {
			continue
		}
		dx := left + p*ramp(x, a, ha, false) - q*ramp(x, b, hb, false)
		dy := left + p*ramp(y, a, ha, true) - q*ramp(y, b, hb, true)
		if dx*dy >= 0 {
			sum += (y - x) * math.Abs(dx+dy) / 2
		} else {
			l, r := math.Abs(dx), math.Abs(dy)
			sum += (y - x) * (l*l + r*r) / (2 * (l + r))
		}
	}
	return sum
}

// ramp is the share below x of a mass that is spread evenly over mean-h to mean+h; a point mass (h = 0) counts at its
// place unless before is set.
func ramp(x, mean, h float64, before bool) float64 {
	switch {
	case x < mean-h || before && x <= mean-h:
		return 0
	case x >= mean+h:
		return 1
	}
	return (x - mean + h) / (2 * h)
}
