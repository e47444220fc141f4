package detectors

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
)

// families are the distributions that property tests run over: light and heavy tails, ties, atoms, constants, extreme
// magnitudes.
var families = []struct {
	name string
	draw func(r *rand.Rand) float64
}{
	{"normal", func(r *rand.Rand) float64 { return r.NormFloat64() }},
	{"normal far from zero", func(r *rand.Rand) float64 { return 1e9 + r.NormFloat64() }},
	{"uniform", func(r *rand.Rand) float64 { return r.Float64() }},
	{"exponential", func(r *rand.Rand) float64 { return r.ExpFloat64() }},
	{"lognormal 2", func(r *rand.Rand) float64 { return math.Exp(2 * r.NormFloat64()) }},
	{"pareto 1.5", func(r *rand.Rand) float64 { return math.Pow(1-r.Float64(), -1/1.5) }},
	{"pareto 1", func(r *rand.Rand) float64 { return 1 / (1 - r.Float64()) }},
	{"student t 2", func(r *rand.Rand) float64 {
		return r.NormFloat64() / math.Sqrt((r.ExpFloat64()+1e-300)*1)
	}},
	{"bimodal", func(r *rand.Rand) float64 {
		if r.IntN(2) == 0 {
			return -3 + r.NormFloat64()
		}
		return 3 + 0.3*r.NormFloat64()
	}},
	{"poisson counts", func(r *rand.Rand) float64 {
		n, p := 0.0, math.Exp(-4.0)
		for u := r.Float64(); u > p; u *= r.Float64() {
			n++
		}
		return n
	}},
	{"rounded to tenths", func(r *rand.Rand) float64 { return math.Round(r.NormFloat64()*10) / 10 }},
	{"zeros and a tail", func(r *rand.Rand) float64 {
		if r.IntN(10) > 0 {
			return 0
		}
		return math.Exp(1 + r.NormFloat64())
	}},
	{"three atoms and noise", func(r *rand.Rand) float64 {
		switch r.IntN(4) {
		case 0:
			return -1
		case 1:
			return 0
		case 2:
			return 2.5
		}
		return 4 * r.Float64()
	}},
	{"scores near one", func(r *rand.Rand) float64 { return math.Pow(r.Float64(), 0.1) }},
}

func sample(seed uint64, n int, draw func(*rand.Rand) float64) []float64 {
	r := rand.New(rand.NewPCG(seed, 7))
	out := make([]float64, n)
	for i := range out {
		out[i] = draw(r)
	}
	return out
}

