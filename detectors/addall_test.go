package detectors

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestAddAllIsAddForEachToTheLastBit(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for name, draw := range map[string]func() float64{
		"normal":     rng.NormFloat64,
		"log-normal": func() float64 { return math.Exp(3 * rng.NormFloat64()) },
		"whole":      func() float64 { return float64(rng.IntN(400)) },
		"few values": func() float64 { return float64(rng.IntN(3)) },
		"signs":      func() float64 { return math.Copysign(float64(rng.IntN(2)), rng.NormFloat64()) },
		"denormals":  func() float64 { return math.Float64frombits(rng.Uint64N(1 << 50)) },
	} {
		var sample []float64
		for range 5000 {
			sample = append(sample, draw())
		}
		g := mustGrid(t, sample)
		one, all := &NumberSummary{Fine: make([]uint64, g.Fine())}, &NumberSummary{Fine: make([]uint64, g.Fine())}
		narrow, counts := &NumberSummary{}, make([]uint32, g.Fine())
		var touched, want, marked [4]uint64
		for range 200 {
			xs := make([]float64, rng.IntN(AddBatch+1))
			for i := range xs {
				if xs[i] = draw(); rng.IntN(20) == 0 {
					xs[i] = math.Float64frombits(rng.Uint64())
					if math.IsNaN(xs[i]) || math.IsInf(xs[i], 0) {
						xs[i] = math.Copysign(0, -1)
					}
				}
			}
			for _, x := range xs {
				b := one.Add(g, x)
				want[b>>6&3] |= 1 << (b & 63)
			}
			all.AddAll(g, xs, &touched)
			narrow.AddAllTo(counts, g, xs, &marked)
		}
		if marked != want || narrow.N != one.N || narrow.Dev != one.Dev || narrow.DevSq != one.DevSq || narrow.Wide != one.Wide {
			t.Errorf("%s: the sums beside counts of four bytes differ", name)
		}
		if touched != want || one.N != all.N || one.Dev != all.Dev || one.DevSq != all.DevSq || one.Wide != all.Wide {
			t.Errorf("%s: the sums differ", name)
		}
		for b := range one.Fine {
			if one.Fine[b] != all.Fine[b] || one.Fine[b] != uint64(counts[b]) {
				t.Errorf("%s: bin %d: %d and %d", name, b, one.Fine[b], all.Fine[b])
			}
		}
	}
}
