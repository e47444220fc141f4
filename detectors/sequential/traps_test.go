package sequential

import (
	"math"
	"testing"
)

// Trap 1: a component that does not bet must not receive the +1. With L = 1 the evidence would count buckets and
// reach A on schedule, a guaranteed false page every 30 days.

func TestWithoutABetEvidenceStaysWhereItIs(t *testing.T) {
	const buckets = 20_000 // more than twice A for five-minute buckets
	logA := LogThreshold(8640, 1, 1)
	closed := NewRate(RateOptions{Lo: 0, Hi: 1})
	empty := NewRate(RateOptions{Lo: .04, Hi: .06})
	empty.Update(30, 100) // some evidence, then no records
	before := empty.LogEvidence()
	varying := NewRate(RateOptions{Varying: true})
	mean := NewMean(MeanOptions{Lo: .2, Hi: .3})
	var sums, none Sums
	mean.Increments(.9, &sums)
	mean.Update(&sums)
	meanBefore := mean.LogEvidence()
	sets, err := NewSets([]uint64{500, 500, 20}, SetsOptions{Alpha: .05, Extra: 1})
	if err != nil {
		t.Fatal(err)
	}
	sets.Update([]uint64{10, 90, 0})
	setsBefore := sets.LogEvidence()
	zero := make([]uint64, 3)
	for range buckets {
		closed.Update(1, 2)
		empty.Update(0, 0)
		varying.UpdateWithin(1, 2, 0, 1)
		mean.Update(&none)
		sets.Update(zero)
	}
	for name, got := range map[string]float64{"closed": closed.LogEvidence(), "varying": varying.LogEvidence()} {
		if !math.IsInf(got, -1) {
			t.Errorf("%s: a detector that never bets has log evidence %v; the threshold is %v", name, got, logA)
		}
	}
	if got := empty.LogEvidence(); got != before {
		t.Errorf("rate: empty buckets moved the evidence from %v to %v", before, got)
	}
	if got := mean.LogEvidence(); got != meanBefore {
		t.Errorf("mean: empty buckets moved the evidence from %v to %v", meanBefore, got)
	}
	if got := sets.LogEvidence(); got != setsBefore {
		t.Errorf("sets: empty buckets moved the evidence from %v to %v", setsBefore, got)
	}
}

func TestOneSideWithoutABetStaysAtNothing(t *testing.T) {
	// Nothing lies below a rate of 0: the five bets on a fall must stay out of the average and out of the count.
	r := NewRate(RateOptions{Lo: 0, Hi: .01})
	if r.Components() != 5 {
		t.Fatalf("%d components, want 5", r.Components())
	}
	for range 20_000 {
		r.Update(0, 1000)
	}
	if got := r.LogEvidence(); got > 0 {
		t.Errorf("20,000 quiet buckets brought log evidence %v", got)
	}
	// Records in missing bins only say nothing about the regular bins.
	s, err := NewSets([]uint64{500, 500, 1000}, SetsOptions{Alpha: .05, Ordered: true, Extra: 1, Exact: true})
	if err != nil {
		t.Fatal(err)
	}
	for range 20_000 {
		s.Update([]uint64{0, 0, 1})
	}
	for c := range s.m[:2*2*len(s.steps)] {
		if s.m[c] != 0 {
			t.Fatalf("component %d of the regular bins has evidence %v without a record in them", c, s.m[c])
		}
	}
}

// Trap 2: increments must be exact. The expectation of M after b buckets is b when the null is one point and nothing
// is capped: enumerate every outcome. A maximum instead of the sum, a lost +1, an approximate logarithm or a sum
// taken in the wrong order all miss it.

func TestExpectedEvidenceUnderTheNullIsTheNumberOfBuckets(t *testing.T) {
	const n, p, buckets = 6, .3, 3
	prob := binomial(n, p)
	for _, cap := range []float64{0, .1} {
		total := 0.0
		var walk func(r Rate, weight float64, depth int)
		walk = func(r Rate, weight float64, depth int) {
			if depth == buckets {
				total += weight * math.Exp(r.LogEvidence())
				return
			}
			for k := range uint64(n + 1) {
				next := r.Clone()
				next.Update(k, n)
				walk(next, weight*prob[k], depth+1)
			}
		}
		walk(NewRate(RateOptions{Lo: p, Hi: p, Cap: cap}), 1, 0)
		if cap == 0 && math.Abs(total-buckets) > 1e-12*buckets {
			t.Errorf("expected evidence after %d buckets is %.15g", buckets, total)
		}
		if cap > 0 && total >= buckets {
			t.Errorf("a cap must lower the expected evidence, got %v after %d buckets", total, buckets)
		}
	}
}

