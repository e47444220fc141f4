package sequential

import (
	"math"
	"math/rand/v2"
	"testing"
)

// weights are the terms of the hypergeometric distribution, by the recursion from the lowest number of hits.
func weights(n, rest, all int, odds float64) (lo int, w []float64) {
	lo = max(0, all-rest)
	sum, term := 0., 1.
	for j := lo; j <= min(n, all); j++ {
		w = append(w, term)
		sum += term
		term *= odds * float64(n-j) * float64(all-j) / (float64(j+1) * float64(rest-all+j+1))
	}
	for i := range w {
		w[i] /= sum
	}
	return lo, w
}

// The promise is exact: added up over everything that could have been seen given the totals, a bucket's factor has
// mean 1 at the edge of the null interval and less inside.
func TestABucketOfAnExchangeHasMeanOneAtTheEdgeAndLessInside(t *testing.T) {
	for _, c := range []struct{ n, rest, all int }{{1, 1, 1}, {3, 9, 4}, {40, 120, 16}, {200, 50, 30}, {75, 225, 299}, {500, 1500, 7}} {
		slack := math.Log(1.5)
		for _, at := range []float64{-slack, -slack / 2, 0, slack} {
			lo, p := weights(c.n, c.rest, c.all, math.Exp(at))
			var mean [exchangeBets]float64
			for i, w := range p {
				x := NewExchange(ExchangeOptions{Slack: slack})
				k := lo + i
				x.Update(uint64(k), uint64(c.n), uint64(c.all-k), uint64(c.rest))
				for b, m := range x.m {
					mean[b] += w * m
				}
			}
			for b, m := range mean {
				if m > 1+1e-9 {
					t.Errorf("%+v, log-odds %.2f: bet %d has mean %v", c, at, b, m)
				}
				edge := at == slack && b < len(exchangeSteps) || at == -slack && b >= len(exchangeSteps)
				if edge && math.Abs(m-1) > 1e-9 {
					t.Errorf("%+v: bet %d has mean %v at the edge, want 1", c, b, m)
				}
			}
		}
	}
}

// Rates that swing for all replicas together, by a factor of ten within the day, are no evidence against one of them.
func TestWhatMovesPartAndRestTogetherIsNoEvidence(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	alarms, logA := 0, math.Log(2000)
	const runs, buckets = 40, 2000
	for range runs {
		x := NewExchange(ExchangeOptions{Slack: 0, Cap: BucketCap(logA)})
		for b := range buckets {
			p := .02 * math.Exp(1.15*(1+math.Sin(float64(b)/50)))
			var k, rest uint64
			for range 30 {
				k += hit(r, p)
			}
			for range 90 {
				rest += hit(r, p)
			}
			x.Update(k, 30, rest, 90)
			if x.LogEvidence() >= logA {
				alarms++
				x.Reset()
			}
		}
	}
	// At most one in 2,000 buckets on average: 40 in these runs.
	if alarms > 40+3*7 {
		t.Errorf("%d alarms in %d buckets", alarms, runs*buckets)
	}
}

func hit(r *rand.Rand, p float64) uint64 {
	if r.Float64() < p {
		return 1
	}
	return 0
}

func TestAReplicaThatDiffersIsFoundAndItsReturnToo(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	logA := math.Log(43200)
	x := NewExchange(ExchangeOptions{Slack: math.Log(1.5), Cap: BucketCap(logA)})
	draw := func(p float64) (k, n, restK, restN uint64) {
		for range 75 {
			k += hit(r, p)
		}
		for range 225 {
			restK += hit(r, .05)
		}
		return k, 75, restK, 225
	}
	for range 200 {
		x.Update(draw(.05))
	}
	found := 0
	for b := 1; found == 0 && b < 200; b++ {
		x.Update(draw(.2))
		if x.LogEvidence() >= logA {
			found = b
		}
	}
	if found == 0 || found > 15 {
		t.Fatalf("found after %d buckets", found)
	}
	l := x.Leading()
	if l.Side != Up || math.Abs(l.Seen-.2) > .06 || math.Abs(x.Peers()-.05) > .03 || int(l.BucketsAgo) < found-1 || int(l.BucketsAgo) > found+3 {
		t.Errorf("found after %d: %+v, peers %v", found, l, x.Peers())
	}
	back := NewRecovery(l)
	for range 300 {
		k, n, rk, rn := draw(.05)
		lo, hi := x.Within(rk, rn)
		back.UpdateWithin(k, n, lo, hi)
	}
	if !back.Recovered() {
		t.Errorf("not recovered: %v", back.Progress())
	}
}

func TestAnExchangeGoesOnFromItsSavedState(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	a := NewExchange(ExchangeOptions{Slack: .4, Cap: 3})
	for range 50 {
		a.Update(uint64(r.IntN(20)), 20, uint64(r.IntN(60)), 60)
	}
	b := NewExchange(ExchangeOptions{Slack: .4, Cap: 3})
	if err := b.Unmarshal(a.MarshalAppend(nil)); err != nil || a != b {
		t.Fatalf("%v\n%+v\n%+v", err, a, b)
	}
	other := NewExchange(ExchangeOptions{Slack: .5, Cap: 3})
	before := other
	if other.Unmarshal(a.MarshalAppend(nil)) == nil || other != before {
		t.Error("evidence against another interval was taken over")
	}
	for cut := range a.MarshalAppend(nil) {
		if b.Unmarshal(a.MarshalAppend(nil)[:cut]) == nil {
			t.Errorf("a state cut at %d was taken", cut)
		}
	}
}

func TestABucketInWhichNothingCouldDifferIsNoBet(t *testing.T) {
	x := NewExchange(ExchangeOptions{Slack: .1})
	for _, c := range [][4]uint64{{0, 0, 5, 10}, {3, 10, 0, 0}, {0, 10, 0, 30}, {10, 10, 30, 30}} {
		x.Update(c[0], c[1], c[2], c[3])
	}
	if !math.IsInf(x.LogEvidence(), -1) {
		t.Errorf("evidence %v", x.LogEvidence())
	}
}
