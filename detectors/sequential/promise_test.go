package sequential

import (
	"math"
	"testing"
)

// The promise of every detector, by enumeration: the expected evidence after b buckets is at most b under every
// point of the null, and b itself where the null is one point and every component bets in every bucket.

// expectation walks through all outcomes of some buckets. play feeds an outcome to a detector in the given state and
// returns the new state, since a walk comes back to where it was.
func expectation(t *testing.T, buckets int, probabilities []float64, fresh func() kept, play func(d kept, outcome int)) float64 {
	t.Helper()
	total := 0.
	var walk func(state []byte, weight float64, depth int)
	walk = func(state []byte, weight float64, depth int) {
		for outcome, p := range probabilities {
			d := fresh()
			if state != nil {
				if err := d.Unmarshal(state); err != nil {
					t.Fatal(err)
				}
			}
			play(d, outcome)
			if depth+1 < buckets {
				walk(d.MarshalAppend(nil), weight*p, depth+1)
				continue
			}
			total += weight * p * math.Exp(d.(interface{ LogEvidence() float64 }).LogEvidence())
		}
	}
	walk(nil, 1, 0)
	return total
}

// histograms are all ways to deal n records out to bins, with their probabilities.
func histograms(n int, shares []float64) (counts [][]uint64, probabilities []float64) {
	var deal func(left, bin int, so []uint64, p float64)
	deal = func(left, bin int, so []uint64, p float64) {
		if bin == len(shares)-1 {
			counts = append(counts, append(append([]uint64(nil), so...), uint64(left)))
			probabilities = append(probabilities, p*math.Pow(shares[bin], float64(left)))
			return
		}
		choose := 1.
		for k := 0; k <= left; k++ {
			deal(left-k, bin+1, append(so, uint64(k)), p*choose*math.Pow(shares[bin], float64(k)))
			choose = choose * float64(left-k) / float64(k+1)
		}
	}
	deal(n, 0, nil, 1)
	return counts, probabilities
}

func TestSetsKeepThePromiseToTheLastDigit(t *testing.T) {
	const buckets = 3
	shares := []float64{.5, .3, .2}
	ref := []uint64{5_000_000_000, 3_000_000_000, 2_000_000_000}
	counts, probabilities := histograms(3, shares)
	for _, c := range []struct {
		name string
		o    SetsOptions
		want float64 // 0 means less than b
	}{
		{"ordered", SetsOptions{Exact: true, Ordered: true}, buckets},
		{"categories", SetsOptions{Exact: true}, buckets},
		{"capped", SetsOptions{Exact: true, Ordered: true, Cap: .2}, 0},
		{"with a tolerance", SetsOptions{Exact: true, Ordered: true, Tol: .05}, 0},
		{"finite reference", SetsOptions{Alpha: .05, Ordered: true}, 0},
		// With an extra bin a bucket of extras only is not a bet on the regular ones.
		{"with an extra bin", SetsOptions{Exact: true, Ordered: true, Extra: 1}, 0},
	} {
		fresh := func() kept { return mustSets(t, ref, c.o) }
		got := expectation(t, buckets, probabilities, fresh, func(d kept, i int) { d.(*Sets).Update(counts[i]) })
		if c.want > 0 && math.Abs(got-c.want) > 1e-9 || c.want == 0 && !(got < buckets) {
			t.Errorf("%s: expected evidence %.15g after %d buckets", c.name, got, buckets)
		}
	}
}

func TestMeansKeepThePromiseForAnyDistribution(t *testing.T) {
	const buckets = 3
	for _, c := range []struct {
		name          string
		values        []float64
		probabilities []float64
		lo, hi        float64
		exact         bool
	}{
		{"two points", []float64{0, 1}, []float64{.8, .2}, .2, .2, true},
		{"three points", []float64{0, .25, 1}, []float64{.5, .4, .1}, .2, .2, true},
		{"rare", []float64{0, 1}, []float64{.999, .001}, .001, .001, true},
		{"inside the interval", []float64{0, .25, 1}, []float64{.5, .4, .1}, .15, .25, false},
		{"at the upper edge", []float64{0, 1}, []float64{.75, .25}, .15, .25, false},
	} {
		fresh := func() kept { m := NewMean(MeanOptions{Lo: c.lo, Hi: c.hi}); return &m }
		got := expectation(t, buckets, c.probabilities, fresh, func(d kept, i int) {
			var s Sums
			d.(*Mean).Increments(c.values[i], &s)
			d.(*Mean).Update(&s)
		})
		if c.exact && math.Abs(got-buckets) > 1e-9 || got > buckets+1e-9 {
			t.Errorf("%s: expected evidence %.15g after %d buckets", c.name, got, buckets)
		}
	}
}

func TestMultinomialsKeepThePromise(t *testing.T) {
	const buckets = 4
	shares := []float64{.5, .3, .2}
	counts, probabilities := histograms(2, shares)
	fresh := func() kept {
		d, err := NewMultinomial([]uint64{5000, 3000, 2000}, MultinomialOptions{Exact: true})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	got := expectation(t, buckets, probabilities, fresh, func(d kept, i int) { d.(*Multinomial).Update(counts[i]) })
	// The first bucket is not a bet: nothing was seen before it.
	if math.Abs(got-(buckets-1)) > 1e-6 {
		t.Errorf("expected evidence %.15g after %d buckets of which the first is no bet", got, buckets)
	}
}

func TestSeasonsKeepThePromise(t *testing.T) {
	// The rate follows the null interval up and down: still at most 1 a bucket.
	rates := []float64{.1, .4, .2}
	total := 0.
	var walk func(r Rate, weight float64, depth int)
	walk = func(r Rate, weight float64, depth int) {
		if depth == len(rates) {
			total += weight * math.Exp(r.LogEvidence())
			return
		}
		p := rates[depth]
		for k, q := range binomial(4, p) {
			next := r.Clone()
			next.UpdateWithin(uint64(k), 4, p, p)
			walk(next, weight*q, depth+1)
		}
	}
	walk(NewRate(RateOptions{Varying: true}), 1, 0)
	if math.Abs(total-float64(len(rates))) > 1e-12*total {
		t.Errorf("expected evidence %.15g after %d buckets", total, len(rates))
	}
}
