package detectors

import "math"

// GoodTuring estimates how much of future records will have a category that n records of the reference did not show,
// from how many categories came exactly once and exactly twice. An unseen category is then no alarm by itself; a rate
// of unseen ones above the bound is.
//
// share is Good's estimate singletons/n (Good 1953). upper is exceeded with probability alpha by the true share: the
// normal bound with Esty's variance (1983), and never less than what is left when nothing came once, 1-alpha^(1/n). Both
// are between 0 and 1; NaN without records. The bound is asymptotic, not exact; it assumes that records are exchangeable
// and gets too small when categories are born in bursts.
func GoodTuring(singletons, doubletons, n uint64, alpha float64) (share, upper float64) {
	if n == 0 {
		return math.NaN(), math.NaN()
	}
	size, one, two := float64(n), float64(singletons), float64(doubletons)
	share = min(one/size, 1)
	variance := (one*(1-one/size) + 2*two) / (size * size)
	upper = share + normalQuantile(1-alpha)*math.Sqrt(max(variance, 0))
	none := -math.Expm1(math.Log(alpha) / size)
	return share, min(max(upper, none), 1)
}

// normalQuantile is the inverse of the standard normal distribution function.
func normalQuantile(p float64) float64 { return -math.Sqrt2 * math.Erfcinv(2*p) }
