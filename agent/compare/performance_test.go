package compare

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plumbline-ml/plumbline/internal/monitor"
	"github.com/plumbline-ml/plumbline/internal/testkit"
)

const housingTruth = `model: housing
logs: {include: ["*.csv"], format: csv}
fields: {timestamp: timestamp}
predictions:
  score: {path: y_pred_proba, kind: probability}
  label: {path: y_pred, positive: 1}
truth: {path: clf_target}
features: [MedInc]
`

func modelFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func metric(t *testing.T, metrics []monitor.PerformanceMetric, name string) monitor.PerformanceMetric {
	t.Helper()
	for _, m := range metrics {
		if m.Name == name {
			return m
		}
	}
	t.Fatalf("no metric %s in %v", name, metrics)
	return monitor.PerformanceMetric{}
}

// The expected numbers are those of a plain Python program over the two files: the confusion matrix counted row by row, the calibration error
// over fifty equal bins, and CBPE with pool-adjacent-violators over the exact scores of the reference.
func TestThePerformanceOfCaliforniaHousingIsCountedInTheReferenceAndEstimatedAfterIt(t *testing.T) {
	r, err := Run(context.Background(), Options{Reference: testkit.SharedFile(t, "data", "california_housing_reference.csv"),
		Current: testkit.SharedFile(t, "data", "california_housing_analysis.csv"), Model: modelFile(t, housingTruth)})
	if err != nil {
		t.Fatal(err)
	}
	p := r.Performance
	if p == nil || p.Reference.Labelled != 5832 || p.Reference.Records != 5832 || p.Current.Labelled != 0 || p.Current.Records != 8232 || !p.Calibrated {
		t.Fatalf("%+v", p)
	}
	for name, want := range map[string]float64{"accuracy": 0.6704389574759945, "precision": 0.9776357827476039, "recall": 0.4940796555435953, "false_positive_rate": 0.01984877126654064, "calibration_error": 0.09569958847736626} {
		m := metric(t, p.Reference.Realised, name)
		if math.Abs(m.Value-want) > 1e-12 || m.Lower >= m.Value || m.Upper <= m.Value {
			t.Errorf("%s: %+v, want %v", name, m, want)
		}
	}
	// By bins instead of exact scores: the third digit.
	for name, want := range map[string]float64{"accuracy": 0.6481714002667228, "precision": 0.9684026197665573, "recall": 0.245128226512688, "false_positive_rate": 0.006845956252734789} {
		m := metric(t, p.Current.Estimated, name)
		if math.Abs(m.Value-want) > .001 {
			t.Errorf("estimated %s: %+v, want %v", name, m, want)
		}
	}
	if len(p.Current.Realised) != 0 || len(p.Disagree) != 0 {
		t.Errorf("what has no truth has no performance: %+v", p)
	}
	if notes := r.Notes(); !strings.Contains(notes, "precision 0.978 (0.970 to 0.983)") || !strings.Contains(notes, "estimated from the scores") {
		t.Error(notes)
	}
}

func TestATruthThatContradictsTheEstimateIsSaid(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, truly func(i int) int) string {
		var b strings.Builder
		b.WriteString("y_pred_proba,y_pred,clf_target\n")
		for i := range 4000 {
			score := float64(i%100) / 100
			fmt.Fprintf(&b, "%.2f,%d,%d\n", score, i%100/50, truly(i))
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	often := func(i, share int) int { // of each score, so many of a hundred are positive
		if i/100*37%100 < share {
			return 1
		}
		return 0
	}
	ref := write("ref.csv", func(i int) int { return often(i, i%100) })
	for _, c := range []struct {
		name  string
		truly func(i int) int
		says  bool
	}{{"same.csv", func(i int) int { return often(i, i%100) }, false}, {"other.csv", func(i int) int { return often(i, i%100/3) }, true}} {
		r, err := Run(context.Background(), Options{Reference: ref, Current: write(c.name, c.truly), Model: modelFile(t, strings.Replace(housingTruth, "features: [MedInc]\n", "", 1))})
		if err != nil {
			t.Fatal(err)
		}
		if got := len(r.Performance.Disagree) > 0; got != c.says {
			t.Errorf("%s: disagreement %v", c.name, r.Performance.Disagree)
		}
	}
}
