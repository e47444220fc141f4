package detectors

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestPackedSummariesComeBackToTheLastBit(t *testing.T) {
	for i, f := range families {
		ref := sample(uint64(i), 20000, f.draw)
		g := mustGrid(t, ref)
		reference := g.Summarize(ref)
		var back NumberSummary
		for _, m := range []int{0, 1, 100, 20000} {
			for _, ch := range changes {
				r := rand.New(rand.NewPCG(5, 5))
				cur := sample(uint64(i)+1000, m, f.draw)
				for k, x := range cur {
					cur[k] = ch.apply(x, g.spec.spread(), g.Center(), r)
				}
				s := g.Summarize(cur)
				s.Missing[MissingNull], s.Repeats = uint64(m), 7
				packed := s.AppendPacked(nil, g, reference)
				if err := g.UnpackSummary(&back, packed, reference); err != nil {
					t.Fatalf("%s, %s, %d: %v", f.name, ch.name, m, err)
				}
				want, _ := s.MarshalBinary()
				if got, _ := back.MarshalBinary(); !slices.Equal(got, want) || back.N != s.N {
					t.Fatalf("%s, %s, %d: the summary changed", f.name, ch.name, m)
				}
			}
		}
	}
}

// The arithmetic of docs/internals/profiles.md: a closed slot of an unchanged feature.
func TestAPackedSlotIsSmall(t *testing.T) {
	for i, f := range families {
		ref := sample(uint64(i), 20000, f.draw)
		g := mustGrid(t, ref)
		reference := g.Summarize(ref)
		for records, limit := range map[int]int{100: 190, 2500: 290, 25000: 370, 150000: 430} {
			s := g.Summarize(sample(uint64(i)+9, records, f.draw))
			if n := len(s.AppendPacked(nil, g, reference)); n > limit {
				t.Errorf("%s: a slot of %d records takes %d bytes, the docs say %d", f.name, records, n, limit)
			}
		}
	}
}

func FuzzUnpackSummary(f *testing.F) {
	ref := sample(1, 5000, families[1].draw)
	g, _ := NewGrid(ref, GridOptions{})
	reference := g.Summarize(ref)
	f.Add(g.Summarize(ref[:100]).AppendPacked(nil, g, reference))
	f.Add(g.Summarize([]float64{1e9, 1e300, -1e300}).AppendPacked(nil, g, reference))
	f.Fuzz(func(t *testing.T, data []byte) {
		var s NumberSummary
		if err := g.UnpackSummary(&s, data, reference); err != nil {
			if s.N != 0 || total(s.Fine) != 0 {
				t.Fatal("a failed unpacking left something behind")
			}
			return
		}
		var again NumberSummary
		if err := g.UnpackSummary(&again, s.AppendPacked(nil, g, reference), reference); err != nil || again.N != s.N || !slices.Equal(again.Fine, s.Fine) {
			t.Fatalf("does not survive packing: %v", err)
		}
	})
}
