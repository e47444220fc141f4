package alerting

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/plumbline-ml/plumbline/exporters/destination"
	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// metrics are the catalogue's Delivery group.
type metrics struct {
	accepted   *prometheus.CounterVec
	failures   *prometheus.CounterVec
	pending    *prometheus.GaugeVec
	oldest     *prometheus.GaugeVec
	suppressed *prometheus.CounterVec
	kinds      map[string]bool
	reg        prometheus.Registerer // nil means not registered
}

func (m *metrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.accepted, m.failures, m.pending, m.oldest, m.suppressed}
}

// close takes the metrics back, so that a restart within one process can register its own.
func (m *metrics) close() {
	if m.reg != nil {
		for _, c := range m.collectors() {
			m.reg.Unregister(c)
		}
	}
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	counter := func(m *catalog.Metric) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: m.Name, Help: m.Help}, m.Labels)
	}
	gauge := func(m *catalog.Metric) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: m.Name, Help: m.Help}, m.Labels)
	}
	m := &metrics{
		accepted:   counter(catalog.PagesSent),
		failures:   counter(catalog.PagesFailed),
		pending:    gauge(catalog.PagesPending),
		oldest:     gauge(catalog.PagesOldest),
		suppressed: counter(catalog.PagesSuppressed),
		kinds:      map[string]bool{},
	}
	for _, reason := range []string{"silenced", "inhibited", "muted", "overflow"} {
		m.suppressed.WithLabelValues(reason)
	}
	if reg == nil {
		return m, nil
	}
	for _, c := range m.collectors() {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("alerting: register metrics: %w", err)
		}
	}
	m.reg = reg
	return m, nil
}

// destinations makes the series of every kind that is configured, so that a rate starts at zero.
func (m *metrics) destinations(r *routing) {
	for _, in := range r.integrations {
		m.kind(in.kind)
	}
	if len(r.mirrors) > 0 {
		m.kind(alertmanagerKind)
	}
}

func (m *metrics) kind(kind string) {
	if m.kinds[kind] {
		return
	}
	m.kinds[kind] = true
	for _, a := range []destination.Action{destination.Trigger, destination.Update, destination.Resolve} {
		m.accepted.WithLabelValues(kind, string(a))
	}
	for _, r := range destination.Reasons() {
		m.failures.WithLabelValues(kind, string(r))
	}
	m.pending.WithLabelValues(kind)
	m.oldest.WithLabelValues(kind)
}

func (m *metrics) suppress(reason string) { m.suppressed.WithLabelValues(reason).Inc() }

func (m *metrics) sent(kind string, a destination.Action) {
	m.accepted.WithLabelValues(kind, string(a)).Inc()
}

func (m *metrics) failed(kind string, r destination.Reason) {
	m.failures.WithLabelValues(kind, string(r)).Inc()
}

// waiting sets the gauges as of now.
func (m *metrics) waiting(d *Dispatcher, now time.Time) {
	count, oldest := map[string]int{}, map[string]time.Time{}
	for _, inc := range d.incidents {
		if inc.Seq <= inc.AckedSeq {
			continue // acknowledged; a refused one counts, because somebody has to repair something
		}
		m.kind(inc.Kind)
		count[inc.Kind]++
		if t := oldest[inc.Kind]; t.IsZero() || inc.PendingSince.Before(t) {
			oldest[inc.Kind] = inc.PendingSince
		}
	}
	for _, x := range d.routing.mirrors {
		for _, a := range x.known {
			if a.state == a.sent || a.state == toldResolved && !x.sendResolved {
				continue
			}
			count[alertmanagerKind]++
			if t := oldest[alertmanagerKind]; t.IsZero() || a.changed.Before(t) {
				oldest[alertmanagerKind] = a.changed
			}
		}
	}
	for kind := range m.kinds {
		m.pending.WithLabelValues(kind).Set(float64(count[kind]))
		age := 0.0
		if t := oldest[kind]; !t.IsZero() {
			age = max(now.Sub(t).Seconds(), 0)
		}
		m.oldest.WithLabelValues(kind).Set(age)
	}
}
