package detectors

import (
	"cmp"
	"math"
	"slices"
)

// CalibrationError is the expected calibration error: scores are sorted and cut into groups of equal count, and the
// distances between a group's mean score and its share of positives are averaged, weighted by size (Naeini et al. 2015).
// 0 is perfect; the error of a finite sample is above 0 even then. NaN without records or with slices of different
// length.
func CalibrationError(scores []float64, positive []bool, groups int) float64 {
	n := len(scores)
	if n == 0 || n != len(positive) || groups < 1 {
		return math.NaN()
	}
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[a], scores[b]) })
	groups = min(groups, n)
	sum := 0.0
	for g := range groups {
		lo, hi := equalCount(n, groups, g)
		gap := 0.0
		for _, i := range order[lo:hi] {
			gap += scores[i]
			if positive[i] {
				gap--
			}
		}
		sum += math.Abs(gap)
	}
	return sum / float64(n)
}

// equalCount is where one of so many groups of n sorted records begins and ends: all have n/groups records, and the last
// one also the rest.
func equalCount(n, groups, g int) (lo, hi int) {
	width := n / groups
	if g == groups-1 {
		return g * width, n
	}
	return g * width, (g + 1) * width
}

// BinnedCalibrationError is the same from bins of scores: how many records, the sum of their scores, and how many were
// positive.
func BinnedCalibrationError(n []uint64, scoreSum []float64, positives []uint64) float64 {
	all, sum := 0.0, 0.0
	for b := range n {
		all += float64(n[b])
		sum += math.Abs(scoreSum[b] - float64(positives[b]))
	}
	if all == 0 {
		return math.NaN()
	}
	return sum / all
}

// Isotonic fits a rising sequence to shares of positives by bin, by pooling adjacent violators: the calibrated
// probability of each bin, from labels that have come in. Bins without records take the value of the bin below them,
// the first ones that of the first bin that has records; without any records all are 0.5.
func Isotonic(n, positives []uint64) []float64 {
	type block struct {
		n, k float64
		last int // bins up to here
	}
	var blocks []block
	for b := range n {
		blocks = append(blocks, block{float64(n[b]), float64(positives[b]), b})
		for len(blocks) > 1 {
			x, y := blocks[len(blocks)-2], blocks[len(blocks)-1]
			if y.n > 0 && x.n > 0 && x.k*y.n <= y.k*x.n {
				break
			}
			blocks = append(blocks[:len(blocks)-2], block{x.n + y.n, x.k + y.k, y.last})
		}
	}
	out := make([]float64, len(n))
	at := 0
	for _, x := range blocks {
		p := 0.5
		if x.n > 0 {
			p = x.k / x.n
		}
		for ; at <= x.last; at++ {
			out[at] = p
		}
	}
	return out
}
