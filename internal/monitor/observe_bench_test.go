package monitor

import (
	"bytes"
	"syscall"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/parse"
	"github.com/plumbline-ml/plumbline/internal/simulator"
)

// simulated writes n lines of the simulated spam classifier, 1 ms apart.
func simulated(n int, opts simulator.Options) [][]byte {
	sim := simulator.New(opts)
	var all []byte
	for i := range n {
		all = sim.AppendRecord(all, start.Add(time.Duration(i)*time.Millisecond))
	}
	return bytes.SplitAfter(all, []byte("\n"))[:n]
}

// ready returns a harness whose model has learned, and lines to feed it.
func ready(tb testing.TB) (*harness, [][]byte) {
	h := newHarness(tb, mustModel(tb, spamModel))
	lines := simulated(20000, simulator.Options{Seed: 7})
	for _, l := range lines {
		h.line(l, time.Time{})
	}
	h.engine.Advance(start.Add(20 * time.Second))
	return h, lines[10000:]
}

func TestObserveDoesNotAllocate(t *testing.T) {
	h, lines := ready(t)
	for _, l := range lines {
		h.line(l, time.Time{}) // the panes of these times are open now
	}
	i := 0
	allocs := testing.AllocsPerRun(5000, func() {
		h.line(lines[i%len(lines)], time.Time{})
		i++
	})
	if allocs != 0 {
		t.Errorf("%v allocations a line", allocs)
	}
}

func BenchmarkObserve(b *testing.B) {
	h, lines := ready(b)
	var rec parse.Record
	line := bytes.TrimSuffix(lines[0], []byte("\n"))
	h.parser.Line(line, 0, &rec)
	b.ReportAllocs()
	began := cpuTime(b)
	for b.Loop() {
		h.in.Observe(&rec, h.in.plan.Slots(), time.Time{})
	}
	b.ReportMetric(float64(b.N)/(cpuTime(b)-began).Seconds(), "lines/cpu-s")
}

func BenchmarkLine(b *testing.B) {
	h, lines := ready(b)
	b.ReportAllocs()
	b.SetBytes(int64(len(lines[0])))
	i := 0
	began := cpuTime(b)
	for b.Loop() {
		h.line(lines[i%len(lines)], time.Time{})
		i++
	}
	b.ReportMetric(float64(b.N)/(cpuTime(b)-began).Seconds(), "lines/cpu-s")
}

// cpuTime is the processor time that this process has used: on a busy machine the wall clock says little.
func cpuTime(tb testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