func mustGrid(t testing.TB, reference []float64) *Grid {
	t.Helper()
	g, err := NewGrid(reference, GridOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// probes are numbers that bins get wrong: edges, their neighbours, zeros, denormals, the largest.
func probes(g *Grid, r *rand.Rand) []float64 {
	out := []float64{0, math.Copysign(0, -1), math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64,
		-math.SmallestNonzeroFloat64, 1e-310, -1e-310, 1, -1}
	for _, e := range g.FineEdges() {
		for _, x := range []float64{e, math.Nextafter(e, math.Inf(1)), math.Nextafter(e, math.Inf(-1))} {
			if !math.IsInf(x, 0) {
				out = append(out, x)
			}
		}
	}
	for range 2000 {
		x := math.Float64frombits(r.Uint64())
		if !math.IsNaN(x) && !math.IsInf(x, 0) {
			out = append(out, x)
		}
	}
	return out
}

func TestBinAgreesWithBinarySearchForEveryFiniteNumber(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	check := func(t *testing.T, ref []float64) {
		g := mustGrid(t, ref)
		for _, x := range append(probes(g, r), ref[:min(len(ref), 3000)]...) {
			want := sort.SearchFloat64s(g.FineEdges(), x)
			if got := g.Bin(x); got != want {
				t.Fatalf("Bin(%g) = %d, binary search says %d", x, got, want)
			}
		}
	}
	for i, f := range families {
		t.Run(f.name, func(t *testing.T) {
			for _, n := range []int{1, 2, 7, 100, 20000} {
				check(t, sample(uint64(i), n, f.draw))
			}
		})
	}
	t.Run("extreme magnitudes", func(t *testing.T) {
		for _, scale := range []float64{1e-320, 1e-300, 1e-150, 1e150, 1e300, math.MaxFloat64} {
			ref := sample(3, 3000, func(r *rand.Rand) float64 { return (2*r.Float64() - 1) * scale })
			check(t, ref)
		}
		check(t, []float64{math.MaxFloat64, -math.MaxFloat64})
		check(t, []float64{-math.MaxFloat64, -math.MaxFloat64, 0, 0, math.SmallestNonzeroFloat64})
		any := sample(4, 5000, func(r *rand.Rand) float64 {
			for {
				if x := math.Float64frombits(r.Uint64()); !math.IsNaN(x) && !math.IsInf(x, 0) {
					return x
				}
			}
		})
		check(t, any)
	})
}

func TestNoFineBinHoldsMoreThanATwoHundredthUnlessItIsOneValue(t *testing.T) {
	for i, f := range families {
		t.Run(f.name, func(t *testing.T) {
			ref := sample(uint64(i), 50000, f.draw)
			g := mustGrid(t, ref)
			s := g.Summarize(ref)
			for b, c := range s.Fine {
				if share := float64(c) / float64(len(ref)); share > 1.0/200 && !g.single(b) {
					t.Errorf("bin %d (%g, %g] holds %.4f of the reference", b, g.lower(b), g.upper(b), share)
				}
			}
			if g.Fine() > MaxFineBins {
				t.Errorf("%d fine bins", g.Fine())
			}
		})
	}
}

func TestFineBinsRefineCoarseBinsAndHistogramBuckets(t *testing.T) {
	for i, f := range families {
		ref := sample(uint64(i), 5000, f.draw)
		g := mustGrid(t, ref)
		atoms, cuts := g.Atoms(), g.Spec().Cuts
		r := rand.New(rand.NewPCG(5, 6))
		for _, x := range append(probes(g, r), ref...) {
			b := g.Bin(x)
			want := len(atoms) + sort.SearchFloat64s(cuts, x)
			if a := slices.Index(atoms, x); a >= 0 {
				want = a
			}
			if got := g.CoarseOf(b); got != want {
				t.Fatalf("%s: coarse bin of %g is %d, rule B says %d", f.name, x, got, want)
			}
			if got, want := g.HistBucketOf(b), sort.SearchFloat64s(g.CoarseEdges(), x); got != want {
				t.Fatalf("%s: histogram bucket of %g is %d, want %d", f.name, x, got, want)
			}
		}
	}
}

func TestNegativeZeroIsZero(t *testing.T) {
	g := mustGrid(t, []float64{0, 0, math.Copysign(0, -1), 1, 2, 3})
	if g.Bin(0) != g.Bin(math.Copysign(0, -1)) {
		t.Error("-0 and 0 fall into different bins")
	}
	if got := g.Atoms(); len(got) != 1 || math.Signbit(got[0]) {
		t.Errorf("atoms %v, want one positive zero", got)
	}
}

func TestGridRefusesWhatItCannotBin(t *testing.T) {
	if _, err := NewGrid(nil, GridOptions{}); err == nil {
		t.Error("an empty reference was accepted")
	}
	for _, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if _, err := NewGrid([]float64{1, x}, GridOptions{}); err == nil {
			t.Errorf("%v was accepted", x)
		}
	}
	if _, err := NewGrid([]float64{1}, GridOptions{MaxFine: 300}); err == nil {
		t.Error("300 fine bins were accepted")
	}
}

func TestAGridThatContradictsItselfIsRefused(t *testing.T) {
	good := mustGrid(t, sample(1, 1000, families[12].draw)).Spec()
	for name, spoil := range map[string]func(*GridSpec){
		"falling edges":       func(s *GridSpec) { s.FineEdges[3] = s.FineEdges[2] },
		"an edge is NaN":      func(s *GridSpec) { s.FineEdges[3] = math.NaN() },
		"a cut is no edge":    func(s *GridSpec) { s.Cuts[0] = math.Nextafter(s.Cuts[0], 9) },
		"an atom is no edge":  func(s *GridSpec) { s.Atoms[0] -= 0.5 },
		"too few means":       func(s *GridSpec) { s.Means = s.Means[1:] },
		"a mean out of place": func(s *GridSpec) { s.Means[5] = s.FineEdges[7] },
		"negative spread":     func(s *GridSpec) { s.IQR = -1 },
		"upside down":         func(s *GridSpec) { s.Low, s.High = s.High, s.Low },
		"too many edges": func(s *GridSpec) {
			for len(s.FineEdges) < 300 {
				s.FineEdges = append(s.FineEdges, s.FineEdges[len(s.FineEdges)-1]+1)
				s.Means = append(s.Means, s.FineEdges[len(s.FineEdges)-1])
			}
		},
	} {
		s := mustGrid(t, sample(1, 1000, families[12].draw)).Spec()
		spoil(&s)
		if _, err := GridFromSpec(s); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := GridFromSpec(good); err != nil {
		t.Errorf("the unspoilt one was refused: %v", err)
	}
}

func TestGridSurvivesItsCodec(t *testing.T) {
	for i, f := range families {
		g := mustGrid(t, sample(uint64(i), 3000, f.draw))
		data, err := g.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		h, err := UnmarshalGrid(data)
		if err != nil {
			t.Fatalf("%s: %v", f.name, err)
		}
		again, _ := h.MarshalBinary()
		if !slices.Equal(data, again) {
			t.Errorf("%s: the grid changed on its way through the codec", f.name)
		}
		k, err := GridFromSpec(g.Spec())
		if err != nil {
			t.Fatal(err)
		}
		if k.wideOf != g.wideOf || !slices.Equal(k.coarseOf, g.coarseOf) {
			t.Errorf("%s: derived tables changed", f.name)
		}
	}
}

func FuzzUnmarshalGrid(f *testing.F) {
	g, _ := NewGrid([]float64{1, 1, 2, 3, 4, 5, 6}, GridOptions{})
	data, _ := g.MarshalBinary()
	f.Add(data)
	f.Add([]byte{gridVersion, 1, 0, 0, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		g, err := UnmarshalGrid(data)
		if err != nil {
			return
		}
		for _, x := range []float64{0, 1, -1, math.MaxFloat64, -math.MaxFloat64} {
			if got, want := g.Bin(x), sort.SearchFloat64s(g.FineEdges(), x); got != want {
				t.Fatalf("Bin(%g) = %d, want %d", x, got, want)
			}
		}
		again, _ := g.MarshalBinary()
		if h, err := UnmarshalGrid(again); err != nil || h.Fine() != g.Fine() {
			t.Fatalf("a decoded grid does not survive encoding: %v", err)
		}
	})
}

func TestBinAndAddDoNotAllocate(t *testing.T) {
	ref := sample(1, 5000, families[0].draw)
	g := mustGrid(t, ref)
	s := g.NewSummary()
	i := 0
	if n := testing.AllocsPerRun(1000, func() { s.Add(g, ref[i%len(ref)]); i++ }); n != 0 {
		t.Errorf("NumberSummary.Add allocates %v times", n)
	}
}
