package detectors

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/plumbline-ml/plumbline/internal/testkit"
)

// peerCase is one case of golden_peers.json; conventions in docs/detectors.md.
type peerCase struct {
	ID        string          `json:"id"`
	Statistic string          `json:"statistic"`
	Reference json.RawMessage `json:"reference"`
	Current   json.RawMessage `json:"current"`
	Params    json.RawMessage `json:"params"`
	Expected  json.RawMessage `json:"expected_precise"`
	Tolerance float64         `json:"tolerance_precise"`
	Value     float64         `json:"statistic_value"`
}

func (c *peerCase) number(t *testing.T) float64 {
	t.Helper()
	var v number
	if err := json.Unmarshal(c.Expected, &v); err != nil {
		t.Fatal(err)
	}
	return float64(v)
}

func (c *peerCase) numbers(t *testing.T) []float64 {
	t.Helper()
	var v []number
	if err := json.Unmarshal(c.Expected, &v); err != nil {
		t.Fatal(err)
	}
	return floats(v)
}

func decode[T any](t *testing.T, raw json.RawMessage) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func loadPeers(t *testing.T) []peerCase {
	t.Helper()
	data, err := os.ReadFile(testkit.SharedFile(t, "data", "golden_peers.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []peerCase
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

func TestEstimatedPerformanceAgreesWithNannyML(t *testing.T) {
	for _, c := range loadPeers(t) {
		metric := map[string]func(Performance) float64{
			"cbpe_accuracy":          func(p Performance) float64 { return p.Accuracy },
			"cbpe_precision":         func(p Performance) float64 { return p.Precision },
			"cbpe_recall":            func(p Performance) float64 { return p.Recall },
			"cbpe_specificity":       func(p Performance) float64 { return p.Specificity },
			"cbpe_f1":                func(p Performance) float64 { return p.F1 },
			"cbpe_roc_auc":           func(p Performance) float64 { return p.AUC },
			"cbpe_average_precision": func(p Performance) float64 { return p.AP },
		}[c.Statistic]
		if metric == nil {
			continue
		}
		params := decode[struct {
			Threshold float64
			Raw       []float64 `json:"uncalibrated"`
		}](t, c.Params)
		if params.Threshold == 0 {
			params.Threshold = 0.5
		}
		s, err := NewScoreBins(params.Threshold, 4096)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range decode[[]float64](t, c.Current) {
			s.Add(params.Raw[i], p)
		}
		near(t, c.ID, metric(s.Estimate()), c.number(t), c.Tolerance, c.Tolerance)
	}
}

func TestSamplingErrorsAndCalibrationErrorAgreeWithNannyML(t *testing.T) {
	for _, c := range loadPeers(t) {
		switch c.Statistic {
		case "sampling_error_f1", "sampling_error_precision", "sampling_error_specificity", "sampling_error_accuracy":
			params := decode[struct {
				Confusion
				N uint64 `json:"n_chunk"`
			}](t, c.Params)
			se := params.SamplingErrors(params.N)
			got := map[string]float64{"sampling_error_f1": se.F1, "sampling_error_precision": se.Precision,
				"sampling_error_specificity": se.Specificity, "sampling_error_accuracy": se.Accuracy}[c.Statistic]
			near(t, c.ID, got, c.number(t), 1e-9, 0)
		case "expected_calibration_error":
			scores := decode[[]float64](t, c.Reference)
			var labels []bool
			for _, y := range decode[[]int](t, c.Current) {
				labels = append(labels, y == 1)
			}
			near(t, c.ID, CalibrationError(scores, labels, 10), c.number(t), 1e-9, 0)
		}
	}
}

// The numbers are those of section 4.7 of the research notes: exact ratios from any number of bins.
func TestRatiosDoNotDependOnTheNumberOfBins(t *testing.T) {
	var first Performance
	for i, bins := range []int{4096, 100, 50, 10, 1} {
		s, _ := NewScoreBins(0.37, bins)
		part, _ := NewScoreBins(0.37, bins)
		r := rand.New(rand.NewPCG(1, 1))
		for k := range 20000 {
			x := r.Float64()
			into := s
			if k%3 == 0 {
				into = part
			}
			into.Add(x, x*x)
		}
		if err := s.Merge(part); err != nil {
			t.Fatal(err)
		}
		p := s.Estimate()
		if i == 0 {
			first = p
			continue
		}
		near(t, "accuracy", p.Accuracy, first.Accuracy, 1e-12, 0)
		near(t, "f1", p.F1, first.F1, 1e-12, 0)
		near(t, "recall", p.Recall, first.Recall, 1e-12, 0)
		if bins >= 50 {
			near(t, "auc", p.AUC, first.AUC, 0, 0.0005)
		}
	}
	other, _ := NewScoreBins(0.5, 10)
	s, _ := NewScoreBins(0.37, 10)
	if s.Merge(other) == nil {
		t.Error("bins of another threshold were merged")
	}
	if _, err := NewScoreBins(0, 10); err == nil {
		t.Error("threshold 0 was accepted")
	}
}

func TestIsotonicCalibrationRises(t *testing.T) {
	got := Isotonic([]uint64{0, 10, 10, 0, 10, 10}, []uint64{0, 1, 5, 0, 3, 9})
	want := []float64{0.1, 0.1, 0.4, 0.4, 0.4, 0.9}
	for i := range want {
		near(t, "probability", got[i], want[i], 1e-12, 0)
	}
	for _, p := range Isotonic([]uint64{0, 0}, []uint64{0, 0}) {
		near(t, "no labels", p, 0.5, 0, 0)
	}
}

// Expected bounds: scipy 1.10.1, stats.binomtest(k, n).proportion_ci(0.95, method).
func TestIntervalsOfSharesAgreeWithScipy(t *testing.T) {
	for _, c := range []struct {
		k, n uint64
		a, b float64
	}{
		{0, 10, 0, 0.277532799862889},
		{10, 10, 0.722467200137111, 1},
		{3, 10, 0.107791267406301, 0.603221852538855},
		{1, 1000, 0.000176546370626078, 0.00564255859795794},
		{370, 1000, 0.340626675333985, 0.400368281872259},
		{99999, 100000, 0.99994335290341, 0.999998234752269},
		{5, 7, 0.358934451832619, 0.917781075995943},
	} {
		lo, hi := Wilson(c.k, c.n, 0.05)
		near(t, "wilson lower", lo, c.a, 1e-8, 1e-12)
		near(t, "wilson upper", hi, c.b, 1e-8, 0)
	}
	if lo, hi := Wilson(0, 0, 0.05); lo != 0 || hi != 1 {
		t.Errorf("no data: %v to %v", lo, hi)
	}
}

func TestUnitChangesAreRecognised(t *testing.T) {
	ref := sample(1, 5000, func(r *rand.Rand) float64 { return 3 + math.Exp(0.5*r.NormFloat64()) })
	g := mustGrid(t, ref)
	for _, factor := range []float64{10, 100, 1000, 0.01, 0.001, 60} {
		cur := sample(2, 2000, func(r *rand.Rand) float64 { return factor * (3 + math.Exp(0.5*r.NormFloat64())) })
		for name, f := range map[string]func() (UnitChange, bool){
			"profile": func() (UnitChange, bool) { return RecognizeUnit(g, g.Summarize(ref), g.Summarize(cur)) },
			"samples": func() (UnitChange, bool) { return RecognizeUnitSamples(ref, cur) },
		} {
			if u, ok := f(); !ok || math.Abs(u.Factor/factor-1) > 1e-9 {
				t.Errorf("%s times %v was recognised as %v %+v", name, factor, ok, u)
			}
		}
	}
	celsius := sample(3, 3000, func(r *rand.Rand) float64 { return 20 + 4*r.NormFloat64() })
	fahrenheit := sample(4, 3000, func(r *rand.Rand) float64 { return (20+4*r.NormFloat64())*1.8 + 32 })
	if u, ok := RecognizeUnitSamples(celsius, fahrenheit); !ok || u.Offset != 32 {
		t.Errorf("Celsius to Fahrenheit was recognised as %v %+v", ok, u)
	}
}

func TestWhatIsNoUnitChangeIsNotRecognised(t *testing.T) {
	for i, f := range families {
		ref := sample(uint64(i), 5000, f.draw)
		g := mustGrid(t, ref)
		for _, cur := range [][]float64{
			sample(uint64(i)+7, 2000, f.draw),
			sample(uint64(i)+8, 2000, func(r *rand.Rand) float64 { return f.draw(r) + g.spec.spread() }),
			sample(uint64(i)+9, 2000, func(r *rand.Rand) float64 { return 2.5 * f.draw(r) }),
			ref[:10],
			make([]float64, 500),
		} {
			if u, ok := RecognizeUnit(g, g.Summarize(ref), g.Summarize(cur)); ok {
				t.Errorf("%s: taken for %q", f.name, u.Name)
			}
		}
	}
}
