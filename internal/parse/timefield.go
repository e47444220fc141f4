package parse

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"time"
)

// timeReader turns the value of a Time field into Unix nanoseconds.
type timeReader struct {
	loc     *time.Location
	year    int    // of times that carry none; 0 = the one that puts them next to near
	near    *int64 // Unix nanoseconds; nil or 0 = unknown
	layout  string
	unit    float64 // of epoch layouts; 0 = by size
	how     func(t *timeReader, text []byte) (int64, bool)
	pattern *regexp.Regexp
	before  int // bytes of the match before the group, behind it; -1 = not fixed
	behind  int
}

// epochUnits are the names for numbers of a fixed unit, in nanoseconds.
var epochUnits = map[string]float64{
	"unix": 1e9, "epoch": 1e9, "epoch_s": 1e9, "unix_ms": 1e6, "epoch_ms": 1e6, "unix_us": 1e3, "epoch_us": 1e3, "unix_ns": 1, "epoch_ns": 1,
}

func newTimeReader(layout, pattern string, opts FormatOptions) (*timeReader, error) {
	t := &timeReader{loc: opts.Location, year: opts.Year, layout: layout, before: -1}
	switch layout {
	case "", "auto", "rfc3339", "iso", "iso8601", "ctime", "syslog", "glog":
		t.how = (*timeReader).recognise
	case "20060102T150405", "2006-01-02T15:04:05", "2006-01-02 15:04:05", time.RFC3339, time.RFC3339Nano, time.ANSIC:
		t.how = (*timeReader).recognise
	default:
		if unit, ok := epochUnits[layout]; ok {
			t.unit = unit
			t.how = (*timeReader).epochUnit
			break
		}
		if !strings.Contains(layout, "2006") && !strings.Contains(layout, "06") && !strings.Contains(layout, "15") {
			return nil, fmt.Errorf("unknown time layout %q: write a name (rfc3339, unix, epoch_ms, epoch_us, epoch_ns, ctime, syslog, glog), or the reference time 2006-01-02 15:04:05 in your format", layout)
		}
		t.how = (*timeReader).golang
	}
	if pattern != "" {
		return t, t.compile(pattern, opts.MaxPattern)
	}
	return t, nil
}

// compile prepares the pattern. When what stands around its group has a fixed width, the group is found
// from the ends of the match, which needs no memory; the regexp package has no such way to a group.
func (t *timeReader) compile(pattern string, most int) error {
	re, err := compilePattern(pattern, most)
	if err != nil {
		return err
	}
	if re.NumSubexp() != 1 {
		return fmt.Errorf(`the pattern has %d groups; put one pair of parentheses around the time, as in '\.(\d{8}T\d{6})\.' of rspamd's files`, re.NumSubexp())
	}
	t.pattern = re
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return err
	}
	parts := []*syntax.Regexp{tree}
	if tree.Op == syntax.OpConcat {
		parts = tree.Sub
	}
	before, behind, seen := 0, 0, false
	for _, part := range parts {
		if part.Op == syntax.OpCapture {
			seen = true
			continue
		}
		width, ok := fixedWidth(part)
		if !ok {
			return nil
		}
		if seen {
			behind += width
		} else {
			before += width
		}
	}
	if seen {
		t.before, t.behind = before, behind
	}
	return nil
}

// fixedWidth returns how many bytes an expression matches, if that is always the same number.
func fixedWidth(re *syntax.Regexp) (int, bool) {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText,
		syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return 0, true
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			if r >= 0x80 || re.Flags&syntax.FoldCase != 0 {
				return 0, false
			}
		}
		return len(re.Rune), true
	case syntax.OpCharClass:
		return 1, len(re.Rune) > 0 && re.Rune[len(re.Rune)-1] < 0x80
	case syntax.OpRepeat:
		width, ok := fixedWidth(re.Sub[0])
		return width * re.Min, ok && re.Min == re.Max
	case syntax.OpConcat:
		total := 0
		for _, sub := range re.Sub {
			width, ok := fixedWidth(sub)
			if !ok {
				return 0, false
			}
			total += width
		}
		return total, true
	}
	return 0, false
}

// compilePattern compiles a user's expression within the size caps.
func compilePattern(pattern string, most int) (*regexp.Regexp, error) {
	if len(pattern) > most {
		return nil, fmt.Errorf("the pattern has %d bytes: at most %d are allowed", len(pattern), most)
	}
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, fmt.Errorf("the pattern is no RE2 expression: %w", err)
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, fmt.Errorf("the pattern cannot be compiled: %w", err)
	}
	if len(prog.Inst) > maxPatternOps {
		return nil, fmt.Errorf("the pattern compiles to %d instructions: at most %d are allowed; use smaller repeat counts", len(prog.Inst), maxPatternOps)
	}
	return regexp.Compile(pattern)
}

