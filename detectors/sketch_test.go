package detectors

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func sketchOf(values []float64) *Sketch {
	var s Sketch
	for _, x := range values {
		s.Add(x)
	}
	return &s
}

func TestAYoungSketchIsExact(t *testing.T) {
	values := sample(1, 4000, families[0].draw)
	s := sketchOf(append(values, values...))
	sorted, _ := finiteSorted(values)
	i := 0
	for x, n := range s.Values() {
		if x != sorted[i] || n != 2 {
			t.Fatalf("bucket %d is %v times %v, want %v twice", i, n, x, sorted[i])
		}
		i++
	}
}

func TestSketchStaysBoundedAndOrderDoesNotMatter(t *testing.T) {
	for i, f := range families {
		values := sample(uint64(i), 60000, f.draw)
		whole := sketchOf(values)
		if whole.Buckets() > MaxSketchBuckets || whole.N() != 60000 {
			t.Fatalf("%s: %d buckets, %d values", f.name, whole.Buckets(), whole.N())
		}
		want, _ := whole.MarshalBinary()
		r := rand.New(rand.NewPCG(3, 3))
		parts := make([]Sketch, 7)
		for _, k := range r.Perm(len(values)) {
			parts[r.IntN(7)].Add(values[k])
		}
		var sum Sketch
		for _, k := range r.Perm(7) {
			sum.Merge(&parts[k])
		}
		if got, _ := sum.MarshalBinary(); !slices.Equal(got, want) {
			t.Errorf("%s: the sketch depends on the order", f.name)
		}
		var back Sketch
		if err := back.UnmarshalBinary(want); err != nil {
			t.Fatal(err)
		}
		if got, _ := back.MarshalBinary(); !slices.Equal(got, want) || back.N() != whole.N() {
			t.Errorf("%s: the sketch changed on its way through the codec", f.name)
		}
	}
}

func TestGridFromASketchIsTheGridFromTheValues(t *testing.T) {
	for i, f := range families {
		values := sample(uint64(i), 100000, f.draw)
		g, sum, err := sketchOf(values).Grid(GridOptions{})
		if err != nil {
			t.Fatal(err)
		}
		exact := g.Summarize(values)
		if d := g.ksDistance(sum.Fine, exact.Fine); d > 0.004 {
			t.Errorf("%s: the profile of the sketch is %.4f from the profile of the values", f.name, d)
		}
		h := mustGrid(t, values)
		if !slices.Equal(g.Atoms(), h.Atoms()) {
			t.Errorf("%s: atoms %v, exact %v", f.name, g.Atoms(), h.Atoms())
		}
		for b, c := range exact.Fine {
			if share := float64(c) / 100000; share > 0.009 && !g.single(b) {
				t.Errorf("%s: a bin made from the sketch holds %.4f", f.name, share)
			}
		}
		near(t, f.name+" mean", sum.Mean(g), exact.Mean(g), 0.01, 0.01*g.spec.spread())
	}
}

func TestSketchTakesZerosExtremesAndIgnoresWhatIsNoNumber(t *testing.T) {
	var s Sketch
	for _, x := range []float64{0, math.Copysign(0, -1), math.MaxFloat64, -math.MaxFloat64, 5e-324, math.NaN(), math.Inf(1), math.Inf(-1)} {
		s.Add(x)
	}
	if s.N() != 5 || s.Buckets() != 4 {
		t.Errorf("%d values in %d buckets, want 5 in 4", s.N(), s.Buckets())
	}
	r := rand.New(rand.NewPCG(1, 1))
	for range 200000 {
		s.Add(math.Float64frombits(r.Uint64()))
	}
	last := math.Inf(-1)
	for x, n := range s.Values() {
		if x < last || n == 0 || math.IsNaN(x) || math.IsInf(x, 0) {
			t.Fatalf("bucket %v times %v after %v", n, x, last)
		}
		last = x
	}
}

func TestAddingToAGrownSketchDoesNotAllocate(t *testing.T) {
	values := sample(1, 50000, families[0].draw)
	s := sketchOf(values)
	i := 0
	if n := testing.AllocsPerRun(10000, func() { s.Add(values[i%len(values)]); i++ }); n != 0 {
		t.Errorf("Sketch.Add allocates %v times", n)
	}
}

func TestSketchMergedWithItselfDoubles(t *testing.T) {
	s := sketchOf(sample(1, 10000, families[3].draw))
	n, b := s.N(), s.Buckets()
	s.Merge(s)
	if s.N() != 2*n || s.Buckets() != b {
		t.Errorf("%d values in %d buckets, want %d in %d", s.N(), s.Buckets(), 2*n, b)
	}
}

