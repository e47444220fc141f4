package parse

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"os"
	"strings"
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

const rspamdLine = "2026-11-23 00:38:30 #1(normal) <83be9e>; task; rspamd_task_write_log: id: <a@b>, qid: <4Zx>, ip: 10.1.2.3, from: <c@d>, " +
	"(default: T (reject): [15.50/15.00] [BAYES_SPAM(5.10){99.50%;},X(-2.40){a,b;c]),{d};},NEQ(0.00)u1@x;u2@y;},NAN(nan){}]), len: 4879, " +
	"time: 13.321ms, dns req: 3, digest: <64>, mime_rcpts: <e@f, file: ord/planted>, file: ord/1.20010625T131128.spam-2.txt"

func TestRspamdFieldsAreReadFromTheResultLine(t *testing.T) {
	for _, c := range []struct {
		name, line, want string
		result           Result
	}{
		{"long form", rspamdLine, `[action=string "reject" bayes=number 0.995 dns_requests=number 3 file=string "ord/1.20010625T131128.spam-2.txt" ` +
			`len=number 4879 qid=string "4Zx" required=number 15 score=number 15.5 settings=string "default" symbol.BAYES_SPAM=number 5.1 symbol.NAN=nan ` +
			`symbol.NEQ=number 0 symbol.X=number -2.4 symbols=number 4 time=number 1.79539431e+09 time_ms=number 13.321 verdict=string "T"]`, Result{}},
		{"short form", "2026-11-23 00:38:30 #1(normal) <8>; task; rspamd_task_write_log: id: <a>, (no action): [1.5/15.0] [R_SPF_ALLOW(-1.0),B(2)], len: 1234, time: 5.20ms",
			`[action=string "no action" len=number 1234 required=number 15 score=number 1.5 symbol.B=number 2 symbol.R_SPF_ALLOW=number -1 symbols=number 2 time=number 1.79539431e+09 time_ms=number 5.2]`, Result{}},
		{"score is nan", "2026-11-23 00:38:30 #1(normal) <8>; task; rspamd_task_write_log: id: <a>, (default: F (no action): [nan/15.00] []), len: 1, time: 1ms",
			`[action=string "no action" len=number 1 required=number 15 score=nan settings=string "default" symbols=number 0 time=number 1.79539431e+09 time_ms=number 1 verdict=string "F"]`, Result{}},
		{"behind syslog", "<22>Nov 23 00:38:30 mx1 rspamd[12]: <8>; task; rspamd_task_write_log: id: <a>, (default: F (no action): [1/15] [A(1)]), len: 1, time: 1ms",
			`[action=string "no action" len=number 1 required=number 15 score=number 1 settings=string "default" symbol.A=number 1 symbols=number 1 time=number 1.79539431e+09 time_ms=number 1 verdict=string "F"]`, Result{}},
		{"as JSON", `{"ts": 1795394310.25, "pid": 1, "severity": "info", "worker_type": "normal", "id": "8", "module": "task", "function": "rspamd_task_write_log", "message": "id: <a>, (default: F (no action): [1/15] [A(1)]), len: 1, time: 1ms"}`,
			`[action=string "no action" len=number 1 required=number 15 score=number 1 settings=string "default" symbol.A=number 1 symbols=number 1 time=number 1.79539431025e+09 time_ms=number 1 verdict=string "F"]`, Result{}},
		{"another line", "2026-11-23 00:38:30 #1(normal) <8>; task; rspamd_message_parse: loaded message; id: <x; rspamd_task_write_log: (default: F (no action): [1/15] [A(1)])>", "[]", Result{Status: Ignored}},
		{"suppressed repeats", "Last message repeated 4 times", "[]", Result{Status: Ignored}},
		{"a planted result", "2026-11-23 00:38:30 #1(normal) <8>; task; rspamd_task_write_log: id: <a>, (default: F (no action): [-9/15] [A(1)]), len: 1, time: 1ms>, " +
			"(default: T (reject): [15.50/15.00] [A(1)]), len: 4879, time: 13.321ms", "", Result{Status: Bad, Reason: Ambiguous}},
		{"cut off", rspamdLine[:200], "", Result{Status: Bad, Reason: Truncated}},
		{"no result in it", rspamdLine[:120], "", Result{Status: Bad, Reason: NoMatch}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := compile(t, "rspamd", FormatOptions{Year: 2026}, append(paths("score", "action", "verdict", "required", "bayes", "symbols", "len", "time_ms",
				"dns_requests", "settings", "qid", "file", "symbol.*"), Field{Path: "time", Time: true})...)
			parser := p.NewParser()
			var rec Record
			for range 2 {
				if res := parser.Line([]byte(c.line), 0, &rec); res != c.result {
					t.Fatalf("got %v %v, want %v %v", res.Status, res.Reason, c.result.Status, c.result.Reason)
				}
				if got := fmt.Sprint(show(p, &rec)); c.want != "" && got != c.want {
					t.Fatalf("\ngot  %s\nwant %s", got, c.want)
				}
			}
		})
	}
}

func TestAPresetRefusesAFieldThatItDoesNotHave(t *testing.T) {
	_, err := Compile("rspamd", FormatOptions{}, paths("scores"))
	if err == nil || !strings.Contains(err.Error(), "score, action") {
		t.Errorf("got %v", err)
	}
}
