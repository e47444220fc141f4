package tail

import (
	"bytes"
	"strings"
	"testing"
)

func TestFrameFindsWholeLinesAndSkipsLongOnes(t *testing.T) {
	const limit = 4
	for _, test := range []struct {
		name     string
		data     string
		skipping bool
		want     framed
	}{
		{"nothing", "", false, framed{}},
		{"one line", "ab\n", false, framed{end: 3}},
		{"a line and a half", "ab\ncd", false, framed{end: 3}},
		{"only a half", "abcd", false, framed{}},
		{"at the limit", "abcd\n", false, framed{end: 5}},
		{"one past the limit", "abcde\n", false, framed{start: 6, end: 6, oversize: 1}},
		{"half a line past the limit", "abcde", false, framed{start: 5, end: 5, oversize: 1, skipping: true}},
		{"still inside", "abc", true, framed{start: 3, end: 3, skipping: true}},
		{"the end of it", "abc\nde\n", true, framed{start: 4, end: 7}},
		{"the end of it, then a half", "abc\nde", true, framed{start: 4, end: 4}},
		{"the end of it, then another", "abc\nabcdef", true, framed{start: 10, end: 10, oversize: 1, skipping: true}},
		{"lines before a long one", "a\nb\nabcdef\nc\n", false, framed{end: 4}},
		{"lines after a long one", "abcdef\nc\nd", false, framed{start: 7, end: 9, oversize: 1}},
		{"two long ones", "abcdef\nabcdefgh\nc\n", false, framed{start: 16, end: 18, oversize: 2}},
		{"empty lines", "\n\n\n\n\n\n\n", false, framed{end: 7}},
	} {
		if got := frame([]byte(test.data), test.skipping, limit); got != test.want {
			t.Errorf("%s: frame(%q, %v) = %+v, want %+v", test.name, test.data, test.skipping, got, test.want)
		}
	}
}

// lines is the slow way: it splits everything at once.
func slowLines(data []byte, limit int) (lines []string, oversize int) {
	parts := strings.SplitAfter(string(data), "\n")
	for i, p := range parts {
		whole := strings.HasSuffix(p, "\n")
		switch {
		case len(strings.TrimSuffix(p, "\n")) > limit:
			oversize++
		case whole:
			lines = append(lines, p)
		case i != len(parts)-1:
			panic("half a line in the middle")
		}
	}
	return lines, oversize
}

func FuzzFrame(f *testing.F) {
	f.Add([]byte("ab\ncdefgh\ni"), uint8(3), uint8(4))
	f.Add([]byte("\n\nabcdefghijklm\n\nx\n"), uint8(2), uint8(1))
	f.Fuzz(func(t *testing.T, data []byte, limit, window uint8) {
		maxLine := int(limit)
		size := max(int(window), maxLine+2)
		wantLines, wantOversize := slowLines(data, maxLine)
		var got []byte
		oversize, at, skipping := 0, 0, false
		for at < len(data) {
			part := data[at:min(len(data), at+size)]
			r := frame(part, skipping, maxLine)
			got = append(got, part[r.start:r.end]...)
			oversize += r.oversize
			skipping = r.skipping
			if r.end == 0 {
				if len(part) == size {
					t.Fatalf("no progress with a full window of %d bytes and a limit of %d", size, maxLine)
				}
				break
			}
			at += r.end
		}
		if want := strings.Join(wantLines, ""); !bytes.Equal(got, []byte(want)) || oversize != wantOversize {
			t.Fatalf("framed %q with %d long lines, want %q with %d", got, oversize, want, wantOversize)
		}
	})
}
