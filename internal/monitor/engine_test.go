package monitor

import (
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/simulator"
)

const spamModel = `
model: spam
logs: {include: [/logs/*.jsonl], format: json}
fields: {timestamp: ts, version: version}
predictions:
  score: {path: prediction.score, kind: probability}
  label: {path: prediction.label, positive: spam}
features:
  - {path: features.*}
  - {path: features.domain_rep, kind: number, updated_at: features.domain_rep_ts, max_age: 15m}
reference: {learn: 5000 records}
`

var start = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func TestAModelLearnsAndThenNoticesThatSpamDoubles(t *testing.T) {
	h := newHarness(t, mustModel(t, strings.Replace(spamModel, "5000 records}", "5000 records, page_while_learning: true}", 1)))
	sim := simulator.New(simulator.Options{Seed: 1, Swing: -1})
	now := start
	var buf []byte
	run := func(d time.Duration) {
		for end := now.Add(d); now.Before(end); now = now.Add(time.Second) {
			for range sim.Requests(now, now.Add(time.Second)) / 4 {
				buf = sim.AppendRecord(buf[:0], now)
				h.line(buf, now)
			}
			h.engine.Advance(now)
		}
	}
	run(5 * time.Minute)
	s := h.collect()
	if v := value(t, s, "plumbline_model_state|spam|learning"); v != 0 {
		t.Error("still learning after 5000 records")
	}
	run(30 * time.Minute)
	s = h.collect()
	for key, sample := range s {
		if sample.Metric.Name == "plumbline_alarm" && sample.Value != 0 {
			t.Errorf("alarm without a change: %s", key)
		}
	}
	sim.SetSpamShare(.1)
	run(30 * time.Minute)
	s = h.collect()
	if value(t, s, "plumbline_alarm|spam|label|drift") != 1 {
		t.Error("no alarm although the share of spam doubled")
	}
	joined := 0
	for _, sample := range s {
		if sample.Metric.Name == "plumbline_alarm" && sample.Value == 1 {
			joined++
		}
	}
	if spent := value(t, s, "plumbline_budget_spent|spam"); joined < 2 || spent != 1 {
		t.Errorf("%d streams of one cause are in alarm and spent %v of the budget; they are one page", joined, spent)
	}
	for key, sample := range s {
		switch sample.Metric.Name {
		case "plumbline_alarm", "plumbline_alarm_seen", "plumbline_alarm_expected":
			if sample.Value != 0 {
				t.Log(key, sample.Value)
			}
		}
	}
	sim.SetSpamShare(.05)
	run(60 * time.Minute)
	s = h.collect()
	if value(t, s, "plumbline_alarm|spam|label|drift") != 0 {
		t.Error("the alarm stands although the share of spam is what it was")
	}
}
