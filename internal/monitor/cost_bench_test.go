package monitor

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/parse"
)

// costModel has 20 columns of one kind and nothing else.
func costModel(tb testing.TB, kind string) *Model {
	var b strings.Builder
	b.WriteString("model: m\nlogs: {include: /l, format: json}\nreference: {learn: 20000 records}\nfeatures:\n")
	for i := range 20 {
		fmt.Fprintf(&b, "  - {path: f%d, kind: %s}\n", i, kind)
	}
	return mustModel(tb, b.String())
}

// A value's whole way, from the parsed field over panes, windows and buckets to the detectors, at 1,000 records a second.
// The metric is processor time a value: the wall clock of a shared machine says little.
func benchmarkValues(b *testing.B, kind string, draw func(r *rand.Rand) parse.Value) {
	h := newHarness(b, costModel(b, kind))
	r := rand.New(rand.NewPCG(1, 2))
	records := make([]parse.Record, 4096)
	for i := range records {
		records[i].Values = make([]parse.Value, 20)
		for j := range records[i].Values {
			records[i].Values[j] = draw(r)
		}
	}
	now := start.UnixNano()
	slots := h.in.Plan().Slots()
	step := func(i int) {
		rec := &records[i&4095]
		now += int64(time.Millisecond)
		rec.WrapperTime = now
		h.in.Observe(rec, slots, time.Unix(0, now))
		if i%1000 == 0 {
			h.engine.Advance(time.Unix(0, now))
		}
	}
	for i := range 200_000 { // learned, and all windows at work
		step(i)
	}
	b.ReportAllocs()
	i := 0
	began := cpuTime(b)
	for b.Loop() {
		step(i)
		i++
	}
	b.ReportMetric(float64((cpuTime(b)-began).Nanoseconds())/float64(b.N)/20, "cpu-ns/value")
}

func BenchmarkNumberFromFieldToDetectors(b *testing.B) {
	benchmarkValues(b, "number", func(r *rand.Rand) parse.Value {
		return parse.Value{Kind: parse.Number, Num: r.NormFloat64()}
	})
}

func BenchmarkCategoryFromFieldToDetectors(b *testing.B) {
	var names [20][]byte
	for i := range names {
		names[i] = fmt.Appendf(nil, "category-%02d", i)
	}
	benchmarkValues(b, "category", func(r *rand.Rand) parse.Value {
		return parse.Value{Kind: parse.String, Str: names[r.IntN(20)*r.IntN(20)/20]}
	})
}

// What the evidence of one numeric feature costs when a bucket is closed: missing, repeats and the bins.
func BenchmarkEvidenceOfOneFeature(b *testing.B) {
	h := newHarness(b, costModel(b, "number"))
	r := rand.New(rand.NewPCG(1, 2))
	now := start.UnixNano()
	rec := parse.Record{Values: make([]parse.Value, 20)}
	for range 110_000 {
		for j := range rec.Values {
			rec.Values[j] = parse.Value{Kind: parse.Number, Num: r.NormFloat64()}
		}
		now += int64(time.Millisecond)
		rec.WrapperTime = now
		h.in.Observe(&rec, h.in.Plan().Slots(), time.Unix(0, now))
	}
	h.engine.Advance(time.Unix(0, now))
	if !h.in.bucket.open {
		b.Fatal("no bucket is open")
	}
	began := cpuTime(b)
	for b.Loop() {
		h.in.update()
	}
	b.ReportMetric(float64((cpuTime(b)-began).Nanoseconds())/float64(b.N)/20, "cpu-ns/feature")
}
