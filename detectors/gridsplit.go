package detectors

import (
	"cmp"
	"math"
	"slices"
)

// piece is a fine bin while the edges are being chosen.
type piece struct {
	lo, up      float64
	first, last int    // values[first:last] lie in it
	n           uint64 // records in it
	split       float64
}

// splitWide spends the remaining edges on the bins where not knowing the position of a value inside its bin costs most
// of a Wasserstein distance: width times share to the power of 3/4, a quarter of the neighbours' included, because a window
// may put values where the reference has none. The power stands between a change of all values, whose error goes with the
// share, and chance, which goes with its square root: the few values far out in a heavy tail are where it decides. Tails
// and gaps between frequent values are what it finds.
func splitWide(values []weighted, s *GridSpec, edges []float64, limit int) []float64 {
	pieces := make([]piece, 0, limit+1)
	at := 0
	for b := 0; b <= len(edges); b++ {
		p := piece{lo: s.Low, up: s.High, first: at}
		if b > 0 {
			p.lo = edges[b-1]
		}
		if b < len(edges) {
			p.up = edges[b]
		}
		for at < len(values) && (b == len(edges) || values[at].x <= p.up) {
			p.n += values[at].n
			at++
		}
		p.last = at
		p.split = splitPoint(values, p)
		pieces = append(pieces, p)
	}
	var near []float64
	for len(pieces) <= limit {
		near = neighbours(near[:0], pieces)
		best, score := -1, 0.0
		for i, p := range pieces {
			width := p.up - p.lo
			if !(width > 0) || math.IsInf(width, 0) || pred(p.up) <= p.lo {
				continue
			}
			if v := threeQuarters(float64(p.n)+near[i]/4) * width; v > score && p.split > p.lo {
				best, score = i, v
			}
		}
		if best < 0 {
			break
		}
		p := pieces[best]
		x := p.split
		mid := p.first
		left := piece{lo: p.lo, up: x, first: p.first}
		for mid < p.last && values[mid].x <= x {
			left.n += values[mid].n
			mid++
		}
		left.last = mid
		right := piece{lo: x, up: p.up, first: mid, last: p.last, n: p.n - left.n}
		left.split, right.split = splitPoint(values, left), splitPoint(values, right)
		pieces[best] = left
		pieces = slices.Insert(pieces, best+1, right)
	}
	out := make([]float64, 0, len(pieces)-1)
	for _, p := range pieces[:len(pieces)-1] {
		out = append(out, p.up)
	}
	slices.SortFunc(out, cmp.Compare[float64])
	return slices.Compact(out)
}

// threeQuarters is x to the power of 3/4.
func threeQuarters(x float64) float64 {
	r := math.Sqrt(x)
	return r * math.Sqrt(r)
}

// neighbours appends, for each piece, the records of the nearest pieces on both sides that have any.
func neighbours(out []float64, pieces []piece) []float64 {
	last := 0.0
	for _, p := range pieces {
		out = append(out, last)
		if p.n > 0 {
			last = float64(p.n)
		}
	}
	last = 0
	for i := len(pieces) - 1; i >= 0; i-- {
		out[i] += last
		if pieces[i].n > 0 {
			last = float64(pieces[i].n)
		}
	}
	return out
}

// splitPoint cuts a bin where records times width is the same on both sides, between distinct values; a bin with fewer
// than two of them is halved. p.lo when the bin cannot be split.
func splitPoint(values []weighted, p piece) float64 {
	if p.last-p.first >= 2 {
		var below uint64
		for i := p.first; i+1 < p.last; i++ {
			below += values[i].n
			x := between(values[i].x, values[i+1].x)
			if x >= p.up {
				break
			}
			if float64(below)*(x-p.lo) >= float64(p.n-below)*(p.up-x) || i+2 == p.last {
				return x
			}
		}
	}
	x := p.lo/2 + p.up/2
	if x >= p.up || x <= p.lo {
		return p.lo
	}
	return x + 0
}
