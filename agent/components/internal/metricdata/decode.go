package metricdata

import (
	"math"
	"strconv"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// Sink takes what Decode finds.
type Sink struct {
	// Sample takes a value of a metric of the catalogue. labels and h are the sink's to keep.
	Sample func(at, start time.Time, m *catalog.Metric, labels []string, v float64, h *catalog.HistogramValue)
	// Series takes a value of any other metric under its Prometheus series name. labels is the sink's to keep.
	Series func(at time.Time, name string, labels map[string]string, v float64)
	// Gone takes the name and labels of a series that its source said has ended.
	Gone func(at time.Time, name string, labels map[string]string)
}

// Decode walks all points in order. Resource attributes become no labels, except service.name, service.namespace
// and service.instance.id, which become job and instance as everywhere in Prometheus. Points of delta metrics are
// not cumulative and are left out; skipped counts them, and exponential histograms.
func Decode(metrics pmetric.Metrics, sink Sink) (skipped int) {
	for _, rm := range metrics.ResourceMetrics().All() {
		extra := target(rm.Resource().Attributes())
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				skipped += decode(m, extra, sink)
			}
		}
	}
	return skipped
}

func decode(m pmetric.Metric, extra map[string]string, sink Sink) (skipped int) {
	own, known := catalog.ByName(m.Name())
	switch m.Type() {
	case pmetric.MetricTypeGauge, pmetric.MetricTypeSum:
		var points pmetric.NumberDataPointSlice
		want := catalog.Gauge
		if m.Type() == pmetric.MetricTypeSum {
			if m.Sum().AggregationTemporality() != pmetric.AggregationTemporalityCumulative {
				return m.Sum().DataPoints().Len()
			}
			points = m.Sum().DataPoints()
			want = catalog.Counter
		} else {
			points = m.Gauge().DataPoints()
		}
		for _, p := range points.All() {
			at := p.Timestamp().AsTime()
			v := p.DoubleValue()
			if p.ValueType() == pmetric.NumberDataPointValueTypeInt {
				v = float64(p.IntValue())
			}
			gone := p.Flags().NoRecordedValue()
			if known && own.Type == want && !gone {
				if values, fits := fit(own, p.Attributes(), extra); fits {
					sink.Sample(at, p.StartTimestamp().AsTime(), own, values, v, nil)
					continue
				}
			}
			labels := attributes(p.Attributes(), extra)
			if gone {
				sink.Gone(at, m.Name(), labels)
				continue
			}
			sink.Series(at, m.Name(), labels, v)
		}
	case pmetric.MetricTypeHistogram:
		if m.Histogram().AggregationTemporality() != pmetric.AggregationTemporalityCumulative {
			return m.Histogram().DataPoints().Len()
		}
		for _, p := range m.Histogram().DataPoints().All() {
			at := p.Timestamp().AsTime()
			if p.Flags().NoRecordedValue() {
				sink.Gone(at, m.Name(), attributes(p.Attributes(), extra))
				continue
			}
			h := &catalog.HistogramValue{Bounds: p.ExplicitBounds().AsRaw(), Counts: p.BucketCounts().AsRaw(), Sum: p.Sum()}
			if len(h.Counts) != len(h.Bounds)+1 { // a histogram without buckets is allowed: all is above nothing
				h.Bounds, h.Counts = nil, []uint64{p.Count()}
			}
			if known && own.Type == catalog.Histogram {
				if values, fits := fit(own, p.Attributes(), extra); fits {
					sink.Sample(at, p.StartTimestamp().AsTime(), own, values, 0, h)
					continue
				}
			}
			spread(at, m.Name(), attributes(p.Attributes(), extra), h, sink.Series)
		}
	case pmetric.MetricTypeSummary:
		for _, p := range m.Summary().DataPoints().All() {
			at := p.Timestamp().AsTime()
			labels := attributes(p.Attributes(), extra)
			if p.Flags().NoRecordedValue() {
				sink.Gone(at, m.Name(), labels)
				continue
			}
			for _, q := range p.QuantileValues().All() {
				sink.Series(at, m.Name(), with(labels, "quantile", number(q.Quantile())), q.Value())
			}
			sink.Series(at, m.Name()+"_sum", labels, p.Sum())
			sink.Series(at, m.Name()+"_count", labels, float64(p.Count()))
		}
	default:
		if m.Type() == pmetric.MetricTypeExponentialHistogram {
			return m.ExponentialHistogram().DataPoints().Len()
		}
	}
	return 0
}

// spread writes a histogram as its Prometheus series.
func spread(at time.Time, name string, labels map[string]string, h *catalog.HistogramValue, put func(time.Time, string, map[string]string, float64)) {
	var below uint64
	for i, c := range h.Counts {
		below += c
		edge := math.Inf(1)
		if i < len(h.Bounds) {
			edge = h.Bounds[i]
		}
		put(at, name+"_bucket", with(labels, "le", number(edge)), float64(below))
	}
	put(at, name+"_sum", labels, h.Sum)
	put(at, name+"_count", labels, float64(below))
}

// number writes a value of le or quantile as Prometheus does.
func number(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "+Inf"
	case math.IsInf(v, -1):
		return "-Inf"
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

func with(labels map[string]string, name, value string) map[string]string {
	out := make(map[string]string, len(labels)+1)
	for k, v := range labels {
		out[k] = v
	}
	out[name] = value
	return out
}

// fit gives the label values in the catalogue's order, and whether there is no label besides those.
func fit(m *catalog.Metric, attributes pcommon.Map, extra map[string]string) (values []string, ok bool) {
	if len(extra) > 0 || attributes.Len() > len(m.Labels) {
		return nil, false
	}
	values = make([]string, len(m.Labels))
	found, next := 0, 0
	for name, v := range attributes.All() {
		for i := range m.Labels { // mostly in the catalogue's order, so the first look finds it
			at := (next + i) % len(m.Labels)
			if m.Labels[at] == name {
				values[at], next = v.AsString(), at+1
				found++
				break
			}
		}
	}
	return values, found == attributes.Len()
}

func attributes(m pcommon.Map, extra map[string]string) map[string]string {
	out := make(map[string]string, m.Len()+len(extra))
	for k, v := range extra {
		out[k] = v
	}
	for k, v := range m.All() {
		if s := v.AsString(); s != "" {
			out[labelName(k)] = s
		}
	}
	return out
}

// target is the job and instance of a resource.
func target(m pcommon.Map) map[string]string {
	out := map[string]string{}
	if v, ok := m.Get("service.name"); ok {
		job := v.AsString()
		if ns, ok := m.Get("service.namespace"); ok {
			job = ns.AsString() + "/" + job
		}
		out["job"] = job
	}
	if v, ok := m.Get("service.instance.id"); ok {
		out["instance"] = v.AsString()
	}
	return out
}

// labelName makes an attribute's name a Prometheus label: what is not a letter, a digit or _ becomes _.
func labelName(s string) string {
	for i := range len(s) {
		if !plain(s[i], i) {
			b := []byte(s)
			for j := range b {
				if !plain(b[j], j) {
					b[j] = '_'
				}
			}
			return string(b)
		}
	}
	return s
}

func plain(c byte, i int) bool {
	return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || i > 0 && '0' <= c && c <= '9'
}
