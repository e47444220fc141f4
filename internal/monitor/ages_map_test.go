package monitor

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// ageModel has four ways of telling how old a value is: a map of ages, a map of times, a time beside the value as Feast
// returns it, and a field of its own.
const ageModel = `
model: m
logs: {include: /l, format: json}
fields: {timestamp: ts}
features:
  - {path: a.*, age: a_age.*, max_age: 1m}
  - {path: b.*, updated_at: b_ts.*, max_age: 1m}
  - {path: c.*, max_age: 1m, name: "*"}
  - {path: d.*, updated_at: d.*_written, max_age: 1m}
  - {path: rep, kind: number, age: rep_age, max_age: 1m, max_stale: 20%}
reference: {learn: 3000 records}
privacy: {min_category_count: 2}
`

func TestAgesAreReadFromMapsAndFromTimesBesideTheValues(t *testing.T) {
	h := newHarness(t, mustModel(t, ageModel))
	now := start
	for i := range 2000 {
		old := now.Add(-90 * time.Second)
		h.line(fmt.Appendf(nil, `{"ts":%q,"a":{"x":%d},"a_age":{"x":90},"b":{"x":%d},"b_ts":{"x":%q},"c":{"x":%d,"x_event_timestamp":%q,"y":1,"y__ts":%d},"d":{"z":%d,"z_written":%d},"rep":%d,"rep_age":30}`,
			now.Format(time.RFC3339), i%7, i%5, old.Format(time.RFC3339), i%3, old.Format("2006-01-02 15:04:05"), now.Add(2*time.Second).UnixMilli(), i%4, old.Unix(), i%6), now)
		now = now.Add(time.Second)
		h.engine.Advance(now)
	}
	s := h.collect()
	for _, f := range []string{"a.x", "b.x", "x", "d.z"} {
		if v := value(t, s, "plumbline_feature_age_seconds|m|"+f+"|10m|1"); v < 89 || v > 91 {
			t.Errorf("%s is %v s old, want 90", f, v)
		}
		if v := value(t, s, "plumbline_feature_stale_share|m|"+f+"|10m"); v != 1 {
			t.Errorf("%s: stale share %v", f, v)
		}
		if v := value(t, s, "plumbline_alarm|m|"+f+"|stale"); v != 1 {
			t.Errorf("%s is not in alarm", f)
		}
	}
	if v := value(t, s, "plumbline_feature_clock_skew_seconds|m|y|10m"); v < 1.9 || v > 2.1 {
		t.Errorf("the clock that is two seconds ahead: %v", v)
	}
	if v := value(t, s, "plumbline_feature_age_seconds|m|rep|10m|1"); v != 30 {
		t.Errorf("rep is %v s old", v)
	}
	if v := value(t, s, "plumbline_alarm|m|rep|stale"); v != 0 {
		t.Error("rep is fresh and in alarm")
	}
	for key := range s {
		for _, name := range []string{"|x_event_timestamp|", "|y__ts|", "|d.z_written|"} {
			if strings.Contains(key, name) {
				t.Errorf("%s: a time beside a value became a feature", key)
			}
		}
	}
}

// TestAgesBesideValuesAreFoundAfterTheColumnCameFromAReferenceFile: the file knows the column before the first record says where its age
// stands, and so does the state after a restart.
func TestAgesBesideValuesAreFoundAfterTheColumnCameFromAReferenceFile(t *testing.T) {
	dir := t.TempDir()
	text := func(reference string) []byte {
		return []byte("model: m\nlogs: {include: /l, format: json}\nfields: {timestamp: ts}\nfeatures:\n  - {path: c.*, name: '*', max_age: 1m}\nreference: " + reference + "\n")
	}
	line := func(i int, at time.Time) []byte {
		return fmt.Appendf(nil, `{"ts":%q,"c":{"x":%d,"x_event_timestamp":%q}}`, at.Format(time.RFC3339), i%9, at.Add(-5*time.Second).Format(time.RFC3339))
	}
	m, err := ParseModel(filepath.Join(dir, "m.yaml"), text("{learn: 1h}"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewReferenceBuilder(m)
	if err != nil {
		t.Fatal(err)
	}
	h := &harness{t: t, parser: b.Plan().NewParser()}
	for i := range 1000 {
		l := line(i, start.Add(time.Duration(i)*time.Second))
		h.parser.Line(l, h.offset, &h.rec)
		h.offset += int64(len(l)) + 1
		b.Observe(&h.rec)
	}
	ref, err := b.Reference()
	if err != nil {
		t.Fatal(err)
	}
	data, err := ref.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "r.json"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	if m, err = ParseModel(filepath.Join(dir, "m.yaml"), text("{file: r.json}")); err != nil {
		t.Fatal(err)
	}
	h = newHarness(t, m)
	now := start.Add(time.Hour)
	for i := range 600 {
		h.line(line(i, now), now)
		now = now.Add(time.Second)
		h.engine.Advance(now)
	}
	const oldest = "plumbline_feature_age_seconds|m|x|10m|1"
	if v := value(t, h.collect(), oldest); v != 5 {
		t.Errorf("the oldest value is %v s old, want 5", v)
	}
	kept := store{}
	kept.commit(h.engine)
	h.restart(kept)
	if v := value(t, h.collect(), oldest); v != 5 {
		t.Errorf("after a restart the oldest value is %v s old, want 5", v)
	}
}

// TestAFewStaleAnswersAreNoAlarm: one in a hundred is older than the limit, as the tail of a healthy store is.
func TestAFewStaleAnswersAreNoAlarm(t *testing.T) {
	h := newHarness(t, mustModel(t, "model: m\nlogs: {include: /l, format: json}\nfields: {timestamp: ts}\nfeatures: [{path: rep, kind: number, age: rep_age, max_age: 1m}]\nreference: {learn: 500 records}\n"))
	now := start
	for i := range 40000 {
		age := 10
		if i%100 == 0 {
			age = 600
		}
		h.line(fmt.Appendf(nil, `{"ts":%q,"rep":%d,"rep_age":%d}`, now.Format(time.RFC3339), i*7%31, age), now)
		now = now.Add(time.Second)
		h.engine.Advance(now)
		if h.in.evidence.raised[causeStale] != 0 {
			t.Fatalf("alarm after %d records", i)
		}
	}
	for i := range 1200 {
		h.line(fmt.Appendf(nil, `{"ts":%q,"rep":%d,"rep_age":%d}`, now.Format(time.RFC3339), i*7%31, i%2*600), now)
		now = now.Add(time.Second)
		h.engine.Advance(now)
	}
	if h.in.evidence.raised[causeStale] != 1 {
		t.Errorf("half of the answers are stale, and %d alarms", h.in.evidence.raised[causeStale])
	}
}

func TestMistakesAboutAgesAreExplained(t *testing.T) {
	for text, want := range map[string]string{
		"{path: f.*, updated_at: t, max_age: 1m}":         "one * for the part that matched",
		"{path: f.*, age: g.*_age}":                       "neither ends in .* nor lies below",
		"{path: f, age: a.*}":                             "the feature is no wildcard",
		"{path: f, max_age: 1m}":                          "age: with that of its age",
		"{path: f, age: a, updated_at: b}":                "exclude each other",
		"{path: f, age: a, max_stale: 5%}":                "max_stale without max_age",
		"{path: f, age: a, max_age: 1m, max_stale: 500%}": "write, for example, 5%",
	} {
		_, err := ParseModel("m.yaml", []byte("model: m\nlogs: {include: /l, format: json}\nfeatures: ["+text+"]\n"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
