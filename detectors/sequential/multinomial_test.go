package sequential

import (
	"errors"
	"math"
	"slices"
	"testing"
)

func TestProjectionAgreesWithTheGoldenCases(t *testing.T) {
	for _, c := range golden(t, "kl_projection") {
		p := make([]float64, len(c.Q))
		kl, err := Project(p, c.Q, c.Lo, c.Hi)
		if err != nil || !close9(kl, c.ExpectedKL) {
			t.Errorf("%s: distance %v, %v, want %v", c.ID, kl, err, c.ExpectedKL)
		}
		for j := range p {
			if math.Abs(p[j]-c.ExpectedP[j]) > 1e-9 {
				t.Errorf("%s: share %d is %v, want %v", c.ID, j, p[j], c.ExpectedP[j])
			}
		}
	}
}

func TestProjectionRefusesAnEmptyBox(t *testing.T) {
	p := make([]float64, 2)
	for _, c := range [][3][]float64{
		{{.5, .5}, {.6, .6}, {.7, .7}},
		{{.5, .5}, {0, 0}, {.4, .4}},
		{{.5, .5}, {.3, .3}, {.2, .8}},
		{{0, 1}, {0, 0}, {1, 1}},
		{{1}, {0}, {1}},
	} {
		if _, err := Project(p, c[0], c[1], c[2]); !errors.Is(err, ErrBox) {
			t.Errorf("%v: %v", c, err)
		}
	}
}

func TestTheProjectionsRatioIsAnEValueForEveryDistributionInTheBox(t *testing.T) {
	lo, hi := []float64{.1, .2, .3}, []float64{.3, .4, .5}
	q := []float64{.6, .3, .1}
	p := make([]float64, 3)
	if _, err := Project(p, q, lo, hi); err != nil {
		t.Fatal(err)
	}
	for a := lo[0]; a <= hi[0]+1e-9; a += .01 {
		for b := lo[1]; b <= hi[1]+1e-9; b += .01 {
			c := 1 - a - b
			if c < lo[2]-1e-9 || c > hi[2]+1e-9 {
				continue
			}
			if mean := a*q[0]/p[0] + b*q[1]/p[1] + c*q[2]/p[2]; mean > 1+1e-9 {
				t.Fatalf("the ratio has mean %v under %v %v %v", mean, a, b, c)
			}
		}
	}
}

func TestMultinomialDoesNotPageByWaiting(t *testing.T) {
	// Trap 1 as it was met: an estimate inside the box bets on nothing, its factor is 1, and with the +1 its evidence
	// would reach A in bucket A exactly.
	logA := LogThreshold(8640, 1, 1)
	d, err := NewMultinomial([]uint64{5000, 5000, 5000, 5000}, MultinomialOptions{Alpha: .001, Tol: .02})
	if err != nil {
		t.Fatal(err)
	}
	for range 20_000 {
		d.Update([]uint64{25, 25, 25, 25})
	}
	if l := d.LogEvidence(); !math.IsInf(l, -1) {
		t.Errorf("log evidence %v of %v by waiting", l, logA)
	}
}

func TestMultinomialNoticesAndNamesTheBin(t *testing.T) {
	logA := LogThreshold(8640, 1, 1)
	d, err := NewMultinomial([]uint64{5000, 5000, 5000, 5000}, MultinomialOptions{Alpha: .001, Tol: .005, Cap: BucketCap(logA)})
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		d.Update([]uint64{25, 25, 25, 25})
	}
	at := 0
	for at < 50 && d.LogEvidence() < logA {
		d.Update([]uint64{22, 22, 34, 22})
		at++
	}
	l := d.Leading()
	if at > 25 || l.Set.Bin != 2 || l.Side != Up || l.BucketsAgo > uint64(at)+1 {
		t.Errorf("after %d buckets: %+v", at, l)
	}
	counts := []uint64{1, 2, 3, 4}
	if n := testing.AllocsPerRun(50, func() { d.Update(counts) }); n != 0 {
		t.Errorf("%v allocations in an update", n)
	}
	if d.Update(counts[:3]) {
		t.Error("three counts were taken for four bins")
	}
}

func TestNormalAgreesWithTheAuthorsCode(t *testing.T) {
	for _, c := range golden(t, "stcp_st_normal") {
		o := NormalOptions{Mean: c.Mu, Bets: c.Lambdas}
		if o.Bets == nil {
			o.Bets = []float64{c.Lambda}
		}
		if w, ok := c.Weights.([]any); ok {
			for _, x := range w {
				o.Weights = append(o.Weights, x.(float64))
			}
		}
		one, err := NewNormal(o)
		if err != nil {
			t.Fatal(err)
		}
		batch := one
		stop := 0
		checkPath(t, c.ID, c.ExpectedLog, func(i int) float64 {
			one.Update(c.X[i], 1)
			if stop == 0 && one.LogEvidence() >= math.Log(20) {
				stop = i + 1
			}
			return one.LogEvidence()
		})
		if c.StopAt != 0 && stop != c.StopAt {
			t.Errorf("%s: stops at %d, want %d", c.ID, stop, c.StopAt)
		}
		batch.Update((c.X[0]+c.X[1])/2, 2)
		if !close9(batch.LogEvidence(), c.ExpectedLog[1]) {
			t.Errorf("%s: batch of two %v, want %v", c.ID, batch.LogEvidence(), c.ExpectedLog[1])
		}
		batch.Update(c.X[2], 1)
		if !close9(batch.LogEvidence(), c.ExpectedLog[2]) {
			t.Errorf("%s: last batch %v, want %v", c.ID, batch.LogEvidence(), c.ExpectedLog[2])
		}
	}
}

func TestNormalRefusesWhatIsNoTest(t *testing.T) {
	for _, o := range []NormalOptions{
		{Deviation: -1}, {Bets: []float64{0}}, {Bets: []float64{1, 2}, Weights: []float64{1}}, {Bets: []float64{}},
		{Bets: []float64{1}, Weights: []float64{0}}, {Bets: slices.Repeat([]float64{1}, 17)},
	} {
		if _, err := NewNormal(o); !errors.Is(err, ErrNormal) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	d, err := NewNormal(NormalOptions{Restart: true})
	if err != nil {
		t.Fatal(err)
	}
	d.Update(5, 0)
	if !math.IsInf(d.LogEvidence(), -1) {
		t.Error("an empty batch was a bet")
	}
	for range 10 {
		d.Update(1, 10)
	}
	if d.LogEvidence() < 30 {
		t.Errorf("ten batches at one deviation brought %v", d.LogEvidence())
	}
}
