package detectors

import "math"

// UnitChange is a change of unit that explains how a feature moved: the new value is Factor times the old one plus
// Offset.
type UnitChange struct {
	Factor float64
	Offset float64
	Name   string // for the page, for example "x1000: seconds became milliseconds, or thousands became ones"
}

// unitChanges are the changes that are recognised. Factors that many things can cause (2, 3) are not among them.
var unitChanges = [...]UnitChange{
	{10, 0, "x10"},
	{0.1, 0, "/10"},
	{100, 0, "x100: a share became a percentage, or units became hundredths"},
	{0.01, 0, "/100: a percentage became a share, or hundredths became units"},
	{1e3, 0, "x1000: seconds became milliseconds, or thousands became ones"},
	{1e-3, 0, "/1000: milliseconds became seconds, or ones became thousands"},
	{1e6, 0, "x1000000: seconds became microseconds, or millions became ones"},
	{1e-6, 0, "/1000000: microseconds became seconds, or ones became millions"},
	{1e9, 0, "x1000000000: seconds became nanoseconds"},
	{1e-9, 0, "/1000000000: nanoseconds became seconds"},
	{60, 0, "x60: minutes became seconds, or hours became minutes"},
	{1.0 / 60, 0, "/60: seconds became minutes, or minutes became hours"},
	{3600, 0, "x3600: hours became seconds"},
	{1.0 / 3600, 0, "/3600: seconds became hours"},
	{-1, 0, "the sign was turned"},
	{1.8, 32, "degrees Celsius became Fahrenheit"},
	{1 / 1.8, -32 / 1.8, "degrees Fahrenheit became Celsius"},
}

// RecognizeUnit says whether one known change of unit explains how a feature moved (of two that fit, the one that fits
// better: 1000 and 1024 cannot be told apart). When quartiles of the window lie inside the grid, the log-ratios to the
// reference's must all name the same factor; else mean and spread decide, which are exact wherever the values lie, the
// mean within a fifth. It takes at least 30 values on both sides and a spread: a constant has no unit. It is a hint
// for the text of a page, no test: a feature that truly became a thousand times larger looks the same.
func RecognizeUnit(g *Grid, ref, cur *NumberSummary) (UnitChange, bool) {
	if ref.N < 30 || cur.N < 30 {
		return UnitChange{}, false
	}
	if u, inside := recognizeQuantiles(g, ref, cur); inside {
		return u, u.Factor != 0
	}
	spread := 0.2
	if math.Abs(ref.Mean(g)) > ref.SD()/2 {
		spread = 0.6 // the mean decides; the spread of a heavy tail is known badly from a few hundred values
	}
	return recognize(ref.Mean(g), ref.SD(), cur.Mean(g), cur.SD(), spread)
}

// recognizeQuantiles compares the quantiles of both that lie in closed bins, as numbers of the same sign. inside is
// false when there are fewer than three: then they say nothing.
func recognizeQuantiles(g *Grid, ref, cur *NumberSummary) (out UnitChange, inside bool) {
	edges := g.FineEdges()
	if len(edges) < 16 {
		return out, false // a handful of values: their quantiles jump
	}
	lo, hi := math.Inf(1), math.Inf(-1)
	n := 0
	for _, q := range [...]float64{.1, .25, .4, .5, .6, .75, .9} {
		a, b := g.Quantile(ref.Fine, q), g.Quantile(cur.Fine, q)
		if b <= edges[0] || b >= edges[len(edges)-1] || a*b <= 0 {
			continue
		}
		r := math.Log(b / a)
		lo, hi = min(lo, r), max(hi, r)
		n++
	}
	if n < 3 {
		return out, false
	}
	least := quantileTolerance
	for _, u := range unitChanges {
		if u.Offset != 0 || u.Factor < 0 {
			continue
		}
		f := math.Log(u.Factor)
		if m := max(math.Abs(lo-f), math.Abs(hi-f)); m < least {
			out, least = u, m
		}
	}
	if out.Factor == 0 {
		// One factor that is none of the list is no unit; shifted scales have no log-ratio: mean and spread decide.
		return out, hi-lo < quantileTolerance
	}
	return out, true
}

// quantileTolerance is by how much a log-ratio of quantiles may miss the log of a factor: half of the way from 60 to 100.
const quantileTolerance = 0.25

// RecognizeUnitSamples is the same for two samples, by medians and interquartile ranges: outliers do not matter.
func RecognizeUnitSamples(ref, cur []float64) (UnitChange, bool) {
	a, _ := finiteSorted(ref)
	b, _ := finiteSorted(cur)
	if len(a) < 30 || len(b) < 30 {
		return UnitChange{}, false
	}
	middle := func(sorted []float64) (median, spread float64) {
		v := distinct(sorted)
		n := uint64(len(sorted))
		return quantile7(v, n, 0.5), quantile7(v, n, 0.75) - quantile7(v, n, 0.25)
	}
	m1, s1 := middle(a)
	m2, s2 := middle(b)
	return recognize(m1, s1, m2, s2, .2)
}

// recognize compares location and spread; loose is by how much the log of the spread may miss.
func recognize(mean, spread, newMean, newSpread, loose float64) (UnitChange, bool) {
	const tolerance = 0.2
	if !(spread > 0) || !(newSpread > 0) {
		return UnitChange{}, false
	}
	misfit := func(u UnitChange) float64 {
		wide := math.Abs(math.Log(newSpread/(spread*math.Abs(u.Factor)))) * tolerance / loose
		// The means agree when they differ by little of the spread, or of their own size if that is less.
		want := u.Factor*mean + u.Offset
		scale := min(newSpread, max(math.Abs(want), newSpread/4))
		return max(wide, math.Abs(newMean-want)/scale)
	}
	best, least := UnitChange{}, tolerance
	for _, u := range unitChanges {
		if m := misfit(u); m < least {
			best, least = u, m
		}
	}
	// What did not move is no change of unit; "sign turned" is nothing for a symmetric feature.
	if least >= tolerance || misfit(UnitChange{Factor: 1}) <= tolerance {
		return UnitChange{}, false
	}
	return best, true
}
