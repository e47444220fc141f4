package metricdata

import (
	"math"
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
			p.Batch(&b)
		}
	}
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
