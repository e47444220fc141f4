package detectors

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The first expectation is that of Newcombe, Statistics in Medicine 17 (1998) 873, table II, example (a), method 10; the others follow from
// the definition.
func TestTheDifferenceOfTwoProportions(t *testing.T) {
	d := ProportionDifference(56, 70, 48, 80, .05)
	if math.Abs(d.Value-.2) > 1e-12 || math.Abs(d.Lower-.0524) > 1e-4 || math.Abs(d.Upper-.3339) > 1e-4 {
		t.Errorf("%+v, want 0.2 from 0.0524 to 0.3339", d)
	}
	back := ProportionDifference(48, 80, 56, 70, .05)
	if math.Abs(back.Lower+d.Upper) > 1e-12 || math.Abs(back.P-d.P) > 1e-12 {
		t.Errorf("the other way round: %+v beside %+v", back, d)
	}
	if z := ProportionDifference(0, 10, 0, 20, .05); z.Value != 0 || z.P != 1 {
		t.Errorf("none in both: %+v", z)
	}
	if z := ProportionDifference(0, 0, 1, 2, .05); !math.IsNaN(z.P) || !math.IsNaN(z.Value) {
		t.Errorf("an empty group: %+v", z)
	}
}

// TestIntervalsOfDifferencesHoldTheTruth, and p-values are small as often as they say.
func TestIntervalsOfDifferencesHoldTheTruth(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 1))
	const runs, p1, p2 = 3000, .05, .03
	held, heldMean, small, smallMean := 0, 0, 0, 0
	for range runs {
		var k1, k2, k3 uint64
		for range 400 {
			k1 += uint64(b2i(rng.Float64() < p1))
			k2 += uint64(b2i(rng.Float64() < p2))
			k3 += uint64(b2i(rng.Float64() < p1))
		}
		d := ProportionDifference(k1, 400, k2, 400, .05)
		held += b2i(d.Lower <= p1-p2 && p1-p2 <= d.Upper)
		small += b2i(ProportionDifference(k1, 400, k3, 400, .05).P < .05)
		sample := func(n int, mean, sd float64) Moments {
			xs := make([]float64, n)
			for i := range xs {
				xs[i] = mean + sd*rng.NormFloat64()
			}
			m, v := moments(xs)
			return Moments{uint64(n), m, v}
		}
		a := sample(30, 1, 2)
		m := MeanDifference(a, sample(50, .5, 1), .05)
		heldMean += b2i(m.Lower <= .5 && .5 <= m.Upper)
		smallMean += b2i(MeanDifference(a, sample(50, 1, 1), .05).P < .05)
	}
	for name, k := range map[string]int{"proportions": held, "means": heldMean} {
		if share := float64(k) / runs; share < .935 || share > .97 {
			t.Errorf("%s: %.3f of the intervals hold the truth, want 0.95", name, share)
		}
	}
	for name, k := range map[string]int{"proportions": small, "means": smallMean} {
		if share := float64(k) / runs; share < .03 || share > .07 {
			t.Errorf("%s: %.3f of the p-values without a difference are below 0.05", name, share)
		}
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
