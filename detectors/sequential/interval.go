package sequential

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// ClopperPearson returns the exact two-sided 1-alpha confidence interval of a share of which k of n were seen.
// No data gives [0,1], and so does an alpha that is not in (0,1).
func ClopperPearson(k, n uint64, alpha float64) (lo, hi float64) {
	if n == 0 || k > n || !(alpha > 0 && alpha < 1) {
		return 0, 1
	}
	lo, hi = 0, 1
	x, m := float64(k), float64(n)
	if k > 0 {
		lo = betaQuantile(alpha/2, x, m-x+1)
	}
	if k < n {
		hi = 1 - betaQuantile(alpha/2, m-x, x+1)
	}
	return lo, hi
}

// betaQuantile returns x with I_x(a,b) = p: Newton's steps inside a bracket, from the normal approximation in
// log-odds. The caller's p is below 1/2. gonum's inverse loses digits for the small p and large a, b that a family of
// hundreds of sets asks for.
func betaQuantile(p, a, b float64) float64 {
	lo, hi := 0.0, 1.0
	x := expit(math.Log(a/b) + normalQuantile(p)*math.Sqrt(1/a+1/b))
	lbeta := mathext.Lbeta(a, b)
	for range 200 {
		f := mathext.RegIncBeta(a, b, x) - p
		if f > 0 {
			hi = x
		} else {
			lo = x
		}
		if f == 0 || hi-lo <= 4e-16*hi {
			return x
		}
		// Newton's step on the distribution function; bisection whenever it leaves the bracket.
		slope := math.Exp((a-1)*math.Log(x) + (b-1)*math.Log1p(-x) - lbeta)
		next := x - f/slope
		if !(next > lo && next < hi) {
			next = lo + (hi-lo)/2
		}
		if next == x {
			return x
		}
		x = next
	}
	return x
}

// enoughForCubes is from how many records of either kind on the approximation of shareInterval is good.
const enoughForCubes = 20

// shareInterval is ClopperPearson, or Paulson's approximation of it (the cube root of an F variable is nearly normal)
// where that is within 2 % of the width: some fifty times as fast, for references that change with the time of day.
func shareInterval(k, n, alpha float64) (lo, hi float64) {
	if k < enoughForCubes || n-k < enoughForCubes {
		return ClopperPearson(uint64(k), uint64(n), alpha)
	}
	z := -normalQuantile(alpha / 2)
	// The limits are quantiles of beta variables: ratios of F variables with twice as many degrees of freedom.
	upper := (k + 1) / (n - k) * cubedF(z, k+1, n-k)
	lower := (n - k + 1) / k * cubedF(z, n-k+1, k)
	return 1 / (1 + lower), upper / (1 + upper)
}

// cubedF is about the quantile, z deviations up, of an F variable with 2a and 2b degrees of freedom.
func cubedF(z, a, b float64) float64 {
	a, b = 1/(9*a), 1/(9*b)
	u, v := 1-a, 1-b
	root := (u*v + z*math.Sqrt(max(0, v*v*a+u*u*b-a*b*z*z))) / (v*v - b*z*z)
	return root * root * root
}

func normalQuantile(p float64) float64 { return mathext.NormalQuantile(p) }
