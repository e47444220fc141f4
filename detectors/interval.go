package detectors

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// Wilson is the score interval of Wilson (1927) for a share of which k of n were seen, at confidence 1-alpha: close to
// its nominal coverage also for small n and shares near 0 or 1. Without data it is [0, 1].
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

// ClopperPearson is the exact interval (1934): it covers the true share with probability at least 1-alpha, whatever the
// share and n, and is therefore wider than Wilson's. Without data it is [0, 1].
func ClopperPearson(k, n uint64, alpha float64) (lo, hi float64) {
	if n == 0 || k > n || !(alpha > 0 && alpha < 1) {
		return 0, 1
	}
	lo, hi = 0, 1
	if k > 0 {
		lo = mathext.InvRegIncBeta(float64(k), float64(n-k)+1, alpha/2)
	}
	if k < n {
		hi = mathext.InvRegIncBeta(float64(k)+1, float64(n-k), 1-alpha/2)
	}
	return lo, hi
}
