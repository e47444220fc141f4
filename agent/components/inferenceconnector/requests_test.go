package inferenceconnector

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/plumbline-ml/plumbline/internal/requests"
)

// A model that is fed over the network takes what was accepted as one that is fed by a log does.
func TestAReferenceOfAModelFedOverTheNetworkIsAccepted(t *testing.T) {
	b := newBench(t)
	if err := os.WriteFile(filepath.Join(b.dir, "spam.yaml"), []byte(`
model: spam
logs: {include: [unused], format: json}
predictions: {label: {path: label, positive: spam}}
reference: {learn: 2000 records, page_while_learning: true}
volume: off
`), 0o600); err != nil {
		t.Fatal(err)
	}
	b.start()
	defer b.stop()
	rng := rand.New(rand.NewPCG(3, 4))
	begin := time.Now().Add(-4 * time.Hour)
	for i := range 3 * 3600 {
		spam, label := .05, "ham"
		if i > 5400 {
			spam = .25
		}
		if rng.Float64() < spam {
			label = "spam"
		}
		r := record(map[string]any{"label": label}, "spam")
		r.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).SetTimestamp(pcommon.NewTimestampFromTime(begin.Add(time.Duration(i) * time.Second)))
		if err := b.logs.ConsumeLogs(context.Background(), r); err != nil {
			t.Fatal(err)
		}
	}
	b.expect(map[string]float64{"plumbline_alarm|spam|label|drift": 1})
	path, err := requests.Ask(b.cfg.StateDir, requests.Request{ID: "r", Model: "spam", Author: "jo", Reason: "meant to be"})
	if err != nil {
		t.Fatal(err)
	}
	b.expect(map[string]float64{"plumbline_alarm|spam|label|drift": 0})
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var a requests.Answer
	if err := json.Unmarshal(data, &a); err != nil || a.Error != "" || !slices.Contains(a.Columns, "label") {
		t.Errorf("%s, %v", data, err)
	}
}
