package parse

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plumbline-ml/plumbline/internal/testkit"
)

// nested is an object with n levels in all.
func nested(n int) string {
	return strings.Repeat(`{"a":`, n-1) + `{"score":1}` + strings.Repeat("}", n-1)
}

// members is an object with n keys in all.
func members(n int) string {
	var b strings.Builder
	b.WriteString(`{"score":1`)
	for i := 1; i < n; i++ {
		fmt.Fprintf(&b, `,"k%d":1`, i)
	}
	return b.String() + "}"
}

func TestEveryLimitHoldsAtItsEdge(t *testing.T) {
	last := func(p *Plan, lines ...string) Result {
		parser := p.NewParser()
		var rec Record
		var res Result
		for i, line := range lines {
			res = parser.Line([]byte(line), int64(i), &rec)
		}
		return res
	}
	cri := func(tag, content string) string { return "2023-06-22T10:27:25Z stdout " + tag + " " + content }
	ok := Result{}
	for _, c := range []struct {
		name           string
		opts           FormatOptions
		fields         []Field
		within, beyond []string
		want           Result // of beyond
	}{
		{"depth, default", FormatOptions{}, paths("*"), []string{nested(DefaultMaxDepth)}, []string{nested(DefaultMaxDepth + 1)}, Result{Status: Bad, Reason: Depth}},
		{"depth, unasked", FormatOptions{MaxDepth: 3}, paths("score"), []string{`{"score":1,"x":[[1]]}`}, []string{`{"score":1,"x":[[[1]]]}`}, Result{Status: Bad, Reason: Depth}},
		{"keys, default", FormatOptions{}, paths("score"), []string{members(DefaultMaxKeys)}, []string{members(DefaultMaxKeys + 1)}, Result{Status: Bad, Reason: Keys}},
		{"keys, set", FormatOptions{MaxKeys: 5}, paths("score", "*"), []string{members(5)}, []string{members(6)}, Result{Status: Bad, Reason: Keys}},
		{"value bytes, default", FormatOptions{}, paths("s"), []string{`{"s":"` + strings.Repeat("x", DefaultMaxValue) + `"}`},
			[]string{`{"s":"` + strings.Repeat("x", DefaultMaxValue+1) + `"}`}, Result{Reason: Oversize}},
		{"value bytes, escaped", FormatOptions{MaxValue: 60}, paths("s"), []string{`{"s":"` + strings.Repeat(`\u00e9`, 10) + `"}`},
			[]string{`{"s":"` + strings.Repeat(`\u00e9`, 10) + `x"}`}, Result{Reason: Oversize}},
		{"record bytes", FormatOptions{MaxLineBytes: 20}, paths("score"), []string{cri("P", `{"score":`), cri("F", `1.0000000}`)},
			[]string{cri("P", `{"score":`), cri("F", `1.0000000000}`)}, Result{Status: Bad, Reason: Oversize}},
		{"pending joins", FormatOptions{Join: "id", MaxPending: 2}, paths("score", "f"), []string{`{"id":1,"f":1}`, `{"id":2,"f":1}`, `{"id":1,"score":1}`},
			[]string{`{"id":1,"f":1}`, `{"id":2,"f":1}`, `{"id":3,"f":1}`}, Result{Status: Pending, Reason: Orphan}},
		{"bytes of pending joins", FormatOptions{Join: "id", MaxJoinBytes: 56}, paths("score", "f"),
			[]string{`{"id":1,"f":1}`, `{"id":2,"f":1}`, `{"id":3,"f":1}`, `{"id":4,"f":1}`, `{"id":1,"score":1}`},
			[]string{`{"id":1,"f":1}`, `{"id":2,"f":1}`, `{"id":3,"f":1}`, `{"id":4,"f":1}`, `{"id":5,"f":1}`}, Result{Status: Pending, Reason: Orphan}},
		{"bytes of one line that waits", FormatOptions{Join: "id", MaxJoinBytes: 56}, paths("f"), []string{`{"id":1,"f":1}`, `{"id":1,"f":2}`},
			[]string{`{"id":1,"f":10}`}, Result{Status: Bad, Reason: Oversize}},
	} {
		if res := last(compile(t, "json", c.opts, c.fields...), c.within...); res != ok {
			t.Errorf("%s: within the limit: %v", c.name, res)
		}
		if res := last(compile(t, "json", c.opts, c.fields...), c.beyond...); res != c.want {
			t.Errorf("%s: beyond the limit: got %v, want %v", c.name, res, c.want)
		}
	}
	for _, format := range []string{"csv", "logfmt"} { // text formats have the same limit of a value
		head, line := "s,t", `x,1`
		if format == "logfmt" {
			head, line = "other=1", "s=x t=1"
		}
		p := compile(t, format, FormatOptions{MaxValue: 20}, paths("s", "t")...)
		if res := last(p, head, strings.Replace(line, "x", strings.Repeat("x", 20), 1)); res != ok {
			t.Errorf("%s: %v", format, res)
		}
		if res := last(p, head, strings.Replace(line, "x", strings.Repeat("x", 21), 1)); res.Status != Complete || res.Reason != Oversize {
			t.Errorf("%s: %v", format, res)
		}
	}
}

