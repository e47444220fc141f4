package detectors

import "slices"

// BucketValues is one value for each histogram bucket that stands for the values in it: the middle of the means of its
// fine bins, and in the two open buckets at most one spread (IQR) beyond the edge, so that a mean of them is not at the
// mercy of the tails. They ascend, and follow from the grid alone.
func (g *Grid) BucketValues() []float64 {
	out := make([]float64, len(g.hist)+1)
	for first := 0; first < g.Fine(); {
		b := g.HistBucketOf(first)
		last := first
		for last+1 < g.Fine() && g.HistBucketOf(last+1) == b {
			last++
		}
		out[b] = g.spec.Means[(first+last)/2]
		first = last + 1
	}
	if n := len(g.hist); n > 0 {
		spread := g.spec.spread()
		out[0] = max(out[0], g.hist[0]-spread)
		out[n] = min(out[n], g.hist[n-1]+spread)
	}
	if !slices.IsSorted(out) { // an empty bin's middle may lie beyond a neighbour's mean
		slices.Sort(out)
	}
	return out
}