// value reads the time in a value. It returns what stands in the slot (Unix seconds) and the nanoseconds.
func (t *timeReader) value(kind Kind, num float64, text []byte) (Kind, float64, int64) {
	var ns int64
	ok := false
	switch kind {
	case Null, Empty, Absent:
		return kind, 0, 0
	case Number:
		if t.pattern == nil && t.unit == 0 && t.layout == "" && len(text) > 0 {
			ns, ok = epochText(text)
		} else if t.pattern == nil && (t.unit != 0 || t.layout == "") {
			ns, ok = t.number(num)
		} else {
			ns, ok = t.text(text)
		}
	case String:
		ns, ok = t.text(text)
	}
	if !ok {
		return Invalid, 0, 0
	}
	return Number, float64(ns/1e9) + float64(ns%1e9)/1e9, ns
}

func (t *timeReader) number(x float64) (int64, bool) {
	if t.unit != 0 {
		return scaled(x, t.unit)
	}
	return epoch(x)
}

func (t *timeReader) text(text []byte) (int64, bool) {
	if t.pattern != nil {
		if text = t.group(text); text == nil {
			return 0, false
		}
	}
	return t.how(t, text)
}

// group returns what the pattern's group matched.
func (t *timeReader) group(text []byte) []byte {
	if t.before < 0 {
		at := t.pattern.FindSubmatchIndex(text)
		if at == nil || at[2] < 0 {
			return nil
		}
		return text[at[2]:at[3]]
	}
	match := t.pattern.Find(text)
	if match == nil {
		return nil
	}
	return match[t.before : len(match)-t.behind]
}

// recognise reads a time whose form shows by itself.
func (t *timeReader) recognise(b []byte) (int64, bool) {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '[') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == ']') {
		b = b[:len(b)-1]
	}
	if len(b) < 8 {
		return 0, false
	}
	var c civil
	end := -1
	switch {
	case b[0]-'0' <= 9 && (b[4] == '-' || b[4] == '/') || len(b) >= 15 && b[8] == 'T' && b[0]-'0' <= 9:
		end = c.iso(b, 0)
	case b[0]-'0' <= 9 && (b[1] == ' ' || b[2] == ' ' || b[2] == '/'):
		end = c.rfc1123(b, 0)
	case b[0]-'0' <= 9:
		return epochText(b)
	case b[3] == ',':
		end = c.rfc1123(b, 0)
	case b[3] == ' ' && monthAt(b, 0) > 0:
		end = c.monthDay(b, 0)
		if c.year = t.yearOf(c.month); c.year == 0 {
			return 0, false
		}
	case len(b) >= 14 && b[5] == ' ' && (b[0] == 'I' || b[0] == 'W' || b[0] == 'E' || b[0] == 'F'): // glog: I0520 20:03:25.829575
		c.month, c.day = two(b, 1), two(b, 3)
		if c.year = t.yearOf(c.month); c.year == 0 {
			return 0, false
		}
		end = c.clock(b, 6)
	case b[3] == ' ':
		end = c.ctime(b, 0)
	}
	if end != len(b) {
		return 0, false
	}
	return c.unix(t.loc)
}

// yearOf is the year of a time that carries none, by its month; 0 if nothing tells it.
func (t *timeReader) yearOf(month int) int {
	if t.year != 0 || t.near == nil || *t.near == 0 {
		return t.year
	}
	return nearYear(*t.near, month)
}

// epochUnit reads a number of a fixed unit.
func (t *timeReader) epochUnit(b []byte) (int64, bool) {
	var whole int64
	for i, c := range b {
		if c-'0' > 9 || i >= 19 {
			x, ok := looseFloat(b)
			if !ok {
				return 0, false
			}
			return scaled(x, t.unit)
		}
		whole = whole*10 + int64(c-'0')
	}
	if len(b) == 0 {
		return 0, false
	}
	return epochParts(whole, 0, int64(t.unit))
}

// golang reads any other reference layout through the time package.
func (t *timeReader) golang(b []byte) (int64, bool) {
	if len(b) > 128 {
		return 0, false
	}
	at, err := time.ParseInLocation(t.layout, string(b), t.loc)
	if err != nil {
		return 0, false
	}
	if at.Year() == 0 {
		at = at.AddDate(t.yearOf(int(at.Month())), 0, 0)
	}
	if at.Year() < 1990 || at.Year() > 2200 {
		return 0, false
	}
	ns := at.UnixNano()
	return ns, plausible(ns)
}
