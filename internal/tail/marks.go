package tail

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
	"slices"
)

// marks are hashes of short stretches inside what was read of a file. They recognise a copy that is shorter than what
// was read: copytruncate makes one whenever lines are written, and read, between the copy and the truncation.
//
// Marks stand before multiples of powers of two: for each power the first multiple, and the last two at or below the offset.
// So whatever the size of a copy, one mark lies in its second half, and one lies behind its end by no more than four times
// what the copy lacks. Level i is about multiples of 1<<(minMark+i); a gigabyte takes 25 levels.
type marks []level

type level struct{ first, before, last uint32 } // 0 is not known

const (
	minMark  = 6  // a line is rarely shorter than 64 bytes
	maxMark  = 48 // files are shorter than 1<<maxMark bytes
	markSize = frontierSize
)

func markOf(b []byte) uint32 {
	sum := sha256.Sum256(b)
	return max(1, binary.LittleEndian.Uint32(sum[:]))
}

// pass takes the marks in bytes that were read: read ends at the offset to, and what lies behind from is new.
func (m *marks) pass(from, to int64, read []byte) {
	var known int64 // the mark that was taken last: levels share most of theirs
	var sum uint32
	take := func(at int64) uint32 {
		if at == known {
			return sum
		}
		end := len(read) - int(to-at)
		if at == 0 || end < markSize {
			return 0
		}
		known, sum = at, markOf(read[end-markSize:end])
		return sum
	}
	for i := 0; minMark+i < maxMark; i++ {
		step := int64(1) << (minMark + i)
		last := to &^ (step - 1)
		if last == 0 {
			return
		}
		if last <= from {
			continue
		}
		if i == len(*m) {
			*m = append(*m, level{})
		}
		l := &(*m)[i]
		if before := last - step; before > from {
			l.before = take(before)
		} else {
			l.before = l.last // the offset was between the two
		}
		l.last = take(last)
		if step > from {
			l.first = take(step)
		}
	}
}

// each calls check with every known mark of a file that was read up to offset, if it lies at or below end, until check
// is false. It returns the highest place that held, and whether all did.
func (m marks) each(offset, end int64, check func(at int64, sum uint32) bool) (highest int64, ok bool) {
	for i, l := range m {
		step := int64(1) << (minMark + i)
		last := offset &^ (step - 1)
		for _, mark := range [...]struct {
			at  int64
			sum uint32
		}{{step, l.first}, {last - step, l.before}, {last, l.last}} {
			if mark.sum == 0 || mark.at > end || mark.at < markSize {
				continue
			}
			if !check(mark.at, mark.sum) {
				return highest, false
			}
			highest = max(highest, mark.at)
		}
	}
	return highest, true
}

// holdsBeginning says whether the open plain file of that size is the beginning of c, cut off before its offset.
func (c *content) holdsBeginning(fd int, size int64, scratch []byte) bool {
	if size >= c.offset || size == 0 {
		return false
	}
	if size >= int64(c.nhead) {
		if n, err := readAt(fd, scratch[:c.nhead], 0); err != nil || n < c.nhead || c.nhead == 0 || hashOf(scratch[:n]) != c.head {
			return false
		}
	}
	var window [markSize]byte
	highest, ok := c.marks.each(c.offset, size, func(at int64, sum uint32) bool {
		n, err := readAt(fd, window[:], at-markSize)
		return err == nil && n == markSize && markOf(window[:]) == sum
	})
	return ok && c.convincing(highest, size)
}

// convincing says whether marks up to highest tell that a file of that size is a copy. A file no longer than a few lines
// has no mark; then its head must do.
func (c *content) convincing(highest, size int64) bool {
	if size < 2<<minMark {
		return size >= int64(c.nhead) && c.nhead > 0 || highest > 0
	}
	return highest >= size/2
}

// holdsBeginningOf does the same for a compressed file, and returns its decompressed size. It reads all of it.
func (st *stream) holdsBeginningOf(c *content, window int) (size int64, v verdict) {
	st.start()
	st.want(c.nhead)
	if len(st.carry) >= c.nhead && (c.nhead == 0 || hashOf(st.carry[:c.nhead]) != c.head) {
		return 0, different
	}
	// The places are visited in their order, for a stream cannot go back.
	var at []int64
	sums := map[int64]uint32{}
	c.marks.each(c.offset, c.offset, func(place int64, sum uint32) bool {
		sums[place] = sum
		return true
	})
	for place := range sums {
		at = append(at, place)
	}
	slices.Sort(at)
	var highest int64
	for _, place := range at {
		if st.seek(place, window) != nil {
			break
		}
		if markOf(st.last[:]) != sums[place] {
			return 0, different
		}
		highest = place
	}
	for st.err == nil && st.at < c.offset {
		st.want(window)
		st.took(len(st.carry))
	}
	st.took(len(st.carry))
	switch {
	case st.err == errIncomplete:
		return st.at, unfinished
	case st.err == io.EOF && st.at < c.offset && st.at > 0 && c.convincing(highest, st.at):
		return st.at, equal
	}
	return st.at, different
}
