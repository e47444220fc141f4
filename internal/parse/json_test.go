package parse

import (
	"encoding/json"
	"fmt"
	"math"
	"sort"
	"strconv"
	"testing"
)

// show renders the slots that are set, for comparison in tests.
func show(p *Plan, rec *Record) []string {
	var out []string
	for i, s := range p.Slots() {
		v := rec.Values[i]
		switch v.Kind {
		case Absent:
		case Number, Bool:
			out = append(out, fmt.Sprintf("%s=%v %s", s.Path, v.Kind, strconv.FormatFloat(v.Num, 'g', -1, 64)))
		case String:
			out = append(out, fmt.Sprintf("%s=%v %q", s.Path, v.Kind, v.Str))
		default:
			out = append(out, fmt.Sprintf("%s=%v", s.Path, v.Kind))
		}
	}
	sort.Strings(out)
	return out
}

func TestJSONFieldsAreFoundByPath(t *testing.T) {
	for _, c := range []struct {
		name, line string
		fields     []Field
		want       string
		result     Result
	}{
		{"nested", `{"a":{"b":1.5,"c":"x"},"d":true}`, paths("a.b", "a.c", "d"), `[a.b=number 1.5 a.c=string "x" d=bool 1]`, Result{}},
		{"array by index", `{"a":[10,{"b":20},30]}`, paths("a.0", "a.1.b", "a.7"), `[a.0=number 10 a.1.b=number 20]`, Result{}},
		{"wildcard", `{"f":{"x":1,"y":{"z":"q"},"v":[1,2]},"g":3}`, paths("f.*"), `[f.v=composite f.x=number 1 f.y.z=string "q"]`, Result{}},
		{"wildcard over an array", `{"f":[1,2,{"a":3}]}`, paths("f.*"), `[f.0=number 1 f.1=number 2 f.2.a=number 3]`, Result{}},
		{"wildcard beside a name", `{"f":{"x":1,"y":2}}`, paths("f.*", "f.x"), `[f.x=number 1 f.y=number 2]`, Result{}},
		{"wildcard at the root", `{"x":1,"y":{"z":2}}`, paths("*"), `[x=number 1 y.z=number 2]`, Result{}},
		{"flat key with dots", `{"a.b":1,"f.x":2}`, paths("a.b", "f.*"), `[a.b=number 1 f.x=number 2]`, Result{}},
		{"escaped dot in the path", `{"a.b":{"c":1}}`, paths(`a\.b.c`), `[a\.b.c=number 1]`, Result{}},
		{"the last of equal keys counts", `{"a":1,"a":"x"}`, paths("a"), `[a=string "x"]`, Result{}},
		{"a repeated object replaces the whole", `{"a":{"b":1},"a":{"c":2}}`, paths("a.b", "a.c"), `[a.c=number 2]`, Result{}},
		{"a number replaces an object", `{"a":{"b":1},"a":2}`, paths("a", "a.b"), `[a=number 2]`, Result{}},
		{"Python's constants", `{"a":NaN,"b":Infinity,"c":-Infinity,"d":null}`, paths("a", "b", "c", "d"), `[a=nan b=posinf c=neginf d=null]`, Result{}},
		{"numbers as strings", `{"a":"4.9","b":"4.9","c":"True","d":"nan","e":"x"}`,
			[]Field{{Path: "a", Numeric: true}, {Path: "b"}, {Path: "c", Numeric: true}, {Path: "d", Numeric: true}, {Path: "e", Numeric: true}},
			`[a=number 4.9 b=string "4.9" c=bool 1 d=nan e=string "x"]`, Result{}},
		{"composite where a value was asked", `{"a":{"b":1},"c":[1]}`, paths("a", "c"), `[a=composite c=composite]`, Result{}},
		{"empty string", `{"a":""}`, paths("a"), `[a=empty]`, Result{}},
		{"number too large", `{"a":1e400,"b":2}`, paths("a", "b"), `[a=invalid b=number 2]`, Result{Reason: BadNumber}},
		{"asked twice", `{"a":"7"}`, []Field{{Path: "a"}, {Path: "a", Numeric: true}}, `[a=number 7 a=string "7"]`, Result{}},
		{"escapes", `{"a\u0062":"\ud83d\ude00\ud800\n\"","c":1}`, paths("ab"), "[ab=string \"😀\uFFFD\\n\\\"\"]", Result{}},
		{"bytes that are not UTF-8", "{\"a\":\"x\xffy\"}", paths("a"), "[a=string \"x\uFFFDy\"]", Result{}},
		{"nothing asked for", `{"level":"info"}`, paths("a"), `[]`, Result{Status: Ignored}},
		{"context only", `{"level":"info","version":"v1"}`, []Field{{Path: "version", Context: true}, {Path: "a"}}, `[version=string "v1"]`, Result{Status: Ignored}},
		{"torn", `{"a":1,"b":"tex`, paths("a"), ``, Result{Status: Bad, Reason: Truncated}},
		{"trailing garbage", `{"a":1}}`, paths("a"), ``, Result{Status: Bad, Reason: NotJSON}},
		{"damage in a part nobody asked for", `{"a":1,"z":{"y":[1,]}}`, paths("a"), ``, Result{Status: Bad, Reason: NotJSON}},
		{"leading zero", `{"a":01}`, paths("a"), ``, Result{Status: Bad, Reason: NotJSON}},
		{"plain text", `Server started`, paths("a"), ``, Result{Status: Bad, Reason: NotJSON}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := compile(t, "json", FormatOptions{}, c.fields...)
			parser := p.NewParser()
			var rec Record
			for round := range 3 { // the second and third time keys are predicted
				res := parser.Line([]byte(c.line), 0, &rec)
				if res != c.result {
					t.Fatalf("round %d: got %v, want %v", round, res, c.result)
				}
				if got := fmt.Sprint(show(p, &rec)); c.want != "" && got != c.want {
					t.Fatalf("round %d:\ngot  %s\nwant %s", round, got, c.want)
				}
			}
		})
	}
}

