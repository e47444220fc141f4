package parse

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// everyPlan compiles one plan for each format, asking for all that it has.
func everyPlan(t testing.TB) map[string]*Plan {
	t.Helper()
	plans := map[string]*Plan{}
	for _, format := range Formats() {
		opts := FormatOptions{Year: 2026, MaxFields: 64, MaxLineBytes: 4096, MaxPending: 4}
		var fields []Field
		if columns, ok := Preset(format); ok {
			for _, c := range columns {
				fields = append(fields, Field{Path: c.Path, Time: c.Kind == ColumnTime, Numeric: c.Kind == ColumnNumber})
			}
		} else {
			fields = []Field{{Path: "ts", Time: true}, {Path: "score", Numeric: true}, {Path: "*"}}
		}
		if format == "regex" {
			opts.Pattern, fields = `^(?P<a>\S+) (?P<b>.*)$`, paths("a", "b")
		}
		plans[format] = compile(t, format, opts, fields...)
	}
	return plans
}

var textSeeds = []string{
	rspamdLine, "Mon Nov 23 00:40:38 2026 [23065] info: spamd: clean message (4.0/5.0) for root:65534 in 2.2 seconds, 63308 bytes.",
	"Mon Nov 23 00:40:38 2026 [23065] info: spamd: result: .  4 - BAYES_50 scantime=2.2,size=63308,user=root,uid=65534,required_score=5.0,mid=<u>,bayes=0.500000,autolearn=no autolearn_force=no",
	`2022-08-26T03:42:59,892 [INFO ] W-1-stdout MODEL_METRICS - PredictionTime.Milliseconds:12.99|#ModelName:m,Level:Model|#hostname:h`,
	`2018-10-15 13:56:18,976 [INFO ] x ACCESS_LOG - /127.0.0.1:6 "POST /predictions/r HTTP/1.1" 200 118`,
	`INFO 2024-02-27 15:43:13,492 d r 2246 / replica.py:5 - __CALL__ OK 0.5ms`,
	`INFO 05-12 08:01:39 [loggers.py:271] Engine 000: Avg prompt throughput: 6335.3 tokens/s, Running: 9 reqs, Waiting: 0 reqs`,
	`[{"id":1,"activity":"TENSOR_QUEUE_INPUT","tensor":{"name":"input","data":"0.1,0.1","shape":"1,16","dtype":"FP32"}},{"id":2,"model_name":"m"}]`,
	`{"captureData":{"endpointInput":{"data":"1,2\n3,4","encoding":"CSV"},"endpointOutput":{"data":"eyJhIjogN30=","encoding":"BASE64"}},"eventMetadata":{}}`,
	`{"time": "2025-12-18 10:36:08,908", "name": "mlserver", "level": "INFO", "message": "{"score": 0.5}", "model_name": "iris"}`,
	"2023-06-22T10:27:25.813799277Z stdout P {\"a\":1,", "2023-06-22T10:27:25.813799277Z stdout F \"b\":2}",
	`{"log":"{\"a\":1}\n","stream":"stdout","time":"2024-03-30T08:31:20.545192187Z"}`, `a=1 b="x y" c`, `a,b,c`, `1,"x",3`, "a\tb", `{"ts":1795394464,"score":"0.5","x":[1]}`,
}

func FuzzNoFormatPanicsOrForgetsAHeldLine(f *testing.F) {
	for i, s := range textSeeds {
		f.Add([]byte(s), []byte(textSeeds[(i+1)%len(textSeeds)]))
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		for format, p := range everyPlan(t) {
			parser := p.NewParser()
			var rec Record
			held := map[int64]int{}
			release := func(ranges []HeldRange) {
				for _, r := range ranges {
					if held[r.Offset] != r.Length {
						t.Fatalf("%s: released %v, which was not held", format, r)
					}
					delete(held, r.Offset)
				}
			}
			check := func(res Result) {
				release(rec.Held)
				release(parser.Expired())
				if len(rec.Values) != len(p.Slots()) || len(p.Slots()) > 128 {
					t.Fatalf("%s: %d values, %d slots", format, len(rec.Values), len(p.Slots()))
				}
				for _, v := range rec.Values {
					if v.Kind == String && (len(v.Str) == 0 || !utf8.Valid(v.Str)) {
						t.Fatalf("%s: a string that is empty or not UTF-8", format)
					}
				}
			}
			offset := int64(0)
			for round := range 3 {
				for _, line := range [][]byte{first, second, bytes.Join([][]byte{first, second}, nil)} {
					if round == 2 {
						line = append([]byte("2023-06-22T10:27:25Z stderr P "), line...)
					}
					res := parser.Line(line, offset, &rec)
					if res.Status == Pending {
						held[offset] = len(line)
					}
					check(res)
					for n := 0; res.More; n++ {
						if n > len(line) {
							t.Fatalf("%s: more records than bytes", format)
						}
						res = parser.Next(&rec)
						check(res)
					}
					offset += int64(len(line)) + 1
				}
			}
			for range 10 {
				check(parser.Finish(&rec))
			}
			if len(held) != 0 {
				t.Fatalf("%s: still held after the end: %v", format, held)
			}
		}
	})
}

func TestKeysBeyondTheBoundAreCountedAndTheFirstStay(t *testing.T) {
	p := compile(t, "json", FormatOptions{MaxFields: 10}, paths("f.*")...)
	parser := p.NewParser()
	var rec Record
	for i := range 1000 {
		line := fmt.Sprintf(`{"f":{"good":%d,"evil%d":1}}`, i, i)
		if res := parser.Line([]byte(line), 0, &rec); res != (Result{}) {
			t.Fatal(res)
		}
		if v := value(t, p, &rec, "f.good"); v.Num != float64(i) {
			t.Fatalf("line %d: %v", i, v)
		}
	}
	if len(p.Slots()) != 11 || p.Overflow() != 991 {
		t.Errorf("%d slots, overflow %d", len(p.Slots()), p.Overflow())
	}
}

func TestNoErrorCarriesAValue(t *testing.T) {
	const secret = "s3cr3t-canary"
	for format, p := range everyPlan(t) {
		parser := p.NewParser()
		var rec Record
		for _, seed := range textSeeds {
			for _, line := range []string{secret + seed, seed + secret, seed[:len(seed)/2] + secret} {
				res := parser.Line([]byte(line), 0, &rec)
				if text := fmt.Sprint(res, res.Status, res.Reason); strings.Contains(text, secret) {
					t.Errorf("%s: %s", format, text)
				}
			}
		}
	}
}
