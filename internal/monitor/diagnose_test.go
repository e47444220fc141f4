package monitor

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

const diagnoseModel = `
model: m
logs: {include: /l, format: json}
fields: {timestamp: ts}
predictions: {label: {path: label, positive: spam}}
features:
  - {path: age, kind: number}
  - {path: len, kind: number}
  - {path: country, kind: category}
reference: {learn: 6000 records}
`

// TestAnAlarmIsNamedAfterWhatExplainsIt runs an hour of quiet after learning, half an hour of a fault and an hour as before. The
// names were not in the streams: each fault is found by the evidence of drift or of missing values.
func TestAnAlarmIsNamedAfterWhatExplainsIt(t *testing.T) {
	type record struct{ age, length, country, label string }
	for _, c := range []struct {
		name  string
		fault func(r *record, x float64, i int)
		want  string // column/cause/what; "" for none
	}{
		{"a column disappears", func(r *record, x float64, i int) { r.age = "" }, "age/schema/share absent"},
		{"a column is missing in most records", func(r *record, x float64, i int) {
			if i%20 != 0 {
				r.age = ""
			}
		}, "age/missing/share missing"},
		{"a number becomes text", func(r *record, x float64, i int) { r.age = `"age":"old",` }, "age/schema/share of another type"},
		{"days become hours", func(r *record, x float64, i int) { r.length = fmt.Sprintf(`"len":%.1f,`, x*60) }, "len/schema/mean"},
		{"ones become thousands", func(r *record, x float64, i int) { r.length = fmt.Sprintf(`"len":%.4f,`, x/1000) }, "len/schema/mean"},
		{"twice as long, which is no unit", func(r *record, x float64, i int) { r.length = fmt.Sprintf(`"len":%.1f,`, x*2) }, "len/drift/mean, tails cut"},
		{"a default of -1", func(r *record, x float64, i int) {
			if i%8 == 0 {
				r.age = `"age":-1,`
			}
		}, "age/quality/share of the default -1"},
		{"three values in turn", func(r *record, x float64, i int) { r.age = fmt.Sprintf(`"age":%.1f,`, 9+float64(i%3)*.9) }, "age/frozen/share of 3 values"},
		{"some beyond all that was", func(r *record, x float64, i int) {
			if i%4 == 0 {
				r.age = fmt.Sprintf(`"age":%d,`, 500+i%97)
			}
		}, "age/quality/share out of range"},
		{"a category vanishes", func(r *record, x float64, i int) {
			if r.country == "DE" {
				r.country = "CH"
			}
		}, "country/quality/share of DE"},
		{"the positive class vanishes", func(r *record, x float64, i int) { r.label = "ham" }, "label/volume/share of spam"},
		{"a default among many of them is nothing", func(r *record, x float64, i int) {
			if i%400 == 0 {
				r.age = `"age":-1,`
			}
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHarness(t, mustModel(t, diagnoseModel))
			rng := rand.New(rand.NewPCG(3, 4))
			now := start
			got := map[string]bool{}
			run := func(d time.Duration, fault func(r *record, x float64, i int)) {
				for i := 0; i < int(d/time.Second)*2; i++ {
					x := math.Exp(rng.NormFloat64()) * 600
					r := record{fmt.Sprintf(`"age":%.3f,`, 10+rng.NormFloat64()), fmt.Sprintf(`"len":%.1f,`, x), []string{"CH", "DE", "FR"}[rng.IntN(3)], "ham"}
					if rng.Float64() < .05 {
						r.label = "spam"
					}
					if fault != nil {
						fault(&r, x, i)
					}
					h.line(fmt.Appendf(nil, `{"ts":%q,%s%s"country":%q,"label":%q}`, now.Format(time.RFC3339Nano), r.age, r.length, r.country, r.label), now)
					now = now.Add(time.Second / 2)
					h.engine.Advance(now)
					for _, s := range h.in.evidence.streams {
						if s.alarm != nil {
							got[s.feature+"/"+s.alarm.cause+"/"+s.alarm.told[0].what] = true
						}
					}
				}
			}
			run(110*time.Minute, nil)
			if len(got) > 0 {
				t.Fatalf("alarms without a fault: %v", got)
			}
			run(30*time.Minute, c.fault)
			found := c.want == "" && len(got) == 0
			for name := range got {
				found = found || c.want != "" && len(name) >= len(c.want) && name[:len(c.want)] == c.want && len(got) == 1
			}
			if !found {
				t.Errorf("alarms %v, want %q alone", got, c.want)
			}
			before := h.collect()
			run(time.Hour, nil)
			after := h.collect()
			for key, s := range after {
				if s.Metric.Name == "plumbline_alarm" && s.Value != 0 {
					t.Errorf("%s stands an hour after the fault", key)
				}
			}
			for key, s := range before {
				if s.Metric.Name == "plumbline_alarm" && after[key].Metric == nil {
					t.Errorf("%s ended without a 0: the alert would stay open", key)
				}
			}
		})
	}
}
