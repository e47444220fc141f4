package parse

import (
	"testing"
	"time"
)

func TestTimesAreReadInEveryFormThatLoggersWrite(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zone data here")
	}
	at := time.Date(2026, 11, 23, 0, 41, 4, 157913000, time.UTC)
	whole := at.Truncate(time.Second)
	for _, c := range []struct {
		text  string
		field Field
		opts  FormatOptions
		want  time.Time
	}{
		{`"2026-11-23T00:41:04.157913Z"`, Field{}, FormatOptions{}, at},
		{`"2026-11-23T00:41:04.157913"`, Field{}, FormatOptions{}, at},
		{`"2026-11-23T01:41:04.157913"`, Field{}, FormatOptions{Location: berlin}, at},
		{`"2026-11-23T00:41:04.157913Z"`, Field{}, FormatOptions{Location: berlin}, at},
		{`"2026-11-23 00:41:04,157913"`, Field{}, FormatOptions{}, at},
		{`"2026-11-23T06:11:04.157913+05:30"`, Field{}, FormatOptions{}, at},
		{`"2026-11-22T19:41:04.157913-0500"`, Field{}, FormatOptions{}, at},
		{`"2026-11-22T19:41:04.157913-05"`, Field{}, FormatOptions{}, at},
		{`"2026-11-23 00:41:04.157913 +0000"`, Field{}, FormatOptions{}, at},
		{`"2026-11-23 00:41:04.157913 UTC"`, Field{}, FormatOptions{}, at},
		{`"2026/11/23 00:41:04"`, Field{}, FormatOptions{}, whole},
		{`"20261123T004104"`, Field{}, FormatOptions{}, whole},
		{`"2026-11-23T00:41:04Z"`, Field{Layout: "rfc3339"}, FormatOptions{}, whole},
		{`"2026-11-23"`, Field{}, FormatOptions{}, whole.Truncate(24 * time.Hour)},
		{`"Mon Nov 23 00:41:04 2026"`, Field{}, FormatOptions{}, whole},
		{`"Mon, 23 Nov 2026 00:41:04 +0000"`, Field{}, FormatOptions{}, whole},
		{`"23/Nov/2026:00:41:04 +0000"`, Field{}, FormatOptions{}, whole},
		{`"Nov 23 00:41:04"`, Field{Layout: "syslog"}, FormatOptions{Year: 2026}, whole},
		{`1795394464`, Field{}, FormatOptions{}, whole},
		{`"1795394464"`, Field{}, FormatOptions{}, whole},
		{`1795394464.157913`, Field{}, FormatOptions{}, at},
		{`1.795394464e9`, Field{}, FormatOptions{}, whole},
		{`1795394464157`, Field{}, FormatOptions{}, at.Truncate(time.Millisecond)},
		{`1795394464157.913`, Field{}, FormatOptions{}, at},
		{`1795394464157913`, Field{}, FormatOptions{}, at},
		{`1795394464157913000`, Field{}, FormatOptions{}, at},
		{`1795394464157`, Field{Layout: "epoch_ms"}, FormatOptions{}, at.Truncate(time.Millisecond)},
		{`"1795394464157"`, Field{Layout: "epoch_ms"}, FormatOptions{}, at.Truncate(time.Millisecond)},
		{`1795394464`, Field{Layout: "unix"}, FormatOptions{}, whole},
		{`"23.11.2026 00:41"`, Field{Layout: "02.01.2006 15:04"}, FormatOptions{}, whole.Truncate(time.Minute)},
		{`"ord/00000.20261123T004104.spam-2.txt"`, Field{Pattern: `\.(\d{8}T\d{6})\.`, Layout: "20060102T150405"}, FormatOptions{}, whole},
		{`"run-1795394464-x"`, Field{Pattern: `run-(\d+)-`}, FormatOptions{}, whole},
		{`"2024-02-29T00:00:00Z"`, Field{}, FormatOptions{}, time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC)},
		{`"2199-12-31T23:59:59Z"`, Field{}, FormatOptions{}, time.Date(2199, 12, 31, 23, 59, 59, 0, time.UTC)},
		{`"1990-01-01T00:00:00Z"`, Field{}, FormatOptions{}, time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		c.field.Path, c.field.Time = "t", true
		p := compile(t, "json", c.opts, c.field, Field{Path: "x"})
		var rec Record
		if res := p.NewParser().Line([]byte(`{"x":1,"t":`+c.text+`}`), 0, &rec); res != (Result{}) {
			t.Errorf("%s: %v", c.text, res)
		} else if rec.Time != c.want.UnixNano() {
			t.Errorf("%s: got %v, want %v", c.text, time.Unix(0, rec.Time).UTC(), c.want)
		}
	}
}

