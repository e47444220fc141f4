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

const twoLogs = `model: m
logs: {include: ["DIR/app/*.jsonl"], format: json}
fields: {timestamp: ts, id: id}
predictions: {label: {path: label, positive: spam}}
truth:
  path: class
  id: request
  timestamp: at
  logs: {include: ["DIR/truth/*.csv"], format: csv}
reference: {learn: 100 records}
`

// writeTwoLogs writes n predictions and, two minutes later each, their truth: every fourth prediction is wrong.
func writeTwoLogs(t *testing.T, dir string, from, n int, base time.Time) {
	t.Helper()
	open := func(name string) *os.File {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	app, truth := open("app/a.jsonl"), open("truth/t.csv")
	defer app.Close()
	defer truth.Close()
	if from == 0 {
		fmt.Fprintln(truth, "at,request,class")
	}
	for i := from; i < from+n; i++ {
		at := base.Add(time.Duration(i) * time.Second)
		label, class := []string{"ham", "spam"}[i%2], []string{"ham", "spam"}[i%2]
		if i%4 == 3 {
			class = "ham"
		}
		fmt.Fprintf(app, `{"ts":%q,"id":"r%d","label":%q}`+"\n", at.Format(time.RFC3339), i, label)
		fmt.Fprintf(truth, "%s,r%d,%s\n", at.Add(2*time.Minute).Format(time.RFC3339), i, class)
	}
}

func outcomes(b catalog.Batch) map[string]float64 {
	out := map[string]float64{}
	for _, s := range b.Samples {
		switch s.Metric {
		case catalog.Confusion, catalog.TruthRecords:
			out[s.Labels[1]] = s.Value
		case catalog.Records:
			out["records"] += s.Value
		}
	}
	return out
}

func TestAReplayJoinsTheTruthOfAnotherLogInVirtualTime(t *testing.T) {
	dir := t.TempDir()
	writeTwoLogs(t, dir, 0, 1000, time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC))
	m := parseModel(t, strings.ReplaceAll(twoLogs, "DIR", dir))
	var last catalog.Batch
	_, err := Replay(context.Background(), ReplayOptions{Models: []*monitor.Model{m}, Files: []string{filepath.Join(dir, "truth/t.csv"), filepath.Join(dir, "app/a.jsonl")},
		Publish: func(b catalog.Batch) error { last = b; return nil }})
	if err != nil {
		t.Fatal(err)
	}
	got := outcomes(last)
	for name, want := range map[string]float64{"records": 1000, "matched": 1000, "true_positive": 250, "false_positive": 250, "true_negative": 500, "false_negative": 0, "unmatched": 0} {
		if got[name] != want {
			t.Errorf("%s: %v, want %v", name, got[name], want)
		}
	}
}

func TestALiveRunJoinsTwoLogsExactlyOnceOverRestarts(t *testing.T) {
	dir, state := t.TempDir(), t.TempDir()
	m := parseModel(t, strings.ReplaceAll(twoLogs, "DIR", dir))
	base := time.Now().Add(-time.Hour).Truncate(time.Second)
	var last catalog.Batch
	for round := range 4 {
		writeTwoLogs(t, dir, round*250, 250, base)
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		l, err := New(Options{Models: []*monitor.Model{m}, StateDir: state, Interval: 20 * time.Millisecond, Publish: func(b catalog.Batch) {
			last = b
			if got := outcomes(b); got["records"] >= float64(250*round+250) && got["matched"] >= float64(250*round+250) {
				cancel()
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Run(ctx); err != nil {
			t.Fatal(err)
		}
		cancel()
	}
	got := outcomes(last)
	for name, want := range map[string]float64{"records": 1000, "matched": 1000, "true_positive": 250, "false_positive": 250, "true_negative": 500} {
		if got[name] != want {
			t.Errorf("%s: %v, want %v", name, got[name], want)
		}
	}
}
