package monitor

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
)

// randomTally is one with up to most values in each bin.
func randomTally(rng *rand.Rand, bins int, most uint64) tally {
	t := tally{}
	t.Fine = make([]uint64, bins)
	for i := range t.Fine {
		t.Fine[i] = rng.Uint64N(most + 1)
		t.N += t.Fine[i]
	}
	t.Dev, t.DevSq, t.sum = math.Round(rng.NormFloat64()*1e3), math.Round(rng.Float64()*1e6), 1
	t.Wide[0], t.Missing[2], t.Repeats = 3, 4, 5
	t.ages = &ageTally{n: 7}
	return t
}

func TestWhatAWindowHoldsIsTheTallyThatWasAddedHoweverManyValuesThereWere(t *testing.T) {
	for name, most := range map[string]uint64{"few": 9, "more than fit into four bytes together": math.MaxUint32 / 8, "in one bin": 1 << 40} {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			var want, scratch tally
			var h held
			var added []tally
			for range 20 {
				x := randomTally(rng, 5, most)
				added = append(added, x)
				want.add(&x)
				h.add(&x)
			}
			if got := h.view(&scratch); !reflect.DeepEqual(*got, want) {
				t.Fatalf("%+v, want %+v", *got, want)
			}
			if wide := h.narrow == nil; wide != (want.N > math.MaxUint32) {
				t.Errorf("wide is %v with %d values", wide, want.N)
			}
			for i := range added[:19] {
				want.sub(&added[i])
				h.sub(&added[i])
			}
			if got := h.view(&scratch); !reflect.DeepEqual(*got, want) {
				t.Fatalf("%+v, want %+v", *got, want)
			}
			if h.view(&scratch).ages == h.rest.ages {
				t.Error("a view shares memory with what it shows")
			}
			h.reset()
			if !h.empty() || h.bins() != 5 || h.count(4) != 0 {
				t.Error("not empty after reset")
			}
		})
	}
}
