package ingest

import (
	"context"
	"strings"
	"testing"

	"github.com/plumbline-ml/plumbline/internal/monitor"
	"github.com/plumbline-ml/plumbline/internal/tail"
	"github.com/plumbline-ml/plumbline/internal/testkit"
)

const housingModel = `
model: housing
logs: {include: [/logs/*.csv], format: csv}
fields: {timestamp: timestamp}
predictions:
  score: {path: y_pred_proba, kind: probability}
  label: {path: y_pred, positive: "1"}
features:
  - "*"
  - {path: id, ignore: true}
  - {path: y_true, ignore: true}
reference: REFERENCE
pane: 1h
bucket: 24h
lateness: 2h
windows: [7d, 28d]
`

// The label of california_housing is predicted from where a house stands; the file is in order of place, not of time, so
// the inputs change all the time. What counts here is that CSV references and logs go through the whole path.
func TestACSVReferenceWatchesACSVLog(t *testing.T) {
	reference := testkit.SharedFile(t, "data", "california_housing_reference.csv")
	analysis := testkit.SharedFile(t, "data", "california_housing_analysis.csv")
	ref, stats, err := BuildReference(context.Background(), parseModel(t, strings.Replace(housingModel, "REFERENCE", "{learn: 24h}", 1)), []string{reference}, tail.Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if stats.Lines != stats.Records+1 || ref.Records != stats.Records || stats.Records < 5000 {
		t.Errorf("%+v, %d records in the reference", stats, ref.Records)
	}
	kinds := map[string]monitor.Kind{}
	for _, c := range ref.Columns {
		kinds[c.Name] = c.Kind
	}
	if kinds["score"] != monitor.KindNumber || kinds["label"] != monitor.KindCategory || kinds["MedInc"] != monitor.KindNumber || kinds["Latitude"] != monitor.KindNumber {
		t.Errorf("kinds: %v", kinds)
	}
	for _, name := range []string{"id", "y_true", "timestamp", "y_pred"} {
		if _, ok := kinds[name]; ok {
			t.Errorf("%s is no feature", name)
		}
	}
	data, err := ref.Encode()
	if err != nil {
		t.Fatal(err)
	}
	m := withReference(t, strings.Replace(housingModel, "REFERENCE", "{file: ref.json}", 1), data)
	var w watcher
	replayed, err := Replay(context.Background(), ReplayOptions{Models: []*monitor.Model{m}, Files: []string{analysis}, Step: 24 * 3600e9, Publish: w.publish})
	if err != nil {
		t.Fatal(err)
	}
	if replayed.ErrorsTotal() != 0 || replayed.Records+1 != replayed.Lines {
		t.Errorf("%+v", replayed)
	}
	if w.last["plumbline_records_total|housing|"] != float64(replayed.Records) || w.last["plumbline_model_state|housing|learning"] != 0 {
		t.Errorf("records %v of %d", w.last["plumbline_records_total|housing|"], replayed.Records)
	}
	if v := w.last["plumbline_drift_statistic|housing|MedInc|feature|28d|psi"]; !(v > 0) {
		t.Errorf("psi of the last four weeks: %v", v)
	}
}
