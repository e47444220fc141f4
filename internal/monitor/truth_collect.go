package monitor

import (
	"github.com/plumbline-ml/plumbline/detectors"
	"github.com/plumbline-ml/plumbline/internal/catalog"
)

var outcomeNames = [2][2]string{{"true_negative", "false_negative"}, {"false_positive", "true_positive"}}

// collectTruth appends the counters, which change with every record.
func (in *Instance) collectTruth(b *catalog.Batch) {
	t := in.truth
	if t == nil {
		return
	}
	name := in.model.Name
	for i, n := range t.counts {
		b.Add(catalog.TruthRecords, float64(n), name, joinNames[i])
	}
	m := t.total.confusion()
	for _, p := range in.panes.open {
		o := p.truth.confusion()
		for c := range 2 {
			for y := range 2 {
				m[c][y] += o[c][y]
			}
		}
	}
	for c := range 2 {
		for y := range 2 {
			b.Add(catalog.Confusion, float64(m[c][y]), name, outcomeNames[c][y])
		}
	}
	if t.cfg.ID != "" {
		b.Add(catalog.TruthPending, float64(t.waiting.count), name)
		b.Add(catalog.TruthPendingLimit, float64(t.waiting.limit), name)
	}
}

// collectPerformance appends what the longest window says; it changes when a pane is closed.
func (in *Instance) collectPerformance(b *catalog.Batch) {
	t := in.truth
	if t == nil {
		return
	}
	name, window := in.model.Name, in.windows[len(in.windows)-1].label
	publish := func(m *catalog.Metric, metrics []PerformanceMetric) {
		for _, x := range metrics {
			b.Add(m, x.Value, name, window, x.Name, "value")
			b.Add(m, x.Lower, name, window, x.Name, "lower")
			b.Add(m, x.Upper, name, window, x.Name, "upper")
		}
	}
	w := t.window()
	confusion := w.confusion()
	publish(catalog.Performance, t.realised(&w))
	if n := w.records(); n > 0 {
		b.Add(catalog.TruthCoverage, share(w.labelled(), n), name, window)
	}
	for q, text := range map[float64]string{.5: "0.5", .9: "0.9", .99: "0.99"} {
		if v, ok := w.delayQuantile(q); ok {
			b.Add(catalog.TruthDelay, v, name, window, text)
		}
	}
	if t.base != nil {
		for i, r := range ratios(t.base.confusion()) {
			if r[1] > 0 {
				b.Add(catalog.PerformanceExpected, share(r[0], r[1]), name, performanceNames[i])
			}
		}
		b.Add(catalog.PerformanceLabels, float64(t.base.labelled()), name)
	}
	if t.scored && w.records() >= in.model.MinRecords {
		publish(catalog.PerformanceEstimate, t.estimated(&w))
		b.Add(catalog.EstimateCalibrated, boolValue(t.calibra != nil), name)
	}
	for _, x := range [...]struct {
		metric string
		ratio  int
		of     func(detectors.Performance) float64
	}{{"precision", 1, func(p detectors.Performance) float64 { return p.Precision }}, {"recall", 2, func(p detectors.Performance) float64 { return p.Recall }}} {
		r := ratios(confusion)[x.ratio]
		if disagree, known := t.disagreement(&w, x.of, r[0], r[1]); known {
			b.Add(catalog.Disagreement, boolValue(disagree), name, window, x.metric)
		}
	}
}
