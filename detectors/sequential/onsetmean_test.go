package sequential

import (
	"math"
	"testing"
)

// Scores that are the mean of four uniform numbers, moved by a change that a detector of means pages on.
func TestTheOnsetOfAMeanCoversTheTruth(t *testing.T) {
	for _, c := range []struct{ move, per float64 }{{.1, 50}, {-.08, 50}, {.03, 400}} {
		g := lcg(99)
		side := Up
		if c.move < 0 {
			side = Down
		}
		inSet, inInterval := 0, 0
		const runs = 300
		for range runs {
			var path []MeanSpan
			const changed = 30
			for b := range 120 {
				s := MeanSpan{Units: 1, N: uint64(c.per)}
				for range int(c.per) {
					x := (g.float() + g.float() + g.float() + g.float()) / 4
					if b >= 120-changed {
						x += c.move
					}
					s.Sum += x
					s.SumSq += x * x
				}
				path = append(path, s)
			}
			o, ok := LocateMeanOnset(path, .5, side, .05)
			if !ok {
				t.Fatal("no onset")
			}
			if o.Latest <= changed && changed <= o.Earliest {
				inSet++
			}
			if o.Lo <= .5+c.move && .5+c.move <= o.Hi {
				inInterval++
			}
		}
		if inSet < runs*93/100 || inInterval < runs*93/100 {
			t.Errorf("%v: the onset was covered in %d of %d, the mean in %d", c, inSet, runs, inInterval)
		}
	}
}

func TestTheOnsetOfAMeanThatIsNone(t *testing.T) {
	flat := []MeanSpan{{1, 10, 5, 2.5}, {1, 10, 5, 2.5}}
	if _, ok := LocateMeanOnset(flat, .5, Up, .05); ok {
		t.Error("an onset without a change")
	}
	if _, ok := LocateMeanOnset(nil, .5, Up, .05); ok {
		t.Error("an onset in nothing")
	}
	if _, ok := LocateMeanOnset(flat, math.NaN(), Up, .05); ok {
		t.Error("an onset beside NaN")
	}
	// Constants that jump: the onset is exact.
	jump := []MeanSpan{{1, 10, 5, 2.5}, {1, 0, 0, 0}, {1, 10, 8, 6.4}, {1, 10, 8, 6.4}}
	o, ok := LocateMeanOnset(jump, .5, Up, .05)
	if !ok || o.Open || o.Earliest < 2 || o.Latest > 2 {
		t.Errorf("%+v", o)
	}
	o, ok = LocateMeanOnset(jump[2:], .5, Up, .05)
	if !ok || !o.Open {
		t.Errorf("%+v", o)
	}
}
