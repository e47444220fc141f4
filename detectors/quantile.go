package detectors

import "math"

// Quantile reads the q-quantile (0 to 1) off fine counts, linear inside a bin and clipped to the reference's range;
// NaN when there are no counts. In bins of one value it is that value.
func (g *Grid) Quantile(fine []uint64, q float64) float64 {
	var n uint64
	for _, c := range fine {
		n += c
	}
	if n == 0 || math.IsNaN(q) {
		return math.NaN()
	}
	target := min(max(q, 0), 1) * float64(n)
	below := 0.0
	last := 0
	for b, c := range fine {
		if c == 0 {
			continue
		}
		last = b
		if target <= below+float64(c) {
			return g.inside(b, (target-below)/float64(c))
		}
		below += float64(c)
	}
	return g.inside(last, 1)
}

// inside is the point at share t of a fine bin, with the open bins ending at the reference's range.
func (g *Grid) inside(b int, t float64) float64 {
	lo, up := g.extent(b)
	return lerp(lo, up, t)
}

// extent bounds a fine bin by its edges and the reference's range.
func (g *Grid) extent(b int) (lo, up float64) {
	if g.single(b) {
		return g.upper(b), g.upper(b)
	}
	lo, up = max(g.lower(b), g.spec.Low), min(g.upper(b), g.spec.High)
	if lo > up {
		// The reference does not reach into this bin: everything in it is clipped to the nearer end of the range.
		if g.upper(b) < g.spec.Low {
			return g.spec.Low, g.spec.Low
		}
		return g.spec.High, g.spec.High
	}
	return lo, up
}