func FuzzUnmarshalSketch(f *testing.F) {
	for _, values := range [][]float64{{1, 2, 2, -3}, sample(1, 6000, families[0].draw)} {
		data, _ := sketchOf(values).MarshalBinary()
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := sketchOf([]float64{7})
		if err := s.UnmarshalBinary(data); err != nil {
			if s.N() != 1 {
				t.Fatal("a failed decoding changed the receiver")
			}
			return
		}
		again, _ := s.MarshalBinary()
		var b Sketch
		if err := b.UnmarshalBinary(again); err != nil || b.N() != s.N() {
			t.Fatalf("a decoded sketch does not survive encoding: %v", err)
		}
		s.Add(1)
		for range s.Values() {
		}
	})
}

func TestDistinctCountsAreWithinFivePercent(t *testing.T) {
	for _, n := range []int{0, 1, 37, 500, 5000, 100000, 2000000} {
		var h HLL
		for i := range n {
			h.Add(HashKey(1, fmt.Appendf(nil, "sender-%d", i)))
		}
		if got := h.Estimate(); math.Abs(got-float64(n)) > 0.05*float64(n) {
			t.Errorf("%d keys, estimated %.1f", n, got)
		}
		data, _ := h.MarshalBinary()
		var back HLL
		if err := back.UnmarshalBinary(data); err != nil || back != h {
			t.Errorf("%d keys did not survive the codec: %v", n, err)
		}
		if len(data) > 3100 {
			t.Errorf("%d keys took %d bytes", n, len(data))
		}
	}
}

func TestDistinctCountsMergeWithoutDoubling(t *testing.T) {
	var a, b, whole HLL
	for i := range 30000 {
		h := HashKey(9, fmt.Append(nil, i))
		whole.Add(h)
		if i < 20000 {
			a.Add(h)
		}
		if i >= 10000 {
			b.Add(h)
		}
	}
	a.Merge(&b)
	if a != whole {
		t.Error("a merged count differs from the count of the whole")
	}
	key := []byte("somebody@example.org")
	if n := testing.AllocsPerRun(100, func() { a.Add(HashKey(9, key)) }); n != 0 {
		t.Errorf("HLL.Add allocates %v times", n)
	}
}

func FuzzUnmarshalHLL(f *testing.F) {
	var h HLL
	for i := range 50 {
		h.Add(HashKey(0, fmt.Append(nil, i)))
	}
	data, _ := h.MarshalBinary()
	f.Add(data)
	f.Add([]byte{hllDense})
	f.Fuzz(func(t *testing.T, data []byte) {
		var h HLL
		if err := h.UnmarshalBinary(data); err != nil {
			if h != (HLL{}) {
				t.Fatal("a failed decoding changed the receiver")
			}
			return
		}
		if e := h.Estimate(); math.IsNaN(e) || e < 0 {
			t.Fatalf("estimate %v", e)
		}
		again, _ := h.MarshalBinary()
		var b HLL
		if err := b.UnmarshalBinary(again); err != nil || b != h {
			t.Fatalf("does not survive encoding: %v", err)
		}
	})
}

func TestFrequentNamesSurviveAFloodOfRareOnes(t *testing.T) {
	top, err := NewTopK(50)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	truth := map[string]uint64{}
	for i := range 200000 {
		name := fmt.Sprintf("rare-%d", i)
		if r.IntN(2) == 0 {
			name = fmt.Sprintf("common-%d", r.IntN(10))
		}
		truth[name]++
		top.Add([]byte(name))
	}
	names := top.Names()
	if len(names) != 50 || top.N() != 200000 || top.Exact() {
		t.Fatalf("%d names of %d records, exact %v", len(names), top.N(), top.Exact())
	}
	for i, e := range names {
		if e.Count < truth[e.Name] || e.Count-e.Error > truth[e.Name] {
			t.Errorf("%s was seen %d times, told %d with error %d", e.Name, truth[e.Name], e.Count, e.Error)
		}
		if i < 10 && e.Name[:6] != "common" {
			t.Errorf("place %d is %s", i, e.Name)
		}
	}
}

