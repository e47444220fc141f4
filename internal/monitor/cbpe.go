package monitor

import (
	"math"
	"slices"

	"github.com/plumbline-ml/plumbline/detectors"
)

// calibrate learns from the labels of the base what a score is worth: the share of positives by bin of the score, made to rise with it.
func (t *truth) calibrate() {
	t.calibra = nil
	if t.base == nil || !t.scored || t.base.labelled() < minTruthBase {
		return
	}
	n, k := make([]uint64, len(t.edges)), make([]uint64, len(t.edges))
	for c := range 2 {
		for b := range n {
			k[b] += t.base.truly[c][1][b]
			n[b] += t.base.truly[c][0][b] + t.base.truly[c][1][b]
		}
	}
	t.calibra = detectors.Isotonic(n, k)
}

// estimate is what the performance on some predictions is expected to be, without their truth: in each bin of the score, so many records with so
// much probability of being positive. It assumes that a score is worth what it was when it was calibrated; without
// calibration, that it is a probability. n and scores are by predicted class and bin.
func (t *truth) estimate(n [2][]uint64, scores [2][]float64) detectors.Performance {
	bins := make([]detectors.ScoreBin, len(t.edges))
	for c := range 2 {
		for b := range bins {
			bins[b].N[c] = float64(n[c][b])
			if t.calibra != nil {
				bins[b].P[c] = float64(n[c][b]) * t.calibra[b]
			} else {
				bins[b].P[c] = scores[c][b]
			}
		}
	}
	return detectors.EstimatePerformance(bins)
}

// band is an estimate with three sampling errors on both sides.
func band(p, se float64) (lo, hi float64) { return max(0, p-3*se), min(1, p+3*se) }

// disagreement compares what came true with what the same records were estimated at, for one of precision and recall. They disagree when the 99.73 % interval
// (Wilson) of the truth and the band of the estimate do not meet; the band is as wide as the labels that the scores were calibrated with allow.
func (t *truth) disagreement(w *truthTally, of func(detectors.Performance) float64, k, n uint64) (disagree, known bool) {
	if t.calibra == nil || n < minCompared {
		return false, false
	}
	labelled := [2][]uint64{make([]uint64, len(t.edges)), make([]uint64, len(t.edges))}
	for c := range 2 {
		for b := range labelled[c] {
			labelled[c][b] = w.truly[c][0][b] + w.truly[c][1][b]
		}
	}
	est := t.estimate(labelled, w.scores)
	lo, hi := band(of(est), of(est.SamplingErrors(t.base.labelled())))
	from, to := detectors.Wilson(k, n, .0027)
	return to < lo || from > hi, true
}

// minCompared is how many records a ratio needs before it is compared with an estimate, or shown.
const minCompared = 20

// performanceNames in the order in which they are published; the first five have an interval of counts.
var performanceNames = []string{"accuracy", "precision", "recall", "false_positive_rate", "specificity", "f1", "calibration_error"}

// ratios are the counts behind the metrics with Wilson intervals.
func ratios(m [2][2]uint64) [5][2]uint64 {
	all := m[0][0] + m[0][1] + m[1][0] + m[1][1]
	return [5][2]uint64{
		{m[0][0] + m[1][1], all},
		{m[1][1], m[1][0] + m[1][1]},
		{m[1][1], m[0][1] + m[1][1]},
		{m[1][0], m[1][0] + m[0][0]},
		{m[0][0], m[1][0] + m[0][0]},
	}
}

// f1 is the harmonic mean of precision and recall with an interval by the delta method.
func f1(m [2][2]uint64) (v, lo, hi float64, ok bool) {
	tp, wrong := float64(m[1][1]), float64(m[1][0]+m[0][1])
	n := tp + wrong
	if n < minCompared {
		return 0, 0, 0, false
	}
	// F1 = 2u/(1+u) with u = TP/(TP+FP+FN), a share of n records.
	from, to := detectors.Wilson(m[1][1], uint64(n), .05)
	f := func(u float64) float64 { return 2 * u / (1 + u) }
	return f(tp / n), f(from), f(to), true
}

// calibrationError is the mean distance between score and share of positives over the bins, with a normal interval. It is above 0 by chance too:
// byChance is what it comes to when the scores are right.
func (t *truthTally) calibrationError() (v, lo, hi float64, ok bool) {
	bins := len(t.n[0])
	n, k, s := make([]uint64, bins), make([]uint64, bins), make([]float64, bins)
	all, variance := 0., 0.
	for b := range bins {
		for c := range 2 {
			k[b] += t.truly[c][1][b]
			n[b] += t.truly[c][0][b] + t.truly[c][1][b]
			s[b] += t.scores[c][b]
		}
		all += float64(n[b])
		if n[b] > 0 {
			p := (float64(k[b]) + .5) / (float64(n[b]) + 1)
			variance += float64(n[b]) * p * (1 - p)
		}
	}
	if all < minCompared {
		return 0, 0, 0, false
	}
	v = detectors.BinnedCalibrationError(n, s, k)
	half := 1.959964 * math.Sqrt(variance) / all
	return v, max(0, v-half), min(1, v+half), true
}

// ReferencePerformance is how right the model was on the labelled records of a reference, by bin of the score.
type ReferencePerformance struct {
	Positive  string      `json:"positive"`
	Threshold float64     `json:"threshold,omitempty"`
	Labelled  uint64      `json:"labelled"`
	Negatives [2][]uint64 `json:"negatives"` // by predicted class (negative, positive) and bin
	Positives [2][]uint64 `json:"positives"`
}

// base is the performance in the engine's form, or nil when it was counted with another class or threshold.
func (p *ReferencePerformance) base(c *TruthConfig, bins int) *truthBase {
	if p.Positive != c.Positive || bins > 1 && p.Threshold != c.Threshold {
		return nil
	}
	b := &truthBase{}
	for class := range 2 {
		if len(p.Negatives[class]) != bins || len(p.Positives[class]) != bins {
			return nil
		}
		b.truly[class] = [2][]uint64{slices.Clone(p.Negatives[class]), slices.Clone(p.Positives[class])}
	}
	return b
}

// reference is what a reference builder has counted, or nil without labels.
func (t *truth) reference() *ReferencePerformance {
	if t == nil || t.total.labelled() == 0 {
		return nil
	}
	p := &ReferencePerformance{Positive: t.cfg.Positive, Labelled: t.total.labelled()}
	if t.scored {
		p.Threshold = t.cfg.Threshold
	}
	for c := range 2 {
		p.Negatives[c], p.Positives[c] = slices.Clone(t.total.truly[c][0]), slices.Clone(t.total.truly[c][1])
	}
	return p
}
