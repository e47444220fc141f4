package monitor

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

const scenarioModel = `
model: m
logs: {include: /l, format: json}
fields: {timestamp: ts}
predictions:
  score: {path: score, kind: probability}
  label: {path: label, positive: spam}
features:
  - {path: age, kind: number}
  - {path: constant, kind: number}
  - {path: country, kind: category}
  - {path: rep, kind: number, updated_at: rep_ts, max_age: 1m}
reference: {learn: 6000 records}
`

// world draws the records of a scenario.
type world struct {
	rng      *rand.Rand
	spam     float64 // share of spam
	missing  float64 // share of records without age
	frozen   bool    // age repeats one value
	unseen   float64 // share of new countries
	shift    float64 // of age
	stall    time.Time
	constant string
}

func (w *world) line(at time.Time) []byte {
	label, score := "ham", w.rng.Float64()*.4
	if w.rng.Float64() < w.spam {
		label, score = "spam", .6+w.rng.Float64()*.4
	}
	age := fmt.Sprintf(`"age":%.3f,`, 10+w.shift+w.rng.NormFloat64())
	if w.frozen {
		age = `"age":10.125,`
	}
	if w.rng.Float64() < w.missing {
		age = []string{`"age":null,`, ``, `"age":"x",`, `"age":NaN,`}[w.rng.IntN(4)]
	}
	country := []string{"CH", "DE", "FR"}[min(w.rng.IntN(4), 2)]
	if w.rng.Float64() < w.unseen {
		country = fmt.Sprintf("X%d", w.rng.IntN(5))
	}
	updated := at.Add(-time.Second)
	if !w.stall.IsZero() {
		updated = w.stall
	}
	return fmt.Appendf(nil, `{"ts":%q,"score":%.4f,"label":%q,%s"constant":%s,"country":%q,"rep":%.3f,"rep_ts":%d}`,
		at.Format(time.RFC3339Nano), score, label, age, w.constant, country, w.rng.Float64(), updated.Unix())
}

// TestEachFaultIsToldByItsOwnCauseAndTwinsAreSilent runs two quiet hours, two hours of a fault and three hours as before.
func TestEachFaultIsToldByItsOwnCauseAndTwinsAreSilent(t *testing.T) {
	calm := func() *world { return &world{rng: rand.New(rand.NewPCG(9, 9)), spam: .05, constant: "7"} }
	for _, c := range []struct {
		name   string
		fault  func(*world)
		alarms string // that are raised during the fault, and no others; with ? they may be
	}{
		{"nothing", func(*world) {}, ""},
		{"spam doubles", func(w *world) { w.spam = .1 }, "label/drift score/drift?"},
		{"spam vanishes", func(w *world) { w.spam = 0 }, "label/drift score/drift?"},
		{"spam a little more", func(w *world) { w.spam = .0525 }, ""},
		{"age missing in most records", func(w *world) { w.missing = .95 }, "age/missing"},
		{"age missing in a few", func(w *world) { w.missing = .05 }, "age/missing"},
		{"age frozen", func(w *world) { w.frozen = true }, "age/frozen"},
		{"age shifted by half a sigma", func(w *world) { w.shift = .5 }, "age/drift"},
		{"age shifted by a hair", func(w *world) { w.shift = .01 }, ""},
		{"new countries", func(w *world) { w.unseen = .1 }, "country/quality"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHarness(t, mustModel(t, scenarioModel))
			w := calm()
			now := start
			seen := map[string]bool{}
			run := func(d time.Duration) {
				for end := now.Add(d); now.Before(end); now = now.Add(time.Second) {
					for range 2 {
						h.line(w.line(now), now)
					}
					h.engine.Advance(now)
					if now.Second() != 0 {
						continue
					}
					for _, s := range h.in.evidence.streams {
						if s.alarm != nil {
							seen[s.feature+"/"+s.cause] = true
						}
					}
				}
			}
			run(2 * time.Hour)
			if len(seen) > 0 {
				t.Errorf("alarms without a fault: %v", seen)
			}
			c.fault(w)
			run(2 * time.Hour)
			for _, name := range strings.Fields(c.alarms) {
				name, optional := strings.CutSuffix(name, "?")
				if !seen[name] && !optional {
					t.Errorf("%s was not noticed", name)
				}
				delete(seen, name)
			}
			if len(seen) > 0 {
				t.Errorf("symptoms were told besides: %v", seen)
			}
			*w = world{rng: w.rng, spam: .05, constant: "7"}
			run(3 * time.Hour)
			for key, s := range h.collect() {
				if s.Metric == catalog.Alarm && s.Value != 0 {
					t.Errorf("%s stands three hours after the fault", key)
				}
			}
		})
	}
}

func TestAgesAreComparedWithTheLimit(t *testing.T) {
	h := newHarness(t, mustModel(t, scenarioModel))
	w := &world{rng: rand.New(rand.NewPCG(1, 1)), constant: "7"}
	now := start
	for i := range 4000 {
		if i == 3000 {
			w.stall = now
		}
		h.line(w.line(now), now)
		now = now.Add(time.Second)
		h.engine.Advance(now)
	}
	s := h.collect()
	if v := value(t, s, "plumbline_feature_age_seconds|m|rep|10m|1"); v < 900 || v > 1000 {
		t.Errorf("oldest: %v s, the store stood still for 1000 s", v)
	}
	if v := value(t, s, "plumbline_feature_stale_share|m|rep|10m"); v != 1 {
		t.Errorf("stale share in ten minutes: %v", v)
	}
	if v := value(t, s, "plumbline_feature_stale_share|m|rep|24h"); v < .2 || v > .25 {
		t.Errorf("stale share of the day: %v", v)
	}
	if v := value(t, s, "plumbline_feature_max_age_seconds|m|rep"); v != 60 {
		t.Errorf("limit: %v", v)
	}
	good := float64(start.Add(3060*time.Second).UnixNano()) / 1e9
	if v := value(t, s, "plumbline_feature_last_good_timestamp_seconds|m|rep|feature"); v < good-2 || v > good+2 {
		t.Errorf("last good %v, want about %v", v, good)
	}
}

