package sequential

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestStepsKeepThePromiseToTheLastDigit(t *testing.T) {
	const buckets = 3
	scores := []float64{0, .3, 1}
	shares := []float64{.5, .3, .2}
	counts, probabilities := histograms(3, shares)
	// A reference that is as good as the truth, and no tolerance: every bet is fair, so b buckets bring b.
	big := uint64(1) << 60
	ref := []uint64{big / 10 * 5, big / 10 * 3, big / 10 * 2}
	play := func(d kept, outcome int) { d.(*Steps).Update(counts[outcome]) }
	fresh := func(ref []uint64, tol float64) func() kept {
		return func() kept {
			s, err := NewSteps(scores, ref, StepsOptions{Tol: tol})
			if err != nil {
				t.Fatal(err)
			}
			return &s
		}
	}
	if got := expectation(t, buckets, probabilities, fresh(ref, 0), play); math.Abs(got-buckets) > 1e-6 {
		t.Errorf("after %d buckets the expected evidence is %.9f", buckets, got)
	}
	// Every point of the null has less.
	for name, s := range map[string]func() kept{"a tolerance": fresh(ref, .02), "a sample": fresh([]uint64{500, 300, 200}, 0)} {
		if got := expectation(t, buckets, probabilities, s, play); got >= buckets {
			t.Errorf("with %s the expected evidence after %d buckets is %v", name, buckets, got)
		}
	}
}

// What leaves the mean score where it is may do whatever it likes: the promise is about the mean, not about the bins.
func TestStepsAreFairToEveryDistributionWithThatMean(t *testing.T) {
	scores := []float64{0, .25, .5, .75, 1}
	s, err := NewSteps(scores, []uint64{20, 20, 20, 20, 20}, StepsOptions{Varying: true})
	if err != nil {
		t.Fatal(err)
	}
	s.mean.Retune(.5, .5)
	for _, shares := range [][]float64{{.5, 0, 0, 0, .5}, {0, 0, 1, 0, 0}, {.1, .2, .4, .2, .1}, {0, .5, 0, .5, 0}} {
		for c := range s.mean.bets.base {
			mean := 0.
			for i, p := range shares {
				mean += p * (s.mean.bets.base[c] + s.mean.bets.slope[c]*scores[i])
			}
			if math.Abs(mean-1) > 1e-12 {
				t.Errorf("bet %d brings %v a record under %v", c, mean, shares)
			}
		}
	}
}

// The bins of a bell curve, as the engine has them: deciles, each with a value that stands for it.
var (
	bellCuts   = []float64{-1.2816, -.8416, -.5244, -.2533, 0, .2533, .5244, .8416, 1.2816}
	bellScores = []float64{0, .1736, .2744, .3562, .4322, .5678, .6438, .7256, .8264, 1} // unequal steps: some values stand for tails
)

func bellCounts(r *rand.Rand, n int, shift, scale float64, counts []uint64) []uint64 {
	clear(counts)
	for range n {
		at, _ := slices.BinarySearch(bellCuts, shift+scale*r.NormFloat64())
		counts[at]++
	}
	return counts
}

// delays plays buckets of 100 records until Sets alone, and Sets and Steps at half the budget each, would page.
func delays(t *testing.T, seed uint64, nRef int, tol, shift, scale float64) (alone, both int) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 17))
	logA := LogThreshold(8640, 1, 1)
	ref := bellCounts(r, nRef, 0, 1, make([]uint64, 10))
	o := SetsOptions{Alpha: .05 / 200, Tol: tol, Cap: BucketCap(logA), Ordered: true}
	sets, err := NewSets(ref, o)
	if err != nil {
		t.Fatal(err)
	}
	steps, err := NewSteps(bellScores, ref, StepsOptions{Z: 4, Tol: tol, Cap: BucketCap(logA)})
	if err != nil {
		t.Fatal(err)
	}
	counts := make([]uint64, 10)
	for b := 1; alone == 0 || both == 0; b++ {
		if b > 5000 {
			return max(alone, b*b2(alone == 0)), max(both, b*b2(both == 0))
		}
		bellCounts(r, 100, shift, scale, counts)
		sets.Update(counts)
		steps.Update(counts)
		if alone == 0 && sets.LogEvidence() >= logA {
			alone = b
		}
		if both == 0 && LogAverage([]float64{sets.LogEvidence(), steps.LogEvidence()}, nil) >= logA {
			both = b
		}
	}
	return alone, both
}

