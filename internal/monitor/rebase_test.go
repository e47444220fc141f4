package monitor

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const rebaseModel = `
model: m
logs: {include: /l, format: json}
fields: {timestamp: ts, version: v}
predictions: {score: {path: score, kind: probability}, label: {path: label, positive: spam}}
features:
  - {path: f.*}
  - {path: rep, kind: number, age: rep_age, max_age: 1m}
reference: %s
`

// rollout plays an hour of v1 after learning and two hours of v2, which calls three times as much spam. Every restart minutes,
// if not 0, the engine is thrown away and restored.
func rollout(t *testing.T, reference, dir string, restart int) *harness {
	t.Helper()
	m, err := ParseModel(filepath.Join(dir, "m.yaml"), fmt.Appendf(nil, rebaseModel, reference))
	if err != nil {
		t.Fatal(err)
	}
	h := newHarness(t, m)
	rng := rand.New(rand.NewPCG(7, 7))
	now := start
	store := map[string][]byte{}
	for i := range 4 * 3600 {
		version, spam := "v1", .05
		if i >= 2*3600 {
			version, spam = "v2", .15
		}
		label, score := "ham", .3*rng.Float64()
		if rng.Float64() < spam {
			label, score = "spam", .7+.3*rng.Float64()
		}
		h.line(fmt.Appendf(nil, `{"ts":%q,"v":%q,"score":%.4f,"label":%q,"f":{"x":%.3f,"c":"k%d"},"rep":%d,"rep_age":5}`, now.Format(time.RFC3339), version, score, label, rng.NormFloat64(), rng.IntN(3), i*7%31), now)
		now = now.Add(time.Second)
		h.engine.Advance(now)
		if restart == 0 {
			continue
		}
		changed, removed := h.engine.Sections()
		for _, name := range removed {
			delete(store, name)
		}
		for _, s := range changed {
			store[s.Name] = s.Data
		}
		if i%(restart*60) == restart*60-1 {
			offset := h.offset
			h = newHarness(t, m)
			h.offset = offset
			var names []string
			for name := range store {
				names = append(names, name)
			}
			if err := h.engine.Restore(names, func(name string) ([]byte, bool) { d, ok := store[name]; return d, ok }); err != nil {
				t.Fatal(err)
			}
			if lost := h.engine.Forgotten(); len(lost) > 0 {
				t.Fatalf("the state could not be read after %d s", i)
			}
			h.in = h.engine.Model("m")
			h.parser = h.in.Plan().NewParser()
		}
	}
	return h
}

func TestANewVersionPagesUnlessTheReferenceFollowsIt(t *testing.T) {
	dir := t.TempDir()
	kept := rollout(t, "{learn: 3000 records}", dir, 0)
	if n := kept.in.evidence.raised[causeVersion]; n == 0 || kept.in.evidence.raised[causeDrift] != 0 {
		t.Errorf("kept: %v", kept.in.evidence.raised)
	}
	s := kept.collect()
	if v := value(t, s, "plumbline_version_statistic|m|v2|share of spam"); v < .13 || v > .17 {
		t.Errorf("share of spam of v2: %v", v)
	}
	if v := value(t, s, "plumbline_version_statistic|m|v1|share of spam"); v < .03 || v > .07 {
		t.Errorf("share of spam of v1 before: %v", v)
	}

	learned := rollout(t, "{learn: 3000 records, on_new_version: learn}", dir, 0)
	for cause, n := range learned.in.evidence.raised {
		if n != 0 {
			t.Errorf("learned: %d alarms for %s", n, cause)
		}
	}
	s = learned.collect()
	if v := value(t, s, "plumbline_reference_category_share|m|label|prediction|spam"); v < .13 || v > .17 {
		t.Errorf("the new reference has %v spam", v)
	}
	if v := value(t, s, "plumbline_reference_rebases_total|m"); v != 1 {
		t.Errorf("%v rebases", v)
	}
	value(t, s, "plumbline_reference_rebase_timestamp_seconds|m|v2|learn")
	if a, b := value(t, s, "plumbline_records_total|m|v1"), value(t, s, "plumbline_records_total|m|v2"); a+b+value(t, s, "plumbline_records_total|m|other") != 4*3600 {
		t.Errorf("%v and %v records", a, b)
	}
	for _, f := range []string{"f.x", "f.c", "rep"} {
		if learned.in.column(f) == nil || learned.in.column(f).base == nil {
			t.Errorf("%s did not learn again", f)
		}
	}
}

