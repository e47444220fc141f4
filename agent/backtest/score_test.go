package backtest

import (
	"math"
	"testing"
	"time"
)

func hour(n int) time.Time { return time.Date(2026, 11, 2, n, 0, 0, 0, time.UTC) }

func hours(from, to int) Span { return Span{From: hour(from), To: hour(to)} }

// The numbers are by hand: of 10 hours 5 are incident, 3 are alarm, 2 are both, so F1 is 2·2/(5+3).
func TestScoreCountsOverlappingAlarmTimeOnceAndHoldsItAgainstTheIncidents(t *testing.T) {
	alarms := []Span{hours(2, 3), hours(2, 4), hours(7, 8)}
	s := score("x", alarms, hours(0, 10), []Span{hours(2, 6), hours(9, 10)})
	if s.Pages != 3 || math.Abs(s.AlarmTime-.3) > 1e-12 || *s.Covered != 1 || *s.False != 1 {
		t.Errorf("%+v covered %d false %d", s, *s.Covered, *s.False)
	}
	if want := 2 * 2 / (5. + 3); math.Abs(*s.F1-want) > 1e-12 {
		t.Errorf("F1 %v, want %v", *s.F1, want)
	}
}

func TestDummiesScoreNothingAndEverything(t *testing.T) {
	list := baselines(hours(0, 10), []Span{hours(2, 6)})
	never, always := list[0], list[1]
	if never.Pages != 0 || never.AlarmTime != 0 || *never.Covered != 0 || *never.F1 != 0 {
		t.Errorf("never: %+v", never)
	}
	if always.Pages != 1 || always.AlarmTime != 1 || *always.Covered != 1 || math.Abs(*always.F1-8./14) > 1e-12 {
		t.Errorf("always: %+v", always)
	}
	if s := score("x", nil, hours(0, 10), nil); s.Covered != nil || s.F1 != nil {
		t.Errorf("without known incidents nothing says what was right: %+v", s)
	}
}

func TestPagesAWeekAreNotGuessedFromAnHour(t *testing.T) {
	if r := perWeek(3, hours(0, 1)); r != nil {
		t.Errorf("%v a week from an hour", *r)
	}
	week := Span{From: hour(0), To: hour(0).AddDate(0, 0, 14)}
	if r := perWeek(3, week); r == nil || *r != 1.5 {
		t.Errorf("%v, want 1.5", r)
	}
}

func TestOnlyWantsTheSameIdentityAtTheSameTime(t *testing.T) {
	of := func(s *Span) (string, Span) { return "same", *s }
	got := only([]Span{hours(1, 3), hours(5, 6)}, []Span{hours(2, 4), hours(7, 8)}, of)
	if len(got) != 1 || got[0] != hours(5, 6) {
		t.Errorf("%v", got)
	}
}

func TestALongCurveIsThinnedAndKeepsItsPeak(t *testing.T) {
	c := &curve{stride: 1, peak: true}
	for i := range int64(100_000) {
		v := 0.0
		if i == 77_777 {
			v = 3
		}
		c.add(point{i, v})
	}
	if len(c.points) > maxPoints || len(c.points) < maxPoints/2 {
		t.Errorf("%d points", len(c.points))
	}
	if c.max() != 3 || c.points[0].at != 0 {
		t.Errorf("peak %v, first at %d", c.max(), c.points[0].at)
	}
}