func b2(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestAShiftOfTheMeanIsFoundNoLaterWithHalfTheBudgetForIt(t *testing.T) {
	median := func(nRef int, tol, shift, scale float64) (alone, both int) {
		var a, b []int
		for seed := range uint64(25) {
			x, y := delays(t, seed, nRef, tol, shift, scale)
			a, b = append(a, x), append(b, y)
		}
		slices.Sort(a)
		slices.Sort(b)
		return a[len(a)/2], b[len(b)/2]
	}
	for _, c := range []struct {
		nRef         int
		tol          float64
		shift, scale float64
	}{
		{20_000, 0, .1, 1}, {20_000, 0, .2, 1}, {20_000, 0, .5, 1}, {100_000, .02, .1, 1}, {20_000, .02, .2, 1}, {20_000, .02, .5, 1}, {20_000, .02, -.2, 1},
	} {
		alone, both := median(c.nRef, c.tol, c.shift, c.scale)
		t.Logf("reference of %d, tolerance %v, shift %v: %d buckets with the bins alone, %d with both", c.nRef, c.tol, c.shift, alone, both)
		if both > alone {
			t.Errorf("a shift of %v is found after %d buckets instead of %d", c.shift, both, alone)
		}
	}
	// What only the bins see costs half of a budget: ln 2 more.
	alone, both := median(20_000, 0, 0, 1.2)
	t.Logf("scale 1.2: %d and %d", alone, both)
	if float64(both) > 1.25*float64(alone)+1 {
		t.Errorf("a change of scale takes %d buckets instead of %d", both, alone)
	}
}

func TestStepsAreSilentWhenNothingChanges(t *testing.T) {
	logA := LogThreshold(8640, 1, 1)
	alarms := 0
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 5))
		ref := bellCounts(r, 20_000, 0, 1, make([]uint64, 10))
		s, err := NewSteps(bellScores, ref, StepsOptions{Z: 4, Cap: BucketCap(logA)})
		if err != nil {
			t.Fatal(err)
		}
		counts := make([]uint64, 10)
		for range 2000 {
			s.Update(bellCounts(r, 50, 0, 1, counts))
			if s.LogEvidence() >= logA {
				alarms++
				s.Reset()
			}
		}
	}
	// 40,000 buckets may bring 40,000 / 8640 = 4.6 alarms on average; a reference of 20,000 that is not taken as the
	// truth brings hardly any.
	if alarms > 1 {
		t.Errorf("%d alarms in 40,000 buckets", alarms)
	}
}

func TestStepsRefuseScoresThatMakeNoMean(t *testing.T) {
	for name, scores := range map[string][]float64{
		"one": {1}, "all equal": {.5, .5, .5}, "beyond 1": {0, .5, 1.5}, "not a number": {0, math.NaN(), 1}, "too few": {0, 1},
	} {
		if _, err := NewSteps(scores, []uint64{1, 1, 1}, StepsOptions{}); !errors.Is(err, ErrScores) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NewSteps([]float64{0, .5, 1}, []uint64{1, 1, 1}, StepsOptions{Tol: math.NaN()}); !errors.Is(err, ErrTol) {
		t.Error(err)
	}
}

func TestStepsAllocateNothing(t *testing.T) {
	s, _ := NewSteps(bellScores, []uint64{10, 10, 10, 10, 10, 10, 10, 10, 10, 10}, StepsOptions{})
	counts := []uint64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	if n := testing.AllocsPerRun(100, func() { s.Update(counts); s.Update(nil); s.LogEvidence() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkStepsUpdate(b *testing.B) {
	s, _ := NewSteps(bellScores, []uint64{2000, 2000, 2000, 2000, 2000, 2000, 2000, 2000, 2000, 2000}, StepsOptions{Tol: .01, Cap: 2})
	counts := []uint64{9, 11, 8, 7, 12, 9, 10, 11, 9, 10}
	for b.Loop() {
		s.Update(counts)
	}
}
