package monitor

import (
	"testing"
	"time"
)

// TestWhyAModelIsSilentIsKeptOverARestart: the log went on with lines that are no records, some of them unreadable, and its files went.
func TestWhyAModelIsSilentIsKeptOverARestart(t *testing.T) {
	h := newHarness(t, mustModel(t, scenarioModel))
	h.in.LineRead(start.Add(time.Minute), false)
	h.in.LineRead(start.Add(2*time.Minute), true)
	h.in.LogFiles(0)
	s := store{}
	s.commit(h.engine)
	keys := map[string]float64{
		"plumbline_model_last_unreadable_line_timestamp_seconds|m": float64(start.Add(time.Minute).Unix()),
		"plumbline_model_last_line_timestamp_seconds|m":            float64(start.Add(2 * time.Minute).Unix()),
		"plumbline_model_log_files|m":                              0,
	}
	h.restart(s)
	for key, want := range keys {
		if got := value(t, h.collect(), key); got != want {
			t.Errorf("%s: %v, want %v", key, got, want)
		}
	}
	h.engine.Sections()
	if changed, _ := h.engine.Sections(); len(changed) != 0 {
		t.Errorf("%d sections are written although nothing happened", len(changed))
	}
	h.in.LineRead(start.Add(3*time.Minute), true)
	if changed, _ := h.engine.Sections(); len(changed) != 1 {
		t.Errorf("a line that is no record writes %d sections, want the one of the lines", len(changed))
	}
}
