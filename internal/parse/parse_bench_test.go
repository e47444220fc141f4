//go:build unix

package parse

import (
	"encoding/json"
	"syscall"
	"testing"
	"time"
)

func benchmarkJSON(b *testing.B, fields []Field, lines [][]byte) {
	p := compile(b, "json", FormatOptions{}, fields...)
	parser := p.NewParser()
	var rec Record
	size := 0
	for _, line := range lines {
		size += len(line)
		if res := parser.Line(line, 0, &rec); res != (Result{}) {
			b.Fatal(res)
		}
	}
	b.SetBytes(int64(size / len(lines)))
	b.ReportAllocs()
	i := 0
	start := cpuTime()
	for b.Loop() {
		if i++; i == len(lines) {
			i = 0
		}
		parser.Line(lines[i], 0, &rec)
	}
	perCPU(b, start)
}

// perCPU reports lines per second of processor time: on a busy machine the wall clock says little.
func perCPU(b *testing.B, start time.Duration) {
	b.ReportMetric(float64(b.N)/(cpuTime()-start).Seconds(), "lines/cpu-s")
}

func BenchmarkJSONRounded(b *testing.B) {
	benchmarkJSON(b, benchFields, benchLines(4096, false, false))
}
func BenchmarkJSONFull(b *testing.B) { benchmarkJSON(b, benchFields, benchLines(4096, true, false)) }
func BenchmarkJSONShuffled(b *testing.B) {
	benchmarkJSON(b, benchFields, benchLines(4096, false, true))
}
func BenchmarkJSONTwoFields(b *testing.B) {
	benchmarkJSON(b, benchFields[2:4], benchLines(4096, false, false))
}

func BenchmarkEncodingJSON(b *testing.B) {
	lines := benchLines(4096, false, false)
	b.SetBytes(int64(len(lines[0])))
	start := cpuTime()
	i := 0
	for b.Loop() {
		if i++; i == len(lines) {
			i = 0
		}
		var v any
		if err := json.Unmarshal(lines[i], &v); err != nil {
			b.Fatal(err)
		}
	}
	perCPU(b, start)
}

// cpuTime is the processor time that this process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