func TestRecordsOutOfTimeAreCountedByReason(t *testing.T) {
	h := newHarness(t, mustModel(t, scenarioModel))
	w := &world{rng: rand.New(rand.NewPCG(1, 1)), constant: "7"}
	now := start
	for range 600 {
		h.line(w.line(now), now)
		now = now.Add(time.Second)
		h.engine.Advance(now)
	}
	h.line(w.line(now.Add(-5*time.Minute)), now)
	h.line(w.line(now.Add(-10*time.Second)), now)
	h.line(w.line(now.Add(time.Hour)), now)
	h.line([]byte(`{"score":0.5,"label":"ham"}`), now)
	s := h.collect()
	for key, want := range map[string]float64{
		"plumbline_records_late_total|m": 1, "plumbline_records_future_total|m": 1, "plumbline_records_untimed_total|m": 1,
		"plumbline_records_total|m|": 604, "plumbline_model_last_record_timestamp_seconds|m": float64(now.Unix()),
	} {
		if v := value(t, s, key); v != want {
			t.Errorf("%s: %v, want %v", key, v, want)
		}
	}
	h.engine.Advance(now)
	if v := value(t, h.collect(), "plumbline_window_records|m|10m"); v < 560 {
		t.Errorf("records in the window: %v", v)
	}
}

func TestNoDataChangesNothing(t *testing.T) {
	h := newHarness(t, mustModel(t, scenarioModel))
	w := &world{rng: rand.New(rand.NewPCG(1, 1)), spam: .05, constant: "7"}
	now := start
	for range 8000 {
		h.line(w.line(now), now)
		now = now.Add(time.Second)
		h.engine.Advance(now)
	}
	h.engine.Advance(now.Add(time.Hour)) // the last panes are closed
	before := h.collect()
	for range 100 {
		now = now.Add(time.Hour)
		h.engine.Advance(now)
	}
	compareSamples(t, h.collect(), before)
}

func TestRareCategoriesStayNameless(t *testing.T) {
	h := newHarness(t, mustModel(t, scenarioModel))
	for i := range 6100 {
		country := "CH"
		switch {
		case i < 19:
			country = "rare"
		case i < 39:
			country = "known"
		}
		h.line(fmt.Appendf(nil, `{"ts":%q,"country":%q}`, start.Add(time.Duration(i)*time.Second).Format(time.RFC3339), country), time.Time{})
	}
	h.engine.Flush()
	s := h.collect()
	if v := value(t, s, "plumbline_reference_category_share|m|country|feature|known"); v != 20./6000 {
		t.Errorf("share of a category that was seen 20 times: %v", v)
	}
	if v := value(t, s, "plumbline_reference_category_share|m|country|feature|other"); v != 19./6000 {
		t.Errorf("share of others: %v", v)
	}
	for key := range s {
		if strings.Contains(key, "rare") {
			t.Errorf("%s names a category that was seen 19 times", key)
		}
	}
}

func TestAtMost256ColumnsAreFollowed(t *testing.T) {
	h := newHarness(t, mustModel(t, "model: m\nlogs: {include: /l, format: json}\nfeatures: [f.*]\nprivacy: {min_category_count: 1}\n"))
	var b strings.Builder
	for i := range 400 {
		fmt.Fprintf(&b, `,"k%d":%d`, i, i)
	}
	line := []byte(`{"f":{` + b.String()[1:] + `}}`)
	for range 3 {
		h.line(line, start)
	}
	s := h.collect()
	if v := value(t, s, "plumbline_model_features|m"); v != 256 {
		t.Errorf("columns: %v", v)
	}
	if v := value(t, s, "plumbline_series_dropped_total|m|feature"); v != 144 {
		t.Errorf("dropped: %v", v)
	}
}

func TestFreeTextBelowAWildcardCostsNeitherMemoryNorBudget(t *testing.T) {
	h := newHarness(t, mustModel(t, "model: m\nlogs: {include: /l, format: json}\nfeatures: [f.*]\nreference: {learn: 3000 records}\n"))
	long := strings.Repeat("x", 100_000)
	for i := range 3100 {
		text := fmt.Sprintf("subject %d", i)
		if i%100 == 0 {
			text = long
		}
		h.line(fmt.Appendf(nil, `{"f":{"text":%q,"x":%d}}`, text, i%10), start.Add(time.Duration(i)*time.Second))
	}
	for _, s := range h.in.evidence.streams {
		if s.feature == "f.text" && (s.cause == causeQuality || s.cause == causeDrift) {
			t.Errorf("a column of free text is watched for %s", s.cause)
		}
	}
	for key := range h.collect() {
		if strings.Contains(key, "subject") || strings.Contains(key, "xxxx") {
			t.Errorf("text became a label: %s", key[:60])
		}
	}
}
