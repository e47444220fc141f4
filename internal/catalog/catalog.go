// Package catalog declares every metric that Plumbline exposes, once.
//
// The monitor, the tail, the rules and the exporters emit what stands here and nothing else; docs/metrics.md is
// generated from it; dashboards and shipped rules are checked against it. Everything is immutable after
// start-up and safe for concurrent use. The package knows no client library: adapters turn a Sample into
// pdata or into a client_golang metric.
package catalog

import (
	"fmt"
	"iter"
	"time"
)

// Type is the kind of a metric, in Prometheus' words.
type Type uint8

// The types that Plumbline uses.
const (
	Gauge Type = iota
	Counter
	Histogram
)

// String is the Prometheus TYPE keyword.
func (t Type) String() string { return [...]string{"gauge", "counter", "histogram"}[t] }

// Metric is one declared metric.
type Metric struct {
	Name   string   // full Prometheus name, unit included: plumbline_…
	Type   Type     // counters end in _total
	Unit   string   // seconds, bytes, ratio, or empty for counts
	Labels []string // closed set, in the order that Sample.Labels uses
	Help   string   // one sentence for people
	Group  string   // heading in docs/metrics.md
}

// Sample is one value of one metric. Either Value or Hist is set, by the metric's type.
type Sample struct {
	Metric *Metric
	Labels []string // values, same length and order as Metric.Labels; an empty value means "no such label"
	Value  float64
	Hist   *HistogramValue
}

// HistogramValue is a cumulative-since-start histogram with fixed edges.
type HistogramValue struct {
	Bounds []float64 // ascending upper edges, right-closed; the last bucket is open
	Counts []uint64  // len(Bounds)+1, not accumulated over buckets
	Sum    float64   // of the observed values, in the feature's unit
}

// Count is the number of observations.
func (h *HistogramValue) Count() uint64 {
	var n uint64
	for _, c := range h.Counts {
		n += c
	}
	return n
}

// Batch is what one publish carries: samples that were all true at Time.
// Start is when the counters began; it survives restarts because the counters do.
//
// Shared are further samples, of publishers that have many which seldom change: the slices are the same from one batch
// to the next, so nobody may change what is in them. Who reads a batch that may have some uses All.
type Batch struct {
	Time    time.Time
	Start   time.Time
	Samples []Sample
	Shared  [][]Sample
}

// All visits Samples and then Shared. The samples must not be changed.
func (b *Batch) All() iter.Seq[*Sample] {
	return func(yield func(*Sample) bool) {
		for i := range b.Samples {
			if !yield(&b.Samples[i]) {
				return
			}
		}
		for _, part := range b.Shared {
			for i := range part {
				if !yield(&part[i]) {
					return
				}
			}
		}
	}
}

// Len is how many samples All visits.
func (b *Batch) Len() int {
	n := len(b.Samples)
	for _, part := range b.Shared {
		n += len(part)
	}
	return n
}

// Add appends a plain value and panics when the number of labels is wrong: that is a bug of ours, found by
// the first test that touches the line.
func (b *Batch) Add(m *Metric, v float64, labels ...string) {
	if len(labels) != len(m.Labels) {
		panic(fmt.Sprintf("catalog: %s wants labels %v, got %d values", m.Name, m.Labels, len(labels)))
	}
	b.Samples = append(b.Samples, Sample{Metric: m, Labels: labels, Value: v})
}

// AddHistogram appends a histogram under the same rule.
func (b *Batch) AddHistogram(m *Metric, h *HistogramValue, labels ...string) {
	if len(labels) != len(m.Labels) {
		panic(fmt.Sprintf("catalog: %s wants labels %v, got %d values", m.Name, m.Labels, len(labels)))
	}
	b.Samples = append(b.Samples, Sample{Metric: m, Labels: labels, Hist: h})
}

// ByName finds a declared metric. It knows plain names only, not the _bucket, _sum and _count series of a histogram;
// see Series for those.
func ByName(name string) (*Metric, bool) {
	m, ok := byName[name]
	return m, ok
}

// Series finds the metric that a series name belongs to: the name itself, or a histogram's _bucket, _sum or _count.
func Series(name string) (*Metric, bool) {
	if m, ok := byName[name]; ok {
		return m, true
	}
	for _, suffix := range [...]string{"_bucket", "_sum", "_count"} {
		if n := len(name) - len(suffix); n > 0 && name[n:] == suffix {
			if m, ok := byName[name[:n]]; ok && m.Type == Histogram {
				return m, true
			}
		}
	}
	return nil, false
}

// All lists every declared metric in the order of declaration. The slice is shared: do not change it.
func All() []*Metric { return all }

var (
	all    []*Metric
	byName = map[string]*Metric{}
)

func declare(group string, t Type, name, unit, help string, labels ...string) *Metric {
	m := &Metric{Name: name, Type: t, Unit: unit, Labels: labels, Help: help, Group: group}
	if byName[name] != nil {
		panic("catalog: declared twice: " + name)
	}
	all = append(all, m)
	byName[name] = m
	return m
}
