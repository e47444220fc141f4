package detectors

import (
	"math"
	"testing"
)

// The cases eval_* of golden_peers.json: river's definitions of 2026.
func TestEvaluationsAgreeWithRiver(t *testing.T) {
	ran := 0
	for _, c := range loadPeers(t) {
		read := map[string]func(e Evaluation) float64{
			"eval_precision":                      func(e Evaluation) float64 { return e.Precision },
			"eval_recall":                         func(e Evaluation) float64 { return e.Recall },
			"eval_episode_recall":                 func(e Evaluation) float64 { return e.EpisodeRecall },
			"eval_f1":                             func(e Evaluation) float64 { return e.F1 },
			"eval_detection_delay":                func(e Evaluation) float64 { return e.Delay },
			"eval_false_alarm_rate":               func(e Evaluation) float64 { return e.FalseAlarmRate },
			"eval_mean_time_between_false_alarms": func(e Evaluation) float64 { return e.BetweenFalse },
			"eval_mean_time_ratio":                func(e Evaluation) float64 { return e.TimeRatio },
		}[c.Statistic]
		if read == nil {
			continue
		}
		ran++
		p := decode[struct {
			After   int `json:"delta_max"`
			Before  int `json:"delta_pre"`
			Samples int `json:"n_samples"`
			Unit    int
		}](t, c.Params)
		var drifts []Drift
		for _, at := range decode[[]int](t, c.Reference) {
			drifts = append(drifts, Drift{at, at})
		}
		got := read(Evaluate(drifts, decode[[]int](t, c.Current), EvaluateOptions{Before: p.Before, After: p.After, Samples: p.Samples, Unit: p.Unit}))
		near(t, c.ID, got, c.number(t), 1e-9, 0)
	}
	if ran < 6 {
		t.Errorf("only %d cases ran", ran)
	}
}

func TestAnEvaluationOfNothingHasNoValue(t *testing.T) {
	e := Evaluate(nil, nil, EvaluateOptions{})
	for name, v := range map[string]float64{"precision": e.Precision, "recall": e.Recall, "delay": e.Delay, "rate": e.FalseAlarmRate, "between": e.BetweenFalse} {
		if !math.IsNaN(v) {
			t.Errorf("%s of nothing is %v", name, v)
		}
	}
	// A change that lasts, and an alarm shortly before it.
	e = Evaluate([]Drift{{100, 200}, {220, 220}}, []int{98, 150, 225, 240, 400}, EvaluateOptions{Before: 5, After: 50, Samples: 500, Unit: 100})
	if e.TruePositives != 4 || e.FalsePositives != 1 || e.Missed != 0 || e.Delay != 1.5 || e.FalseAlarmRate != .2 {
		t.Errorf("%+v", e)
	}
}
