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

// collector keeps the newest batch.
type collector struct {
	batches []catalog.Batch
}

func (c *collector) publish(b catalog.Batch) { c.batches = append(c.batches, b) }

// total adds a counter over the labels that begin with the given ones.
func total(b catalog.Batch, m *catalog.Metric, labels ...string) float64 {
	sum := 0.0
	for _, s := range b.Samples {
		if s.Metric != m || len(labels) > len(s.Labels) {
			continue
		}
		match := true
		for i, l := range labels {
			match = match && s.Labels[i] == l
		}
		if !match {
			continue
		}
		if s.Hist != nil {
			sum += float64(s.Hist.Count())
		} else {
			sum += s.Value
		}
	}
	return sum
}

const serialModel = `
model: serial
logs: {include: [%s/*.jsonl], format: json}
fields: {timestamp: ts}
features:
  - {path: i, kind: number}
  - {path: sq, kind: number}
  - {path: color, kind: category}
reference: {learn: 100 records}
lateness: 1s
pane: 1s
`

func serialLine(i int, at time.Time) string {
	return fmt.Sprintf(`{"ts":%q,"i":%d,"sq":%d,"color":%q}`+"\n", at.UTC().Format(time.RFC3339Nano), i, i*i, []string{"red", "green"}[i%2])
}

func TestLinesAreCountedOnceOverARestart(t *testing.T) {
	logs, state := t.TempDir(), t.TempDir()
	path := filepath.Join(logs, "a.jsonl")
	write := func(from, to int) {
		var b strings.Builder
		for i := from; i < to; i++ {
			b.WriteString(serialLine(i, time.Now()))
		}
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(b.String()); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	var c collector
	run := func(until func(b catalog.Batch) bool) {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		l, err := New(Options{
			Models: []*monitor.Model{parseModel(t, fmt.Sprintf(serialModel, logs))}, StateDir: state, Interval: 20 * time.Millisecond,
			Publish: func(b catalog.Batch) {
				c.publish(b)
				if until(b) {
					cancel()
				}
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Run(ctx); err != nil {
			t.Fatal(err)
		}
	}
	records := func(n float64) func(catalog.Batch) bool {
		return func(b catalog.Batch) bool { return total(b, catalog.Records, "serial") >= n }
	}
	write(0, 300)
	run(records(300))
	write(300, 1000)
	run(records(1000))
	run(func(catalog.Batch) bool { return true })
	b := c.batches[len(c.batches)-1]
	if n := total(b, catalog.Records, "serial"); n != 1000 {
		t.Errorf("records: %v", n)
	}
	if n := total(b, catalog.TailLines); n != 1000 {
		t.Errorf("lines: %v", n)
	}
	if n := total(b, catalog.FeatureValue, "serial", "i"); n != 900 {
		t.Errorf("values of i after learning from 100: %v", n)
	}
	if n := total(b, catalog.FeatureCategory, "serial", "color"); n != 900 {
		t.Errorf("values of color after learning from 100: %v", n)
	}
}
