package board

import (
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// protocolBuffer makes a family for scrapers that ask for protocol buffers: the one format that tells when a counter began.
// It is not streamed: a scrape holds one family at a time.
func (w *writer) protocolBuffer(f *family) *dto.MetricFamily {
	types := [...]dto.MetricType{catalog.Gauge: dto.MetricType_GAUGE, catalog.Counter: dto.MetricType_COUNTER, catalog.Histogram: dto.MetricType_HISTOGRAM}
	out := &dto.MetricFamily{Name: &f.metric.Name, Help: &f.metric.Help, Type: &types[f.metric.Type], Metric: make([]*dto.Metric, 0, len(f.samples))}
	var began *timestamppb.Timestamp
	if n := len(f.samples); n > 0 {
		if start := w.posted[f.samples[0].batch].Start; !start.IsZero() {
			began = timestamppb.New(start)
		}
	}
	w.samples(f, func(s *catalog.Sample) {
		m := &dto.Metric{}
		for i, v := range s.Labels {
			if v != "" {
				m.Label = append(m.Label, &dto.LabelPair{Name: &s.Metric.Labels[i], Value: &s.Labels[i]})
			}
		}
		switch s.Metric.Type {
		case catalog.Counter:
			m.Counter = &dto.Counter{Value: &s.Value, CreatedTimestamp: began}
		case catalog.Gauge:
			m.Gauge = &dto.Gauge{Value: &s.Value}
		case catalog.Histogram:
			count := s.Hist.Count()
			m.Histogram = &dto.Histogram{SampleCount: &count, SampleSum: &s.Hist.Sum, CreatedTimestamp: began}
			var below uint64
			for i := range s.Hist.Bounds {
				below += s.Hist.Counts[i]
				n := below
				m.Histogram.Bucket = append(m.Histogram.Bucket, &dto.Bucket{CumulativeCount: &n, UpperBound: &s.Hist.Bounds[i]})
			}
		}
		out.Metric = append(out.Metric, m)
	})
	return out
}
