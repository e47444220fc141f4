package monitor

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

func TestAnAcceptedReferenceEndsTheAlarmAndJudgesWhatComesNext(t *testing.T) {
	h := newHarness(t, mustModel(t, strings.Replace(scenarioModel, "6000 records}", "6000 records, page_while_learning: true}", 1)))
	w := &world{rng: rand.New(rand.NewPCG(9, 9)), spam: .05, constant: "7"}
	now := start
	run := func(d time.Duration) {
		for end := now.Add(d); now.Before(end); now = now.Add(time.Second) {
			for range 2 {
				h.line(w.line(now), now)
			}
			h.engine.Advance(now)
		}
	}
	alarms := func() (names []string) {
		for key, s := range h.collect() {
			if s.Metric == catalog.Alarm && s.Value == 1 {
				names = append(names, key)
			}
		}
		return names
	}
	ask := Acceptance{ID: "1", Model: "m", Author: "jo", Reason: "a new client"}
	run(2 * time.Hour)
	if _, err := h.engine.Accept(ask); !errors.Is(err, ErrAcceptance) {
		t.Errorf("nothing stands in alarm: %v", err)
	}
	w.spam = .2
	run(5 * time.Minute)
	for _, bad := range []Acceptance{{ID: "2", Model: "m", Reason: "no author"}, {ID: "3", Model: "m", Author: "no reason"}, {ID: "4", Model: "other", Author: "a", Reason: "r"}, {ID: "5", Model: "m", Feature: "other", Author: "a", Reason: "r"}} {
		if _, err := h.engine.Accept(bad); !errors.Is(err, ErrAcceptance) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	run(2 * time.Hour)
	before := alarms()
	if len(before) == 0 {
		t.Fatal("four times as much spam raised no alarm")
	}
	columns, err := h.engine.Accept(ask)
	if err != nil || !slices.Contains(columns, "label") {
		t.Fatalf("%v, %v", columns, err)
	}
	if a := alarms(); len(a) > 0 {
		t.Errorf("still in alarm: %v", a)
	}
	s := store{}
	s.commit(h.engine)
	h.restart(s)
	if again, err := h.engine.Accept(ask); again != nil || err != nil {
		t.Errorf("the same request after a restart: %v, %v; it was applied before", again, err)
	}
	if v := value(t, h.collect(), "plumbline_reference_accepted_timestamp_seconds|m|jo|a new client"); v < float64(now.Add(-time.Minute).Unix()) {
		t.Errorf("accepted at %v", v)
	}
	run(3 * time.Hour)
	if a := alarms(); len(a) > 0 {
		t.Errorf("what was accepted alarms: %v", a)
	}
	w.spam = .4
	run(time.Hour)
	if a := alarms(); !slices.ContainsFunc(a, func(k string) bool { return strings.Contains(k, "|label|drift") }) {
		t.Errorf("twice as much as was accepted: %v", a)
	}
	s.commit(h.engine)
	want := h.collect()
	h.restart(s)
	compareSamples(t, h.collect(), want)
}

// A season moves as a whole: what was accepted at noon says what to expect at night.
func TestAnAcceptedReferenceKeepsTheTimeOfTheWeek(t *testing.T) {
	w := &week{rng: rand.New(rand.NewPCG(12, 1)), minute: 8, ar: .9, odds: 1}
	h := newHarness(t, buildWeeks(t, w, 28, ""))
	if p := w.run(h, 28, 3); len(p) > 0 {
		t.Fatalf("before: %v", p)
	}
	w.odds = 3
	if p := w.run(h, 31, 2); len(p) == 0 {
		t.Fatal("three times the odds raised no alarm")
	}
	if _, err := h.engine.Accept(Acceptance{ID: "x", Model: "m", Author: "jo", Reason: "r"}); err != nil {
		t.Fatal(err)
	}
	if p := w.run(h, 33, 5); len(p) > 0 {
		t.Errorf("five days of what was accepted: %v", p)
	}
	w.odds = 9
	if p := w.run(h, 38, 1); len(p) == 0 {
		t.Error("three times the odds that were accepted raised no alarm")
	}
}
