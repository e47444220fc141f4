package detectors

import (
	"math"
	"math/rand/v2"
	"testing"
)

// zipf draws n categories of which the r-th is as frequent as 1/r^s among many.
func zipf(rng *rand.Rand, n, many int, s float64) (counts map[int]uint64, p []float64) {
	p = make([]float64, many)
	sum := 0.0
	for i := range p {
		p[i] = math.Pow(float64(i+1), -s)
		sum += p[i]
	}
	cum := make([]float64, many)
	total := 0.0
	for i := range p {
		p[i] /= sum
		total += p[i]
		cum[i] = total
	}
	counts = map[int]uint64{}
	for range n {
		u := rng.Float64()
		lo, hi := 0, many-1
		for lo < hi {
			if m := (lo + hi) / 2; cum[m] < u {
				lo = m + 1
			} else {
				hi = m
			}
		}
		counts[lo]++
	}
	return counts, p
}

// TestTheShareOfNamelessCategoriesIsPredicted draws references with long tails, names what came at least k times, and
// compares the prediction with the true probability of everything without a name.
func TestTheShareOfNamelessCategoriesIsPredicted(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	const n, trials = 5000, 200
	for _, k := range []uint64{1, 2, 5, 20} {
		bias, above := 0.0, 0
		for range trials {
			counts, p := zipf(rng, n, 20000, 1.1)
			upTo, next := uint64(0), uint64(0)
			named := map[int]bool{}
			for c, r := range counts {
				if r <= k {
					upTo += r
				}
				if r == k+1 {
					next++
				}
				named[c] = r >= k
			}
			truth := 0.0
			for c, q := range p {
				if !named[c] {
					truth += q
				}
			}
			share, upper := GoodTuringBelow(k, upTo, next, n, .05)
			bias += share - truth
			if truth > upper {
				above++
			}
		}
		if b := bias / trials; math.Abs(b) > .004 {
			t.Errorf("k=%d: off by %+.4f on average", k, b)
		}
		if above > trials/10 {
			t.Errorf("k=%d: the truth was above the 5 %% bound %d times of %d", k, above, trials)
		}
	}
}

func TestBothGoodTuringsAgreeOnWhatIsNew(t *testing.T) {
	share, upper := GoodTuringBelow(1, 40, 10, 10000, .01)
	s, u := GoodTuring(40, 10, 10000, .01)
	if share != s || math.Abs(upper-u) > 1e-4 {
		t.Errorf("%v up to %v, and %v up to %v", share, upper, s, u)
	}
}