func TestTimesWithoutAYearAreNextToWhatIsKnown(t *testing.T) {
	const doc = "2026-01-02T00:00:05Z stdout F "
	march := time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		line    string
		layout  string
		arrived time.Time
		want    string // empty = none
	}{
		{`{"x":1,"t":"Dec 31 23:59:59"}`, "syslog", march, "2026-12-31T23:59:59Z"},
		{`{"x":1,"t":"Mar  1 00:00:01"}`, "", march, "2027-03-01T00:00:01Z"},
		{`{"x":1,"t":"I1231 23:59:59.829575"}`, "glog", march, "2026-12-31T23:59:59.829575Z"},
		{`{"x":1,"t":"E0301 00:00:00.5"}`, "", march, "2027-03-01T00:00:00.5Z"},
		{`{"x":1,"t":"31.12. 23:59"}`, "02.01. 15:04", march, "2026-12-31T23:59:00Z"},
		{doc + `{"x":1,"t":"Dec 31 23:59:59"}`, "", march, "2025-12-31T23:59:59Z"}, // the container knows better
		{`{"x":1,"t":"Dec 31 23:59:59"}`, "", time.Time{}, ""},
		{`{"x":1,"t":"I1331 23:59:59.829575"}`, "", march, ""},
	} {
		p := compile(t, "json", FormatOptions{}, Field{Path: "t", Time: true, Layout: c.layout}, Field{Path: "x"})
		parser := p.NewParser()
		if !c.arrived.IsZero() {
			parser.Arrived(c.arrived.UnixNano())
		}
		var rec Record
		if res := parser.Line([]byte(c.line), 0, &rec); res.Status != Complete {
			t.Fatalf("%s: %v", c.line, res)
		}
		got := ""
		if rec.Time != 0 {
			got = time.Unix(0, rec.Time).UTC().Format(time.RFC3339Nano)
		}
		if got != c.want {
			t.Errorf("%s, arrived %v: got %q, want %q", c.line, c.arrived, got, c.want)
		}
	}
}

func TestATimeThatIsNoneLeavesTheRecord(t *testing.T) {
	for _, text := range []string{`"x"`, `"1989-12-31T23:59:59Z"`, `"2200-01-01T00:00:00Z"`, `0`, `-5`, `1e300`, `1`, `true`, `[1]`, `"2026-02-30T00:00:00Z"`,
		`"2026-13-01"`, `"2026-11-23T25:00:00Z"`, `"2026-11-23T00:41:04Zjunk"`, `"Nov 23 00:41:04"`, `"2026-11-23T00:41:04+99:00"`, `"20"`, `"2026-11-2"`, `99999999999999999999`} {
		p := compile(t, "json", FormatOptions{}, Field{Path: "t", Time: true}, Field{Path: "x"})
		var rec Record
		res := p.NewParser().Line([]byte(`{"x":1,"t":`+text+`}`), 0, &rec)
		if res != (Result{Reason: BadTime}) || rec.Time != 0 || rec.Values[0].Kind != Invalid || rec.Values[1].Num != 1 {
			t.Errorf("%s: got %v, time %d, %v", text, res, rec.Time, rec.Values[0].Kind)
		}
	}
}

func TestOnlyTheFirstTimeFieldIsTheEventTime(t *testing.T) {
	p := compile(t, "json", FormatOptions{}, Field{Path: "ts", Time: true}, Field{Path: "updated", Time: true}, Field{Path: "x"})
	var rec Record
	p.NewParser().Line([]byte(`{"x":1,"updated":1700000000.5,"ts":1795394464}`), 0, &rec)
	if rec.Time != 1795394464e9 || rec.Values[1].Num != 1700000000.5 {
		t.Errorf("got %d and %v", rec.Time, rec.Values[1].Num)
	}
}

func TestTimesAgreeWithTheTimePackage(t *testing.T) {
	for at := time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2200; at = at.Add(77*time.Hour + 13*time.Minute + 7*time.Second + 123456789) {
		text := at.Format(time.RFC3339Nano)
		var c civil
		if end := c.iso([]byte(text), 0); end != len(text) {
			t.Fatalf("%s: read to %d", text, end)
		}
		if ns, ok := c.unix(time.UTC); !ok || ns != at.UnixNano() {
			t.Fatalf("%s: got %d, want %d", text, ns, at.UnixNano())
		}
	}
}

func FuzzTimesNeverPanic(f *testing.F) {
	for _, s := range []string{"2026-11-23T00:41:04.1Z", "Nov  3 00:00:00", "Mon Nov 23 00:41:04 2026", "23/Nov/2026:00:41:04 +0000", "1795394464.5", "20261123T004104", "Mon, 2 Jan 2006 15:04"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, layout := range []string{"", "epoch_ms", "02.01.2006 15:04"} {
			r, err := newTimeReader(layout, "", FormatOptions{Year: 2026}.withDefaults())
			if err != nil {
				t.Fatal(err)
			}
			if ns, ok := r.text(text); ok && !plausible(ns) {
				t.Fatalf("%q: %d", text, ns)
			}
		}
		leadingTime(text)
	})
}
