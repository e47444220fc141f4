package alertrulesconnector

import (
	"errors"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/plumbline-ml/plumbline/agent/components/internal/metricdata"
	"github.com/plumbline-ml/plumbline/internal/alert"
	"github.com/plumbline-ml/plumbline/internal/catalog"
	"github.com/plumbline-ml/plumbline/rules"
)

// feed puts points into the engine's store: samples of the catalogue as batches of one time, everything else as
// series. The error lists what the store refused, and is bounded, because the caller may print it.
func feed(engine *rules.Engine, metrics pmetric.Metrics) error {
	var (
		errs    []error
		batch   catalog.Batch
		removed map[string]time.Time // models whose budget ended, unless it is said again
	)
	note := func(err error) {
		if err != nil && len(errs) < 3 {
			errs = append(errs, err)
		}
	}
	flush := func() {
		if len(batch.Samples) > 0 {
			note(engine.Append(batch))
			batch.Samples = batch.Samples[:0]
		}
	}
	metricdata.Decode(metrics, metricdata.Sink{
		Sample: func(at, start time.Time, m *catalog.Metric, labels []string, v float64, h *catalog.HistogramValue) {
			if !at.Equal(batch.Time) {
				flush()
				batch.Time, batch.Start = at, start
			}
			batch.Samples = append(batch.Samples, catalog.Sample{Metric: m, Labels: labels, Value: v, Hist: h})
			if m == catalog.BudgetPages && removed != nil {
				delete(removed, labels[0])
			}
		},
		Series: func(at time.Time, name string, labels map[string]string, v float64) {
			note(engine.AppendSeries(at, name, labels, v))
		},
		Gone: func(at time.Time, name string, labels map[string]string) {
			if name == catalog.BudgetPages.Name {
				if removed == nil {
					removed = map[string]time.Time{}
				}
				removed[labels[alert.LabelModel]] = at
			}
		},
	})
	flush()
	// Every model has a budget for as long as its file is there. Only when the file is removed does that series end while
	// the agent runs, and then nobody is left who could ever say that the model recovered.
	for model, at := range removed {
		if model != "" {
			engine.Forget(at, map[string]string{alert.LabelModel: model})
		}
	}
	return errors.Join(errs...)
}
