package monitor

import (
	"math"
	"testing"
)

func TestStreamsOfAGroupShareOneWeightAndAllWeightsSumToOne(t *testing.T) {
	h := newHarness(t, mustModel(t, scenarioModel))
	in := h.in
	all := 4. // the quality stream, the group and the heavy one, which weighs 2; and what a model has from the beginning
	for _, s := range in.evidence.streams {
		all += s.weight
	}
	one := func() []detector { return []detector{newRateDetector(rateMissing, .1, 1, .05)} }
	in.addStream(streamOptions{feature: "model", cause: causeQuality, detectors: one()})
	for _, key := range []string{"a", "b", "c", "d"} {
		in.addStream(streamOptions{feature: "model", cause: causeDrift, key: key, group: "segments", detectors: one()})
	}
	in.addStream(streamOptions{feature: "model", cause: causeMissing, weight: 2, detectors: one()})
	if s := in.addStream(streamOptions{feature: "model", cause: causeDrift, detectors: []detector{newRateDetector(rateMissing, 1, 1, .05)}}); s != nil {
		t.Error("a stream that can never bet takes a share of the budget")
	}
	sum := 0.
	for i, s := range in.evidence.streams {
		w := math.Exp(in.evidence.logA - in.evidence.budget.StreamLogA(i))
		sum += w
		want := 1 / all
		if s.group != "" {
			want /= 4
		} else if s.weight == 2 {
			want *= 2
		}
		if math.Abs(w-want) > 1e-12 {
			t.Errorf("stream %d (%s %s) may spend %v of the budget, want %v", i, s.cause, s.key, w, want)
		}
	}
	if math.Abs(sum-1) > 1e-12 {
		t.Errorf("the shares sum to %v", sum)
	}
}
