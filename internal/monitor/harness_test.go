package monitor

import (
	"bytes"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/catalog"
	"github.com/plumbline-ml/plumbline/internal/parse"
)

// harness feeds lines to an engine with one model, as ingest does.
type harness struct {
	t      testing.TB
	engine *Engine
	in     *Instance
	parser *parse.Parser
	rec    parse.Record
	offset int64
}

func mustModel(t testing.TB, text string) *Model {
	t.Helper()
	m, err := ParseModel("model.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func newHarness(t testing.TB, m *Model) *harness {
	t.Helper()
	e, err := NewEngine(EngineOptions{Models: []*Model{m}})
	if err != nil {
		t.Fatal(err)
	}
	h := &harness{t: t, engine: e, in: e.Model(m.Name)}
	h.parser = h.in.Plan().NewParser()
	return h
}

// line observes one line; it must be a record.
func (h *harness) line(line []byte, arrival time.Time) {
	line = bytes.TrimSuffix(line, []byte("\n"))
	res := h.parser.Line(line, h.offset, &h.rec)
	h.offset += int64(len(line)) + 1
	if res.Status != parse.Complete {
		h.t.Fatalf("line was %v (%v)", res.Status, res.Reason)
	}
	h.in.Observe(&h.rec, h.in.Plan().Slots(), arrival)
}

// collect returns the samples by metric name and label values, with descriptions of just now.
func (h *harness) collect() map[string]catalog.Sample {
	h.in.cache.stale = true
	for _, c := range h.in.cols {
		c.described = nil
	}
	var b catalog.Batch
	h.engine.Collect(&b)
	return index(h.t, b)
}

func index(t testing.TB, b catalog.Batch) map[string]catalog.Sample {
	t.Helper()
	out := map[string]catalog.Sample{}
	for _, s := range b.Samples {
		key := s.Metric.Name
		for i, l := range s.Labels {
			if l != "" || s.Metric.Labels[i] != "segment" {
				key += "|" + l
			}
		}
		if _, twice := out[key]; twice {
			t.Errorf("the series %s is published twice", key)
		}
		out[key] = s
	}
	return out
}

// value is a sample's value, or a failure of the test.
func value(t testing.TB, samples map[string]catalog.Sample, key string) float64 {
	t.Helper()
	s, ok := samples[key]
	if !ok {
		t.Errorf("there is no series %s", key)
	}
	return s.Value
}
