package backtest

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/alert"
	"github.com/plumbline-ml/plumbline/internal/catalog"
	"github.com/plumbline-ml/plumbline/internal/ingest"
	"github.com/plumbline-ml/plumbline/internal/monitor"
	"github.com/plumbline-ml/plumbline/internal/tail"
	"github.com/plumbline-ml/plumbline/internal/testkit"
	"github.com/plumbline-ml/plumbline/rules"
)

const parityStep = 30 * time.Second

// live drives the agent's own loop over a growing file in virtual time: the clock stands still until everything that was
// written so far has been read and evaluated, then a step's worth of lines is appended and the clock moves on.
type live struct {
	t      *testing.T
	file   *os.File
	lines  [][]byte
	times  []time.Time
	next   int
	rules  *rules.Engine
	cancel context.CancelFunc
	end    time.Time
	alerts map[string]alert.Alert // the first of each instance, by key and start

	mu  sync.Mutex
	now time.Time
}

func (l *live) clock() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

func (l *live) publish(b catalog.Batch) {
	for i := range b.Samples {
		if b.Samples[i].Metric == catalog.TailLines && int(b.Samples[i].Value) < l.next {
			return // not all of it was read yet
		}
	}
	if err := l.rules.Append(b); err != nil {
		l.t.Error(err)
	}
	alerts, err := l.rules.Eval(context.Background(), b.Time)
	if err != nil {
		l.t.Error(err)
	}
	for _, a := range alerts {
		key := a.Key() + a.StartsAt.String()
		if _, known := l.alerts[key]; !known {
			l.alerts[key] = a
		}
	}
	if !b.Time.Before(l.end) {
		l.cancel()
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now = l.now.Add(parityStep)
	var buf bytes.Buffer
	for ; l.next < len(l.lines) && l.times[l.next].Before(l.now); l.next++ {
		buf.Write(l.lines[l.next])
	}
	if _, err := l.file.Write(buf.Bytes()); err != nil {
		l.t.Error(err)
	}
}

func TestABacktestAndALiveRunOverTheSameLogGiveTheSameAlerts(t *testing.T) {
	root := testkit.RepoRoot(t)
	dir := t.TempDir()
	log := filepath.Join(dir, "app.jsonl")
	text := fmt.Sprintf(`
model: spam-classifier
logs: {include: [%s], format: json}
fields: {timestamp: ts, version: version}
predictions:
  score: {path: prediction.score, kind: probability}
  label: {path: prediction.label, kind: category, positive: spam}
features:
  - {path: features.*}
reference: {file: %s}
false_pages: 1 per 30d
`, log, filepath.Join(root, "docs/examples/spam-v12.json"))
	model := modelFile(t, text)
	whole := gunzip(t, filepath.Join(root, "docs/examples/today.jsonl.gz"))
	replayed := filepath.Join(t.TempDir(), "app.jsonl")
	if err := os.WriteFile(replayed, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Run(context.Background(), Options{ModelPaths: []string{model}, Logs: []string{replayed}, Step: parityStep})
	if err != nil {
		t.Fatal(err)
	}
	l := &live{t: t, alerts: map[string]alert.Alert{}, end: r.To.Truncate(parityStep).Add(2 * parityStep)}
	for line := range bytes.Lines(whole) {
		var rec struct {
			TS time.Time `json:"ts"`
		}
		if err := json.Unmarshal(line, &rec); err != nil {
			t.Fatal(err)
		}
		l.lines, l.times = append(l.lines, line), append(l.times, rec.TS)
	}
	l.run(t, model, log)

	drifts := 0
	for _, a := range r.Alerts {
		found := false
		for _, b := range l.alerts {
			if apart := a.StartsAt.Sub(b.StartsAt); alert.KeyOf(a.Labels) == b.Key() && apart.Abs() <= parityStep {
				found = true
			}
		}
		if !found {
			t.Errorf("only in the backtest: %s %v at %s", a.Name, a.Labels, a.StartsAt)
		}
		if a.Name == "ModelDrift" {
			drifts++
		}
	}
	for _, b := range l.alerts {
		found := false
		for _, a := range r.Alerts {
			if apart := a.StartsAt.Sub(b.StartsAt); alert.KeyOf(a.Labels) == b.Key() && apart.Abs() <= parityStep {
				found = true
			}
		}
		if !found {
			t.Errorf("only live: %s %v at %s", b.Name(), b.Labels, b.StartsAt)
		}
	}
	if drifts < 5 {
		t.Errorf("%d alerts of drift: there is too little to compare", drifts)
	}
}

func (l *live) run(t *testing.T, model, log string) {
	t.Helper()
	file, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	l.file, l.now = file, l.times[0].Truncate(parityStep)
	l.rules, err = newRules(Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.rules.Close()
	m, err := monitor.LoadModel(model)
	if err != nil {
		t.Fatal(err)
	}
	loop, err := ingest.New(ingest.Options{
		Models: []*monitor.Model{m}, StateDir: t.TempDir(), Interval: 2 * time.Millisecond, Publish: l.publish, Now: l.clock,
		Tail: tail.Options{PollInterval: 2 * time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	l.cancel = cancel
	if err := loop.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if l.next != len(l.lines) {
		t.Fatalf("the live run has read %d of %d lines in a minute", l.next, len(l.lines))
	}
}

func gunzip(t *testing.T, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zr, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(zr)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
