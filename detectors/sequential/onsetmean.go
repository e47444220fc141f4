package sequential

import (
	"math"
	"slices"
)

// MeanSpan is a stretch of the past of a mean: the number of values, their sum and their sum of squares, over so many
// units of time. N may be 0.
type MeanSpan struct {
	Units      uint64
	N          uint64
	Sum, SumSq float64
}

// LocateMeanOnset is LocateOnset for a mean: the score of an onset is the log-likelihood ratio of the mean since then
// against the one from before, with the variance inside the two parts. K is not set; Lo and Hi hold the mean since
// the onset.
func LocateMeanOnset(path []MeanSpan, before float64, side Side, alpha float64) (o Onset, ok bool) {
	if math.IsNaN(before) || math.IsInf(before, 0) || !(alpha > 0 && alpha < 1) {
		return Onset{}, false
	}
	best, score := scoreMeans(path, before, side)
	if best < 0 {
		return Onset{}, false
	}
	// Values that do not vary at all still need a variance to be measured in: their onset is where they begin.
	variance := max(pooledVariance(path, best), score[best]*1e-9)
	limit := score[best]/variance - math.Log(2/alpha)
	z := -normalQuantile(alpha / 2)
	o = Onset{Latest: math.MaxUint64, Lo: math.Inf(1), Hi: math.Inf(-1)}
	var n, ago uint64
	sum := 0.
	for i, s := range slices.Backward(path) {
		n, sum, ago = n+s.N, sum+s.Sum, ago+s.Units
		if i == best {
			o.BucketsAgo, o.N = ago, n
		}
		if n == 0 || score[i]/variance < limit {
			continue
		}
		o.Latest = min(o.Latest, ago-s.Units+min(1, s.Units))
		o.Earliest = max(o.Earliest, ago)
		if o.Open = i == 0; !o.Open {
			last, after := path[i-1], sum/float64(n)
			o.Earliest = max(o.Earliest, ago+within(last.Units, func(part float64) bool {
				mean, now := last.Sum/max(1, float64(last.N)), before+part*(after-before)
				gain := float64(last.N) * ((mean-before)*(mean-before) - (mean-now)*(mean-now)) / 2
				return (score[i]+gain)/variance >= limit
			}))
		}
		half := z * math.Sqrt(variance/float64(n))
		o.Lo, o.Hi = min(o.Lo, sum/float64(n)-half), max(o.Hi, sum/float64(n)+half)
	}
	return o, true
}

// scoreMeans is n (mean - before)^2 / 2 for every onset, and the onset where it is largest; -1 when no stretch at the
// end lies on that side.
func scoreMeans(path []MeanSpan, before float64, side Side) (best int, score []float64) {
	best, score = -1, make([]float64, len(path))
	var n uint64
	sum := 0.
	for i, s := range slices.Backward(path) {
		n, sum = n+s.N, sum+s.Sum
		if n == 0 {
			continue
		}
		d := sum/float64(n) - before
		if d == 0 || (d > 0) != (side == Up) {
			continue
		}
		score[i] = float64(n) * d * d / 2
		if best < 0 || score[i] > score[best] {
			best = i
		}
	}
	return best, score
}

// pooledVariance is the variance inside the parts before and since an onset.
func pooledVariance(path []MeanSpan, onset int) float64 {
	var n [2]uint64
	var sum, sq [2]float64
	for i, s := range path {
		part := 0
		if i >= onset {
			part = 1
		}
		n[part], sum[part], sq[part] = n[part]+s.N, sum[part]+s.Sum, sq[part]+s.SumSq
	}
	inside := 0.
	for part := range n {
		if n[part] > 0 {
			inside += max(0, sq[part]-sum[part]*sum[part]/float64(n[part]))
		}
	}
	return inside / float64(max(1, n[0]+n[1]))
}
