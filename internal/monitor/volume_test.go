package monitor

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

const volumeModel = `
model: m
logs: {include: /l, format: json}
fields: {timestamp: ts}
predictions: {label: {path: label, positive: spam}}
reference: {learn: 2000 records}
windows: [1h]
pane: 1m
bucket: 5m
lateness: 1m
`

// traffic feeds so many records an hour, by day three times as many as by night, with half of it on Saturday and Sunday.
func traffic(h *harness, rng *rand.Rand, from time.Time, length time.Duration, factor float64, spam bool) time.Time {
	end := from.Add(length)
	for now := from; now.Before(end); now = now.Add(time.Minute) {
		rate := 4 * factor * (1 - .5*math.Cos(2*math.Pi*float64(now.Hour()*60+now.Minute())/1440))
		if d := now.Weekday(); d == time.Saturday || d == time.Sunday {
			rate /= 2
		}
		for n := rng.Float64() * 2 * rate; n > 0; n-- {
			if n < 1 && rng.Float64() > n {
				break
			}
			label := "ham"
			if spam && rng.Float64() < .1 {
				label = "spam"
			}
			h.line(fmt.Appendf(nil, `{"ts":%q,"label":%q}`, now.Format(time.RFC3339), label), now)
		}
		h.engine.Advance(now)
	}
	return end
}

// TestTrafficIsComparedWithTheSameHourOfTheWeek plays three quiet weeks with nights and weekends, a day with a fifth of
// the traffic, a quiet day, and a day with five times as much.
func TestTrafficIsComparedWithTheSameHourOfTheWeek(t *testing.T) {
	h := newHarness(t, mustModel(t, volumeModel))
	rng := rand.New(rand.NewPCG(1, 2))
	day := 24 * time.Hour
	monday := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	alarms := func() uint64 { return h.in.evidence.raised[causeVolume] }
	now := traffic(h, rng, monday, 21*day, 1, true)
	if alarms() != 0 {
		t.Fatalf("%d alarms in three quiet weeks", alarms())
	}
	now = traffic(h, rng, now, day, .2, true)
	if alarms() != 1 {
		t.Fatalf("%d alarms in a day with a fifth of the traffic", alarms())
	}
	now = traffic(h, rng, now, day, 1, true)
	if v := value(t, h.collect(), "plumbline_alarm|m|requests|volume"); v != 0 {
		t.Error("the alarm stands after a quiet day")
	}
	traffic(h, rng, now, day, 5, true)
	if alarms() != 2 {
		t.Errorf("%d alarms after a day with five times the traffic", alarms())
	}
}

func TestAWaitForAPositiveHasALimit(t *testing.T) {
	h := newHarness(t, mustModel(t, volumeModel))
	rng := rand.New(rand.NewPCG(3, 4))
	monday := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	now := traffic(h, rng, monday, 20*time.Hour, 1, true)
	if _, there := h.collect()["plumbline_model_positive_gap_limit_seconds|m"]; there {
		t.Error("there is a limit before a whole day was seen")
	}
	now = traffic(h, rng, now, 28*time.Hour, 1, true)
	s := h.collect()
	limit := value(t, s, "plumbline_model_positive_gap_limit_seconds|m")
	longest := float64(h.in.positives.longest) / 1e9
	if limit < 2*longest || limit < 3600 || limit > 86400 {
		t.Errorf("limit %v s, longest clean wait %v s", limit, longest)
	}
	last := value(t, s, "plumbline_model_last_positive_timestamp_seconds|m")
	now = traffic(h, rng, now, time.Duration(limit+600)*time.Second, 1, false)
	s = h.collect()
	if v := value(t, s, "plumbline_model_last_positive_timestamp_seconds|m"); v != last {
		t.Errorf("a positive at %v", v)
	}
	if wait := value(t, s, "plumbline_model_last_record_timestamp_seconds|m") - last; wait < limit {
		t.Errorf("waited %v s, limit %v s", wait, limit)
	}
	_ = now
}

func TestTheReferenceKnowsItsTraffic(t *testing.T) {
	var c volumeCounter
	start := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC) // a Monday
	for i := range 3 * 60 {
		for range 5 {
			c.count(start.Add(time.Duration(i)*time.Minute).UnixNano(), int64(time.Minute))
		}
	}
	v := c.volume(time.Minute)
	if v == nil || len(v.Hours) != 3 || v.Hours[1] != (VolumeHours{Hour: 1, Buckets: 60, Records: 300, Squares: 1500}) {
		t.Fatalf("%+v", v)
	}
	if err := (&ReferenceVolume{Bucket: "1m", Hours: []VolumeHours{{Hour: 168, Buckets: 1}}}).validate(); err == nil {
		t.Error("hour 168 is no hour of a week")
	}
}
