package tail

import "bytes"

// framed says what a stretch of a file's bytes holds. The bytes before start belong to a line that is skipped,
// data[start:end] are whole lines, and what follows end is the beginning of a line.
type framed struct {
	start, end int
	oversize   int  // lines past the limit that begin in these bytes
	skipping   bool // the bytes end inside a skipped line; then start == end == len(data)
}

// frame finds the whole lines in data, which starts at a line's beginning, or, when skipping, inside a line that is
// past the limit. A line's length does not count its newline. At most one stretch of lines between two
// skipped ones is found at a time: the caller comes back for the rest.
func frame(data []byte, skipping bool, maxLine int) framed {
	var f framed
	if skipping {
		i := bytes.IndexByte(data, '\n')
		if i < 0 {
			return framed{start: len(data), end: len(data), skipping: true}
		}
		f.start = i + 1
	}
	last := bytes.LastIndexByte(data[f.start:], '\n') + f.start // start-1 when there is no newline
	for at := f.start; ; {
		if last-at <= maxLine { // the usual case: no line up to the last newline can be too long
			break
		}
		if i := bytes.LastIndexByte(data[at:at+maxLine+1], '\n'); i >= 0 {
			at += i + 1
			continue
		}
		// The line at "at" is too long. Lines before it are handed out first.
		if at > f.start {
			f.end = at
			return f
		}
		f.oversize++
		at += maxLine + 1
		at += bytes.IndexByte(data[at:], '\n') + 1
		f.start = at
	}
	f.end = last + 1
	if f.end == f.start && len(data)-f.start > maxLine {
		return framed{start: len(data), end: len(data), oversize: f.oversize + 1, skipping: true}
	}
	return f
}
