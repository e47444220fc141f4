package monitor

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write golden files anew")

// TestEveryMistakeInAModelFileIsNamedWithItsPlace compares the messages for each file in testdata/models with the
// .errors file beside it; a file without one is good.
func TestEveryMistakeInAModelFileIsNamedWithItsPlace(t *testing.T) {
	files, err := filepath.Glob("testdata/models/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no model files", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			_, err = ParseModel(filepath.Base(file), data)
			if err != nil && !errors.Is(err, ErrModelFile) {
				t.Errorf("not an ErrModelFile: %v", err)
			}
			for _, p := range Problems(err) {
				got.WriteString(p.Error() + "\n")
				if p.Line == 0 && len(data) > 0 {
					t.Errorf("no line: %v", p)
				}
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".errors"
			if *update {
				if got.Len() == 0 {
					os.Remove(golden)
				} else if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			if got.String() != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", &got, want)
			}
		})
	}
}

func TestAPresetNeedsFourLines(t *testing.T) {
	m := mustModel(t, "model: mail\nlogs:\n  include: [/var/log/rspamd/rspamd.log]\n  format: rspamd\n")
	if m.Score == nil || m.Score.Path != "score" || m.Label == nil || m.Label.Path != "action" || m.Timestamp.Path != "time" {
		t.Errorf("score %+v, label %+v, timestamp %+v", m.Score, m.Label, m.Timestamp)
	}
	var names []string
	for _, f := range m.Features {
		names = append(names, f.label(f.Path))
	}
	if got := strings.Join(names, " "); got != "length symbols bayes" {
		t.Errorf("features: %s", got)
	}
	if len(m.Notes()) == 0 {
		t.Error("nothing is said about what was filled in")
	}
}

func TestDefaultsOfAModelFile(t *testing.T) {
	m := mustModel(t, "model: m\nlogs: {include: /l/*.jsonl, format: json}\nfeatures: [f.*]\n")
	if m.Pane != 10*time.Second || m.Bucket != time.Minute || m.Lateness != 30*time.Second || m.Silence != 10*time.Minute ||
		m.Budget != (Budget{Pages: 1, Period: 30 * 24 * time.Hour}) || m.Reference.For != 28*24*time.Hour || m.MinRecords != 200 ||
		m.MinCategoryCount != 20 || m.MaxCategories != 50 || len(m.Windows) != 3 || m.Tolerance != (Tolerance{Odds: 1.1, Share: .01, Distribution: .02}) {
		t.Errorf("%+v", m)
	}
}

func TestPaneAndBucketFollowEachOther(t *testing.T) {
	m := mustModel(t, "model: m\nlogs: {include: /l, format: json}\nfeatures: [f]\npane: 1h\n")
	if m.Bucket != time.Hour || len(m.Windows) != 2 {
		t.Errorf("bucket %v, windows %v: a bucket holds whole panes, and a window at least one", m.Bucket, m.Windows)
	}
}

func TestDurationsAreReadAndWritten(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"10s": 10 * time.Second, "15m": 15 * time.Minute, "1h30m": 90 * time.Minute, "24h": 24 * time.Hour,
		"7d": 7 * 24 * time.Hour, "2w": 14 * 24 * time.Hour, "0.5s": 500 * time.Millisecond, "250ms": 250 * time.Millisecond,
	} {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "10", "m", "10x", "-5m", "1e9d", "5m ", "∞"} {
		if got, err := ParseDuration(text); err == nil {
			t.Errorf("%q was read as %v", text, got)
		}
	}
	for want, d := range map[string]time.Duration{"10m": 10 * time.Minute, "1h": time.Hour, "24h": 24 * time.Hour, "7d": 7 * 24 * time.Hour, "1h30m": 90 * time.Minute, "500ms": 500 * time.Millisecond, "36h": 36 * time.Hour} {
		if got := FormatDuration(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}

func TestFoldersOfModelsAreReadInOrderAndBadFilesDoNotHideGoodOnes(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	good := "logs: {include: /l, format: json}\nfeatures: [f]\n"
	write("b.yaml", "model: b\n"+good)
	write("a.yml", "model: a\n"+good)
	write("c.yaml", "model: b\n"+good)
	write("d.yaml", "model: d\nlogz: {}\n")
	write(".hidden.yaml", "nonsense")
	write("notes.txt", "nonsense")
	models, err := LoadModels(dir)
	if len(models) != 2 || models[0].Name != "a" || models[1].Name != "b" {
		t.Errorf("models: %+v", models)
	}
	if ps := Problems(err); len(ps) != 3 || !strings.Contains(ps[0].Error(), "c.yaml:1:8: model: the name \"b\" is taken by") || !strings.Contains(ps[2].Error(), "did you mean logs?") {
		t.Errorf("problems: %v", err)
	}
}

func FuzzParseModel(f *testing.F) {
	files, _ := filepath.Glob("testdata/models/*.yaml")
	for _, file := range files {
		if data, err := os.ReadFile(file); err == nil {
			f.Add(data)
		}
	}
	f.Add([]byte(spamModel))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := ParseModel("fuzz.yaml", data)
		if (m == nil) == (err == nil) {
			t.Fatal("neither a model nor an error")
		}
		if err != nil && len(Problems(err)) == 0 {
			t.Fatalf("an error without a problem: %v", err)
		}
		if m == nil {
			return
		}
		if m.Bucket%m.Pane != 0 || len(m.Windows) == 0 || m.Lateness > maxOpenPanes/2*m.Pane {
			t.Fatalf("a model that the engine cannot run: %+v", m)
		}
	})
}

func TestAnUnknownFormatIsAnsweredWithTheNearestOne(t *testing.T) {
	_, err := ParseModel("m.yaml", []byte("model: m\nlogs: {include: /l, format: jsonl}\nfeatures: [f]\n"))
	if err == nil || !strings.HasPrefix(err.Error(), `m.yaml:2:29: logs.format: "jsonl" is not a format`) || !strings.HasSuffix(err.Error(), "did you mean json?") {
		t.Error(err)
	}
}

func TestAFieldThatAPresetDoesNotHaveIsPointedAt(t *testing.T) {
	_, err := ParseModel("m.yaml", []byte("model: m\nlogs: {include: /l, format: rspamd}\nfeatures:\n  - len\n  - nonsense\n"))
	if err == nil || !strings.HasPrefix(err.Error(), `m.yaml:5:5: format rspamd: it has no field "nonsense"`) {
		t.Error(err)
	}
}

func TestTheBudgetCanBeAProbability(t *testing.T) {
	m := mustModel(t, "model: m\nlogs: {include: /l, format: json}\nfeatures: [f]\nfalse_page_probability: 5% per 30d\n")
	if m.Budget != (Budget{Pages: .05, Probability: .05, Period: 30 * 24 * time.Hour}) {
		t.Errorf("%+v", m.Budget)
	}
}
