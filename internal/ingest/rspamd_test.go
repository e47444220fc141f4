package ingest

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/catalog"
	"github.com/plumbline-ml/plumbline/internal/monitor"
	"github.com/plumbline-ml/plumbline/internal/testkit"
)

// rspamdModel follows the corpus in the time of the mails, which stands in the name of each file.
const rspamdModel = `
model: rspamd
logs: {include: [/logs/*.gz], format: rspamd}
fields:
  timestamp: {path: file, pattern: '^ord/\d+\.(\d{8}T\d{6})', layout: 20060102T150405}
predictions:
  score: {path: score, kind: number}
  label: {path: action, positive: reject}
features:
  - {path: len, kind: number}
  - {path: symbols, kind: number}
  - {path: bayes, kind: number}
reference: {from: 2002-08-01, until: 2002-09-01}
pane: 1h
bucket: 24h
windows: [24h, 7d]
lateness: 2h
min_records: 20
`

func parseModel(t testing.TB, text string) *monitor.Model {
	t.Helper()
	m, err := monitor.ParseModel(filepath.Join(t.TempDir(), "model.yaml"), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

type firstAlarm struct {
	at     time.Time
	labels string
}

// alarms collects when each alarm was first seen, and the last value of every series.
type alarms struct {
	first map[string]time.Time
	last  map[string]float64
}

func (a *alarms) publish(b catalog.Batch) error {
	if a.first == nil {
		a.first, a.last = map[string]time.Time{}, map[string]float64{}
	}
	for _, s := range b.Samples {
		key := s.Metric.Name
		for _, l := range s.Labels {
			key += "|" + l
		}
		a.last[key] = s.Value
		if s.Metric == catalog.Alarm && s.Value == 1 {
			if _, ok := a.first[key]; !ok {
				a.first[key] = b.Time
			}
		}
	}
	return nil
}

func TestRspamdDriftOfAutumn2002IsNoticed(t *testing.T) {
	path := testkit.SharedFile(t, "data", "rspamd-2001-2002.log.gz")
	var a alarms
	stats, err := Replay(context.Background(), ReplayOptions{Models: []*monitor.Model{parseModel(t, rspamdModel)}, Files: []string{path}, Step: time.Hour, Publish: a.publish})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", stats)
	for k, at := range a.first {
		t.Log(at.Format(time.DateOnly), k)
	}
	_ = os.Stdout
}
