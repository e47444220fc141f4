package parse

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"testing"
	"unicode/utf8"
)

// trickyLines are seeds: what a JSON scanner gets wrong first.
var trickyLines = []string{
	`{}`, `{ }`, ` {"a":1} `, `{"a":1,}`, `{,}`, `{"a"}`, `{"a":}`, `{"a" :1}`, `{"a": 1 , "b" : 2 }`, `{"a":1}{"a":2}`, `{"a":1} x`,
	`{"a":NaN,"b":Infinity,"c":-Infinity}`, `{"a":nan}`, `{"a":-NaN}`, `{"a":N}`, `{"a":Infinit`, `{"a":-I}`, `{"a":+1}`,
	`{"a":-}`, `{"a":-0}`, `{"a":0.0}`, `{"a":00}`, `{"a":.5}`, `{"a":5.}`, `{"a":1234567.,"b":"padding"}`, `{"a":-1234567.}      `, `{"a":123456.,"b":"padding"}`, `{"a":1e}`, `{"a":1e+}`, `{"a":1e5}`, `{"a":1E-5}`, `{"a":1e400}`,
	`{"a":-1e400}`, `{"a":1e-400}`, `{"a":123456789012345678901234567890}`, `{"a":0.123456789012345678901234567890}`,
	`{"a":5e-324,"b":2.2250738585072011e-308,"c":1.7976931348623157e308}`, `{"a":9007199254740993,"b":0.30000000000000004}`,
	`{"a":12345678,"b":1234567.8,"c":123456.78,"d":1.2345678,"e":12345678.9,"f":1.234567890123456789}`,
	`{"a":"\u0000\u001f\ud800\udc00\ud800x\udc00\uFFFF\b\f\n\r\t\/\\\""}`, `{"a":"\x"}`, `{"a":"\u12"}`, `{"a":"\`, `{"a":"` + "\t" + `"}`,
	`{"a":"` + "\xff\xfe" + `é` + "\xe2\x82" + `"}`, `{"` + "\xff" + `":1}`, `{"\u0061":1,"a":2}`, `{"a":1,"a":"x","a":null}`,
	`{"a":{"b":1},"a":{"c":2}}`, `{"a":{"b":1},"a":3}`, `{"a":3,"a":{"b":1}}`, `{"a":1,"a":{}}`, `{"a":{"b":1},"a":[]}`, `{"a":[],"a":{"b":{}}}`,
	`{"":1,"a":{"":2}}`, `{"a.b":1,"a":{"b":2}}`, `{"a":[[[[]]]],"b":[{"c":[1,2,{"d":null}]}]}`, `{"a":[1,2}`, `{"a":{"b":1]}`,
	`{"a":tru}`, `{"a":truee}`, `{"a":nul`, `{"a":"unterminated`, `{"a":1`, `{"a"`, `{`, `[`, `[]`, `[1]`, `[{"a":1},{"a":2}]`, `1`, `"a"`, `null`, ``,
	`{"a":1,"b":"` + "two\x00three" + `"}`, `{"features":{"x":1,"y":"2","z":[1,2,3]},"prediction":{"score":0.5,"label":"spam"}}`,
}

func FuzzJSONAgreesWithEncodingJSON(f *testing.F) {
	for _, line := range trickyLines {
		f.Add([]byte(line), []byte(line))
	}
	f.Add([]byte(`{"a":1,"b":2}`), []byte(`{"b":2,"a":{"c":1}}`))
	for _, line := range benchLines(2, true, true) {
		f.Add(line, line)
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		// The second line meets what the first one taught the parser, and then its own.
		all := compile(t, "json", FormatOptions{MaxFields: 4096}, paths("*")...)
		some := compile(t, "json", FormatOptions{}, paths("a", "a.b", "b.0", "features.*", "prediction.score")...)
		pa, ps := all.NewParser(), some.NewParser()
		var ra, rs Record
		pa.Line(first, 0, &ra)
		ps.Line(first, 0, &rs)
		for range 2 {
			compareWithEncodingJSON(t, second, all, pa, &ra)
			if res := ps.Line(second, 0, &rs); res.Status != pa.Line(second, 0, &ra).Status && res.Status == Bad {
				t.Fatalf("bad (%v) for some fields, not for all: %q", res.Reason, second)
			}
		}
	})
}

func compareWithEncodingJSON(t *testing.T, line []byte, p *Plan, parser *Parser, rec *Record) {
	t.Helper()
	trimmed := bytes.TrimSpace(line)
	if len(trimmed) == 0 || trimmed[0] != '{' || bytes.HasPrefix(line, []byte(`{"log"`)) {
		for res := parser.Line(line, 0, rec); res.More; {
			res = parser.Next(rec)
		}
		return
	}
	res := parser.Line(line, 0, rec)
	plain := withoutConstants(line)
	valid := json.Valid(plain)
	if (res.Status == Bad) == valid {
		if valid && (res.Reason == Depth || res.Reason == Keys) {
			return
		}
		t.Fatalf("encoding/json says valid=%v, we say %v %v: %q", valid, res.Status, res.Reason, line)
	}
	if !valid || !bytes.Equal(plain, line) {
		return
	}
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.UseNumber()
	var v map[string]any
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	want, objects := map[string]any{}, map[string]bool{}
	flatten(want, objects, "", v)
	if p.Overflow() > 0 {
		return
	}
	got := 0
	for i, s := range p.Slots() {
		v := rec.Values[i]
		if v.Kind == Absent {
			continue
		}
		if v.Kind == Composite && objects[s.Path] { // it was a value in another record
			continue
		}
		got++
		if w, ok := want[s.Path]; !ok || !same(v, w) {
			t.Fatalf("%s: got %v %v %q, want %#v: %q", s.Path, v.Kind, v.Num, v.Str, w, line)
		}
	}
	if got != len(want) {
		t.Fatalf("got %d values, want %d: %q", got, len(want), line)
	}
}

// withoutConstants replaces NaN, Infinity and -Infinity outside strings by null.
func withoutConstants(line []byte) []byte {
	var out []byte
	quoted := false
	for i := 0; i < len(line); i++ {
		if quoted && line[i] == '\\' && i+1 < len(line) {
			out = append(out, line[i], line[i+1])
			i++
			continue
		}
		if line[i] == '"' {
			quoted = !quoted
		}
		if !quoted {
			replaced := false
			for _, word := range []string{"NaN", "-Infinity", "Infinity"} {
				if bytes.HasPrefix(line[i:], []byte(word)) {
					out = append(out, "null"...)
					i += len(word) - 1
					replaced = true
					break
				}
			}
			if replaced {
				continue
			}
		}
		out = append(out, line[i])
	}
	return out
}

// flatten lists the scalars of an object by path, as a wildcard at the root does.
func flatten(out map[string]any, objects map[string]bool, prefix string, v map[string]any) {
	for key, x := range v {
		if key == "" {
			continue
		}
		path := joinPath(prefix, escapeKey(key))
		if inner, ok := x.(map[string]any); ok {
			objects[path] = true
			flatten(out, objects, path, inner)
		} else {
			out[path] = x
		}
	}
}

func same(v Value, want any) bool {
	switch w := want.(type) {
	case nil:
		return v.Kind == Null
	case bool:
		return v.Kind == Bool && (v.Num == 1) == w
	case string:
		return utf8.Valid(v.Str) && (w == "" && v.Kind == Empty || v.Kind == String && string(v.Str) == w)
	case []any:
		return v.Kind == Composite
	case json.Number:
		x, err := strconv.ParseFloat(string(w), 64)
		if err != nil {
			return v.Kind == Invalid
		}
		return v.Kind == Number && math.Float64bits(v.Num) == math.Float64bits(x) && string(v.Str) == string(w)
	}
	return false
}
