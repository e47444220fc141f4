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

// GoodTuringBelow is the same for a reference that names a category only when it came at least k times: how much of future
// records will have a category without a name, one that is rare in the reference or not in it at all. upTo is
// how many of the n records of the reference had a category that came at most k times, next how many categories came
// exactly k+1 times. With k = 0 nothing is without a name but what is new, and upTo is 0: then GoodTuring(next, ...)
// answers; with k = 1 both agree.
//
// share is Robbins' estimate upTo/n: a category that came r times stands, on average, for r+1 records of the next n+1. upper
// is the normal bound with the variance of the difference between the estimate and the truth under Poisson
// sampling, (upTo + k(k+1) next)/n^2, and never less than 1-alpha^(1/n).
func GoodTuringBelow(k, upTo, next, n uint64, alpha float64) (share, upper float64) {
	if n == 0 {
		return math.NaN(), math.NaN()
	}
	size := float64(n)
	share = min(float64(upTo)/size, 1)
	variance := (float64(upTo) + float64(k)*float64(k+1)*float64(next)) / (size * size)
	upper = share + normalQuantile(1-alpha)*math.Sqrt(variance)
	none := -math.Expm1(math.Log(alpha) / size)
	return share, min(max(upper, none), 1)
}

// normalQuantile is the inverse of the standard normal distribution function.
func normalQuantile(p float64) float64 { return -math.Sqrt2 * math.Erfcinv(2*p) }
