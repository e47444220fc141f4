package inferenceconnector

import (
	"context"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// points is the side that takes metrics.
type points struct{ core *core }

func (p *points) Start(_ context.Context, host component.Host) error { return p.core.start(host) }
func (p *points) Shutdown(ctx context.Context) error                 { return p.core.shutdown(ctx) }

// Capabilities implements consumer.Metrics: points are read, not changed.
func (p *points) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

// row is one record in the making: the points of one model, time and set of attributes.
type row struct {
	model      string
	at         pcommon.Timestamp
	attributes string // sorted, as text
}

// ConsumeMetrics implements consumer.Metrics. Gauges and deltas are values of features. Cumulative counters,
// histograms and summaries have no value of their own at a moment and are counted as ignored.
func (p *points) ConsumeMetrics(_ context.Context, in pmetric.Metrics) error {
	c := p.core
	now := time.Now()
	rows := map[row]map[string]any{}
	var order []row
	ignored := uint64(0)
	for _, rm := range in.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			outer := modelOf(c.config.ModelAttribute, sm.Scope().Attributes(), rm.Resource().Attributes())
			for _, m := range sm.Metrics().All() {
				values, skipped := valuesOf(m)
				ignored += skipped
				for _, d := range values {
					if d.Flags().NoRecordedValue() {
						continue
					}
					r, fields := c.rowOf(d, outer)
					into := rows[r]
					if into == nil {
						into = fields
						rows[r] = into
						order = append(order, r)
					}
					into[m.Name()] = number(d)
				}
			}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts.Ignored += ignored
	for _, r := range order {
		f := c.feedOf(r.model)
		if f == nil {
			c.counts.Errors[reasonNoModel]++
			continue
		}
		c.observe(f, object(rows[r]), int64(r.at), now)
	}
	return nil
}

// valuesOf lists the points of a metric that are values, and counts the others.
func valuesOf(m pmetric.Metric) (values []pmetric.NumberDataPoint, skipped uint64) {
	var from pmetric.NumberDataPointSlice
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		from = m.Gauge().DataPoints()
	case pmetric.MetricTypeSum:
		from = m.Sum().DataPoints()
		if m.Sum().IsMonotonic() && m.Sum().AggregationTemporality() != pmetric.AggregationTemporalityDelta {
			return nil, uint64(from.Len())
		}
	case pmetric.MetricTypeHistogram:
		return nil, uint64(m.Histogram().DataPoints().Len())
	case pmetric.MetricTypeExponentialHistogram:
		return nil, uint64(m.ExponentialHistogram().DataPoints().Len())
	case pmetric.MetricTypeSummary:
		return nil, uint64(m.Summary().DataPoints().Len())
	default:
		return nil, 0
	}
	for _, d := range from.All() {
		values = append(values, d)
	}
	return values, 0
}

// rowOf finds the record that a point belongs to, and the fields that its attributes give.
func (c *core) rowOf(d pmetric.NumberDataPoint, outer string) (row, map[string]any) {
	r := row{model: outer, at: d.Timestamp()}
	fields := map[string]any{}
	for k, v := range d.Attributes().All() {
		if k == c.config.ModelAttribute {
			r.model = v.AsString()
			continue
		}
		fields[k] = v.AsRaw()
	}
	var text strings.Builder
	for _, k := range slices.Sorted(maps.Keys(fields)) {
		v, _ := d.Attributes().Get(k)
		text.WriteString(k + "\x00" + v.AsString() + "\x00")
	}
	r.attributes = text.String()
	return r, fields
}

// number is the value of a point.
func number(d pmetric.NumberDataPoint) any {
	if d.ValueType() == pmetric.NumberDataPointValueTypeInt {
		return d.IntValue()
	}
	return d.DoubleValue()
}

// object writes fields as JSON. What JSON has no word for is written as Python does, which is what the parser reads.
func object(fields map[string]any) []byte {
	out := []byte{'{'}
	for i, k := range slices.Sorted(maps.Keys(fields)) {
		if i > 0 {
			out = append(out, ',')
		}
		name, _ := json.Marshal(k) // a string can always be written
		out = append(append(out, name...), ':')
		switch v, isFloat := fields[k].(float64); {
		case isFloat && math.IsNaN(v):
			out = append(out, "NaN"...)
		case isFloat && math.IsInf(v, 1):
			out = append(out, "Infinity"...)
		case isFloat && math.IsInf(v, -1):
			out = append(out, "-Infinity"...)
		default:
			text, err := json.Marshal(fields[k])
			if err != nil { // a list with a NaN in it
				text = []byte("null")
			}
			out = append(out, text...)
		}
	}
	return append(out, '}')
}
