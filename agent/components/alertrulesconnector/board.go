package alertrulesconnector

import (
	"errors"
	"time"

	"github.com/plumbline-ml/plumbline/agent/components/internal/board"
	"github.com/plumbline-ml/plumbline/agent/components/internal/metricdata"
	"github.com/plumbline-ml/plumbline/internal/alert"
	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// readBoard gives the engine what the publishers of this process have committed, and the self-metrics, as of now. A publisher
// that has put nothing on the board for so long that a series on the shelf would be dropped counts as missing data.
func (c *rulesConnector) readBoard(now time.Time) error {
	posted := c.hub.Board().Read()
	self, err := c.hub.Gatherer().Gather()
	b := catalog.Batch{Time: now}
	c.mu.Lock()
	for i := range posted {
		p := &posted[i]
		if !alive(p, now) {
			continue
		}
		for s := range p.All() {
			if !p.Omit[s.Metric] && c.reads(s.Metric) {
				b.Samples = append(b.Samples, *s)
			}
		}
	}
	var errs []error
	metricdata.Visit(self, now, c.began, metricdata.Sink{
		Sample: func(_, _ time.Time, m *catalog.Metric, labels []string, v float64, h *catalog.HistogramValue) {
			if c.reads(m) {
				b.Samples = append(b.Samples, catalog.Sample{Metric: m, Labels: labels, Value: v, Hist: h})
			}
		},
		Series: func(at time.Time, name string, labels map[string]string, v float64) {
			if err := c.engine.AppendSeries(at, name, labels, v); err != nil && len(errs) < 3 {
				errs = append(errs, err)
			}
		},
	})
	c.mu.Unlock()
	for _, model := range c.ended(posted) {
		c.engine.Forget(now, map[string]string{alert.LabelModel: model})
	}
	return errors.Join(err, errors.Join(errs...), c.engine.Append(b))
}

func alive(p *board.Posted, now time.Time) bool { return now.Sub(p.Time) <= max(holdFor, 3*p.Pace) }

// ended lists the models that a publisher had the last time and has no longer: their files were removed, and nobody is left who
// could ever say that they recovered. A publisher that is gone altogether ends nothing: it may be stopping.
func (c *rulesConnector) ended(posted []board.Posted) (models []string) {
	next := make(map[*board.Place]map[string]bool, len(posted))
	for i := range posted {
		p := &posted[i]
		now := map[string]bool{}
		for s := range p.All() {
			if s.Metric == catalog.BudgetPages {
				now[s.Labels[0]] = true
			}
		}
		for model := range c.models[p.Place] {
			if !now[model] && model != "" {
				models = append(models, model)
			}
		}
		next[p.Place] = now
	}
	c.models = next
	return models
}
