package monitor

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// TestEvidenceIsWhatTheRecordsOfItsTimeSay feeds the same hours with and without what a hostile world adds, and compares the
// evidence: late records, clocks of writers that jump ahead or back, ticks without records, and restarts in the middle of it change nothing.
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
			for i := range 2 {
				at := now
				if hostile == "a clock ahead" && second > 3600 && (second+i)%20 == 0 {
					at = now.Add(24 * time.Hour) // the record of now, by a writer whose clock is a day ahead: it takes its arrival
				}
				line := w.line(now)
				h.line(bytes.Replace(line, []byte(now.Format(time.RFC3339Nano)), []byte(at.Format(time.RFC3339Nano)), 1), now)
			}
			if hostile == "a clock behind" && second > 3600 && second%20 == 0 {
				h.line(other.line(now.Add(-24*time.Hour)), now)
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
	for _, hostile := range []string{"late", "restarts", "no data", "a clock ahead", "a clock behind"} {
		got := play(hostile)
		for key, v := range want {
			if strings.Contains(key, "|volume|") || strings.Contains(key, "model_evidence") && (hostile == "late" || hostile == "a clock behind") {
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

// calm plays hours in which nothing changes, with something hostile in the way the records come, and returns what was raised.
func calm(t *testing.T, come func(h *harness, second int, line []byte, now time.Time)) (*harness, map[string]uint64) {
	t.Helper()
	h := newHarness(t, mustModel(t, strings.Replace(scenarioModel, "6000 records}", "6000 records, page_while_learning: true}", 1)))
	w := &world{rng: rand.New(rand.NewPCG(8, 8)), spam: .05, constant: "7"}
	for second := range 6 * 3600 {
		now := start.Add(time.Duration(second) * time.Second)
		for range 2 {
			come(h, second, w.line(now), now)
		}
		h.engine.Advance(now)
	}
	return h, h.in.evidence.raised
}

// Shippers that deliver at least once repeat lines. A tenth of them twice is nothing; all of them twice for an hour is
// twice the traffic, and says nothing of shares and values.
func TestLinesThatComeTwiceAreNoDrift(t *testing.T) {
	_, raised := calm(t, func(h *harness, second int, line []byte, now time.Time) {
		h.line(line, now)
		if second > 2*3600 && second%10 == 0 {
			h.line(line, now)
		}
	})
	for cause, n := range raised {
		if n > 0 {
			t.Errorf("a tenth of the lines twice: %d alarms for %s", n, cause)
		}
	}
	h, raised := calm(t, func(h *harness, second int, line []byte, now time.Time) {
		h.line(line, now)
		if second > 3*3600 && second < 4*3600 {
			h.line(line, now)
		}
	})
	for cause, n := range raised {
		if n > 0 && cause != causeVolume {
			t.Errorf("all lines twice: %d alarms for %s", n, cause)
		}
	}
	if n := uint64(h.in.Newest().Sub(start) / time.Second); n < 6*3600-2 {
		t.Errorf("event time stands at %d s", n)
	}
}

// The clock of the host jumps by a day between two ticks and comes back, while records bear times of their own: buckets close
// early, and nothing is told.
func TestATickFromAnotherDayClosesEarlyAndTellsNothing(t *testing.T) {
	_, raised := calm(t, func(h *harness, second int, line []byte, now time.Time) {
		h.line(line, now)
		if second > 2*3600 && second%1800 == 0 {
			h.engine.Advance(now.Add(24 * time.Hour))
			h.engine.Advance(now.Add(-24 * time.Hour))
		}
	})
	for cause, n := range raised {
		if n > 0 {
			t.Errorf("%d alarms for %s", n, cause)
		}
	}
}

// The promise of a probability is a budget of so many pages: the threshold lies ln 20 higher for 5 % than for one page, a
// change that is worth a page is told all the same, and what is published says .05.
func TestAProbabilityOfAFalsePageIsKeptByTheEngine(t *testing.T) {
	play := func(budget string) (*harness, time.Duration) {
		h := newHarness(t, mustModel(t, strings.Replace(scenarioModel, "6000 records}", "6000 records, page_while_learning: true}\n"+budget, 1)))
		w := &world{rng: rand.New(rand.NewPCG(4, 4)), spam: .05, constant: "7"}
		for second := range 8 * 3600 {
			now := start.Add(time.Duration(second) * time.Second)
			if second == 4*3600 {
				w.spam = .1
			}
			for range 2 {
				h.line(w.line(now), now)
			}
			h.engine.Advance(now)
			if len(h.in.evidence.pages) > 0 {
				return h, time.Duration(second-4*3600) * time.Second
			}
		}
		t.Fatalf("%s: twice as much spam pages nobody in four hours", budget)
		return nil, 0
	}
	one, delay := play("false_pages: 1 per 30d")
	likely, later := play("false_page_probability: 5% per 30d")
	if delay <= 0 || later < delay {
		t.Errorf("a page after %v with one false page allowed, after %v with a probability of 5 %%", delay, later)
	}
	if d := likely.in.evidence.logA - one.in.evidence.logA; math.Abs(d-math.Log(20)) > 1e-9 {
		t.Errorf("the thresholds differ by %v, want ln 20", d)
	}
	s := likely.collect()
	if allowed, spent, left := value(t, s, "plumbline_budget_false_pages|m"), value(t, s, "plumbline_budget_spent|m"), value(t, s, "plumbline_budget_remaining|m"); allowed != .05 || spent != 1 || left > 0 {
		t.Errorf("%v allowed, %v spent, %v left", allowed, spent, left)
	}
}

// The clock of the host is a day ahead for a minute, records and arrivals alike, and comes back: nothing is told of it, nothing is
// late for a day, and a change an hour later is noticed, also when the agent is restarted in between.
func TestAClockThatWasADayAheadBlindsNobody(t *testing.T) {
	for _, restarts := range []bool{false, true} {
		h := newHarness(t, mustModel(t, strings.Replace(scenarioModel, "6000 records}", "6000 records, page_while_learning: true}", 1)))
		w := &world{rng: rand.New(rand.NewPCG(8, 8)), spam: .05, constant: "7"}
		s := store{}
		play := func(from, seconds int, ahead time.Duration) {
			for second := range seconds {
				now := start.Add(time.Duration(from+second)*time.Second + ahead)
				for range 2 {
					h.line(w.line(now), now)
				}
				h.engine.Advance(now)
				if restarts && second%30 == 17 {
					s.commit(h.engine)
					h.restart(s)
				}
			}
		}
		play(0, 2*3600, 0)
		play(2*3600, 60, 24*time.Hour)
		late := h.in.counts.late
		play(2*3600+60, 3600, 0)
		for cause, n := range h.in.evidence.raised {
			if n > 0 {
				t.Errorf("%d alarms for %s", n, cause)
			}
		}
		if n := h.in.counts.late - late; n > 100 {
			t.Errorf("%d records are late after the clock came back", n)
		}
		samples := h.collect()
		if n := value(t, samples, "plumbline_window_records|m|10m"); n < 1100 || n > 1300 {
			t.Errorf("%v records in the last ten minutes", n)
		}
		w.spam = .3
		play(3*3600+60, 900, 0)
		if h.in.evidence.raised[causeDrift] == 0 {
			t.Error("six times as much spam is not noticed after the clock came back")
		}
		total := 0.
		for key, x := range h.collect() {
			if strings.HasPrefix(key, "plumbline_records_total|m|") {
				total += x.Value
			}
		}
		if want := 2. * (3*3600 + 60 + 900); total != want {
			t.Errorf("%v records, want %v", total, want)
		}
	}
}
