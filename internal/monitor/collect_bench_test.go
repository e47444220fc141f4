package monitor

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/catalog"
	"github.com/plumbline-ml/plumbline/internal/simulator"
)

// many returns an engine with n models of the simulated classifier, 30 columns each, with a full day of windows.
func many(tb testing.TB, n int) (*Engine, []*harness) {
	var models []*Model
	for i := range n {
		models = append(models, mustModel(tb, strings.Replace(spamModel, "model: spam", fmt.Sprintf("model: spam%d", i), 1)))
	}
	e, err := NewEngine(EngineOptions{Models: models})
	if err != nil {
		tb.Fatal(err)
	}
	var hs []*harness
	sim := simulator.New(simulator.Options{Seed: 8})
	var buf []byte
	for _, in := range e.Instances() {
		h := &harness{t: tb, engine: e, in: in, parser: in.Plan().NewParser()}
		at := start
		for range 20000 {
			buf = sim.AppendRecord(buf[:0], at)
			h.line(buf, time.Time{})
			at = at.Add(5 * time.Second)
			in.advance(at)
		}
		hs = append(hs, h)
	}
	return e, hs
}

func BenchmarkPublishTenModels(b *testing.B) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	e, hs := many(b, 10)
	runtime.GC()
	runtime.ReadMemStats(&after)
	line := simulated(1, simulator.Options{Seed: 9})[0]
	samples, bytes := 0, 0
	b.ReportAllocs()
	for b.Loop() {
		for _, h := range hs {
			h.line(line, h.in.Newest())
		}
		e.Advance(hs[0].in.Newest())
		changed, _ := e.Sections()
		bytes = 0
		for _, c := range changed {
			bytes += len(c.Data)
		}
		var batch catalog.Batch
		e.Collect(&batch)
		samples = len(batch.Samples)
	}
	b.ReportMetric(float64(samples), "samples")
	b.ReportMetric(float64(bytes), "state-B/tick")
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "heap-MB")
}