func TestAReferenceThatFollowedAVersionSurvivesRestarts(t *testing.T) {
	dir := t.TempDir()
	want := rollout(t, "{learn: 3000 records, on_new_version: learn}", dir, 0).collect()
	got := rollout(t, "{learn: 3000 records, on_new_version: learn}", dir, 17).collect()
	for _, key := range []string{
		"plumbline_reference_rebases_total|m", "plumbline_records_total|m|v2", "plumbline_reference_category_share|m|label|prediction|spam",
		"plumbline_window_records|m|10m", "plumbline_version_statistic|m|v2|mean score",
		"plumbline_version_difference|m|v2|v1|before|mean score|lower", "plumbline_version_difference_p|m|v2|v1|before|share of spam", "plumbline_feature_category_total|m|f.c|feature|k1",
		"plumbline_reference_records|m", "plumbline_unseen_share_expected|m|f.c|feature", "plumbline_feature_missing_total|m|rep|feature|absent",
	} {
		if a, b := value(t, want, key), value(t, got, key); a != b {
			t.Errorf("%s: %v without restarts, %v with", key, a, b)
		}
	}
}

func TestTheFileOfAVersionIsReadAndAMissingOneIsSaid(t *testing.T) {
	dir := t.TempDir()
	files := "{file: ref-v1.json, on_new_version: file, version_file: 'ref-{version}.json'}"
	for version, spam := range map[string]float64{"v1": .05, "v2": .15} {
		m, err := ParseModel(filepath.Join(dir, "m.yaml"), fmt.Appendf(nil, rebaseModel, "{learn: 1h}"))
		if err != nil {
			t.Fatal(err)
		}
		b, err := NewReferenceBuilder(m)
		if err != nil {
			t.Fatal(err)
		}
		h := &harness{t: t, parser: b.Plan().NewParser()}
		rng := rand.New(rand.NewPCG(8, 8))
		for i := range 8000 {
			label, score := "ham", .3*rng.Float64()
			if rng.Float64() < spam {
				label, score = "spam", .7+.3*rng.Float64()
			}
			line := fmt.Appendf(nil, `{"ts":%q,"v":%q,"score":%.4f,"label":%q,"f":{"x":%.3f,"c":"k%d"},"rep":%d,"rep_age":5}`, start.Add(time.Duration(i)*time.Second).Format(time.RFC3339), version, score, label, rng.NormFloat64(), rng.IntN(3), i*7%31)
			h.parser.Line(line, h.offset, &h.rec)
			h.offset += int64(len(line)) + 1
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
		if err := os.WriteFile(filepath.Join(dir, "ref-"+version+".json"), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, restart := range []int{0, 17} {
		h := rollout(t, files, dir, restart)
		for cause, n := range h.in.evidence.raised {
			if n != 0 {
				t.Errorf("%d alarms for %s", n, cause)
			}
		}
		if v := value(t, h.collect(), "plumbline_reference_rebase_timestamp_seconds|m|v2|file"); v == 0 {
			t.Error("nothing says that the reference is another one")
		}
	}
	if err := os.Remove(filepath.Join(dir, "ref-v2.json")); err != nil {
		t.Fatal(err)
	}
	h := rollout(t, files, dir, 0)
	s := h.collect()
	if v := value(t, s, "plumbline_reference_rebase_failures_total|m"); v != 1 {
		t.Errorf("%v failures", v)
	}
	if h.in.evidence.raised[causeVersion] == 0 {
		t.Error("the old reference does not go on")
	}
}

func TestAVersionIsNoPath(t *testing.T) {
	m := mustModel(t, "model: m\nlogs: {include: /l, format: json}\nfeatures: [f.*]\nreference: {file: a.json, on_new_version: file, version_file: 'r/{version}.json'}\n")
	for _, version := range []string{"../../etc/passwd", "..", "a/b", "", "a..b", strings.Repeat("x", 100)} {
		if _, err := m.versionModel(rebased{how: onVersionFile, version: version}); err == nil {
			t.Errorf("%q became a file name", version)
		}
	}
	if v, err := m.versionModel(rebased{how: onVersionFile, version: "v1.2-rc_3"}); err != nil || v.Reference.File != "r/v1.2-rc_3.json" {
		t.Errorf("%v, %v", v, err)
	}
	for text, want := range map[string]string{
		"{file: a.json, on_new_version: file}":                         "belong together",
		"{file: a.json, version_file: 'r/{version}.json'}":             "belong together",
		"{file: a.json, on_new_version: file, version_file: r/x.json}": "a path with {version}",
		"{file: a.json, on_new_version: forget}":                       "one of keep, learn",
	} {
		_, err := ParseModel("m.yaml", []byte("model: m\nlogs: {include: /l, format: json}\nfeatures: [f.*]\nreference: "+text+"\n"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
