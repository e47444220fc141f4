// Package metricdata carries catalogue samples and client_golang metrics over the Collector's pipelines and back.
//
// An Encoder turns what one publisher says into pmetric.Metrics. It remembers what it said of each series: a series
// that did not change is left out for a few publishes, because most of what a model has to say stays as it is from one
// second to the next; a series that is gone is marked with "no recorded value", so that exporters forget it instead of
// repeating its last value for ever. Its memory is one entry per live series. An Encoder belongs to one goroutine.
// Decode is a pure function. Nothing here knows an exporter, a clock or the network.
package metricdata

import (
	"hash/maphash"
	"math"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// Scope is the instrumentation scope of everything that Plumbline publishes.
const Scope = "github.com/plumbline-ml/plumbline"

// MaxSilence is the longest time for which a live series may be left out. Readers take a longer silence for missing data.
const MaxSilence = 20 * time.Second

// Every is how many publishes a series may be left out of, at an interval between publishes, to be within MaxSilence.
func Every(wanted int, interval time.Duration) int {
	return max(1, min(wanted, int(MaxSilence/max(interval, time.Millisecond))))
}

// Encoder writes publishes. The zero value is not usable: use NewEncoder.
type Encoder struct {
	resource map[string]string // resource attributes of every publish
	every    uint64            // a series is said in one of so many publishes at least
	seed     maphash.Seed
	series   map[uint64]*series // what was said
	turn     uint64             // number of the current publish
	last     time.Time          // time of the newest publish
	marked   []marked           // series that the newest publish marked as gone
	all      bool               // the next publish says every series
}

type marked struct {
	key uint64
	s   *series
}

// series is what was said of one series, and what is needed to mark it as gone.
type series struct {
	turn   uint64 // publish that had it last, said or left out
	metric *catalog.Metric
	labels []string
	value  float64 // of a histogram, its sum
	count  uint64  // of a histogram
}

// NewEncoder makes an Encoder. A series that did not change is said in one of every publishes; 1 says all each time.
// resource may be nil; service.name does not belong into it, because exporters turn it into a job label and a
// target_info metric.
func NewEncoder(resource map[string]string, every int) *Encoder {
	return &Encoder{resource: resource, every: uint64(max(every, 1)), seed: maphash.MakeSeed(), series: map[uint64]*series{}}
}

// Publish is one set of metrics in the making.
type Publish struct {
	e       *Encoder
	metrics pmetric.Metrics
	into    pmetric.MetricSlice
	open    map[string]pmetric.Metric // metrics of this publish by name
	at      pcommon.Timestamp
	hash    maphash.Hash
	all     bool // nothing is left out
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
	p.all, e.all = e.all, false
	return p
}

// Batch adds the samples of a batch but those of the metrics in omit, which may be nil. It keeps the label slices of the samples.
func (p *Publish) Batch(b *catalog.Batch, omit map[*catalog.Metric]bool) {
	start := pcommon.NewTimestampFromTime(b.Start)
	for s := range b.All() {
		if omit[s.Metric] || s.Metric.Type == catalog.Histogram && s.Hist == nil || !p.say(s) {
			continue
		}
		m := p.metric(s.Metric)
		switch s.Metric.Type {
		case catalog.Counter:
			p.number(m.Sum().DataPoints(), s.Metric, s.Labels, start).SetDoubleValue(s.Value)
		case catalog.Gauge:
			p.number(m.Gauge().DataPoints(), s.Metric, s.Labels, 0).SetDoubleValue(s.Value)
		case catalog.Histogram:
			d := m.Histogram().DataPoints().AppendEmpty()
			d.SetTimestamp(p.at)
			d.SetStartTimestamp(start)
			d.SetCount(s.Hist.Count())
			d.SetSum(s.Hist.Sum)
			d.ExplicitBounds().FromRaw(s.Hist.Bounds)
			d.BucketCounts().FromRaw(s.Hist.Counts)
			put(d.Attributes(), s.Metric, s.Labels)
		}
	}
}

// say notes that a series is alive and decides whether it is said in this publish: when it is new or changed, and in
// its own turn otherwise. Turns are spread over the series by their hash, so that every publish costs the same.
func (p *Publish) say(s *catalog.Sample) bool {
	key := p.key(s)
	value, count := s.Value, uint64(0)
	if s.Hist != nil {
		value, count = s.Hist.Sum, s.Hist.Count()
	}
	known := p.e.series[key]
	if known == nil {
		p.e.series[key] = &series{turn: p.e.turn, metric: s.Metric, labels: s.Labels, value: value, count: count}
		return true
	}
	changed := math.Float64bits(known.value) != math.Float64bits(value) || known.count != count
	known.turn, known.value, known.count = p.e.turn, value, count
	return changed || p.all || (key+p.e.turn)%p.e.every == 0
}

// key is the identity of a series.
func (p *Publish) key(s *catalog.Sample) uint64 {
	p.hash.Reset()
	p.hash.WriteString(s.Metric.Name)
	for i, v := range s.Labels {
		if v == "" {
			continue
		}
		p.hash.WriteByte(0xff) // no byte of UTF-8 text, so that no two label sets run into one
		p.hash.WriteString(s.Metric.Labels[i])
		p.hash.WriteByte(0xff)
		p.hash.WriteString(v)
	}
	return p.hash.Sum64()
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

// Refused says that the newest publish was not taken: the next one says everything, and repeats the marks.
func (e *Encoder) Refused() {
	e.all = true
	for _, m := range e.marked {
		if e.series[m.key] == nil {
			e.series[m.key] = m.s
		}
	}
}

// metric finds or starts the metric of a name in this publish.
func (p *Publish) metric(of *catalog.Metric) pmetric.Metric {
	if m, ok := p.open[of.Name]; ok && m.Type() == kinds[of.Type] {
		return m
	}
	m := p.into.AppendEmpty()
	m.SetName(of.Name)
	m.SetDescription(of.Help)
	m.SetUnit(ucum(of.Unit))
	empty(m, kinds[of.Type])
	p.open[of.Name] = m
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

func (p *Publish) number(points pmetric.NumberDataPointSlice, of *catalog.Metric, labels []string, start pcommon.Timestamp) pmetric.NumberDataPoint {
	d := points.AppendEmpty()
	d.SetTimestamp(p.at)
	if start != 0 {
		d.SetStartTimestamp(start)
	}
	put(d.Attributes(), of, labels)
	return d
}

func put(m pcommon.Map, of *catalog.Metric, labels []string) {
	m.EnsureCapacity(len(labels))
	for i, v := range labels {
		if v != "" {
			m.PutStr(of.Labels[i], v)
		}
	}
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
	m.SetName(s.metric.Name)
	empty(m, kinds[s.metric.Type])
	flags := pmetric.DefaultDataPointFlags.WithNoRecordedValue(true)
	switch s.metric.Type {
	case catalog.Counter:
		p.number(m.Sum().DataPoints(), s.metric, s.labels, 0).SetFlags(flags)
	case catalog.Gauge:
		p.number(m.Gauge().DataPoints(), s.metric, s.labels, 0).SetFlags(flags)
	case catalog.Histogram:
		d := m.Histogram().DataPoints().AppendEmpty()
		d.SetTimestamp(p.at)
		d.SetFlags(flags)
		put(d.Attributes(), s.metric, s.labels)
	}
}
