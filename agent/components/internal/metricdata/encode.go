// Package metricdata carries catalogue samples and client_golang metrics over the Collector's pipelines and back.
//
// An Encoder turns what one publisher says into pmetric.Metrics and remembers which series it said last time: a
// series that is gone is marked with "no recorded value", so that exporters forget it instead of repeating its last
// value for ever. Its memory is one entry per live series. An Encoder belongs to one goroutine. Decode is a pure
// function. Nothing here knows an exporter, a clock or the network.
package metricdata

import (
	"hash/maphash"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// Scope is the instrumentation scope of everything that Plumbline publishes.
const Scope = "github.com/plumbline-ml/plumbline"

// Encoder writes publishes. The zero value is not usable: use NewEncoder.
type Encoder struct {
	resource map[string]string // resource attributes of every publish
	seed     maphash.Seed
	series   map[uint64]*series // what the last publish said
	turn     uint64             // number of the current publish
	last     time.Time          // time of the newest publish
	marked   []marked           // series that the newest publish marked as gone
}

type marked struct {
	key uint64
	s   *series
}

// series is what is needed to mark a series as gone.
type series struct {
	turn   uint64
	name   string
	kind   pmetric.MetricType
	labels []label
}

type label struct{ name, value string }

// NewEncoder makes an Encoder. resource may be nil; service.name does not belong into it, because exporters turn it
// into a job label and a target_info metric.
func NewEncoder(resource map[string]string) *Encoder {
	return &Encoder{resource: resource, seed: maphash.MakeSeed(), series: map[uint64]*series{}}
}

// Publish is one set of metrics in the making.
type Publish struct {
	e       *Encoder
	metrics pmetric.Metrics
	into    pmetric.MetricSlice
	open    map[string]pmetric.Metric // metrics of this publish by name
	at      pcommon.Timestamp
	hash    maphash.Hash
	labels  []label // scratch
}

// Begin starts a publish at a time. When the clock went back since the last one, every series is marked as gone
// first: exporters keep the newest point they have seen and would not take an older one.
func (e *Encoder) Begin(at time.Time) *Publish {
	p := &Publish{e: e, metrics: pmetric.NewMetrics(), open: map[string]pmetric.Metric{}, at: pcommon.NewTimestampFromTime(at)}
	rm := p.metrics.ResourceMetrics().AppendEmpty()
	for k, v := range e.resource {
		rm.Resource().Attributes().PutStr(k, v)
	}
	sm := rm.ScopeMetrics().AppendEmpty()
	sm.Scope().SetName(Scope)
	p.into = sm.Metrics()
	p.hash.SetSeed(e.seed)
	e.marked = e.marked[:0]
	if at.Before(e.last) {
		for key, s := range e.series {
			p.gone(key, s)
		}
	}
	e.last = at
	e.turn++
	return p
}

// Batch adds the samples of a batch.
func (p *Publish) Batch(b *catalog.Batch) {
	start := pcommon.NewTimestampFromTime(b.Start)
	for i := range b.Samples {
		s := &b.Samples[i]
		p.labels = p.labels[:0]
		for j, v := range s.Labels {
			if v != "" {
				p.labels = append(p.labels, label{s.Metric.Labels[j], v})
			}
		}
		switch s.Metric.Type {
		case catalog.Counter:
			m := p.metric(s.Metric.Name, s.Metric.Help, s.Metric.Unit, pmetric.MetricTypeSum)
			p.number(m.Sum().DataPoints(), start).SetDoubleValue(s.Value)
		case catalog.Gauge:
			m := p.metric(s.Metric.Name, s.Metric.Help, s.Metric.Unit, pmetric.MetricTypeGauge)
			p.number(m.Gauge().DataPoints(), 0).SetDoubleValue(s.Value)
		case catalog.Histogram:
			if s.Hist == nil {
				continue
			}
			m := p.metric(s.Metric.Name, s.Metric.Help, s.Metric.Unit, pmetric.MetricTypeHistogram)
			d := m.Histogram().DataPoints().AppendEmpty()
			d.SetTimestamp(p.at)
			d.SetStartTimestamp(start)
			d.SetCount(s.Hist.Count())
			d.SetSum(s.Hist.Sum)
			d.ExplicitBounds().FromRaw(s.Hist.Bounds)
			d.BucketCounts().FromRaw(s.Hist.Counts)
			p.put(d.Attributes())
		}
		p.remember(s.Metric.Name, s.Metric.Type)
	}
}

// End marks the series that were not said again and hands the metrics over.
func (p *Publish) End() pmetric.Metrics {
	for key, s := range p.e.series {
		if s.turn != p.e.turn {
			p.gone(key, s)
		}
	}
	return p.metrics
}

// Refused says that the newest publish was not taken: its marks are repeated by the next one.
func (e *Encoder) Refused() {
	for _, m := range e.marked {
		if e.series[m.key] == nil {
			e.series[m.key] = m.s
		}
	}
}

// metric finds or starts the metric of a name in this publish.
func (p *Publish) metric(name, help, unit string, kind pmetric.MetricType) pmetric.Metric {
	if m, ok := p.open[name]; ok && m.Type() == kind {
		return m
	}
	m := p.into.AppendEmpty()
	m.SetName(name)
	m.SetDescription(help)
	m.SetUnit(ucum(unit))
	empty(m, kind)
	p.open[name] = m
	return m
}

func empty(m pmetric.Metric, kind pmetric.MetricType) {
	switch kind {
	case pmetric.MetricTypeSum:
		m.SetEmptySum().SetIsMonotonic(true)
		m.Sum().SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	case pmetric.MetricTypeGauge:
		m.SetEmptyGauge()
	case pmetric.MetricTypeHistogram:
		m.SetEmptyHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	case pmetric.MetricTypeSummary:
		m.SetEmptySummary()
	}
}

// ucum is the unit as OpenTelemetry writes it. A ratio gets none: "1" would make whoever translates the names for
// Prometheus append _ratio to plumbline_missing_share, and the name would differ by the road it came.
func ucum(unit string) string {
	switch unit {
	case "seconds":
		return "s"
	case "bytes":
		return "By"
	}
	return ""
}

func (p *Publish) number(points pmetric.NumberDataPointSlice, start pcommon.Timestamp) pmetric.NumberDataPoint {
	d := points.AppendEmpty()
	d.SetTimestamp(p.at)
	if start != 0 {
		d.SetStartTimestamp(start)
	}
	p.put(d.Attributes())
	return d
}

func (p *Publish) put(m pcommon.Map) {
	m.EnsureCapacity(len(p.labels))
	for _, l := range p.labels {
		m.PutStr(l.name, l.value)
	}
}

// remember notes that the series of p.labels is alive.
func (p *Publish) remember(name string, kind catalog.Type) {
	p.hash.Reset()
	write := func(s string) {
		p.hash.WriteString(s)
		p.hash.WriteByte(0xff) // no byte of UTF-8 text, so that no two label sets run into one
	}
	write(name)
	for _, l := range p.labels {
		write(l.name)
		write(l.value)
	}
	key := p.hash.Sum64()
	s := p.e.series[key]
	if s == nil {
		s = &series{name: name, labels: append([]label(nil), p.labels...)}
		p.e.series[key] = s
	}
	s.kind, s.turn = kinds[kind], p.e.turn
}

var kinds = [...]pmetric.MetricType{
	catalog.Gauge: pmetric.MetricTypeGauge, catalog.Counter: pmetric.MetricTypeSum, catalog.Histogram: pmetric.MetricTypeHistogram,
}

// gone writes the mark. It stands in a metric of its own, because the Prometheus exporter (contrib 0.158) leaves a
// metric at the first such point and would not see the points behind it.
func (p *Publish) gone(key uint64, s *series) {
	delete(p.e.series, key)
	p.e.marked = append(p.e.marked, marked{key, s})
	m := p.into.AppendEmpty()
	m.SetName(s.name)
	empty(m, s.kind)
	p.labels = append(p.labels[:0], s.labels...)
	flags := pmetric.DefaultDataPointFlags.WithNoRecordedValue(true)
	switch s.kind {
	case pmetric.MetricTypeSum:
		p.number(m.Sum().DataPoints(), 0).SetFlags(flags)
	case pmetric.MetricTypeGauge:
		p.number(m.Gauge().DataPoints(), 0).SetFlags(flags)
	case pmetric.MetricTypeHistogram:
		d := m.Histogram().DataPoints().AppendEmpty()
		d.SetTimestamp(p.at)
		d.SetFlags(flags)
		p.put(d.Attributes())
	}
}
