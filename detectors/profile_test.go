package detectors

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// changes are what a window may do to the reference: x is a value, u the reference's spread, c its median.
var changes = []struct {
	name  string
	apply func(x, u, c float64, r *rand.Rand) float64
}{
	{"same", func(x, _, _ float64, _ *rand.Rand) float64 { return x }},
	{"shift by a tenth", func(x, u, _ float64, _ *rand.Rand) float64 { return x + .1*u }},
	{"shift down by half", func(x, u, _ float64, _ *rand.Rand) float64 { return x - .5*u }},
	{"shift by twenty", func(x, u, _ float64, _ *rand.Rand) float64 { return x + 20*u }},
	{"half as wide", func(x, _, c float64, _ *rand.Rand) float64 { return c + (x-c)*.5 }},
	{"a fifth wider", func(x, _, c float64, _ *rand.Rand) float64 { return c + (x-c)*1.2 }},
	{"three times as wide", func(x, _, c float64, _ *rand.Rand) float64 { return c + (x-c)*3 }},
	{"other unit", func(x, _, _ float64, _ *rand.Rand) float64 { return x * 10 }},
	{"bump", func(x, u, c float64, r *rand.Rand) float64 {
		if r.IntN(20) == 0 {
			return c + 4*u + u*.1*r.NormFloat64()
		}
		return x
	}},
	{"a tenth became zero", func(x, _, _ float64, r *rand.Rand) float64 {
		if r.IntN(10) == 0 {
			return 0
		}
		return x
	}},
	{"outliers", func(x, u, c float64, r *rand.Rand) float64 {
		if r.IntN(1000) == 0 {
			return c + 1e6*u
		}
		return x
	}},
	{"rounded", func(x, u, _ float64, _ *rand.Rand) float64 { return math.Round(x/u*2) / 2 * u }},
	{"jitter", func(x, u, _ float64, r *rand.Rand) float64 { return x + u*.3*(r.Float64()-.5) }},
	{"clipped", func(x, u, c float64, _ *rand.Rand) float64 { return max(min(x, c+u), c-u) }},
	{"mirrored", func(x, _, c float64, _ *rand.Rand) float64 { return 2*c - x }},
	{"frozen", func(_, u, c float64, _ *rand.Rand) float64 { return c + .37*u }},
}

// Every Wasserstein distance is within 2 %, and where 2 % is less than 1/2000 of the reference's spread within that: distances of
// less than a fortieth of the spread, between samples of the same distribution for most, are noise, and the place of a handful of values
// inside their bins is all that they are.
const (
	w1Relative = 0.02
	w1Spreads  = 1. / 2000
)

var profileSeeds = flag.Int("profile.seeds", 1, "how many times TestProfilesAgreeWithExactStatistics draws its 448 cases; make profiles wants 24")

