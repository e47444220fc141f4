package monitor

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plumbline-ml/plumbline/internal/parse"
)

const (
	schemaLine = `{"meta_data": {"bento_name": "iris", "bento_version": "not available"}, "columns": [{"name": "sepal length", "role": "feature", "type": "numerical"}, ` +
		`{"name": "color", "role": "feature", "type": "categorical"}, {"name": "vec", "role": "feature", "type": "numerical_sequence"}, {"name": "text", "role": "original_text", "type": "text"}, ` +
		`{"name": "proba", "role": "prediction", "type": "numerical"}, {"name": "pred", "role": "prediction", "type": "categorical"}, {"name": "truth", "role": "target", "type": "categorical"}]}`
	otherSchema = `{"meta_data": {"bento_name": "other", "bento_version": "v2"}, "columns": [{"name": "age", "role": "feature", "type": "numerical"}, {"name": "risk", "role": "prediction", "type": "numerical"}]}`
	irisRecord  = `{"sepal length": "4.9", "color": "blue", "vec": [1, 2], "text": "x", "proba": 0.5, "pred": "setosa", "truth": "setosa", "timestamp": "2026-11-23T00:41:04.157913", "request_id": "1", "trace_id": "0"}`
	otherRecord = `{"age": 41, "risk": 0.25, "timestamp": "2026-11-23T00:41:04", "request_id": "2", "trace_id": "0"}`
)

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// columnsOf says what a model of format bentoml follows.
func columnsOf(t *testing.T, dir, glob, rest string) string {
	t.Helper()
	m := mustModel(t, "model: m\nlogs: {include: ['"+filepath.Join(dir, glob)+"'], format: bentoml}\n"+rest)
	var out []string
	if m.Score != nil {
		out = append(out, "score "+m.Score.Path)
	}
	if m.Label != nil {
		out = append(out, "label "+m.Label.Path)
	}
	for _, f := range m.Features {
		out = append(out, fmt.Sprintf("%s %s", f.Kind, f.Path))
	}
	if m.Schemaless() {
		out = append(out, "schemaless")
	}
	return strings.Join(out, ", ")
}

func TestBentoMLRolesAndKindsComeFromTheSchemaBesideTheData(t *testing.T) {
	const iris = "score proba, label pred, number sepal length, category color, number vec.*"
	for _, c := range []struct {
		name, rest string
		files      map[string]string
		glob, want string
	}{
		{"beside", "", map[string]string{"iris/data/data.0.log": irisRecord + "\n", "iris/schema/schema.0.log": "torn}\n" + otherSchema + "\n" + schemaLine + "\n"}, "iris/data/data.*.log", iris},
		{"before there is data", "", map[string]string{"iris/schema/schema.1.log": schemaLine + "\n"}, "iris/data/*.log", iris},
		{"the newest names the keys as well as an older one", "", map[string]string{"iris/data/data.0.log": irisRecord + "\n",
			"iris/schema/schema.0.log": strings.Replace(schemaLine, "numerical", "categorical", 1) + "\n" + schemaLine + "\n"}, "iris/data/data.*.log", iris},
		{"another monitor of the process wrote its schema here last", "", map[string]string{"iris/data/data.0.log": irisRecord + "\n",
			"iris/schema/schema.0.log": schemaLine + "\n" + otherSchema + "\n"}, "iris/data/data.*.log", iris},
		{"and its data too", "", map[string]string{"iris/data/data.0.log": irisRecord + "\n" + otherRecord + "\n",
			"iris/schema/schema.0.log": schemaLine + "\n" + otherSchema + "\n"}, "iris/data/data.*.log", "score risk, number age"},
		{"both on the output of a container", "", map[string]string{"pods/0.log": "2026-11-23T00:41:04Z stdout F " + schemaLine + "\n2026-11-23T00:41:04Z stdout F " + irisRecord + "\n"}, "pods/*.log", iris},
		{"no schema", "", map[string]string{"iris/data/data.0.log": irisRecord + "\n"}, "iris/data/data.*.log", "auto *, schemaless"},
		{"the file says what counts", "features: [color]\n", map[string]string{"iris/schema/schema.0.log": schemaLine + "\n"}, "iris/data/*.log", "auto color"},
	} {
		dir := t.TempDir()
		for name, text := range c.files {
			write(t, dir, name, text)
		}
		if got := columnsOf(t, dir, c.glob, c.rest); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

// Two monitors of one process write into one file: the records of the other one are some other program's lines.
func TestRecordsOfAnotherBentoMLMonitorAreNotCounted(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "iris/schema/schema.0.log", schemaLine+"\n")
	h := newHarness(t, mustModel(t, "model: m\nlogs: {include: ['"+dir+"/iris/data/*.log'], format: bentoml}\n"))
	for range 3 {
		h.line([]byte(irisRecord), start)
	}
	for _, other := range []string{otherRecord, schemaLine} {
		if res := h.parser.Line([]byte(other), 0, &h.rec); res.Status != parse.Ignored {
			t.Errorf("%v for %s", res, other)
		}
	}
}
