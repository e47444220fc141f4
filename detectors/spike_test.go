package detectors

import (
	"math"
	"math/rand/v2"
	"testing"
)

// mix draws n values of a healthy feature in which share of them is replaced by value.
func mix(rng *rand.Rand, n int, draw func() float64, share, value float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		if out[i] = draw(); rng.Float64() < share {
			out[i] = value
		}
	}
	return out
}

func TestASpikeIsOneValueThatTakesThePlaceOfOthers(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	normal := func() float64 { return 4.2 + .4*rng.NormFloat64() }
	skewed := func() float64 { return math.Round(600 * math.Exp(rng.NormFloat64())) }
	few := func() float64 { return float64(rng.IntN(4)) }
	for _, c := range []struct {
		name     string
		draw     func() float64
		share    float64
		value    float64
		found    bool
		isAtom   bool
		collapse bool
	}{
		{"-1 below everything", normal, .1, -1, true, true, false},
		{"0 below everything", normal, .1, 0, true, true, false},
		{"999 above everything", normal, .1, 999, true, true, false},
		{"-999 far below", skewed, .05, -999, true, true, false},
		{"a value in the middle", normal, .2, 4.25, true, false, false},
		{"nearly all are one value", normal, .99, 4.25, true, false, true},
		{"too few", normal, .02, -1, false, false, false},
		{"an atom that was there", few, .1, 0, false, false, false},
		{"nothing", normal, 0, 0, false, false, false},
	} {
		ref := mix(rng, 20000, c.draw, 0, 0)
		g, err := NewGrid(ref, GridOptions{})
		if err != nil {
			t.Fatal(err)
		}
		s, ok := RecognizeSpike(g, g.Summarize(ref), g.Summarize(mix(rng, 1500, c.draw, c.share, c.value)))
		if ok != c.found || ok && (s.Default != c.isAtom || s.Collapse != c.collapse) {
			t.Errorf("%s: %+v, %v", c.name, s, ok)
		}
		if ok && s.Default && s.Value != c.value {
			t.Errorf("%s: told %v", c.name, s.Value)
		}
		if ok && math.Abs(s.Seen-s.Expected-c.share) > .04 {
			t.Errorf("%s: seen %.3f beside %.3f", c.name, s.Seen, s.Expected)
		}
	}
}

func TestAShiftIsNoSpike(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	ref := mix(rng, 20000, rng.NormFloat64, 0, 0)
	g, err := NewGrid(ref, GridOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, by := range []float64{-5, -1, -.3, .3, 1, 5, 50} {
		cur := mix(rng, 1500, func() float64 { return by + rng.NormFloat64() }, 0, 0)
		if s, ok := RecognizeSpike(g, g.Summarize(ref), g.Summarize(cur)); ok {
			t.Errorf("a shift by %v was called a spike: %+v", by, s)
		}
	}
}

func TestAUnitIsRecognisedByQuantilesAndByMeanAndSpread(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	lognormal := func() float64 { return 600 * math.Exp(rng.NormFloat64()) }
	share := func() float64 { return rng.Float64() * .3 }
	seconds := func() float64 { return float64(rng.IntN(48)+1) * 300 }
	celsius := func() float64 { return 18 + 6*rng.NormFloat64() }
	for _, c := range []struct {
		name   string
		draw   func() float64
		factor float64
		offset float64
		want   float64 // 0 for none
	}{
		{"x10", lognormal, 10, 0, 10},
		{"x100", lognormal, 100, 0, 100},
		{"/100", lognormal, .01, 0, .01},
		{"x1000", seconds, 1000, 0, 1000},
		{"/1000", seconds, .001, 0, .001},
		{"/60", seconds, 1. / 60, 0, 1. / 60},
		{"share to percent", share, 100, 0, 100},
		{"Celsius to Fahrenheit", celsius, 1.8, 32, 1.8},
		{"twice", lognormal, 2, 0, 0},
		{"by a third", lognormal, 4. / 3, 0, 0},
		{"five times", seconds, 5, 0, 0},
		{"a shift", celsius, 1, 4, 0},
	} {
		for trial := range 20 {
			ref := mix(rng, 5000, c.draw, 0, 0)
			g, err := NewGrid(ref, GridOptions{})
			if err != nil {
				t.Fatal(err)
			}
			cur := mix(rng, 600, func() float64 { return c.factor*c.draw() + c.offset }, 0, 0)
			u, ok := RecognizeUnit(g, g.Summarize(ref), g.Summarize(cur))
			if ok != (c.want != 0) || ok && u.Factor != c.want {
				t.Errorf("%s, trial %d: %+v, %v", c.name, trial, u, ok)
			}
		}
	}
}

func TestACollapseIsAFewValuesWhereThereWereMany(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	normal := func() float64 { return 4.2 + .4*rng.NormFloat64() }
	turns := func(values ...float64) func() float64 {
		i := 0
		return func() float64 { i++; return values[i%len(values)] }
	}
	die := func() float64 { return float64(rng.IntN(6)) }
	for _, c := range []struct {
		name     string
		ref, now func() float64
		bins     int // 0 means no collapse
	}{
		{"two values in turn", normal, turns(4, 4.4), 2},
		{"three values in turn", normal, turns(3.9, 4.2, 4.6), 3},
		{"seven values in turn", normal, turns(3.5, 3.8, 4, 4.2, 4.3, 4.4, 4.9), 7},
		{"one value, which is a spike", normal, turns(4), 0},
		{"a hundred values in turn", normal, func() float64 { return 3.7 + .01*float64(rng.IntN(100)) }, 0},
		{"two values beyond the range", normal, turns(90, 95), 0},
		{"half as wide", normal, func() float64 { return 4.2 + .2*rng.NormFloat64() }, 0},
		{"a die that falls on two sides", die, turns(2, 3), 0},
		{"the same", normal, normal, 0},
	} {
		draw := func(n int, f func() float64) []float64 {
			out := make([]float64, n)
			for i := range out {
				out[i] = f()
			}
			return out
		}
		ref := draw(20000, c.ref)
		g, err := NewGrid(ref, GridOptions{})
		if err != nil {
			t.Fatal(err)
		}
		got, ok := RecognizeCollapse(g, g.Summarize(ref), g.Summarize(draw(2000, c.now)))
		if ok != (c.bins > 0) || ok && got.Bins != c.bins {
			t.Errorf("%s: %+v, %v", c.name, got, ok)
		}
	}
}

func TestRisenIsTheShareThatMoved(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 8))
	normal := rng.NormFloat64
	ref := mix(rng, 50000, normal, 0, 0)
	g, err := NewGrid(ref, GridOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, share := range []float64{0, .05, .3, 1} {
		if got := Risen(g.Summarize(ref), g.Summarize(mix(rng, 20000, normal, share, 50))); math.Abs(got-share) > .02 {
			t.Errorf("%v moved, told %v", share, got)
		}
	}
	if !math.IsNaN(Risen(&NumberSummary{}, g.Summarize(ref))) {
		t.Error("nothing has no share")
	}
}
