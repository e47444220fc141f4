package ingest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/catalog"
	"github.com/plumbline-ml/plumbline/internal/monitor"
)

// TestAModelKnowsWhenItsLogSpokeAndWhetherItIsThere is about the marks by which rules tell the kinds of silence apart.
func TestAModelKnowsWhenItsLogSpokeAndWhetherItIsThere(t *testing.T) {
	logs := t.TempDir()
	path := filepath.Join(logs, "a.jsonl")
	if err := os.WriteFile(path, []byte(serialLine(1, time.Now())+"no record at all\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := monitor.ParseModel("serial.yaml", fmt.Appendf(nil, serialModel, logs))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	began := float64(time.Now().Add(-time.Minute).Unix())
	removed := false
	var l *Loop
	l, err = New(Options{Models: []*monitor.Model{m}, StateDir: t.TempDir(), Interval: 10 * time.Millisecond, Publish: func(b catalog.Batch) {
		line, bad := total(b, catalog.LastLine), total(b, catalog.LastUnreadable)
		files := -1.0
		for _, s := range b.Samples {
			if s.Metric == catalog.LogFiles {
				files = s.Value
			}
		}
		switch {
		case !removed && line > began && bad > began && files == 1:
			if err := os.Remove(path); err != nil {
				t.Error(err)
			}
			removed = true
		case removed && files == 0:
			stop()
		}
		l.stated = time.Time{} // look again at the next tick
	}})
	if err != nil {
		t.Fatal(err)
	}
	guard := time.AfterFunc(2*time.Minute, stop)
	defer guard.Stop()
	_ = l.Run(ctx)
	if !guard.Stop() {
		t.Error("the marks did not come")
	}
}
