package sequential

import (
	"math"
	"testing"
)

func TestBetsBeyondAnEdgeAreThoseOfOneAtATime(t *testing.T) {
	steps := []float64{.1, .25, .6, 1.2, 2.5}
	bets := make([]bet, len(steps))
	for _, edge := range []float64{1e-300, 1e-12, 1e-6, .001, .05, .5, .95, .999, 1 - 1e-6, 1 - 1e-12} {
		for _, side := range []Side{Up, Down} {
			if !betsBeyond(bets, steps, factorsOf(steps), edge, side) {
				t.Errorf("%s of %v: nothing lies beyond it", side, edge)
			}
			for i, step := range steps {
				want, _, ok := betBeyond(edge, step, side)
				// One at a time the alternative is rounded to a float first, which far out is some way off.
				slack := 1e-11
				if edge < .001 || edge > .999 {
					slack = .001
				}
				if !ok || math.Abs(bets[i].hit-want.hit) > slack || math.Abs(bets[i].miss-want.miss) > slack {
					t.Errorf("%s of %v by %v: %v, want %v", side, edge, step, bets[i], want)
				}
				// It is a bet: at the edge its factor has mean 1.
				if mean := edge*math.Exp(bets[i].hit) + (1-edge)*math.Exp(bets[i].miss); math.Abs(mean-1) > 1e-14 {
					t.Errorf("%s of %v by %v: the mean at the edge is 1 + %v", side, edge, step, mean-1)
				}
			}
		}
	}
	for _, edge := range []float64{0, 1, -1, 2, math.NaN(), math.Inf(1), math.Nextafter(1, 0)} {
		if betsBeyond(bets, steps, factorsOf(steps), edge, Up) {
			t.Errorf("something lies beyond %v", edge)
		}
	}
}

func TestARateWhoseIntervalVariesBetsOnTheIntervalOfTheBucket(t *testing.T) {
	o := RateOptions{Varying: true, Cap: 3}
	intervals := [][2]float64{{.04, .06}, {.04, .06}, {.1, .2}, {0, .2}, {.04, 1}, {.04, .06}, {0, 1}, {.01, .02}}
	kept := NewRate(o)
	logs := [2]float64{}
	for i, in := range intervals {
		// The same evidence in a detector that has seen no interval before.
		fresh := NewRate(o)
		if err := fresh.Unmarshal(kept.MarshalAppend(nil)); err != nil {
			t.Fatal(err)
		}
		kept.UpdateWithin(uint64(i), 50, in[0], in[1])
		fresh.UpdateWithin(uint64(i), 50, in[0], in[1])
		if logs = [2]float64{kept.LogEvidence(), fresh.LogEvidence()}; logs[0] != logs[1] {
			t.Errorf("bucket %d: evidence %v, and %v without what was before", i, logs[0], logs[1])
		}
	}
	if !(logs[0] > -1) {
		t.Errorf("evidence %v: nothing was seen", logs[0])
	}
}
