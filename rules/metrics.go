package rules

import (
	"fmt"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/plumbline-ml/plumbline/internal/alert"
	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// metrics is what the engine says about itself. The fields up to mu belong to Engine.mu; a gather reads the copy in snap, so that a slow
// evaluation never blocks a scrape.
type metrics struct {
	evaluations, failures uint64

	mu   sync.Mutex
	snap selfMetrics
}

type selfMetrics struct {
	evaluations, failures, dropped float64
	rules, series                  float64
	pending, firing, blind         float64
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{}
	if reg == nil {
		return m, nil
	}
	if err := reg.Register(m); err != nil {
		return nil, fmt.Errorf("register metrics of the rule engine: %w", err)
	}
	return m, nil
}

// observe copies the figures for the next gather.
func (e *Engine) observe() {
	s := selfMetrics{
		evaluations: float64(e.metrics.evaluations), failures: float64(e.metrics.failures),
		dropped: float64(e.st.dropped), series: float64(e.st.count),
	}
	for _, g := range e.groups {
		s.rules += float64(g.rules)
		for _, r := range g.alerts {
			for _, in := range r.inst {
				switch {
				case in.state == alert.Pending:
					s.pending++
				case in.sentMissing:
					s.blind++
				default:
					s.firing++
				}
			}
		}
	}
	e.metrics.mu.Lock()
	e.metrics.snap = s
	e.metrics.mu.Unlock()
}

func desc(m *catalog.Metric) *prometheus.Desc {
	return prometheus.NewDesc(m.Name, m.Help, m.Labels, nil)
}

var (
	descEvals    = desc(catalog.RuleEvals)
	descFailures = desc(catalog.RuleFailures)
	descLoaded   = desc(catalog.RulesLoaded)
	descSeries   = desc(catalog.StoreSeries)
	descDropped  = desc(catalog.StoreDropped)
	descAlerts   = desc(catalog.AlertsActive)
)

// Describe implements prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descEvals, descFailures, descLoaded, descSeries, descDropped, descAlerts} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	m.mu.Lock()
	s := m.snap
	m.mu.Unlock()
	ch <- prometheus.MustNewConstMetric(descEvals, prometheus.CounterValue, s.evaluations)
	ch <- prometheus.MustNewConstMetric(descFailures, prometheus.CounterValue, s.failures)
	ch <- prometheus.MustNewConstMetric(descDropped, prometheus.CounterValue, s.dropped)
	ch <- prometheus.MustNewConstMetric(descLoaded, prometheus.GaugeValue, s.rules)
	ch <- prometheus.MustNewConstMetric(descSeries, prometheus.GaugeValue, s.series)
	ch <- prometheus.MustNewConstMetric(descAlerts, prometheus.GaugeValue, s.pending, "pending")
	ch <- prometheus.MustNewConstMetric(descAlerts, prometheus.GaugeValue, s.firing, "firing")
	ch <- prometheus.MustNewConstMetric(descAlerts, prometheus.GaugeValue, s.blind, "blind")
}
