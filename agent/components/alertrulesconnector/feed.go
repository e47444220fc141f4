package alertrulesconnector

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/plumbline-ml/plumbline/agent/components/internal/metricdata"
	"github.com/plumbline-ml/plumbline/internal/alert"
	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// ConsumeMetrics implements consumer.Metrics. Samples of the catalogue wait on the shelf for the next evaluation;
// everything else was scraped at its own pace and goes to the store as it comes. The error lists what the store
// refused, and is bounded, because the caller may print it.
func (c *rulesConnector) ConsumeMetrics(_ context.Context, metrics pmetric.Metrics) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	var errs []error
	var removed map[string]bool // models whose budget ended, unless it is said again
	metricdata.Decode(metrics, metricdata.Sink{
		Sample: func(_, start time.Time, m *catalog.Metric, labels []string, v float64, h *catalog.HistogramValue) {
			if !c.reads(m) {
				return
			}
			c.shelf.put(catalog.Sample{Metric: m, Labels: labels, Value: v, Hist: h}, start, now)
			if m == catalog.BudgetPages && removed != nil {
				delete(removed, labels[0])
			}
		},
		Series: func(at time.Time, name string, labels map[string]string, v float64) {
			if err := c.engine.AppendSeries(at, name, labels, v); err != nil && len(errs) < 3 {
				errs = append(errs, err)
			}
		},
		Gone: func(_ time.Time, name string, labels map[string]string) {
			if m, ok := catalog.ByName(name); ok {
				values := make([]string, len(m.Labels))
				for i, l := range m.Labels {
					values[i] = labels[l]
				}
				c.shelf.drop(m, values)
			}
			if name == catalog.BudgetPages.Name {
				if removed == nil {
					removed = map[string]bool{}
				}
				removed[labels[alert.LabelModel]] = true
			}
		},
	})
	// Every model has a budget for as long as its file is there. Only when the file is removed does that series end while
	// the agent runs, and then nobody is left who could ever say that the model recovered.
	for model := range removed {
		if model != "" {
			c.engine.Forget(now, map[string]string{alert.LabelModel: model})
		}
	}
	return errors.Join(errs...)
}

// reads says whether any rule looks at a metric. Most of what a model publishes is for dashboards. The caller holds mu.
func (c *rulesConnector) reads(m *catalog.Metric) bool {
	wanted, known := c.wanted[m]
	if !known {
		wanted = m == catalog.BudgetPages || c.engine.Reads(m.Name)
		c.wanted[m] = wanted
	}
	return wanted
}

// unshelve puts what is alive into the store, as of now.
func (c *rulesConnector) unshelve(now time.Time) error {
	c.mu.Lock()
	b := c.shelf.batch(now)
	full := c.shelf.full
	c.shelf.full = false
	c.mu.Unlock()
	if full {
		return errShelfFull
	}
	return c.engine.Append(b)
}

var errShelfFull = errors.New(`more series than ten times "max_series" arrive; rules do not see all of them`)