func TestMergedNameCountsKeepTheirBounds(t *testing.T) {
	a, _ := NewTopK(20)
	b, _ := NewTopK(30)
	truth := map[string]uint64{}
	r := rand.New(rand.NewPCG(1, 1))
	for i := range 20000 {
		name := fmt.Sprintf("n%d", int(math.Exp(6*r.Float64())))
		truth[name]++
		if i%3 == 0 {
			a.Add([]byte(name))
		} else {
			b.Add([]byte(name))
		}
	}
	a.Merge(b)
	if a.N() != 20000 || len(a.Names()) != 20 {
		t.Fatalf("%d records, %d names", a.N(), len(a.Names()))
	}
	for _, e := range a.Names() {
		if e.Count < truth[e.Name] || e.Count-e.Error > truth[e.Name] {
			t.Errorf("%s was seen %d times, told %d with error %d", e.Name, truth[e.Name], e.Count, e.Error)
		}
	}
	name := []byte(a.Names()[0].Name)
	if n := testing.AllocsPerRun(100, func() { a.Add(name) }); n != 0 {
		t.Errorf("TopK.Add of a known name allocates %v times", n)
	}
}

func TestLongNamesAreCutAndImpossibleSizesRefused(t *testing.T) {
	top, _ := NewTopK(2)
	top.Add(make([]byte, 1000))
	if got := len(top.Names()[0].Name); got != MaxTopKBytes {
		t.Errorf("a name of 1000 bytes is kept with %d", got)
	}
	for _, k := range []int{0, -1, MaxTopK + 1} {
		if _, err := NewTopK(k); err == nil {
			t.Errorf("%d places were accepted", k)
		}
	}
}

func FuzzUnmarshalTopK(f *testing.F) {
	top, _ := NewTopK(3)
	for _, s := range []string{"a", "b", "a", "c", "d"} {
		top.Add([]byte(s))
	}
	data, _ := top.MarshalBinary()
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		top, _ := NewTopK(5)
		top.Add([]byte("kept"))
		if err := top.UnmarshalBinary(data); err != nil {
			if top.N() != 1 || top.Names()[0].Name != "kept" {
				t.Fatal("a failed decoding changed the receiver")
			}
			return
		}
		again, _ := top.MarshalBinary()
		var b TopK
		if err := b.UnmarshalBinary(again); err != nil || b.N() != top.N() {
			t.Fatalf("does not survive encoding: %v", err)
		}
		top.Add([]byte("x"))
	})
}

func TestUnseenShareIsInsideItsBoundForMostReferences(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	const categories, n, runs = 5000, 2000, 400
	weights := make([]float64, categories)
	sum := 0.0
	for i := range weights {
		weights[i] = math.Pow(float64(i+1), -1.2)
		sum += weights[i]
	}
	cumulative := make([]float64, categories)
	acc := 0.0
	for i, w := range weights {
		acc += w / sum
		cumulative[i] = acc
	}
	over, bias := 0, 0.0
	for range runs {
		seen := map[int]int{}
		for range n {
			i, _ := slices.BinarySearch(cumulative, r.Float64())
			seen[i]++
		}
		var one, two uint64
		mass := 1.0
		for i, c := range seen {
			mass -= weights[min(i, categories-1)] / sum
			switch c {
			case 1:
				one++
			case 2:
				two++
			}
		}
		share, upper := GoodTuring(one, two, n, 0.05)
		bias += (share - mass) / runs
		if mass > upper {
			over++
		}
	}
	if float64(over)/runs > 0.08 || math.Abs(bias) > 0.003 {
		t.Errorf("bound passed in %d of %d references, bias %.4f", over, runs, bias)
	}
	if share, upper := GoodTuring(0, 0, 300, 0.05); share != 0 || math.Abs(upper-0.009936) > 1e-5 {
		t.Errorf("nothing came once in 300 records: share %v, at most %v", share, upper)
	}
	if share, upper := GoodTuring(0, 0, 0, 0.05); !math.IsNaN(share) || !math.IsNaN(upper) {
		t.Errorf("no records: %v, %v", share, upper)
	}
}

func TestATopKGoesOnFromItsEncodingAndForgetsWhatIsRemoved(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 9))
	a, _ := NewTopK(16)
	name := func() []byte { return []byte{byte(r.ExpFloat64() * 20), byte(r.IntN(2))} }
	for range 2000 {
		a.Add(name())
	}
	data, _ := a.MarshalBinary()
	b, _ := NewTopK(16)
	if err := b.UnmarshalBinary(data); err != nil {
		t.Fatal(err)
	}
	for range 2000 {
		n := name()
		a.Add(n)
		b.Add(n)
		if r.IntN(50) == 0 {
			a.Remove(n)
			b.Remove(n)
			if (a.Get(n) != TopName{}) {
				t.Fatal("a removed name has a place")
			}
		}
	}
	if !slices.Equal(a.Names(), b.Names()) {
		t.Errorf("%v\n%v", a.Names(), b.Names())
	}
}
