package detectors

import (
	"math"
	"math/rand/v2"
	"testing"
)

// unpacked is a summary with the counts of s and the sums that were packed.
func unpacked(t testing.TB, g *Grid, s *NumberSummary, packed []byte, without bool) *NumberSummary {
	t.Helper()
	back := &NumberSummary{Fine: s.Fine, N: s.N, Dev: 1, DevSq: 1}
	back.Wide[3] = 1
	if without {
		back.Fine = nil
	}
	rest, err := g.ReadSums(append(packed, 7), back, without)
	if err != nil || len(rest) != 1 {
		t.Fatalf("%d bytes are left, %v", len(rest), err)
	}
	return back
}

func TestPackedSumsComeBackToTheLastBit(t *testing.T) {
	for i, f := range families {
		ref := sample(uint64(i), 20000, f.draw)
		g := mustGrid(t, ref)
		old := *g
		old.spec.SumEnds, old.groups = nil, nil
		old.deriveSums()
		for _, g := range []*Grid{g, &old} {
			for _, m := range []int{0, 1, 100, 20000} {
				for _, ch := range changes {
					r := rand.New(rand.NewPCG(5, 5))
					cur := sample(uint64(i)+1000, m, f.draw)
					for k, x := range cur {
						cur[k] = ch.apply(x, g.spec.spread(), g.Center(), r)
					}
					if m == 100 {
						cur[0], cur[1] = 1e300, -math.MaxFloat64
					}
					s := g.Summarize(cur)
					for _, without := range []bool{false, true} {
						back := unpacked(t, g, s, g.AppendSums(nil, s, without), without)
						if back.Dev != s.Dev || back.DevSq != s.DevSq || back.Wide != s.Wide {
							t.Fatalf("%s, %s, %d: the sums changed", f.name, ch.name, m)
						}
					}
				}
			}
		}
	}
}

// The arithmetic of docs/internals/profiles.md: the sums of a closed slot of an unchanged feature.
func TestPackedSumsAreSmall(t *testing.T) {
	for i, f := range families {
		ref := sample(uint64(i), 20000, f.draw)
		g := mustGrid(t, ref)
		for records, limit := range map[int]int{100: 60, 2500: 65, 25000: 75, 150000: 85} {
			s := g.Summarize(sample(uint64(i)+9, records, f.draw))
			n := len(g.AppendSums(nil, s, false))
			if n > limit {
				t.Errorf("%s: the sums of %d records take %d bytes, the docs say %d", f.name, records, n, limit)
			}
		}
	}
}

func FuzzReadSums(f *testing.F) {
	ref := sample(1, 5000, families[1].draw)
	g, _ := NewGrid(ref, GridOptions{})
	of := func(xs []float64) *NumberSummary { return g.Summarize(xs) }
	counts := of(ref[:100])
	for _, without := range []bool{false, true} {
		f.Add(g.AppendSums(nil, counts, without), without)
		f.Add(g.AppendSums(nil, of([]float64{1e9, 1e300, -1e300}), without), without)
	}
	f.Fuzz(func(t *testing.T, data []byte, without bool) {
		s := counts.Clone()
		if _, err := g.ReadSums(data, s, without); err != nil {
			if s.Dev != 0 || s.DevSq != 0 || s.Wide != [NumWide]float64{} {
				t.Fatal("a failed reading left something behind")
			}
			return
		}
		if back := unpacked(t, g, s, g.AppendSums(nil, s, without), without); back.Dev != s.Dev || back.DevSq != s.DevSq || back.Wide != s.Wide {
			t.Fatal("sums do not survive packing")
		}
	})
}
