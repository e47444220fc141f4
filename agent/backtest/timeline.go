package backtest

import (
	"slices"
	"strings"
	"time"

	"github.com/plumbline-ml/plumbline/internal/catalog"
	"github.com/plumbline-ml/plumbline/internal/monitor"
)

// Bounds of what a report keeps.
const (
	maxCurves = 512
	maxPoints = 1024 // of a curve; a longer one is thinned to every second, fourth, … step
)

// drawn are the metrics that a report reads.
var drawn = []*catalog.Metric{catalog.FeatureQuantile, catalog.RefQuantile, catalog.WindowRecords, catalog.EvidenceRatio, catalog.ModelEvidence}

// scoreLabel is what the score of a model is called in the label feature, wherever the record has it.
const scoreLabel = "score"

// timeline keeps what a report draws over time. A nil one keeps nothing.
type timeline struct {
	step   time.Duration
	models []*monitor.Model
	curves map[string]*curve
	lost   int // curves beyond the bound
}

// curve is one series, thinned so that it stays within maxPoints.
type curve struct {
	metric *catalog.Metric
	labels []string
	points []point
	seen   int
	stride int
	peak   bool // thinning keeps the larger value: a short peak of evidence must stay visible
}

type point struct {
	at    int64 // milliseconds
	value float64
}

func newTimeline(models []*monitor.Model, step time.Duration) *timeline {
	return &timeline{step: step, models: models, curves: map[string]*curve{}}
}

func (t *timeline) take(b catalog.Batch) {
	if t == nil {
		return
	}
	at := b.Time.UnixMilli()
	for i := range b.Samples {
		s := &b.Samples[i]
		if !slices.Contains(drawn, s.Metric) || !t.shows(s) {
			continue
		}
		key := s.Metric.Name + "\xff" + strings.Join(s.Labels, "\xff")
		c := t.curves[key]
		if c == nil {
			if len(t.curves) >= maxCurves {
				t.lost++
				continue
			}
			c = &curve{metric: s.Metric, labels: slices.Clone(s.Labels), stride: 1, peak: s.Metric == catalog.EvidenceRatio || s.Metric == catalog.ModelEvidence}
			t.curves[key] = c
		}
		c.add(point{at, s.Value})
	}
}

// shows leaves out the quantiles of everything but the score.
func (t *timeline) shows(s *catalog.Sample) bool {
	if s.Metric != catalog.FeatureQuantile && s.Metric != catalog.RefQuantile {
		return true
	}
	scored := func(m *monitor.Model) bool { return m.Score != nil && m.Name == s.Labels[0] }
	return s.Labels[1] == scoreLabel && slices.ContainsFunc(t.models, scored)
}

func (c *curve) add(p point) {
	c.seen++
	if (c.seen-1)%c.stride != 0 {
		if last := &c.points[len(c.points)-1]; c.peak && p.value > last.value {
			last.value = p.value
		}
		return
	}
	if len(c.points) == maxPoints {
		for i := range maxPoints / 2 {
			kept := c.points[2*i]
			if c.peak {
				kept.value = max(kept.value, c.points[2*i+1].value)
			}
			c.points[i] = kept
		}
		c.points = c.points[:maxPoints/2]
		c.stride *= 2
	}
	c.points = append(c.points, p)
}

// of lists the curves of a metric whose labels begin with the given ones, in order of their labels.
func (t *timeline) of(m *catalog.Metric, labels ...string) []*curve {
	var out []*curve
	for _, c := range t.curves {
		if c.metric == m && len(c.labels) >= len(labels) && slices.Equal(c.labels[:len(labels)], labels) {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b *curve) int { return slices.Compare(a.labels, b.labels) })
	return out
}

func (c *curve) max() float64 {
	top, _ := c.peakAt()
	return top
}

// peakAt is the largest value and when it was first reached.
func (c *curve) peakAt() (top float64, at int64) {
	for i, p := range c.points {
		if i == 0 || p.value > top {
			top, at = p.value, p.at
		}
	}
	return top, at
}
