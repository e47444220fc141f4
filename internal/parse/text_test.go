package parse

import (
	"fmt"
	"strings"
	"testing"
)

func TestTextFormatsFindFieldsByName(t *testing.T) {
	for _, c := range []struct {
		name, format string
		opts         FormatOptions
		fields       []Field
		input, want  []string
	}{
		{"logfmt", "logfmt", FormatOptions{}, paths("a", "b.c", "f.*", "flag", "s"), []string{
			`a=1 b.c=x f.one=2 f.two="two words" flag other=9`, `s="q\"\u00e9\n\x"  a=`, `a="open`, `nothing=1 here`, `a=nan f.one=-Inf f.two=null s=007`,
		}, []string{
			`complete a=number 1 b.c=string "x" f.one=number 2 f.two=string "two words" flag=bool 1`,
			`complete a=empty s=string "q\"é\n\\x"`, "bad truncated", "ignored", `complete a=nan f.one=neginf f.two=null s=string "007"`,
		}},
		{"csv", "csv", FormatOptions{}, []Field{{Path: "score"}, {Path: "label"}, {Path: "zip", Numeric: true}, {Path: "text"}}, []string{
			"\xEF\xBB\xBFts,score,label,zip,\"text\"", `1,0.5,spam,007,"a, ""b"""`, `2, 0.25 ,true,NA,`, `3,0.5,spam,1`, `4,0.5,"spam"x,1,2`, `5,1e999,x,1,1`,
			"ts,score,label,zip,\"text\"", "label,score", "ham,3",
		}, []string{
			"pending", `complete label=string "spam" score=number 0.5 text=string "a, \"b\"" zip=number 7`,
			`complete label=bool 1 score=number 0.25 text=empty zip=null`, "bad wrong_columns", "bad truncated", `complete bad_number label=string "x" score=invalid text=number 1 zip=number 1`,
			"pending", "pending", `complete label=string "ham" score=number 3`,
		}},
		{"csv with listed columns", "csv", FormatOptions{Columns: []string{"a", "b"}, Delimiter: ';'}, paths("b"), []string{"1;2", "a;b", "1;2;3"},
			[]string{"complete b=number 2", "ignored", "bad wrong_columns"}},
		{"csv whose columns are renamed by a rotation", "csv", FormatOptions{}, paths("score", "label"), []string{"score,label,x", "1,a,b", "label,y,score", "b,score,2", "a,label,3"},
			[]string{"pending", `complete label=string "a" score=number 1`, "pending", `complete label=string "b" score=number 2`, `complete label=string "a" score=number 3`}},
		{"csv whose header is missing", "csv", FormatOptions{}, paths("score"), []string{"1,2,3", "x,score", "1,2"}, []string{"bad no_header", "pending", "complete score=number 2"}},
		{"tsv, all columns", "tsv", FormatOptions{}, paths("*"), []string{"a\tb\t", "a\tb c", "1\tx"}, []string{"bad no_header", "pending", `complete a=number 1 b c=string "x"`}},
		{"regex", "regex", FormatOptions{Pattern: `^(?P<ts>\S+) score=(?P<score>\S+)(?: label=(?P<label>\w+))?`}, append(paths("score", "label"), Field{Path: "ts", Time: true}), []string{
			"2026-11-23T00:41:04Z score=0.5 label=spam", "2026-11-23T00:41:04Z score=1", "no match",
		}, []string{`complete 2026-11-23T00:41:04 label=string "spam" score=number 0.5 ts=number 1.795394464e+09`, `complete 2026-11-23T00:41:04 score=number 1 ts=number 1.795394464e+09`, "bad no_match"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := compile(t, c.format, c.opts, c.fields...)
			got := readAll(t, p, bytesOf(c.input))
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

func TestTheCSVHeaderStaysHeldUntilTheNextOne(t *testing.T) {
	p := compile(t, "csv", FormatOptions{}, paths("a")...)
	parser := p.NewParser()
	_, held := feed(t, p, parser, "a,b", "1,2", "3,4")
	if len(held) != 1 || held[0] != 3 {
		t.Errorf("held: %v", held)
	}
	var rec Record
	if res := parser.Line([]byte("a,b"), 50, &rec); res.Status != Pending || len(rec.Held) != 1 || rec.Held[0].Offset != 0 {
		t.Errorf("got %v, released %v", res, rec.Held)
	}
	parser.Finish(&rec)
	if gone := parser.Expired(); len(gone) != 1 || gone[0].Offset != 50 {
		t.Errorf("expired: %v", gone)
	}
}

func TestCompileSaysWhatToWriteInstead(t *testing.T) {
	for _, c := range []struct {
		format string
		opts   FormatOptions
		field  Field
		want   string
	}{
		{"xml", FormatOptions{}, Field{Path: "a"}, "expected one of auto, bentoml, csv"},
		{"json", FormatOptions{}, Field{Path: ""}, "path is empty"},
		{"json", FormatOptions{}, Field{Path: "a..b"}, "write a.b"},
		{"json", FormatOptions{}, Field{Path: "a.*.b"}, "write features.*"},
		{"json", FormatOptions{}, Field{Path: "a", Layout: "2006"}, "set time: true"},
		{"json", FormatOptions{}, Field{Path: "a", Time: true, Layout: "yyyy-mm-dd"}, "2006-01-02"},
		{"json", FormatOptions{}, Field{Path: "a", Time: true, Pattern: `\d+`}, "one pair of parentheses"},
		{"json", FormatOptions{}, Field{Path: "a", Time: true, Pattern: `((a{1000}){1000}`}, "RE2"},
		{"json", FormatOptions{}, Field{Path: "a", Time: true, Pattern: strings.Repeat("a?", 3000) + "(a)"}, "at most 4096"},
		{"regex", FormatOptions{}, Field{Path: "a"}, "named groups"},
		{"regex", FormatOptions{Pattern: `(\d+)`}, Field{Path: "a"}, "no named group"},
		{"regex", FormatOptions{Pattern: `(?P<b>\d+)`}, Field{Path: "a"}, "expected one of b"},
		{"regex", FormatOptions{Pattern: "(?P<b>" + strings.Repeat("a{1000}", 11) + ")"}, Field{Path: "b"}, "instructions"},
		{"csv", FormatOptions{Columns: []string{"x", "x"}}, Field{Path: "x"}, "listed twice"},
		{"csv", FormatOptions{Columns: []string{"x"}}, Field{Path: "y"}, "names must be equal"},
		{"csv", FormatOptions{Delimiter: '"'}, Field{Path: "y"}, "such as ;"},
		{"vllm", FormatOptions{}, Field{Path: "prompt"}, "expected one of time, engine"},
	} {
		_, err := Compile(c.format, c.opts, []Field{c.field})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %v: got %v, want %q in it", c.format, c.field, err, c.want)
		}
	}
}