func TestProfilesAgreeWithExactStatistics(t *testing.T) {
	cases, beyond, worst := 0, 0, 0.0
	defer func() {
		t.Logf("%d Wasserstein distances; off by more than 2 %%, and less than 1/2000 of the spread: %d; by the most: %.2f %%", cases, beyond, 100*worst)
	}()
	for seed := range uint64(*profileSeeds) {
		for i, f := range families {
			t.Run(f.name, func(t *testing.T) {
				ref := sample(uint64(i)+5000*seed, 20000, f.draw)
				g := mustGrid(t, ref)
				reference := g.Summarize(ref)
				reforder, _ := finiteSorted(ref)
				u := g.spec.spread()
				for _, m := range []int{2000, 20000} {
					base := sample(uint64(i)+1000+5000*seed, m, f.draw)
					for _, ch := range changes {
						r := rand.New(rand.NewPCG(5+seed, 5))
						cur := make([]float64, m)
						for k, x := range base {
							cur[k] = ch.apply(x, u, g.Center(), r)
						}
						sorted, _ := finiteSorted(cur)
						p := newPair(reforder, sorted)
						w1, _ := p.distances()
						d := DescribeNumber(g, reference, g.Summarize(cur))
						what := fmt.Sprintf("%s, %d records, seed %d: ", ch.name, m, seed)
						near(t, what+"ks", d.KS, p.ks(), 0, 0.005+1e-12)
						near(t, what+"w1", d.Wasserstein1, w1, w1Relative, w1Spreads*u)
						cases++
						if off := math.Abs(d.Wasserstein1 - w1); off > w1Relative*w1 {
							beyond++
						} else if w1 > 0 {
							worst = max(worst, off/w1)
						}
						if m > 2000 || seed > 0 {
							continue
						}
						exact := CompareNumbers(ref, cur)
						near(t, what+"psi", d.PSI, exact.PSI, 0, 0)
						near(t, what+"js", d.JS, exact.JS, 0, 0)
						near(t, what+"chi2", d.Chi2, exact.Chi2, 0, 0)
						near(t, what+"w1/iqr", d.WassersteinIQR, d.Wasserstein1*exact.WassersteinIQR/exact.Wasserstein, 1e-9, 0)
					}
				}
			})
		}
	}
}

func TestMergingAnySplitInAnyOrderGivesTheSameProfile(t *testing.T) {
	for i, f := range families {
		ref := sample(uint64(i), 5000, f.draw)
		g := mustGrid(t, ref)
		cur := sample(uint64(i)+50, 20000, f.draw)
		cur[7], cur[8] = math.NaN(), math.Inf(1)
		whole, _ := g.Summarize(cur).MarshalBinary()
		for seed := range uint64(5) {
			r := rand.New(rand.NewPCG(seed, 1))
			order := r.Perm(len(cur))
			parts := make([]*NumberSummary, 1+r.IntN(9))
			for k := range parts {
				parts[k] = g.NewSummary()
			}
			for _, k := range order {
				one := g.Summarize(cur[k : k+1])
				if err := parts[r.IntN(len(parts))].Merge(one); err != nil {
					t.Fatal(err)
				}
			}
			r.Shuffle(len(parts), func(a, b int) { parts[a], parts[b] = parts[b], parts[a] })
			sum := g.NewSummary()
			for _, p := range parts {
				if err := sum.Merge(p); err != nil {
					t.Fatal(err)
				}
			}
			if got, _ := sum.MarshalBinary(); !slices.Equal(got, whole) {
				t.Fatalf("%s: a merged profile differs from the profile of the whole", f.name)
			}
		}
	}
}

func TestSummaryKeepsMeanAndSpread(t *testing.T) {
	for i, f := range families {
		cur := sample(uint64(i)+50, 20000, f.draw)
		g := mustGrid(t, cur)
		s := g.Summarize(cur)
		mean, variance := moments(cur)
		near(t, f.name+" mean", s.Mean(g), mean, 1e-9, 1e-7*g.spec.spread())
		near(t, f.name+" sd", s.SD(), math.Sqrt(variance), 1e-4, 0)
	}
	var empty NumberSummary
	if !math.IsNaN(empty.SD()) {
		t.Error("the spread of nothing is a number")
	}
}

func TestSummaryRefusesAnotherShapeAndStaysUnchanged(t *testing.T) {
	a := &NumberSummary{Fine: []uint64{1, 2}, N: 3}
	if err := a.Merge(&NumberSummary{Fine: []uint64{1}, N: 1}); err == nil || a.N != 3 || a.Fine[0] != 1 {
		t.Errorf("merged two bins and one: %v, %+v", err, a)
	}
}

