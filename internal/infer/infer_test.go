package infer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plumbline-ml/plumbline/internal/monitor"
)

func jsonLines(n int) [][]byte {
	var out [][]byte
	for i := range n {
		out = append(out, fmt.Appendf(nil,
			`{"ts":"2026-03-01T12:%02d:%02dZ","request_id":"r%d","version":"v%d","score":0.%03d,"label":"%s","features":{"age":%d,"kind":"%c","secret-%d":1},"latency_ms":%d}`,
			i/60%60, i%60, i, i%2, i%1000, []string{"ham", "spam"}[i%2], i%90, 'a'+i%3, 7, i%50))
	}
	return out
}

func TestAModelFileIsWrittenFromJSONLines(t *testing.T) {
	text, err := Model(jsonLines(500), Options{Name: "app", Include: []string{"/var/log/app/*.jsonl"}, Learn: "5000 records", Header: "Inferred.\nCorrect me."})
	if err != nil {
		t.Fatal(err)
	}
	want := `# Inferred.
# Correct me.
model: app
logs:
  include: ["/var/log/app/*.jsonl"]
  format: json
fields:
  timestamp: ts
  version: version
predictions:
  score: {path: score, kind: probability}
  label: {path: label, kind: category}   # add positive: and the class that one looks for
features:
  - {path: "features.*"}
  - {path: latency_ms}
reference: {learn: 5000 records}
false_pages: 1 per 30d
`
	if string(text) != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
	if _, err := monitor.ParseModel("x.yaml", text); err != nil {
		t.Error(err)
	}
}

func TestAPresetNeedsNoFields(t *testing.T) {
	text, err := Model([][]byte{[]byte("anything")}, Options{Name: "mail", Include: []string{"a.log"}, Format: "rspamd"})
	if err != nil {
		t.Fatal(err)
	}
	if s := string(text); !strings.Contains(s, "format: rspamd\n") || strings.Contains(s, "features:\n") {
		t.Errorf("got\n%s", s)
	}
}

func TestWhatIsNotUnderstoodIsSaid(t *testing.T) {
	opts := Options{Name: "app", Include: []string{"a"}}
	if _, err := Model(nil, opts); !errors.Is(err, ErrNoLines) {
		t.Errorf("got %v", err)
	}
	if _, err := Model([][]byte{[]byte("hello there"), []byte("how are you today")}, opts); !errors.Is(err, ErrFormat) {
		t.Errorf("got %v", err)
	}
	opts.Format = "csv"
	if _, err := Model(jsonLines(50), opts); err == nil || !strings.Contains(err.Error(), "look like json, not csv") {
		t.Errorf("got %v", err)
	}
}

func TestSampleReadsWhatIsThereAndNoMore(t *testing.T) {
	dir := t.TempDir()
	glob := []string{filepath.Join(dir, "*.jsonl")}
	if lines, err := Sample(t.Context(), glob); err != nil || len(lines) != 0 {
		t.Errorf("without a file: %d lines, %v", len(lines), err)
	}
	var text []byte
	for _, l := range jsonLines(MaxLines + 100) {
		text = append(append(text, l...), '\n')
	}
	if err := os.WriteFile(filepath.Join(dir, "a.jsonl"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	lines, err := Sample(t.Context(), glob)
	if err != nil || len(lines) != MaxLines {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	if string(lines[0]) != string(jsonLines(1)[0]) {
		t.Errorf("first line %s", lines[0])
	}
}

func TestScalarsAreQuotedWhereYAMLWouldReadSomethingElse(t *testing.T) {
	for in, want := range map[string]string{
		"score": "score", "a.b-c": "a.b-c", "/x/y.log": "/x/y.log", "": `""`, "no": `"no"`, "1": `"1"`, "*.x": `"*.x"`, "a: b": `"a: b"`, "-x": `"-x"`,
	} {
		if got := quote(in); got != want {
			t.Errorf("%q is written %s, want %s", in, got, want)
		}
	}
}

func TestAModelIsNamedAfterItsLogs(t *testing.T) {
	for glob, want := range map[string]string{
		"app/*.jsonl": "app", "/var/log/Spam Filter.log": "spam-filter", "*.log": "model", "/srv/a/b.d/**/x.log": "b", "./logs/x-1.jsonl.gz": "x-1",
	} {
		if got := Name(glob); got != want {
			t.Errorf("%s is named %s, want %s", glob, got, want)
		}
	}
}
