package ingest

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/monitor"
)

func TestASchemaThatComesLaterIsTakenOver(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "model.yaml")
	if err := os.WriteFile(file, []byte("model: iris\nlogs: {include: ['"+dir+"/iris/data/data.*.log'], format: bentoml}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := monitor.LoadModel(file)
	if err != nil || !m.Schemaless() {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	l, err := New(Options{Models: []*monitor.Model{m}, StateDir: filepath.Join(dir, "state"), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l.tick()
	if err := os.MkdirAll(filepath.Join(dir, "iris", "schema"), 0o700); err != nil {
		t.Fatal(err)
	}
	schema := `{"meta_data": {}, "columns": [{"name": "age", "role": "feature", "type": "numerical"}, {"name": "risk", "role": "prediction", "type": "numerical"}]}` + "\n"
	if err := os.WriteFile(filepath.Join(dir, "iris", "schema", "schema.0.log"), []byte(schema), 0o600); err != nil {
		t.Fatal(err)
	}
	now = now.Add(lookEvery - time.Second)
	l.tick()
	if got := l.engine.Model("iris").Model(); !got.Schemaless() {
		t.Error("the schema was looked for before it was time")
	}
	now = now.Add(time.Second)
	l.tick()
	if got := l.engine.Model("iris").Model(); got.Schemaless() || got.Score == nil || got.Score.Path != "risk" || len(got.Features) != 1 {
		t.Errorf("the schema is not in use: %+v", got)
	}
}
