package detectors

import "math"

// Description is what a person reads about one column: how far the window is from the reference. Distances over bins
// take rule B's bins, plus one bin for missing values when either side has any. Nothing here is a reason to page.
//
// A number that cannot be computed (a side without records) is NaN.
type Description struct {
	PSI         float64 // population stability index, natural logarithm, add-half
	PSIExpected float64 // its mean when nothing changed: (Bins-1)(1/N + 1/M)
	KL          float64 // Kullback-Leibler divergence of the window from the reference, add-half
	JS          float64 // Jensen-Shannon distance, base 2
	Hellinger   float64
	TVD         float64 // total variation distance
	LInf        float64 // largest change of one bin's share
	Chi2        float64 // chi-square of the contingency table
	Chi2P       float64
	GP          float64 // p-value of the G-test
	CramersV    float64
	ZP          float64 // two-proportion test; NaN unless there are exactly two bins with records

	KS              float64 // Kolmogorov-Smirnov distance of the present values, off by at most 1/200
	KSP             float64 // its two-sample p-value
	Wasserstein1    float64 // in the feature's unit
	WassersteinIQR  float64 // divided by the reference's interquartile range
	WassersteinStd  float64 // divided by the reference's standard deviation
	MedianShift     float64 // median now less median in the reference, in the feature's unit; both off the same bins
	LargestShift    float64 // share now less share in the reference, of the bin where it changed most
	LargestShiftBin int     // that bin: a rule B bin or a category index; Bins-1 may be "missing"

	N, M uint64 // records of the reference and of the window, missing ones included
	Bins int    // bins that the distances ran over
}

// DescribeNumber compares two summaries of the same grid.
func DescribeNumber(g *Grid, ref, cur *NumberSummary) Description {
	p, q := g.CoarseCounts(ref.Fine), g.CoarseCounts(cur.Fine)
	if a, b := ref.MissingTotal(), cur.MissingTotal(); a+b > 0 {
		p, q = append(p, a), append(q, b)
	}
	d := describeTable(p, q)
	d.KS = g.ksDistance(ref.Fine, cur.Fine)
	d.KSP = KSProbability(d.KS, ref.N, cur.N)
	d.Wasserstein1 = g.wasserstein(ref, cur)
	d.WassersteinIQR, d.WassersteinStd = g.scaled(d.Wasserstein1)
	d.MedianShift = g.Quantile(cur.Fine, 0.5) - g.Quantile(ref.Fine, 0.5)
	return d
}

// DescribeCategory compares two tables of counts over the same categories; the last two are "other or unseen" and
// "missing". Rows that are empty on both sides are left out.
func DescribeCategory(ref, cur []uint64) Description {
	var p, q []uint64
	var at []int
	for i := range ref {
		if ref[i] > 0 || cur[i] > 0 {
			p, q, at = append(p, ref[i]), append(q, cur[i]), append(at, i)
		}
	}
	d := describeTable(p, q)
	if len(at) > 0 {
		d.LargestShiftBin = at[d.LargestShiftBin]
	}
	nan := math.NaN()
	d.KS, d.KSP, d.Wasserstein1, d.WassersteinIQR, d.WassersteinStd, d.MedianShift = nan, nan, nan, nan, nan, nan
	return d
}

func describeTable(ref, cur []uint64) Description {
	d := Description{N: total(ref), M: total(cur), Bins: len(ref)}
	d.PSI, d.PSIExpected, d.KL = PSI(ref, cur), PSIExpected(len(ref), d.N, d.M), KL(ref, cur)
	d.JS, d.Hellinger = JS(ref, cur), Hellinger(ref, cur)
	d.TVD, d.LInf = TVD(ref, cur), LInf(ref, cur)
	t := ChiSquare(ref, cur, false)
	d.Chi2, d.Chi2P, d.CramersV = t.Statistic, t.P, t.CramersV
	d.GP = GTest(ref, cur).P
	d.ZP = math.NaN()
	if t.DoF == 1 {
		for i := range ref {
			if ref[i]+cur[i] > 0 {
				_, d.ZP = TwoProportions(ref[i], d.N, cur[i], d.M)
				break
			}
		}
	}
	d.LargestShift = math.NaN()
	if d.N > 0 && d.M > 0 {
		d.LargestShift = 0
		for i := range ref {
			if s := float64(cur[i])/float64(d.M) - float64(ref[i])/float64(d.N); math.Abs(s) > math.Abs(d.LargestShift) {
				d.LargestShift, d.LargestShiftBin = s, i
			}
		}
	}
	return d
}

// ksDistance is the largest difference of the two distribution functions at an edge between fine bins.
func (g *Grid) ksDistance(ref, cur []uint64) float64 {
	n, m := float64(total(ref)), float64(total(cur))
	if n == 0 || m == 0 {
		return math.NaN()
	}
	var f, h uint64
	worst := 0.0
	for b := range ref {
		f += ref[b]
		h += cur[b]
		worst = max(worst, math.Abs(float64(f)/n-float64(h)/m))
	}
	return worst
}

// unitFloor divides a distance when the reference has no spread at all: any move of a constant is then large. It is
// the floor that Evidently applies to every reference; here it applies to constants only.
const unitFloor = 0.001

// scaled divides a distance by the reference's IQR (its SD where half of it is one value) and by its SD.
func (g *Grid) scaled(w float64) (byIQR, bySD float64) {
	return scaleBy(w, g.spec.IQR, g.spec.SD)
}

func scaleBy(w, iqr, sd float64) (byIQR, bySD float64) {
	if sd == 0 {
		sd = unitFloor
	}
	if iqr == 0 {
		iqr = sd
	}
	return w / iqr, w / sd
}
