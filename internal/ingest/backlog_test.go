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

// TestABacklogOfSeveralFilesIsNotLate catches up on three files that cover the same two hours, read in turns of one
// chunk: without holding panes back, whatever is read last would come too late for its bucket.
func TestABacklogOfSeveralFilesIsNotLate(t *testing.T) {
	logs := t.TempDir()
	begin := time.Now().Add(-3 * time.Hour).Truncate(time.Minute)
	const lines = 20000
	for f := range 3 {
		var b strings.Builder
		for i := range lines {
			b.WriteString(serialLine(i, begin.Add(time.Duration(i)*2*time.Hour/lines)))
		}
		if err := os.WriteFile(filepath.Join(logs, fmt.Sprintf("%d.jsonl", f)), []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	model := strings.Replace(fmt.Sprintf(serialModel, logs), "lateness: 1s\npane: 1s", "lateness: 30s\npane: 10s", 1)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var last catalog.Batch
	o := Options{Models: []*monitor.Model{parseModel(t, model)}, StateDir: t.TempDir(), Interval: time.Millisecond, Publish: func(b catalog.Batch) {
		last = b
		if total(b, catalog.Records, "serial") >= 3*lines {
			cancel()
		}
	}}
	o.Tail.ChunkBytes = 8 << 10
	l, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if n := total(last, catalog.Records, "serial"); n != 3*lines {
		t.Errorf("records: %v", n)
	}
	if n := total(last, catalog.RecordsLate, "serial"); n != 0 {
		t.Errorf("%v records came late", n)
	}
}

// TestFilesOfSeveralPodsAreReplayedInTheOrderOfTheirRecords merges by event time, whatever the order of the names.
func TestFilesOfSeveralPodsAreReplayedInTheOrderOfTheirRecords(t *testing.T) {
	dir := t.TempDir()
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var files []string
	for f := range 4 {
		var b strings.Builder
		for i := f; i < 4000; i += 4 {
			b.WriteString(serialLine(i, begin.Add(time.Duration(i)*time.Second)))
		}
		files = append(files, filepath.Join(dir, fmt.Sprintf("pod%d.jsonl", 3-f)))
		if err := os.WriteFile(files[f], []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var last catalog.Batch
	var times []time.Time
	stats, err := Replay(context.Background(), ReplayOptions{
		Models: []*monitor.Model{parseModel(t, fmt.Sprintf(serialModel, dir))}, Files: files,
		Publish: func(b catalog.Batch) error { last = b; times = append(times, b.Time); return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if stats.Records != 4000 || stats.Lines != 4000 || !stats.From.Equal(begin) || !stats.Until.Equal(begin.Add(3999*time.Second)) {
		t.Errorf("%+v", stats)
	}
	if n := total(last, catalog.RecordsLate, "serial"); n != 0 {
		t.Errorf("%v records came late", n)
	}
	for i := 1; i < len(times); i++ {
		if times[i].Sub(times[i-1]) != time.Minute {
			t.Fatalf("published at %v after %v", times[i], times[i-1])
		}
	}
	if n := total(last, catalog.FeatureCategory, "serial", "color", "feature", "red"); n != 1950 {
		t.Errorf("red after learning from 100 records: %v", n)
	}
}

func TestReplayCanBeBoundedInTimeAndCancelled(t *testing.T) {
	dir := t.TempDir()
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var b strings.Builder
	for i := range 10000 {
		b.WriteString(serialLine(i, begin.Add(time.Duration(i)*time.Second)))
	}
	path := filepath.Join(dir, "a.jsonl")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	o := ReplayOptions{Models: []*monitor.Model{parseModel(t, fmt.Sprintf(serialModel, dir))}, Files: []string{path}, From: begin.Add(1000 * time.Second), Until: begin.Add(2000 * time.Second)}
	var done, all int64
	o.Progress = func(d, t int64) { done, all = d, t }
	stats, err := Replay(context.Background(), o)
	if err != nil || stats.Records != 1000 || stats.Lines != 10000 {
		t.Errorf("%+v, %v", stats, err)
	}
	if done != all || all != int64(b.Len()) {
		t.Errorf("progress ended at %d of %d", done, all)
	}
	ctx, cancel := context.WithCancel(context.Background())
	o.From, o.Until = time.Time{}, time.Time{}
	o.Publish = func(catalog.Batch) error { cancel(); return nil }
	if _, err := Replay(ctx, o); err == nil {
		t.Error("a cancelled replay ended well")
	}
	if _, err := Replay(context.Background(), ReplayOptions{Models: o.Models}); err == nil {
		t.Error("a replay without files ended well")
	}
}
