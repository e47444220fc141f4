package ingest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/catalog"
	"github.com/plumbline-ml/plumbline/internal/monitor"
)

// rig runs loops over one folder of logs and one state, one after the other.
type rig struct {
	t           *testing.T
	logs, state string
	models      []*monitor.Model
	last        catalog.Batch
}

func newRig(t *testing.T, models ...string) *rig {
	r := &rig{t: t, logs: t.TempDir(), state: t.TempDir()}
	for _, m := range models {
		r.models = append(r.models, parseModel(t, strings.ReplaceAll(m, "LOGS", r.logs)))
	}
	return r
}

func (r *rig) append(name, text string) {
	r.t.Helper()
	f, err := os.OpenFile(filepath.Join(r.logs, name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		r.t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		r.t.Fatal(err)
	}
}

// run follows the logs until so many lines were read in all, over all runs.
func (r *rig) run(lines float64) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	l, err := New(Options{Models: r.models, StateDir: r.state, Interval: 5 * time.Millisecond, Publish: func(b catalog.Batch) {
		r.last = b
		if total(b, catalog.TailLines) >= lines {
			cancel()
		}
	}})
	if err != nil {
		r.t.Fatal(err)
	}
	if err := l.Run(ctx); err != nil {
		r.t.Fatal(err)
	}
	if n := total(r.last, catalog.TailLines); n != lines {
		r.t.Errorf("%v lines, want %v", n, lines)
	}
}

func (r *rig) records(model string) float64 { return total(r.last, catalog.Records, model) }

const cri = "2026-11-23T00:41:04.157913Z stdout "

func TestARecordInPiecesIsOneRecordOverARestart(t *testing.T) {
	json := "model: a\nlogs: {include: [LOGS/*.log], format: json}\nfeatures: [x]\n"
	r := newRig(t, json, strings.Replace(json, "model: a", "model: b", 1))
	r.append("0.log", cri+`F {"x":1}`+"\n"+cri+`P {"x":`+"\n")
	r.run(2)
	r.append("0.log", cri+"P 2\n")
	r.run(3)
	r.append("0.log", cri+"F }\n"+cri+`F {"x":3}`+"\n")
	r.run(5)
	r.run(5)
	for _, m := range []string{"a", "b"} {
		if n := r.records(m); n != 3 {
			t.Errorf("model %s: %v records", m, n)
		}
	}
	if n := total(r.last, catalog.ParseErrors); n != 0 {
		t.Errorf("errors: %v", n)
	}
	if n, size := total(r.last, catalog.TailBytes), float64(r.size("0.log")); n != size {
		t.Errorf("%v bytes were counted, the file has %v", n, size)
	}
}

func (r *rig) size(name string) int64 {
	st, err := os.Stat(filepath.Join(r.logs, name))
	if err != nil {
		r.t.Fatal(err)
	}
	return st.Size()
}

func TestARecordThatBeginsBeforeARotationEndsAfterIt(t *testing.T) {
	r := newRig(t, "model: a\nlogs: {include: [LOGS/*.log], format: json}\nfeatures: [x]\n")
	r.append("0.log", cri+`F {"x":1}`+"\n"+cri+`P {"x":`+"\n")
	r.run(2)
	if err := os.Rename(filepath.Join(r.logs, "0.log"), filepath.Join(r.logs, "0.log.1")); err != nil {
		t.Fatal(err)
	}
	r.append("0.log", cri+"F 2}\n"+cri+`F {"x":3}`+"\n")
	r.run(4)
	if n := r.records("a"); n != 3 {
		t.Errorf("%v records", n)
	}
}

func TestACSVHeaderIsKnownAfterARestartInTheMiddle(t *testing.T) {
	r := newRig(t, "model: a\nlogs: {include: [LOGS/*.csv], format: csv}\nfeatures: [{path: x, kind: number}]\nreference: {learn: 100 records}\n",
		"model: rest\nlogs: {include: [LOGS/*.csv], format: csv, columns: [x, y]}\nfeatures: [{path: y, kind: number}]\n")
	r.append("a.csv", "x,y\n")
	for i := range 150 {
		r.append("a.csv", fmt.Sprintf("%d,7\n", i))
	}
	r.run(151)
	for i := range 50 {
		r.append("a.csv", fmt.Sprintf("%d,7\n", i))
	}
	r.run(201)
	for _, m := range []string{"a", "rest"} {
		if n := r.records(m); n != 200 {
			t.Errorf("model %s: %v records", m, n)
		}
	}
	if n := total(r.last, catalog.FeatureValue, "a", "x"); n != 100 {
		t.Errorf("%v values after learning from 100", n)
	}
	if n := total(r.last, catalog.FeatureMissing, "a", "x"); n != 0 {
		t.Errorf("%v values are missing", n)
	}
}

func TestReloadTakesNewFilesAndKeepsCounts(t *testing.T) {
	model := "model: a\nlogs: {include: [\"LOGS/a*.log\"], format: json}\nfeatures: [x]\n"
	r := newRig(t, model, strings.NewReplacer("model: a", "model: b", "a*.log", "b*.log").Replace(model))
	wider := parseModel(t, strings.NewReplacer("LOGS", r.logs, "a*.log", "{a,c}*.log").Replace(model))
	r.append("a.log", `{"x":1}`+"\n"+cri+`P {"x":`+"\n")
	r.append("b.log", `{"x":1}`+"\n")
	r.append("c.log", `{"x":1}`+"\n")

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	batches := make(chan catalog.Batch, 1000)
	l, err := New(Options{Models: r.models, StateDir: r.state, Interval: 5 * time.Millisecond, Publish: func(b catalog.Batch) { batches <- b }})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	var last catalog.Batch
	until := func(done func(catalog.Batch) bool) {
		t.Helper()
		for {
			select {
			case last = <-batches:
				if done(last) {
					return
				}
			case <-ctx.Done():
				t.Fatalf("it never came to that: %v and %v records, %v lines", total(last, catalog.Records, "a"), total(last, catalog.Records, "b"), total(last, catalog.TailLines))
			}
		}
	}
	counts := func(a, b float64) func(catalog.Batch) bool {
		return func(x catalog.Batch) bool {
			return total(x, catalog.Records, "a") == a && total(x, catalog.Records, "b") == b
		}
	}
	until(counts(1, 1))
	bad := parseModel(t, strings.Replace(strings.Replace(model, "LOGS", r.logs, 1), "features: [x]", "features: [x]\nreference: {file: /nowhere.json}", 1))
	if err := l.ReloadModels([]*monitor.Model{bad}); err == nil {
		t.Error("a model without its reference was taken")
	}
	until(func(b catalog.Batch) bool { return total(b, catalog.ReloadKindOK, "models") == 0 && counts(1, 1)(b) })
	if err := l.ReloadModels([]*monitor.Model{wider, r.models[1]}); err != nil {
		t.Fatal(err)
	}
	until(counts(2, 1))
	r.append("a.log", cri+`F 2}`+"\n")
	r.append("b.log", `{"x":1}`+"\n")
	until(counts(3, 2))
	until(func(b catalog.Batch) bool {
		return total(b, catalog.ReloadKindOK, "models") == 1 && total(b, catalog.TailLines) == 6 && total(b, catalog.ParseErrors) == 0
	})
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}