func TestEvidenceOfAFairBetOnNothingCountsExactly(t *testing.T) {
	// With a factor of exactly 1 in every bucket M is the number of buckets, to the last digit: M = max(1, M)*L would
	// stay at 1, and an approximation would wander.
	m := 0.0
	for b := 1; b <= 100_000; b++ {
		if m = grow(m, 0); m != float64(b) {
			t.Fatalf("evidence %v after %d buckets", m, b)
		}
	}
}

func TestEvidenceEqualsTheLogDomainFormula(t *testing.T) {
	// l = log1p(exp(l)) + inc, and l + inc above 35, over four orders of magnitude of traffic.
	for _, n := range []uint64{3, 100, 10_000, 1_000_000} {
		r := NewRate(RateOptions{Lo: .04, Hi: .06, Cap: 3})
		var l [maxComponents]float64
		for c := range l {
			l[c] = math.Inf(-1)
		}
		rng := lcg(n)
		for b := range 400 {
			rate := .05
			if b > 200 {
				rate = .08
			}
			k := uint64(float64(n)*rate + 3*(rng.float()-.5)*math.Sqrt(float64(n)*.05))
			r.Update(k, n)
			k = min(k, n)
			for c := range r.Components() {
				inc := math.Max(minIncrement, r.bets[c].increment(float64(k), float64(n-k), r.ceil))
				if l[c] > 35 {
					l[c] += inc
				} else {
					l[c] = math.Log1p(math.Exp(l[c])) + inc
				}
				if l[c] = math.Min(l[c], math.Log(maxEvidence)); math.Abs(math.Log(r.m[c])-l[c]) > 1e-9*max(1, math.Abs(l[c])) {
					t.Fatalf("n=%d bucket %d component %d: %v, want %v", n, b, c, math.Log(r.m[c]), l[c])
				}
			}
		}
	}
}

func TestHugeEvidenceSaturatesInsteadOfOverflowing(t *testing.T) {
	r := NewRate(RateOptions{Lo: .01, Hi: .02})
	s, err := NewSets([]uint64{1000, 1000, 1000}, SetsOptions{Alpha: .05, Ordered: true})
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		r.Update(1_000_000_000, 1_000_000_000)
		s.Update([]uint64{0, 0, 1_000_000_000_000})
	}
	for name, l := range map[string]float64{"rate": r.LogEvidence(), "sets": s.LogEvidence()} {
		if !(l > 600 && l < 700) {
			t.Errorf("%s: log evidence %v", name, l)
		}
	}
	r.Update(0, 1_000_000_000)
	if l := r.LogEvidence(); math.IsNaN(l) || l > 690 {
		t.Errorf("after the opposite extreme: %v", l)
	}
}

func TestABurstOfFourBucketsCannotPage(t *testing.T) {
	logA := LogThreshold(43200, 1, .01)
	r := NewRate(RateOptions{Lo: .01, Hi: .02, Cap: BucketCap(logA)})
	for b := range 5000 {
		r.Update(15, 1000)
		if b%1000 == 999 {
			for range 4 {
				r.Update(1000, 1000)
			}
			if r.LogEvidence() >= logA {
				t.Fatalf("four buckets of a burst brought %v of %v", r.LogEvidence(), logA)
			}
			for range 20 {
				r.Update(15, 1000)
			}
		}
	}
	for range 8 {
		r.Update(1000, 1000)
	}
	if r.LogEvidence() < logA {
		t.Errorf("eight buckets of a change brought only %v of %v", r.LogEvidence(), logA)
	}
}

func binomial(n int, p float64) []float64 {
	out := make([]float64, n+1)
	for k := range out {
		c := 1.0
		for i := range k {
			c = c * float64(n-i) / float64(i+1)
		}
		out[k] = c * math.Pow(p, float64(k)) * math.Pow(1-p, float64(n-k))
	}
	return out
}

// lcg is a small seeded generator for tests (Knuth's MMIX constants).
type lcg uint64

func (g *lcg) float() float64 {
	*g = *g*6364136223846793005 + 1442695040888963407
	return float64(*g>>11) / (1 << 53)
}
