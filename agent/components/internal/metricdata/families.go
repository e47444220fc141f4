package metricdata

import (
	"math"
	"slices"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// Families adds the metrics of a client_golang registry. Only gauges, counters and classic histograms are carried:
// the catalogue has no others. start is taken for counters whose own start is not known.
func (p *Publish) Families(families []*dto.MetricFamily, start time.Time) {
	for _, f := range families {
		m, ok := catalog.ByName(f.GetName())
		if !ok {
			m = &catalog.Metric{Name: f.GetName(), Help: f.GetHelp()}
		}
		for _, v := range f.GetMetric() {
			b := catalog.Batch{Start: start}
			s := catalog.Sample{}
			switch f.GetType() {
			case dto.MetricType_GAUGE:
				s.Metric = as(m, catalog.Gauge, v)
				s.Value = v.GetGauge().GetValue()
			case dto.MetricType_COUNTER:
				s.Metric = as(m, catalog.Counter, v)
				s.Value = v.GetCounter().GetValue()
				if t := v.GetCounter().GetCreatedTimestamp(); t != nil {
					b.Start = t.AsTime()
				}
			case dto.MetricType_HISTOGRAM:
				s.Metric = as(m, catalog.Histogram, v)
				s.Hist = histogram(v.GetHistogram())
				if t := v.GetHistogram().GetCreatedTimestamp(); t != nil {
					b.Start = t.AsTime()
				}
			default:
				continue
			}
			for _, l := range v.GetLabel() {
				s.Labels = append(s.Labels, l.GetValue())
			}
			b.Samples = []catalog.Sample{s}
			p.Batch(&b, nil)
		}
	}
}

// Visit gives a sink the metrics of a client_golang registry without a pipeline between. Only what the catalogue and the rules
// know of is carried: gauges, counters and classic histograms.
func Visit(families []*dto.MetricFamily, at, start time.Time, sink Sink) {
	for _, f := range families {
		known, ok := catalog.ByName(f.GetName())
		for _, v := range f.GetMetric() {
			began, value, h := start, 0.0, (*catalog.HistogramValue)(nil)
			kind := catalog.Gauge
			switch f.GetType() {
			case dto.MetricType_GAUGE:
				value = v.GetGauge().GetValue()
			case dto.MetricType_COUNTER:
				kind, value = catalog.Counter, v.GetCounter().GetValue()
				if t := v.GetCounter().GetCreatedTimestamp(); t != nil {
					began = t.AsTime()
				}
			case dto.MetricType_HISTOGRAM:
				kind, h = catalog.Histogram, histogram(v.GetHistogram())
			default:
				continue
			}
			if ok && known.Type == kind {
				if values, fits := order(known, v); fits {
					sink.Sample(at, began, known, values, value, h)
					continue
				}
			}
			labels := make(map[string]string, len(v.GetLabel()))
			for _, l := range v.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			if h != nil {
				spread(at, f.GetName(), labels, h, sink.Series)
			} else {
				sink.Series(at, f.GetName(), labels, value)
			}
		}
	}
}

// order gives the label values in the catalogue's order, and whether the labels are those that the catalogue has.
func order(m *catalog.Metric, v *dto.Metric) (values []string, ok bool) {
	values = make([]string, len(m.Labels))
	found := 0
	for _, l := range v.GetLabel() {
		if i := slices.Index(m.Labels, l.GetName()); i >= 0 {
			values[i] = l.GetValue()
			found++
		}
	}
	return values, found == len(v.GetLabel())
}

// as is m with the type and the labels that the registry has: they come sorted, not in the catalogue's order.
func as(m *catalog.Metric, t catalog.Type, v *dto.Metric) *catalog.Metric {
	c := *m
	c.Type = t
	c.Labels = make([]string, 0, len(v.GetLabel()))
	for _, l := range v.GetLabel() {
		c.Labels = append(c.Labels, l.GetName())
	}
	return &c
}

func histogram(h *dto.Histogram) *catalog.HistogramValue {
	out := &catalog.HistogramValue{Sum: h.GetSampleSum()}
	var below uint64
	for _, b := range h.GetBucket() {
		if math.IsInf(b.GetUpperBound(), 1) {
			continue
		}
		out.Bounds = append(out.Bounds, b.GetUpperBound())
		out.Counts = append(out.Counts, b.GetCumulativeCount()-below)
		below = b.GetCumulativeCount()
	}
	out.Counts = append(out.Counts, h.GetSampleCount()-below)
	return out
}
