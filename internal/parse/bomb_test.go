package parse

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// bomb is a line that somebody wrote to make the agent slow or big.
type bomb struct {
	name, format string
	line         []byte
	want         Result
}

func bombs() []bomb {
	var keys, same, csv, pairs strings.Builder
	keys.WriteString(`{"score":1`)
	for i := range 100_000 {
		fmt.Fprintf(&keys, `,"key%d":%d`, i, i)
	}
	keys.WriteString("}")
	same.WriteString(`{"score":1`)
	for i := range 4000 {
		fmt.Fprintf(&same, `,"x":{"k%d":1}`, i)
	}
	same.WriteString("}")
	for i := range 200_000 {
		csv.WriteString("1,")
		fmt.Fprintf(&pairs, "k%d=1 ", i)
	}
	const mega = 10 << 20
	return []bomb{
		{"depth 500,000", "json", []byte(strings.Repeat(`{"a":`, 500_000)), Result{Status: Bad, Reason: Depth}},
		{"depth 500,000 of arrays", "json", []byte(`{"score":1,"z":` + strings.Repeat(`[`, 500_000)), Result{Status: Bad, Reason: Depth}},
		{"100,000 keys", "json", []byte(keys.String()), Result{Status: Bad, Reason: Keys}},
		{"4,000 times the same key", "json", []byte(same.String()), Result{Status: Bad, Reason: Keys}},
		{"1e400", "json", []byte(`{"score":1e400,"x":[1e400,-1e400]}`), Result{Reason: BadNumber}},
		{"lone surrogates", "json", []byte(`{"score":1,"x":"` + strings.Repeat(`\ud800`, 10_000) + `"}`), Result{}},
		{"a string of 10 MiB", "json", []byte(`{"score":1,"x":"` + strings.Repeat("x", mega) + `"}`), Result{Reason: Oversize}},
		{"a string of 10 MiB of escapes", "json", []byte(`{"score":1,"x":"` + strings.Repeat(`\u00e9`, mega/6) + `"}`), Result{Reason: Oversize}},
		{"a key of 10 MiB of escapes", "json", []byte(`{"score":1,"` + strings.Repeat(`\u00e9`, mega/6) + `":1}`), Result{}},
		{"a number of a million digits", "json", []byte(`{"score":1,"x":` + strings.Repeat("9", 1_000_000) + `}`), Result{Reason: BadNumber}},
		{"an array of 5 million numbers", "json", []byte(`{"score":1,"x":[` + strings.Repeat("1,", mega/2) + `1]}`), Result{}},
		{"200,000 cells", "csv", []byte(csv.String()), Result{Status: Bad, Reason: NoHeader}},
		{"200,000 pairs", "logfmt", []byte(pairs.String()), Result{Status: Bad, Reason: Keys}},
		{"a line full of what a result looks like", "rspamd", []byte("2026-11-23 00:38:30 #1(normal) <a>; task; rspamd_task_write_log: " + strings.Repeat("): [", 200_000)), Result{Status: Bad, Reason: NoMatch}},
		{"a pattern that backtracks elsewhere", "regex", []byte(strings.Repeat("a", 100_000) + "!"), Result{Status: Bad, Reason: NoMatch}},
	}
}

func (b *bomb) plan(t testing.TB) *Plan {
	switch b.format {
	case "rspamd":
		return compile(t, b.format, FormatOptions{}, paths("score", "action", "symbol.*")...)
	case "regex":
		return compile(t, b.format, FormatOptions{Pattern: `^(?P<score>(a+)+)$`}, paths("score")...)
	}
	return compile(t, b.format, FormatOptions{}, paths("score", "*")...)
}

// What each takes is measured by BenchmarkBombs; a test bounds what does not depend on the machine.
func TestBombsCostBoundedMemoryAndWork(t *testing.T) {
	for _, b := range bombs() {
		p := b.plan(t)
		parser := p.NewParser()
		var rec Record
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		res := parser.Line(b.line, 0, &rec)
		runtime.ReadMemStats(&after)
		if res != b.want {
			t.Errorf("%s: got %v, want %v", b.name, res, b.want)
		}
		if extra := after.TotalAlloc - before.TotalAlloc; extra > 16<<20 {
			t.Errorf("%s: %d bytes were allocated", b.name, extra)
		}
		if p.scan.keys > DefaultMaxKeys+maxKnownKeys {
			t.Errorf("%s: %d keys were looked at", b.name, p.scan.keys)
		}
		if len(p.Slots()) > 4+DefaultMaxFields || p.born > 4*DefaultMaxFields || p.unknown > 8*maxKnownKeys {
			t.Errorf("%s: %d slots, %d nodes, %d names", b.name, len(p.Slots()), p.born, p.unknown)
		}
		parser.Line([]byte(`{"score":1}`), 0, &rec)
		if cap(p.scan.scratch) > keepScratch {
			t.Errorf("%s: %d bytes of scratch memory stayed", b.name, cap(p.scan.scratch))
		}
	}
}

func BenchmarkBombs(b *testing.B) {
	for _, bomb := range bombs() {
		b.Run(strings.ReplaceAll(bomb.name, " ", "_"), func(b *testing.B) {
			b.ReportAllocs()
			start := cpuTime()
			for b.Loop() {
				b.StopTimer()
				parser := bomb.plan(b).NewParser()
				var rec Record
				b.StartTimer()
				parser.Line(bomb.line, 0, &rec)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64((cpuTime()-start).Microseconds())/float64(b.N)/1000, "cpu-ms/line")
		})
	}
}
