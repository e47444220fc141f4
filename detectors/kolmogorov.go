package detectors

import "math"

// KSProbability is the two-sided p-value of a two-sample Kolmogorov-Smirnov distance d from n and m values.
func KSProbability(d float64, n, m uint64) float64 {
	if n == 0 || m == 0 || math.IsNaN(d) {
		return math.NaN()
	}
	en := math.Round(float64(n) * float64(m) / (float64(n) + float64(m)))
	return kolmogorovLimit(math.Sqrt(en) * d)
}

// kolmogorovLimit is the tail of Kolmogorov's limiting distribution.
func kolmogorovLimit(z float64) float64 {
	if z <= 0 {
		return 1
	}
	sum := 0.0
	for k := 1.0; k <= 100; k++ {
		t := math.Exp(-2 * k * k * z * z)
		if int(k)%2 == 0 {
			t = -t
		}
		sum += t
		if math.Abs(t) < 1e-17 {
			break
		}
	}
	return min(max(2*sum, 0), 1)
}
