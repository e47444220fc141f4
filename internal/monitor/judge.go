package monitor

import (
	"errors"

	"github.com/plumbline-ml/plumbline/detectors"
	"github.com/plumbline-ml/plumbline/internal/parse"
)

// PerformanceMetric is one metric with its bounds: the 95 % interval of what came true, or three sampling errors of an estimate.
type PerformanceMetric struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Lower float64 `json:"lower"`
	Upper float64 `json:"upper"`
}

// realised is the performance on the records of a tally whose truth is known. Metrics of too few records are left out.
func (t *truth) realised(w *truthTally) (out []PerformanceMetric) {
	confusion := w.confusion()
	for i, r := range ratios(confusion) {
		if r[1] >= minCompared {
			lo, hi := detectors.Wilson(r[0], r[1], .05)
			out = append(out, PerformanceMetric{performanceNames[i], share(r[0], r[1]), lo, hi})
		}
	}
	if v, lo, hi, ok := f1(confusion); ok {
		out = append(out, PerformanceMetric{"f1", v, lo, hi})
	}
	if t.scored {
		if v, lo, hi, ok := w.calibrationError(); ok {
			out = append(out, PerformanceMetric{"calibration_error", v, lo, hi})
		}
	}
	return out
}

// estimated is the performance on all records of a tally as estimated from their scores.
func (t *truth) estimated(w *truthTally) []PerformanceMetric {
	est := t.estimate(w.n, w.sum)
	se := est.SamplingErrors(w.records())
	var out []PerformanceMetric
	for _, x := range [...]struct {
		metric string
		v, se  float64
	}{
		{"accuracy", est.Accuracy, se.Accuracy}, {"precision", est.Precision, se.Precision}, {"recall", est.Recall, se.Recall},
		{"false_positive_rate", 1 - est.Specificity, se.Specificity}, {"specificity", est.Specificity, se.Specificity}, {"f1", est.F1, se.F1},
	} {
		lo, hi := band(x.v, x.se)
		out = append(out, PerformanceMetric{x.metric, x.v, lo, hi})
	}
	return out
}

// Judge counts how right a model is over a set of records, as the engine does over a window: for comparisons of two files. It belongs
// to one goroutine.
type Judge struct {
	t   truth
	all truthTally
	rec parse.Record
}

// ErrNoTruth says that a model file does not say where the truth stands.
var ErrNoTruth = errors.New("the model file has no truth")

// NewJudge makes a judge of a model whose file says where the truth stands.
func NewJudge(m *Model) (*Judge, error) {
	if m.Truth == nil {
		return nil, ErrNoTruth
	}
	j := &Judge{rec: parse.Record{Values: make([]parse.Value, 3)}}
	j.t = truth{in: &Instance{model: m, at: places{score: 0, label: 1, truth: 2, id: -1}}, cfg: m.Truth, scored: m.Score != nil && m.Score.Kind == KindProbability, edges: []float64{0}}
	if j.t.scored {
		j.t.edges = scoreEdges(m.Truth.Threshold)
	}
	j.all = newTruthTally(len(j.t.edges))
	return j, nil
}

// Add counts a record; the zero value stands for what it does not have.
func (j *Judge) Add(score, label, truth parse.Value) {
	j.rec.Values[0], j.rec.Values[1], j.rec.Values[2] = score, label, truth
	class, s, ok := j.t.predicted(&j.rec)
	if !ok {
		return
	}
	b := j.t.bin(s)
	j.all.n[class][b]++
	j.all.sum[class][b] += s
	if y, usable, _ := j.t.told(&truth); usable {
		j.all.truly[class][y][b]++
		j.all.scores[class][b] += s
	}
}

// Records and Labelled say how many records were counted, and how many of them with their truth.
func (j *Judge) Records() uint64 { return j.all.records() }

// Labelled is how many records carried their truth.
func (j *Judge) Labelled() uint64 { return j.all.labelled() }

// Calibrate takes the labels of a reference to say what a score is worth. It reports whether they are enough.
func (j *Judge) Calibrate(ref *Judge) bool {
	j.t.base = &truthBase{truly: ref.all.truly}
	j.t.calibrate()
	return j.t.calibra != nil
}

// Realised is the performance on the records with a truth.
func (j *Judge) Realised() []PerformanceMetric { return j.t.realised(&j.all) }

// Estimated is the performance on all records as estimated from their scores; nil when the score is no probability.
func (j *Judge) Estimated() []PerformanceMetric {
	if !j.t.scored {
		return nil
	}
	return j.t.estimated(&j.all)
}

// AUC estimates the area under the ROC curve and the average precision; 0 when the score is no probability.
func (j *Judge) AUC() (roc, ap float64) {
	if !j.t.scored {
		return 0, 0
	}
	p := j.t.estimate(j.all.n, j.all.sum)
	return p.AUC, p.AP
}
