package monitor

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// alarmed runs quiet hours and then a fault until an alarm, and returns the harness, the alarm's stream and when the
// fault began.
func alarmed(t *testing.T, seed uint64, quiet time.Duration, name string, fault func(*world)) (*harness, *stream, time.Time) {
	t.Helper()
	h := newHarness(t, mustModel(t, scenarioModel))
	w := &world{rng: rand.New(rand.NewPCG(seed, 9)), spam: .05, constant: "7"}
	now := start
	began := start.Add(quiet)
	for end := began.Add(3 * time.Hour); now.Before(end); now = now.Add(time.Second) {
		if now.Equal(began) {
			fault(w)
		}
		for range 2 {
			h.line(w.line(now), now)
		}
		h.engine.Advance(now)
		for _, s := range h.in.evidence.streams {
			if s.alarm != nil && s.feature+"/"+s.cause == name {
				return h, s, began
			}
		}
	}
	t.Fatalf("seed %d: %s was not noticed", seed, name)
	return nil, nil, began
}

func TestAnAlarmSaysWhenWhatAndHowMuch(t *testing.T) {
	for _, c := range []struct {
		name, what string
		fault      func(*world)
		truth      float64 // of the quantity that the first line tells; 0 when it is not known beforehand
		bin        string  // among those that moved
	}{
		{"label/drift", "share of spam", func(w *world) { w.spam = .2 }, .2, "spam"},
		{"age/drift", stepsWhat, func(w *world) { w.shift = 1 }, 0, "above "},
		{"age/missing", "share missing", func(w *world) { w.missing = .3 }, .3, "absent"},
		{"age/frozen", "share repeated", func(w *world) { w.frozen = true }, .999, ""},
		{"country/quality", "share unseen", func(w *world) { w.unseen = .2 }, .2, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, s, began := alarmed(t, 4, 4*time.Hour, c.name, c.fault)
			samples := h.collect()
			column, cause, _ := strings.Cut(c.name, "/")
			id := "|m|" + column + "|" + cause
			onset := value(t, samples, "plumbline_alarm_onset_timestamp_seconds"+id)
			earliest := value(t, samples, "plumbline_alarm_onset_earliest_timestamp_seconds"+id)
			latest := value(t, samples, "plumbline_alarm_onset_latest_timestamp_seconds"+id)
			truth := float64(began.Unix())
			if !(earliest <= truth && truth <= latest && earliest <= onset && onset <= latest) || latest-earliest > 900 {
				t.Errorf("began %+v s after the truth, between %+v and %+v", onset-truth, earliest-truth, latest-truth)
			}
			what := s.alarm.told[0].what
			if c.what != "" && what != c.what {
				t.Errorf("it tells the %s", what)
			}
			seen := value(t, samples, "plumbline_alarm_seen"+id+"|"+what)
			low, high := value(t, samples, "plumbline_alarm_seen_low"+id+"|"+what), value(t, samples, "plumbline_alarm_seen_high"+id+"|"+what)
			width := .2
			if what == stepsWhat {
				width = .3 // of a standard deviation
			}
			if !(low <= seen && seen <= high && high-low < width) || c.truth > 0 && (c.truth < low || c.truth > high) {
				t.Errorf("%s is %v, between %v and %v, in truth %v", what, seen, low, high, c.truth)
			}
			found := c.bin == ""
			bins := 0
			for _, x := range samples {
				if x.Metric != catalog.AlarmBinSeen || x.Labels[1] != column {
					continue
				}
				bins++
				found = found || strings.HasPrefix(x.Labels[4], c.bin)
			}
			if !found || bins > maxMovedBins {
				t.Errorf("%d bins moved, and %q is not among them: %+v", bins, c.bin, s.alarm.bins)
			}
			if cause == causeDrift || cause == causeMissing {
				if len(s.alarm.columns) == 0 {
					t.Fatal("nothing is said of the columns' contributions")
				}
				// The score moves with the label and may come first.
				if first := s.alarm.columns[0].name; first != column && !(column == "label" && first == "score") {
					t.Errorf("%s contributed most: %+v", first, s.alarm.columns)
				}
			}
			sum := 0.
			for _, x := range samples {
				if x.Metric == catalog.Contribution {
					sum += x.Value
				}
			}
			if sum > 1+1e-9 || sum < .5 {
				t.Errorf("the contributions add up to %v", sum)
			}
		})
	}
}

// The median of an alarm is that of the records since the onset, with an interval.
func TestTheMedianOfAnAlarmIsNotDilutedByWhatWasBefore(t *testing.T) {
	h, s, _ := alarmed(t, 5, 2*time.Hour, "age/drift", func(w *world) { w.shift = 2 })
	if len(s.alarm.told) != 2 || s.alarm.told[1].what != "median" {
		t.Fatalf("%+v", s.alarm.told)
	}
	m, b := s.alarm.told[1], s.alarm.bounds[1]
	if m.seen < 11 || !b.known || b.lo > m.seen || b.hi < m.seen {
		t.Errorf("the median is %v in %+v, expected %v", m.seen, b, m.expected)
	}
	value(t, h.collect(), "plumbline_alarm_seen_low|m|age|drift|median")
}