func FuzzUnmarshalSummary(f *testing.F) {
	g, _ := NewGrid([]float64{1, 1, 2, 3, 4, 5, 6}, GridOptions{})
	data, _ := g.Summarize([]float64{1, 2, math.NaN(), 9}).MarshalBinary()
	f.Add(data)
	f.Add(data[:len(data)-1])
	f.Fuzz(func(t *testing.T, data []byte) {
		s := NumberSummary{Fine: []uint64{4}, N: 4, Repeats: 9}
		if err := s.UnmarshalBinary(data); err != nil {
			if len(s.Fine) != 1 || s.Fine[0] != 4 || s.N != 4 || s.Repeats != 9 {
				t.Fatal("a failed decoding changed the receiver")
			}
			return
		}
		again, _ := s.MarshalBinary()
		var b NumberSummary
		if err := b.UnmarshalBinary(again); err != nil || b.N != s.N {
			t.Fatalf("a decoded summary does not survive encoding: %v", err)
		}
	})
}

func TestOneOutlierDoesNotHideAShift(t *testing.T) {
	ref := sample(1, 5000, families[0].draw)
	g := mustGrid(t, ref)
	cur := sample(2, 1000, func(r *rand.Rand) float64 { return 1 + r.NormFloat64() })
	before := DescribeNumber(g, g.Summarize(ref), g.Summarize(cur))
	after := DescribeNumber(g, g.Summarize(ref), g.Summarize(append(cur, 1e6)))
	if before.PSI < 0.8 || math.Abs(after.PSI-before.PSI) > 0.05 {
		t.Errorf("PSI of a shift by one sigma is %.3f, with one outlier %.3f", before.PSI, after.PSI)
	}
}

func TestMissingValuesAreABinOfTheirOwn(t *testing.T) {
	ref := sample(1, 5000, families[0].draw)
	g := mustGrid(t, ref)
	reference, window := g.Summarize(ref), g.Summarize(ref)
	if d := DescribeNumber(g, reference, window); d.PSI != 0 || d.Bins != g.Coarse() {
		t.Errorf("PSI %v over %d bins of a column with itself", d.PSI, d.Bins)
	}
	window.Missing[MissingNull] = 5000
	d := DescribeNumber(g, reference, window)
	if d.Bins != g.Coarse()+1 || d.TVD < 0.49 || d.KS != 0 || d.LargestShiftBin != g.Coarse() {
		t.Errorf("half of the values missing: %+v", d)
	}
}

func TestDescriptionOfAnEmptyWindowIsNotANumber(t *testing.T) {
	g := mustGrid(t, []float64{1, 2, 3})
	d := DescribeNumber(g, g.Summarize([]float64{1, 2, 3}), g.NewSummary())
	for name, v := range map[string]float64{"psi": d.PSI, "ks": d.KS, "js": d.JS, "w1": d.Wasserstein1, "chi2": d.Chi2P} {
		if !math.IsNaN(v) {
			t.Errorf("%s of an empty window is %v", name, v)
		}
	}
	if q := g.Quantile(g.NewSummary().Fine, 0.5); !math.IsNaN(q) {
		t.Errorf("the median of nothing is %v", q)
	}
}

func TestQuantilesStayInsideTheReferenceAndRise(t *testing.T) {
	for i, f := range families {
		ref := sample(uint64(i), 20000, f.draw)
		g := mustGrid(t, ref)
		fine := g.Summarize(ref).Fine
		low, high := g.Range()
		last := math.Inf(-1)
		sorted, _ := finiteSorted(ref)
		for q := 0.0; q <= 1; q += 0.01 {
			v := g.Quantile(fine, q)
			if v < last || v < low || v > high {
				t.Fatalf("%s: quantile %.2f is %v after %v, range %v to %v", f.name, q, v, last, low, high)
			}
			last = v
			if q > 0.02 && q < 0.98 {
				at := float64(countBelow(sorted, v)) / float64(len(sorted))
				up := float64(countBelow(sorted, math.Nextafter(v, math.Inf(1)))) / float64(len(sorted))
				if q < at-0.006 || q > up+0.006 {
					t.Errorf("%s: quantile %.2f is %v, which stands at %.3f to %.3f", f.name, q, v, at, up)
				}
			}
		}
	}
}
