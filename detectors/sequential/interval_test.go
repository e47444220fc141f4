package sequential

import (
	"math"
	"testing"
)

// The interval is exact when the binomial tails at its ends are alpha/2: an independent check over the range that a
// family of hundreds of sets asks for.
func TestClopperPearsonEndsHaveTheRightTails(t *testing.T) {
	for _, n := range []uint64{1, 2, 10, 137, 5000, 200_000} {
		for _, alpha := range []float64{.05, 1e-3, 1e-5, 1e-8} {
			for _, k := range []uint64{0, 1, n / 100, n / 3, n - 1, n} {
				lo, hi := ClopperPearson(k, n, alpha)
				if !(lo >= 0 && lo <= float64(k)/float64(n) && float64(k)/float64(n) <= hi && hi <= 1) {
					t.Fatalf("k=%d n=%d alpha=%g: %v..%v", k, n, alpha, lo, hi)
				}
				if k > 0 {
					if tail := binomialSum(k, n, n, lo); math.Abs(tail-alpha/2) > 1e-6*alpha {
						t.Errorf("k=%d n=%d alpha=%g: upper tail at %g is %g", k, n, alpha, lo, tail)
					}
				}
				if k < n {
					if tail := binomialSum(0, k, n, hi); math.Abs(tail-alpha/2) > 1e-3*alpha {
						t.Errorf("k=%d n=%d alpha=%g: lower tail at %g is %g", k, n, alpha, hi, tail)
					}
				}
			}
		}
	}
}

// binomialSum adds the probabilities of from..to successes in n.
func binomialSum(from, to, n uint64, p float64) float64 {
	sum := 0.0
	lgN, _ := math.Lgamma(float64(n) + 1)
	for i := from; i <= to; i++ {
		lgI, _ := math.Lgamma(float64(i) + 1)
		lgR, _ := math.Lgamma(float64(n-i) + 1)
		sum += math.Exp(lgN - lgI - lgR + float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-p))
	}
	return sum
}

func TestClopperPearsonOfNoDataIsEverything(t *testing.T) {
	for _, c := range [][2]float64{{0, .05}, {10, 0}, {10, 1}, {10, math.NaN()}} {
		if lo, hi := ClopperPearson(0, uint64(c[0]), c[1]); lo != 0 || hi != 1 {
			t.Errorf("n=%v alpha=%v: %v..%v", c[0], c[1], lo, hi)
		}
	}
}

func TestClopperPearsonOfHugeReferencesIsNarrow(t *testing.T) {
	lo, hi := ClopperPearson(500_000_000, 1_000_000_000, 1e-6)
	if want := 4.8916 * math.Sqrt(.25/1e9); math.Abs((hi-lo)/2-want) > .01*want {
		t.Errorf("half width %v, want about %v", (hi-lo)/2, want)
	}
	lo, hi = ClopperPearson(3, 10_000_000_000, 1e-4)
	if !(lo > 0 && hi < 3e-9 && lo < 3e-10) {
		t.Errorf("%v..%v", lo, hi)
	}
}

func TestTheFastIntervalIsNearlyTheExactOne(t *testing.T) {
	for _, n := range []float64{50, 200, 5000, 1e6, 1e8} {
		for _, alpha := range []float64{.05, 4.7e-4, 1e-5, 1e-7} {
			for _, k := range []float64{20, 30, 60, n / 10, n / 2, n * .9, n - 20} {
				k = math.Floor(k)
				if k < enoughForCubes || n-k < enoughForCubes {
					continue
				}
				lo, hi := shareInterval(k, n, alpha)
				exactLo, exactHi := ClopperPearson(uint64(k), uint64(n), alpha)
				p := k / n
				if math.Abs(lo-exactLo) > .02*(p-exactLo) || math.Abs(hi-exactHi) > .02*(exactHi-p) {
					t.Errorf("%g of %g at %g: %g..%g, exact %g..%g", k, n, alpha, lo, hi, exactLo, exactHi)
				}
			}
		}
	}
}
