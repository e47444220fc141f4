package monitor

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// TestEvidenceIsWhatTheRecordsOfItsTimeSay feeds the same hours with and without what a hostile world adds, and compares the
// evidence: late records, a clock that jumps ahead, and restarts in the middle of it change nothing.
func TestEvidenceIsWhatTheRecordsOfItsTimeSay(t *testing.T) {
	play := func(hostile string) map[string]float64 {
		h := newHarness(t, mustModel(t, strings.Replace(scenarioModel, "6000 records}", "6000 records, page_while_learning: true}", 1)))
		w := &world{rng: rand.New(rand.NewPCG(4, 4)), spam: .05, constant: "7"}
		other := &world{rng: rand.New(rand.NewPCG(5, 5)), spam: .9, missing: .9, constant: "7", shift: 5}
		s := store{}
		now := start
		for second := range 3 * 3600 {
			if second == 3*3600-1200 {
				w.spam = .08 // evidence gathers
			}
			for range 2 {
				h.line(w.line(now), now)
			}
			if hostile == "late" && second > 3600 && second%20 == 0 {
				h.line(other.line(now.Add(-10*time.Minute)), now)
			}
			h.engine.Advance(now)
			if second > 3600 && second%10 == 0 || second%601 == 0 {
				s.commit(h.engine)
			}
			if hostile == "restarts" && second > 3600 && second%601 == 0 {
				h.restart(s)
			}
			if hostile == "no data" && second == 9000 {
				for range 50 {
					h.engine.Advance(now) // ticks without a record
				}
			}
			now = now.Add(time.Second)
		}
		out := map[string]float64{}
		for key, sample := range h.collect() {
			switch sample.Metric {
			case catalog.EvidenceRatio, catalog.ModelEvidence, catalog.Alarm, catalog.BudgetSpent:
				// Repeats are told by the value before, and a late record is one.
				if !strings.Contains(key, "|frozen|") {
					out[key] = sample.Value
				}
			}
		}
		return out
	}
	want := play("")
	if v := want["plumbline_evidence_ratio|m|label|drift"]; v <= 0 {
		t.Errorf("there is no evidence to be changed: %v", v)
	}
	for _, hostile := range []string{"late", "restarts", "no data"} {
		got := play(hostile)
		for key, v := range want {
			if strings.Contains(key, "|volume|") || strings.Contains(key, "model_evidence") && hostile == "late" {
				continue // late records are traffic, too
			}
			if got[key] != v {
				t.Errorf("%s: %s is %v, without it %v", hostile, key, got[key], v)
			}
		}
	}
}

// A flood of NaN is missing values, told once as such; it moves neither bins nor means.
func TestAFloodOfNaNIsMissingAndNothingElse(t *testing.T) {
	h := newHarness(t, mustModel(t, scenarioModel))
	w := &world{rng: rand.New(rand.NewPCG(6, 6)), spam: .05, constant: "7"}
	now := start
	seen := map[string]bool{}
	for second := range 3 * 3600 {
		for range 2 {
			line := w.line(now)
			if second > 2*3600 {
				i := bytes.Index(line, []byte(`"age":`))
				j := i + bytes.IndexByte(line[i:], ',')
				line = []byte(fmt.Sprintf(`%s"age":NaN%s`, line[:i], line[j:]))
			}
			h.line(line, now)
		}
		h.engine.Advance(now)
		for _, s := range h.in.evidence.streams {
			if s.alarm != nil {
				seen[s.feature+"/"+s.alarm.cause] = true
			}
		}
		now = now.Add(time.Second)
	}
	if !seen["age/missing"] && !seen["age/schema"] || len(seen) != 1 {
		t.Errorf("told: %v", seen)
	}
	if v := h.in.evidence.ratio; v != v {
		t.Error("evidence is no number")
	}
}
