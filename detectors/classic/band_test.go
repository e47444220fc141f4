package classic

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/plumbline-ml/plumbline/internal/testkit"
)

func TestABandIsNannyMLsThreshold(t *testing.T) {
	data, err := os.ReadFile(testkit.SharedFile(t, "data", "golden_peers.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		ID, Statistic string
		Reference     json.RawMessage
		Params        json.RawMessage
		Expected      json.RawMessage `json:"expected_precise"`
		Tolerance     float64         `json:"tolerance_precise"`
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, c := range cases {
		if c.Statistic != "threshold_mean_pm_3std" {
			continue
		}
		seen++
		var values []float64
		var want [2]float64
		params := struct{ Multiplier float64 }{3}
		for _, d := range []struct {
			from json.RawMessage
			to   any
		}{{c.Reference, &values}, {c.Expected, &want}, {c.Params, &params}} {
			if err := json.Unmarshal(d.from, d.to); err != nil {
				t.Fatal(c.ID, err)
			}
		}
		lo, hi := Band(values, params.Multiplier)
		if math.Abs(lo-want[0]) > c.Tolerance || math.Abs(hi-want[1]) > c.Tolerance {
			t.Errorf("%s: %v to %v, want %v", c.ID, lo, hi, want)
		}
	}
	if seen == 0 {
		t.Error("no case was found")
	}
	if lo, hi := Band(nil, 3); !math.IsNaN(lo) || !math.IsNaN(hi) {
		t.Error("no values have a band")
	}
}
