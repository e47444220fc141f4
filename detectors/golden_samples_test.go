package detectors

import (
	"math"
	"testing"
)

// The tolerances are those of golden_scipy's meta: 1e-9 relative, 1e-12 absolute near 0, p-values 1e-6 relative.
func TestGoldenSampleStatistics(t *testing.T) {
	for _, c := range loadGolden(t) {
		if c.Kind != "numeric" {
			continue
		}
		t.Run(c.ID, func(t *testing.T) {
			e := c.Expected
			ref, cur := floats(c.Reference), floats(c.Current)
			s := CompareNumbers(ref, cur)
			near(t, "ks", s.KS, float64(e.KS.Statistic), 1e-9, 1e-12)
			near(t, "ks p", s.KSP, e.KS.PAsymp, 1e-6, 0)
			near(t, "w1", s.Wasserstein, float64(e.W1), 1e-9, 0)
			near(t, "w1/std", s.WassersteinStd, float64(e.W1Std), 1e-9, 0)
			near(t, "energy", s.Energy, float64(e.Energy), 1e-9, 0)
			near(t, "cvm", s.CvM, float64(e.CvM.Statistic), 1e-9, 1e-12)
			near(t, "cvm p", s.CvMP, e.CvM.PAsymp, 1e-6, 1e-12)
			near(t, "ad midrank", s.AD, float64(e.ADMid.Statistic), 1e-9, 1e-12)
			near(t, "ad right", AndersonDarling(false, ref, cur), float64(e.ADRight.Statistic), 1e-9, 1e-12)
			near(t, "u", s.MannWhitneyU, float64(e.MWU.U), 1e-9, 0)
			near(t, "mann-whitney p", s.MannWhitneyP, e.MWU.PAsymp, 1e-6, 0)
			near(t, "t", s.T, float64(e.Welch.T), 1e-9, 1e-12)
			near(t, "t p", s.WelchTP, e.Welch.P, 1e-6, 0)
			near(t, "psi", s.PSI, e.BinsB.PSIHalf, 1e-9, 1e-12)
			near(t, "psi floor", s.PSIFloor, e.BinsB.PSIFloor, 1e-9, 1e-12)
			near(t, "js", s.JS, e.BinsB.JS, 1e-9, 1e-7)
			near(t, "kl", s.KL, e.BinsB.KL, 1e-9, 1e-12)
			near(t, "hellinger", s.Hellinger, e.BinsB.Hellinger, 1e-9, 1e-7)
			if p := e.KS.PExact; p != nil {
				near(t, "exact ks p", KSExactProbability(s.KS, uint64(len(ref)), uint64(len(cur))), *p, 1e-6, 0)
			}
		})
	}
}

func TestPelzGoodAgreesWithTheExactMatrix(t *testing.T) {
	for _, n := range []int{141, 200, 400} {
		for z := 0.3; z < 1.9; z += 0.05 {
			x := z / math.Sqrt(float64(n))
			near(t, "distribution function", pelzGood(float64(n), x), durbin(n, x), 0, 0.07/float64(n*n))
		}
	}
}

func TestKolmogorovTailIsContinuousAcrossItsMethods(t *testing.T) {
	for _, n := range []float64{5, 10, 50, 140, 141, 1000, 99999, 100001, 1e7} {
		last := 1.0
		for x := 0.0005; x < 1; x *= 1.01 {
			p := kolmogorovTail(n, x)
			if p > last*(1+1e-5) || p < 0 || math.IsNaN(p) {
				t.Fatalf("n %v: the tail rises to %v at %v, it was %v", n, p, x, last)
			}
			last = p
		}
	}
}
