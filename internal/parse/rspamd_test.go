package parse

import (
	"bufio"
	"compress/gzip"
	"os"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/testkit"
)

// value returns the value at a path of the last record.
func value(t testing.TB, p *Plan, rec *Record, path string) Value {
	t.Helper()
	for i, s := range p.Slots() {
		if s.Path == path {
			return rec.Values[i]
		}
	}
	return Value{}
}

func compile(t testing.TB, format string, opts FormatOptions, fields ...Field) *Plan {
	t.Helper()
	p, err := Compile(format, opts, fields)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func paths(names ...string) []Field {
	var fields []Field
	for _, n := range names {
		fields = append(fields, Field{Path: n})
	}
	return fields
}

func TestEveryLineOfTheRspamdCorpusIsARecord(t *testing.T) {
	f, err := os.Open(testkit.SharedFile(t, "data", "rspamd-2001-2002.log.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zr, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	fields := append(paths("score", "action", "verdict", "required", "bayes", "symbols", "len", "time_ms", "dns_requests", "settings", "symbol.*"),
		Field{Path: "file", Time: true, Pattern: `\.(\d{8}T\d{6})\.`, Layout: "20060102T150405"})
	p := compile(t, "rspamd", FormatOptions{}, fields...)
	parser := p.NewParser()
	var rec Record
	sc := bufio.NewScanner(zr)
	sc.Buffer(nil, 1<<20)
	lines, spam, bayes := 0, 0, 0
	sum := 0.0
	months := map[string]int{}
	for sc.Scan() {
		lines++
		if res := parser.Line(sc.Bytes(), 0, &rec); res != (Result{}) {
			t.Fatalf("line %d: %v %v", lines, res.Status, res.Reason)
		}
		for _, path := range []string{"score", "required", "symbols", "len", "time_ms", "dns_requests"} {
			if v := value(t, p, &rec, path); v.Kind != Number {
				t.Fatalf("line %d: %s is %v", lines, path, v.Kind)
			}
		}
		for _, path := range []string{"action", "verdict", "settings"} {
			if v := value(t, p, &rec, path); v.Kind != String {
				t.Fatalf("line %d: %s is %v", lines, path, v.Kind)
			}
		}
		sum += value(t, p, &rec, "score").Num
		if string(value(t, p, &rec, "verdict").Str) == "T" {
			spam++
		}
		if value(t, p, &rec, "bayes").Kind == Number {
			bayes++
		}
		months[time.Unix(0, rec.Time).UTC().Format("2006-01")]++
	}
	if err := sc.Err(); err != nil {
		t.Fatal(err)
	}
	// Counted with grep and awk over the same file.
	if lines != 5451 || spam != 1413+148 || bayes != 3286+1924 {
		t.Errorf("got %d lines, %d spam, %d with bayes; want 5451, 1561, 5210", lines, spam, bayes)
	}
	if months["2002-08"] != 1608 || months["2002-06"] != 502 {
		t.Errorf("got %d lines of 2002-08 and %d of 2002-06; want 1608 and 502", months["2002-08"], months["2002-06"])
	}
	t.Logf("sum of scores %.2f, slots %d", sum, len(p.Slots()))
}
