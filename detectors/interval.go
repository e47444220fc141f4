package detectors

import "math"

// Wilson is the score interval of Wilson (1927) for a share of which k of n were seen, at confidence 1-alpha: close to
// its nominal coverage also for small n and shares near 0 or 1. Without data it is [0, 1]. The exact interval, which is wider,
// is sequential.ClopperPearson.
func Wilson(k, n uint64, alpha float64) (lo, hi float64) {
	if n == 0 || k > n || !(alpha > 0 && alpha < 1) {
		return 0, 1
	}
	z := normalQuantile(1 - alpha/2)
	size, p := float64(n), float64(k)/float64(n)
	middle := (p + z*z/(2*size)) / (1 + z*z/size)
	width := z / (1 + z*z/size) * math.Sqrt(p*(1-p)/size+z*z/(4*size*size))
	lo, hi = max(0, middle-width), min(1, middle+width)
	if k == 0 {
		lo = 0
	}
	if k == n {
		hi = 1
	}
	return lo, hi
}
