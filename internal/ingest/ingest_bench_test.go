package ingest

import (
	"bufio"
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/monitor"
	"github.com/plumbline-ml/plumbline/internal/simulator"
	"github.com/plumbline-ml/plumbline/internal/tail"
)

const spamModel = `
model: spam
logs: {include: [/logs/*.jsonl], format: json}
fields: {timestamp: ts, version: version}
predictions:
  score: {path: prediction.score, kind: probability}
  label: {path: prediction.label, positive: spam}
features:
  - {path: features.*}
  - {path: features.domain_rep, kind: number, updated_at: features.domain_rep_ts, max_age: 15m}
reference: {learn: 5000 records}
`

// simulate writes n lines of the simulated classifier, 2 ms apart.
func simulate(tb testing.TB, path string, n int, opts simulator.Options) {
	tb.Helper()
	f, err := os.Create(path)
	if err != nil {
		tb.Fatal(err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	sim := simulator.New(opts)
	at := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	var buf []byte
	for range n {
		buf = sim.AppendRecord(buf[:0], at)
		at = at.Add(2 * time.Millisecond)
		if _, err := w.Write(buf); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		tb.Fatal(err)
	}
	if err := f.Close(); err != nil {
		tb.Fatal(err)
	}
}

func cpuTime(tb testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkReplay is the whole path: bytes on disk, framing, parsing, profiles, windows, detectors; a reference that
// was built before. The figure is lines per second of processor time of the whole process.
func BenchmarkReplay(b *testing.B) {
	for name, opts := range map[string]simulator.Options{"rounded": {Seed: 1}, "precise": {Seed: 1, FullPrecision: true}, "shuffled": {Seed: 1, ShuffleKeys: true}} {
		b.Run(name, func(b *testing.B) {
			dir := b.TempDir()
			const n = 200_000
			path := filepath.Join(dir, "a.jsonl")
			simulate(b, path, n, opts)
			learn := filepath.Join(dir, "learn.jsonl")
			simulate(b, learn, 20_000, simulator.Options{Seed: 2})
			m, err := monitor.ParseModel(filepath.Join(dir, "model.yaml"), []byte(spamModel))
			if err != nil {
				b.Fatal(err)
			}
			ref, _, err := BuildReference(context.Background(), m, []string{learn}, tail.Options{}, nil)
			if err != nil {
				b.Fatal(err)
			}
			data, err := ref.Encode()
			if err != nil {
				b.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "ref.json"), data, 0o600); err != nil {
				b.Fatal(err)
			}
			if m, err = monitor.ParseModel(filepath.Join(dir, "model.yaml"), []byte(strings.Replace(spamModel, "learn: 5000 records", "file: ref.json", 1))); err != nil {
				b.Fatal(err)
			}
			b.ResetTimer()
			began := cpuTime(b)
			for b.Loop() {
				stats, err := Replay(context.Background(), ReplayOptions{Models: []*monitor.Model{m}, Files: []string{path}, Step: 10 * time.Second})
				if err != nil || stats.Records != n {
					b.Fatal(err, stats)
				}
			}
			cpu := cpuTime(b) - began
			b.ReportMetric(float64(b.N)*n/cpu.Seconds(), "lines/cpu-s")
		})
	}
}