// In 40 alarms, 38 sets of onsets and 38 intervals are expected to hold the truth; 34 is what a binomial with 95 %
// falls below once in a thousand.
func TestTheOnsetsSetHoldsTheTruthInTheEngineToo(t *testing.T) {
	if testing.Short() {
		t.Skip("simulation")
	}
	onsets, shares := 0, 0
	const runs = 40
	for seed := range uint64(runs) {
		h, s, began := alarmed(t, 100+seed, time.Hour+time.Duration(seed)*71*time.Second, "label/drift", func(w *world) { w.spam = .12 })
		at := began.UnixNano()
		// The set is told in slots of a window: a few seconds of rounding belong to it.
		if s.alarm.earliest <= at && at <= s.alarm.latest+h.in.paneNs {
			onsets++
		}
		if b := s.alarm.bounds[0]; b.known && b.lo <= .12 && .12 <= b.hi {
			shares++
		}
	}
	if onsets < 34 || shares < 34 {
		t.Errorf("the truth was in %d sets and %d intervals of %d", onsets, shares, runs)
	}
	t.Logf("the truth was in %d sets and %d intervals of %d", onsets, shares, runs)
}

func TestAnAlarmOfAnOlderStateHasNoExplanationAndStands(t *testing.T) {
	_, s, _ := alarmed(t, 6, time.Hour, "label/drift", func(w *world) { w.spam = .3 })
	var e, tail encoder
	s.encode(&e)
	s.alarm.explanation.encode(&tail)
	old := e.buf[:len(e.buf)-len(tail.buf)]
	kept := *s.alarm
	if err := s.decode(&stateDecoder{buf: old}); err != nil || s.alarm == nil || s.alarm.onset != kept.onset || len(s.alarm.bins) != 0 {
		t.Errorf("%v, %+v", err, s.alarm)
	}
	if err := s.decode(&stateDecoder{buf: e.buf}); err != nil || s.alarm.earliest != kept.earliest || len(s.alarm.bins) != len(kept.bins) || len(s.alarm.columns) != len(kept.columns) {
		t.Errorf("%v, %+v, want %+v", err, s.alarm, kept)
	}
}

// What is called detectable must page within about the hour, and half of it must not.
func TestTheSmallestDetectableShiftIsDetected(t *testing.T) {
	h := newHarness(t, mustModel(t, scenarioModel))
	w := &world{rng: rand.New(rand.NewPCG(7, 9)), spam: .05, constant: "7"}
	now := start
	run := func(d time.Duration, until func() bool) time.Duration {
		from := now
		for end := now.Add(d); now.Before(end) && !until(); now = now.Add(time.Second) {
			for range 2 {
				h.line(w.line(now), now)
			}
			h.engine.Advance(now)
		}
		return now.Sub(from)
	}
	never := func() bool { return false }
	run(2*time.Hour, never)
	size := value(t, h.collect(), "plumbline_smallest_detectable_shift|m|label|drift")
	if size < .01 || size > .1 {
		t.Fatalf("the label's share must move by %v", size)
	}
	var label *stream
	for i, s := range h.in.evidence.streams {
		if s.col != nil && s.col.isLabel && s.cause == causeDrift {
			label = s
			if got := h.in.smallestShift(i, h.in.traffic()); got.what != "share of spam" || got.size != size {
				t.Errorf("%+v", got)
			}
		}
	}
	raised := func() bool { return label.alarm != nil }
	w.spam = .05 + size/2
	if d := run(2*time.Hour, raised); raised() {
		t.Errorf("half of it paged after %v", d)
	}
	w.spam = .05
	run(time.Hour, never)
	w.spam = .05 + 1.2*size
	if d := run(3*time.Hour, raised); !raised() || d > 2*time.Hour {
		t.Errorf("%v: paged is %v after %v", 1.2*size, raised(), d)
	}
}

func TestOnlyAlarmsHaveSeriesOfExplanations(t *testing.T) {
	h, _, _ := alarmed(t, 8, time.Hour, "age/drift", func(w *world) { w.shift = 3 })
	quiet := newHarness(t, h.in.model)
	for key := range quiet.collect() {
		if strings.HasPrefix(key, "plumbline_alarm_") && !strings.HasPrefix(key, "plumbline_alarm_total") {
			t.Errorf("%s without an alarm", key)
		}
	}
	per := map[string]int{}
	for _, s := range h.collect() {
		per[s.Metric.Name]++
	}
	for name, most := range map[string]int{"plumbline_alarm_bin_seen": maxMovedBins, "plumbline_alarm_contribution": maxContributions, "plumbline_alarm_seen_low": 2} {
		if per[name] == 0 || per[name] > 3*most {
			t.Errorf("%d series of %s", per[name], name)
		}
	}
}
