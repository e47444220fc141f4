package soak

import (
	"strconv"
	"sync/atomic"
	"time"
)

// features are what the serial number i of a line is turned into, and what is summed on both sides. The serial itself would
// make sums past 2^53, where float64 no longer counts every line; its two halves of three digits, their squares
// and their product stay exact for some 9,000,000,000 lines, and together they tell a lost line from a doubled one.
var features = [...]struct {
	name string
	of   func(i int64) int64
}{
	{"lo", func(i int64) int64 { return i % 1000 }},
	{"lo2", func(i int64) int64 { return (i % 1000) * (i % 1000) }},
	{"hi", func(i int64) int64 { return i / 1000 % 1000 }},
	{"hi2", func(i int64) int64 { return (i / 1000 % 1000) * (i / 1000 % 1000) }},
	{"cross", func(i int64) int64 { return (i % 1000) * (i / 1000 % 1000) }},
}

// expected is what one log holds.
type expected struct {
	records                             atomic.Int64 // read by others while the log is written
	lines, malformed, oversize, exposed int64        // exposed: written between copy and truncation, which nobody may ever see
	sums                                [len(features)]int64
}

// lineBytes is the length of a record with its newline: always the same, so that bytes lost are lines lost.
const lineBytes = 200

// appendRecord adds the JSON of serial number i, without a newline, and counts it.
func (e *expected) appendRecord(b []byte, i int64, now time.Time) []byte {
	start := len(b)
	b = append(b, `{"ts":`...)
	b = strconv.AppendInt(b, now.UnixMilli(), 10)
	b = append(b, `,"score":0.5,"f":{`...)
	for k, f := range features {
		v := f.of(i)
		e.sums[k] += v
		if k > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, f.name...)
		b = append(b, `":`...)
		b = strconv.AppendInt(b, v, 10)
	}
	b = append(b, `},"pad":"`...)
	for len(b)-start < lineBytes-3 {
		b = append(b, '.')
	}
	e.records.Add(1)
	e.lines++
	return append(b, `"}`...)
}

// malformedLines are what must be counted and skipped, none of them ever a record.
var malformedLines = []string{
	`{"ts":`,
	`not a record at all`,
	"\xff\xfe\x80 no text either",
	`[1,2,3]`,
	`{"score":0.5,"f":{"lo":1,}}`,
	string(make([]byte, 100)), // NULs, as after a crash of the writer's machine
	`{"ts":1e999`,
}
