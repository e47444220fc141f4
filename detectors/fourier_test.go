package detectors

import (
	"math"
	"math/rand/v2"
	"testing"
)

// pairsOf draws vectors of two standard normal numbers with a correlation.
func pairsOf(seed uint64, n int, correlation, shift float64) [][]float64 {
	r := rand.New(rand.NewPCG(seed, 3))
	out := make([][]float64, n)
	for i := range out {
		a, b := r.NormFloat64(), r.NormFloat64()
		out[i] = []float64{a + shift, correlation*a + math.Sqrt(1-correlation*correlation)*b}
	}
	return out
}

func summed(f *Fourier, vectors [][]float64) *FourierSums {
	s := f.NewSums()
	scratch := make([]float64, f.Features())
	for _, x := range vectors {
		s.Add(f, x, scratch)
	}
	return s
}

func TestABrokenCorrelationIsSeenThoughNoColumnMoved(t *testing.T) {
	f, err := NewFourier(FourierOptions{Center: []float64{0, 0}, Scale: []float64{1, 1}, Features: 128, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	ref := summed(f, pairsOf(1, 5000, 0.8, 0))
	for _, c := range []struct {
		name               string
		correlation, shift float64
		change             bool
	}{
		{"nothing", 0.8, 0, false}, {"broken", 0, 0, true}, {"turned", -0.8, 0, true}, {"shifted", 0.8, 0.5, true},
	} {
		mmd, expected := MMD(ref, summed(f, pairsOf(2, 2000, c.correlation, c.shift)))
		if changed := mmd > 5*expected; changed != c.change {
			t.Errorf("%s: discrepancy %.5f, expected %.5f", c.name, mmd, expected)
		}
	}
}

func TestDiscrepancyIsUnbiasedUnderNoChange(t *testing.T) {
	f, _ := NewFourier(FourierOptions{Center: []float64{0, 0}, Scale: []float64{1, 1}, Seed: 5})
	sum, level := 0.0, 0.0
	const runs = 200
	for i := range uint64(runs) {
		mmd, expected := MMD(summed(f, pairsOf(10+2*i, 200, 0, 0)), summed(f, pairsOf(11+2*i, 100, 0, 0)))
		sum += mmd / runs
		level += expected / runs
	}
	if math.Abs(sum) > 0.15*level {
		t.Errorf("average discrepancy %.5f where %.5f was taken off", sum, level)
	}
}

// With all frequencies the discrepancy tends to the kernel's: for unit normals at distance s and bandwidth h it is
// 2 (h^2/(h^2+2))^(d/2) (1 - exp(-s^2/(2(h^2+2)))) for a shift along one dimension.
func TestDiscrepancyTendsToTheKernelsOwn(t *testing.T) {
	f, _ := NewFourier(FourierOptions{Center: []float64{0, 0}, Scale: []float64{1, 1}, Features: 1024, Bandwidth: 1.5, Seed: 2})
	got, _ := MMD(summed(f, pairsOf(1, 20000, 0, 0)), summed(f, pairsOf(2, 20000, 0, 1)))
	h2 := 1.5 * 1.5
	want := 2 * (h2 / (h2 + 2)) * (1 - math.Exp(-1/(2*(h2+2))))
	near(t, "mmd", got, want, 0.1, 0)
}

func TestFourierFeaturesAreBoundedMergeableAndTakeMissingValues(t *testing.T) {
	f, _ := NewFourier(FourierOptions{Center: []float64{1, 2, 3}, Scale: []float64{1, 0, 2}, Seed: 2})
	x := []float64{math.NaN(), math.Inf(1), 3}
	dst := make([]float64, f.Features())
	f.Map(dst, x)
	for i, v := range dst {
		if want := 1 - 0.5*float64(i%2); v != want {
			t.Fatalf("feature %d of a vector at the center is %v, want %v", i, v, want)
		}
	}
	a, b := f.NewSums(), f.NewSums()
	a.Add(f, x, nil)
	b.Add(f, []float64{5, 5, 5}, dst)
	if err := a.Merge(b); err != nil || a.N != 2 {
		t.Errorf("merge: %v, %d vectors", err, a.N)
	}
	if a.Merge(&FourierSums{Sum: make([]float64, 2)}) == nil {
		t.Error("sums of other features were merged")
	}
	if n := testing.AllocsPerRun(100, func() { b.Add(f, x, dst) }); n != 0 {
		t.Errorf("Add allocates %v times", n)
	}
	if _, err := NewFourier(FourierOptions{Center: []float64{1}}); err == nil {
		t.Error("a missing scale was accepted")
	}
	if mmd, _ := MMD(f.NewSums(), a); !math.IsNaN(mmd) {
		t.Errorf("discrepancy from nothing is %v", mmd)
	}
}