func TestLimitsOfJSONHoldAtTheirEdge(t *testing.T) {
	opts := FormatOptions{MaxDepth: 3, MaxKeys: 3}
	p := compile(t, "json", opts, paths("a")...)
	parser := p.NewParser()
	var rec Record
	for line, want := range map[string]Result{
		`{"a":1,"b":{"c":{}}}`:      {},
		`{"a":1,"b":{"c":{"d":1}}}`: {Status: Bad, Reason: Keys},
		`{"a":1,"b":[[[]]]}`:        {Status: Bad, Reason: Depth},
		`{"a":1,"b":2,"c":3}`:       {},
		`{"a":1,"b":2,"c":3,"d":4}`: {Status: Bad, Reason: Keys},
	} {
		if res := parser.Line([]byte(line), 0, &rec); res != want {
			t.Errorf("%s: got %v, want %v", line, res, want)
		}
	}
}

func TestNumbersAreRoundedAsStrconvRoundsThem(t *testing.T) {
	texts := []string{"0", "-0", "1", "-1", "0.1", "4.93", "123456789012345678", "1234567890123456789", "12345678901234567890",
		"9007199254740993", "9007199254740992", "0.30000000000000004", "1e22", "1e23", "1e-22", "1e-23", "8.41e21", "9.5e-324",
		"1.7976931348623157e308", "2.2250738585072011e-308", "0.000000000000000000000000000001234567890123456789", "1E5", "1e+5",
		"5e-324", "72057594037927933e1", "1.00000000000000011102230246251565", "0.8372649283746152", "179.1234567890123"}
	for _, text := range texts {
		checkNumber(t, text)
	}
	state := uint64(1)
	for range 200_000 {
		state = state*6364136223846793005 + 1442695040888963407
		x := math.Float64frombits(state)
		if math.IsNaN(x) || math.IsInf(x, 0) {
			continue
		}
		if state%3 == 0 {
			x = math.Mod(x, 1000)
		}
		checkNumber(t, strconv.FormatFloat(x, "efg"[state>>7%3], -1, 64))
		checkNumber(t, strconv.FormatFloat(float64(int64(state))/float64(uint64(1)<<(state>>5%64)), 'g', 17, 64))
		checkNumber(t, fmt.Sprintf("%de%d", state>>(state>>9%60), int(state>>20%140)-70))
	}
}

func checkNumber(t *testing.T, text string) {
	t.Helper()
	want, err := strconv.ParseFloat(text, 64)
	if err != nil || !json.Valid([]byte(text)) {
		return
	}
	for _, line := range []string{text, text + `,"next": 1234567890`, text + `}`, text + "        "} {
		x, end, ok := number([]byte(line), 0)
		if !ok {
			x, ok = slowFloat([]byte(text))
			end = numberEnd([]byte(line), 0)
		}
		if !ok || end != len(text) || math.Float64bits(x) != math.Float64bits(want) {
			t.Fatalf("%s: got %v (end %d, ok %v), want %v", line, x, end, ok, want)
		}
	}
}