func TestFieldsAndElementsBeyondTheirLimitAreCounted(t *testing.T) {
	vector := func(n int) string { return `{"v":[` + strings.TrimSuffix(strings.Repeat("1.5,", n), ",") + `]}` }
	for _, c := range []struct {
		name     string
		opts     FormatOptions
		line     string
		slots    int
		overflow uint64
	}{
		{"fields, default", FormatOptions{}, strings.Replace(members(DefaultMaxFields), `"score"`, `"k0"`, 1), DefaultMaxFields, 0},
		{"one field more", FormatOptions{}, strings.Replace(members(DefaultMaxFields+1), `"score"`, `"k0"`, 1), DefaultMaxFields, 1},
		{"fields, set", FormatOptions{MaxFields: 7}, members(9), 7, 2},
	} {
		p := compile(t, "json", c.opts, paths("*")...)
		var rec Record
		p.NewParser().Line([]byte(c.line), 0, &rec)
		if got := len(p.Slots()) - 1; got != c.slots || p.Overflow() != c.overflow {
			t.Errorf("%s: %d slots, overflow %d", c.name, got, p.Overflow())
		}
	}
	for _, c := range []struct {
		opts     FormatOptions
		elements int
		slots    int
		overflow uint64
	}{
		{FormatOptions{}, DefaultMaxVector, DefaultMaxVector, 0}, {FormatOptions{}, DefaultMaxVector + 1, DefaultMaxVector, 1}, {FormatOptions{MaxVector: 3}, 3, 3, 0},
		{FormatOptions{MaxVector: 3}, 1000, 3, 1},
	} {
		for _, line := range []string{vector(c.elements), `{"v":"` + strings.NewReplacer(`{"v":`, "", "}", "", ",", " ").Replace(vector(c.elements)) + `"}`} {
			p := compile(t, "json", c.opts, paths("v.*")...)
			var rec Record
			p.NewParser().Line([]byte(line), 0, &rec)
			if got := len(p.Slots()) - 1; got != c.slots || p.Overflow() != c.overflow {
				t.Errorf("%d elements: %d slots, overflow %d", c.elements, got, p.Overflow())
			}
		}
	}
	// An element that is asked for by its number is read wherever it stands.
	p := compile(t, "json", FormatOptions{MaxVector: 3}, paths("v[999]", "v.1000")...)
	var rec Record
	if res := p.NewParser().Line([]byte(vector(1000)), 0, &rec); res != (Result{}) || rec.Values[0].Num != 1.5 || rec.Values[1].Kind != Absent {
		t.Errorf("%v %v", res, rec.Values)
	}
}

func TestPatternsAreCapped(t *testing.T) {
	pattern := func(n int) string { return `(?P<a>x)` + strings.Repeat("y", n-len(`(?P<a>x)`)) }
	for _, c := range []struct {
		opts FormatOptions
		ok   bool
	}{
		{FormatOptions{Pattern: pattern(DefaultMaxPattern)}, true}, {FormatOptions{Pattern: pattern(DefaultMaxPattern + 1)}, false},
		{FormatOptions{Pattern: pattern(50), MaxPattern: 50}, true}, {FormatOptions{Pattern: pattern(51), MaxPattern: 50}, false},
		{FormatOptions{Pattern: `(?P<a>` + strings.Repeat("x{1000}", 9) + ")"}, true}, {FormatOptions{Pattern: `(?P<a>` + strings.Repeat("x{1000}", 10) + ")"}, false},
	} {
		if _, err := Compile("regex", c.opts, paths("a")); (err == nil) != c.ok {
			t.Errorf("%d bytes: %v", len(c.opts.Pattern), err)
		}
	}
}

func TestTheDocsStateEveryDefault(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(testkit.RepoRoot(t), "docs", "formats.md"))
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range map[string]string{
		"depth": fmt.Sprint(DefaultMaxDepth), "keys": "4,096", "fields": fmt.Sprint(DefaultMaxFields), "vector": fmt.Sprint(DefaultMaxVector), "value_bytes": "65,536",
		"record_bytes": "1,048,576", "pending": "64; 1,024 with `join`", "pending_bytes": "4,194,304", "pattern_bytes": "4,096",
	} {
		if !strings.Contains(string(text), "\n| `"+key+"` | "+value+" | ") {
			t.Errorf("docs/formats.md does not say that %s is %s", key, value)
		}
	}
	if DefaultMaxKeys != 4096 || DefaultMaxValue != 65536 || DefaultMaxLineBytes != 1048576 || DefaultMaxPending != 64 || DefaultMaxJoins != 1024 ||
		DefaultMaxJoinBytes != 4194304 || DefaultMaxPattern != 4096 {
		t.Error("a default has changed: change it in docs/formats.md and here")
	}
}
