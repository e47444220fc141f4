package ingest

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/catalog"
	"github.com/plumbline-ml/plumbline/internal/monitor"
	"github.com/plumbline-ml/plumbline/internal/requests"
)

// TestAReferenceIsAcceptedByAFileBesideTheState: three hours of a log, the second half of which has five times as much
// spam; the alarm ends with the request, and the answer comes with the commit.
func TestAReferenceIsAcceptedByAFileBesideTheState(t *testing.T) {
	logs, state := t.TempDir(), t.TempDir()
	rng := rand.New(rand.NewPCG(3, 4))
	begin := time.Now().Add(-4 * time.Hour)
	var b strings.Builder
	for i := range 3 * 3600 {
		spam, label := .05, "ham"
		if i > 5400 {
			spam = .25
		}
		if rng.Float64() < spam {
			label = "spam"
		}
		if i%40 == 0 {
			b.WriteString("Traceback (most recent call last)\n") // lines that are no records count with them
		}
		fmt.Fprintf(&b, `{"ts":%q,"label":%q}`+"\n", begin.Add(time.Duration(i)*time.Second).UTC().Format(time.RFC3339), label)
	}
	if err := os.WriteFile(filepath.Join(logs, "a.jsonl"), []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	m := parseModel(t, fmt.Sprintf(`
model: spam
logs: {include: [%s/*.jsonl], format: json}
fields: {timestamp: ts}
predictions: {label: {path: label, positive: spam}}
reference: {learn: 2000 records, page_while_learning: true}
volume: off
`, logs))
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var answer string
	var alarms []float64
	l, err := New(Options{
		Models: []*monitor.Model{m}, StateDir: state, Interval: 20 * time.Millisecond,
		Publish: func(b catalog.Batch) {
			alarm := total(b, catalog.Alarm, "spam", "label", "drift")
			if total(b, catalog.Records, "spam") >= 3*3600 && alarm == 1 && answer == "" {
				var err error
				if answer, err = requests.Ask(state, requests.Request{ID: "r1", Model: "spam", Author: "jo", Reason: "meant to be"}); err != nil {
					t.Error(err)
					cancel()
				}
				return
			}
			if answer == "" {
				return
			}
			alarms = append(alarms, alarm)
			if _, err := os.Stat(answer); err == nil {
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
	data, err := os.ReadFile(answer)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	var a requests.Answer
	if err := json.Unmarshal(data, &a); err != nil || a.Error != "" || !slices.Contains(a.Columns, "label") {
		t.Errorf("%s, %v", data, err)
	}
	if n := len(alarms); n == 0 || alarms[n-1] != 0 {
		t.Errorf("the alarm after the request: %v", alarms)
	}
	if n := l.counters.Errors["not_json"]; n != 270 {
		t.Errorf("%d lines could not be read: %v", n, l.counters.Errors)
	}
}
