package rules

import (
	"math"
	"slices"
	"strconv"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// nameCache takes catalogue samples to their series without building label sets anew each time.
//
// A publisher says the same things in the same order again and again, so the series of a sample is most likely the one that followed
// the series before it the last time. Only when that fails is it looked up.
type nameCache struct {
	st      *store
	metrics map[*catalog.Metric]*cachedMetric
	entries int

	order []positioned // what the samples of the last batch were, in their order
	next  int
}

// maxOrder bounds what is remembered of a batch.
const maxOrder = 1 << 17

type positioned struct {
	metric *catalog.Metric
	cachedSeries
}

type cachedMetric struct {
	wanted                 bool
	bucket, sum, countName bool // which series of a histogram a rule reads
	series                 map[uint64][]cachedSeries
}

type cachedSeries struct {
	values []string
	s      *series
}

// reset forgets everything: the rules changed, or too much has piled up.
func (c *nameCache) reset() {
	c.metrics, c.entries = map[*catalog.Metric]*cachedMetric{}, 0
	c.order, c.next = nil, 0
}

// begin starts a batch.
func (c *nameCache) begin() { c.next = 0 }

func (c *nameCache) append(x *catalog.Sample, ms int64) {
	at := c.next
	c.next++
	if at < len(c.order) && x.Hist == nil {
		if p := &c.order[at]; p.metric == x.Metric {
			if p.s == nil {
				return // a metric that no rule reads
			}
			if !p.s.dead && slices.Equal(p.values, x.Labels) {
				_ = c.st.append(p.s, ms, x.Value, true) // only an old sample is refused, and an old sample is of no use
				return
			}
		}
	}
	if c.metrics == nil || c.entries > 2*c.st.maxSeries {
		c.reset()
	}
	m := c.metrics[x.Metric]
	if m == nil {
		m = c.metric(x.Metric)
		c.metrics[x.Metric] = m
	}
	p := positioned{metric: x.Metric}
	switch {
	case x.Hist != nil:
		c.appendHistogram(m, x, ms)
		p.metric = nil
	case m.wanted:
		if p.cachedSeries = c.find(m, x); p.s == nil {
			p.metric = nil // refused: ask again next time
			break
		}
		_ = c.st.append(p.s, ms, x.Value, true)
	}
	switch {
	case at < len(c.order):
		c.order[at] = p
	case at == len(c.order) && at < maxOrder:
		c.order = append(c.order, p)
	}
}

// find looks the series of a sample up, and makes it when it is new.
func (c *nameCache) find(m *cachedMetric, x *catalog.Sample) cachedSeries {
	h := hashValues(x.Labels)
	list := m.series[h]
	for i := range list {
		if slices.Equal(list[i].values, x.Labels) {
			if !list[i].s.dead {
				return list[i]
			}
			m.series[h] = slices.Delete(list, i, i+1)
			c.entries--
			break
		}
	}
	s := c.create(x.Metric.Name, x.Metric.Labels, x.Labels, "")
	if s == nil {
		return cachedSeries{}
	}
	out := cachedSeries{values: slices.Clone(x.Labels), s: s}
	m.series[h] = append(m.series[h], out)
	c.entries++
	return out
}

func (c *nameCache) metric(m *catalog.Metric) *cachedMetric {
	out := &cachedMetric{series: map[uint64][]cachedSeries{}}
	if m.Type == catalog.Histogram {
		_, out.bucket = c.st.needs.of(m.Name + "_bucket")
		_, out.sum = c.st.needs.of(m.Name + "_sum")
		_, out.countName = c.st.needs.of(m.Name + "_count")
		return out
	}
	_, out.wanted = c.st.needs.of(m.Name)
	return out
}

// create finds or makes the series; le is its extra label when it is a bucket.
func (c *nameCache) create(name string, names, values []string, le string) *series {
	b := labels.NewBuilder(labels.EmptyLabels())
	for i, n := range names {
		b.Set(n, values[i]) // an empty value is no label
	}
	b.Set(nameLabel, name)
	b.Set(labels.BucketLabel, le)
	if le == "" && slices.Contains(names, labels.BucketLabel) {
		b.Set(labels.BucketLabel, values[slices.Index(names, labels.BucketLabel)])
	}
	s, _ := c.st.series(b.Labels()) // the store counts what it refuses
	return s
}

// appendHistogram turns a histogram into the classic series that PromQL knows: cumulative buckets, sum and count.
func (c *nameCache) appendHistogram(m *cachedMetric, x *catalog.Sample, ms int64) {
	put := func(suffix, le string, v float64) {
		if s := c.create(x.Metric.Name+suffix, x.Metric.Labels, x.Labels, le); s != nil {
			_ = c.st.append(s, ms, v, true)
		}
	}
	if m.bucket {
		var sum uint64
		for i, n := range x.Hist.Counts {
			sum += n
			le := math.Inf(1)
			if i < len(x.Hist.Bounds) {
				le = x.Hist.Bounds[i]
			}
			put("_bucket", formatBound(le), float64(sum))
		}
	}
	if m.sum {
		put("_sum", "", x.Hist.Sum)
	}
	if m.countName {
		put("_count", "", float64(x.Hist.Count()))
	}
}

func formatBound(le float64) string {
	if math.IsInf(le, 1) {
		return "+Inf"
	}
	return strconv.FormatFloat(le, 'g', -1, 64)
}

// hashValues is FNV-1a with a separator that cannot occur in valid UTF-8.
func hashValues(values []string) uint64 {
	h := uint64(14695981039346656037)
	for _, v := range values {
		for i := range len(v) {
			h = (h ^ uint64(v[i])) * 1099511628211
		}
		h = (h ^ 0xff) * 1099511628211
	}
	return h
}
