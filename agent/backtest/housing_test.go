package backtest

import (
	"context"
	"encoding/csv"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/ingest"
	"github.com/plumbline-ml/plumbline/internal/monitor"
	"github.com/plumbline-ml/plumbline/internal/tail"
	"github.com/plumbline-ml/plumbline/internal/testkit"
)

// The labels stand in the records, as training data has them.
const housingModel = `
model: housing
logs: {include: ["*.csv"], format: csv}
fields: {timestamp: timestamp}
predictions:
  score: {path: y_pred_proba, kind: probability}
  label: {path: y_pred, positive: "1"}
features: [MedInc, HouseAge]
truth: {path: clf_target, positive: "1"}
reference: REFERENCE
silence: 2d
pane: 1h
bucket: 24h
lateness: 2h
windows: [7d, 28d]
false_pages: 1 per 30d
`

// housingRules say what was published, in words that a test can read back.
const housingRules = `
groups:
  - name: said
    rules:
      - {alert: Realised, expr: 'plumbline_performance{metric="accuracy", bound="value"} >= 0', annotations: {summary: '{{ $value }}'}}
      - {alert: Estimated, expr: 'plumbline_performance_estimate{metric="accuracy", bound="value"} >= 0', annotations: {summary: '{{ $value }}'}}
      - {alert: Expected, expr: 'plumbline_performance_expected{metric="accuracy"} >= 0', annotations: {summary: '{{ $value }}'}}
      - {alert: Calibrated, expr: 'plumbline_performance_estimate_calibrated == 1'}
      - {alert: Disagree, expr: 'plumbline_performance_disagreement == 1'}
      - {alert: Checked, expr: 'plumbline_performance_disagreement == 0'}
`

// housingRows are the records with labels, dealt out over the hours in random order: the file is in order of place.
func housingRows(t *testing.T) (header []string, rows [][]string, at map[string]int) {
	t.Helper()
	f, err := os.Open(testkit.SharedFile(t, "data", "california_housing_reference.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	header, rows, at = all[0], all[1:], map[string]int{}
	for i, name := range header {
		at[name] = i
	}
	rng := rand.New(rand.NewPCG(3, 3))
	rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	for i, r := range rows {
		r[at["timestamp"]] = time.Date(2020, 10, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Hour / 2).Format(time.DateTime)
	}
	return header, rows, at
}

func writeRows(t *testing.T, header []string, rows [][]string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log.csv")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := csv.NewWriter(f)
	if err := w.WriteAll(append([][]string{header}, rows...)); err != nil {
		t.Fatal(err)
	}
	return path
}

// housingReference is the model file with a reference of the rows.
func housingReference(t *testing.T, log string) string {
	t.Helper()
	m, err := monitor.ParseModel(filepath.Join(t.TempDir(), "model.yaml"), []byte(strings.Replace(housingModel, "REFERENCE", "{learn: 24h}", 1)))
	if err != nil {
		t.Fatal(err)
	}
	ref, _, err := ingest.BuildReference(context.Background(), m, []string{log}, tail.Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	data, err := ref.Encode()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "ref.json")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return modelFile(t, strings.Replace(housingModel, "REFERENCE", "{file: "+path+"}", 1))
}

// said is the number that an alert of housingRules told last.
func said(t *testing.T, r *Result, name string) float64 {
	t.Helper()
	out := math.NaN()
	for _, a := range r.Alerts {
		if a.Name == name {
			out, _ = strconv.ParseFloat(a.Annotations["summary"], 64)
		}
	}
	return out
}

// TestHousingLabelsGivePerformanceAndAnEstimateThatAgrees: 2,900 records make the reference, the others follow.
func TestHousingLabelsGivePerformanceAndAnEstimateThatAgrees(t *testing.T) {
	header, rows, at := housingRows(t)
	model := housingReference(t, writeRows(t, header, rows[:2900]))
	rules := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(rules, []byte(housingRules), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(rows [][]string) *Result {
		r, err := Run(context.Background(), Options{ModelPaths: []string{model}, Rules: []string{rules}, Packs: true, Logs: []string{writeRows(t, header, rows)}})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	later := rows[2900:]
	right := 0
	for _, row := range later[len(later)-28*48:] {
		if row[at["y_pred"]] == row[at["clf_target"]] {
			right++
		}
	}
	want := float64(right) / (28 * 48)
	r := run(later)
	fired := map[string]bool{}
	for _, a := range r.Alerts {
		fired[a.Name] = true
	}
	if r.Errors != 0 || r.Records != uint64(len(later)) || r.Pages != 0 {
		t.Errorf("%d records, %d errors, %d pages: %+v", r.Records, r.Errors, r.Pages, r.Notes)
	}
	if !fired["Calibrated"] || !fired["Checked"] {
		t.Errorf("the estimate is not calibrated with the labels of the reference, or its assumption is not checked: %v", fired)
	}
	for _, name := range []string{"PerformanceDrop", "PerformanceEstimateLow", "PerformanceEstimateWrong", "TruthStopped", "Disagree"} {
		if fired[name] {
			t.Errorf("%s, and nothing is wrong", name)
		}
	}
	// Alerts keep what they said first: seven days, by and by; the accuracy of four weeks is near all the same.
	for _, name := range []string{"Realised", "Estimated", "Expected"} {
		if got := said(t, r, name); !(math.Abs(got-want) < .05) {
			t.Errorf("%s accuracy: %.3f, and %.3f of the last four weeks are right", name, got, want)
		}
	}

	// Now the truth is turned for a third of the last 1,500: what was expensive is cheap. The scores know nothing of that.
	var turned [][]string
	rng := rand.New(rand.NewPCG(4, 4))
	for i, row := range later {
		row = append([]string(nil), row...)
		if i >= len(later)-1500 && rng.Float64() < 1./3 {
			row[at["clf_target"]] = fmt.Sprint(1 - int(row[at["clf_target"]][0]-'0'))
		}
		turned = append(turned, row)
	}
	r = run(turned)
	fired = map[string]bool{}
	for _, a := range r.Alerts {
		fired[a.Name] = true
	}
	if !fired["PerformanceDrop"] || !fired["Disagree"] || r.Pages == 0 {
		t.Errorf("a third of the truths turned: %d pages, %v", r.Pages, fired)
	}
	if fired["PerformanceEstimateLow"] {
		t.Error("the estimate cannot see that, and says it does")
	}
}
