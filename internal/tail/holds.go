package tail

import "slices"

// span is a stretch of a file, end excluded.
type span struct{ start, end int64 }

// spans are sorted by start and do not overlap.
type spans []span

// maxHolds bounds the held lines of one source. A line that is held beyond that is not read again after a restart.
const maxHolds = 4096

func (s spans) bytes() int64 {
	var n int64
	for _, p := range s {
		n += p.end - p.start
	}
	return n
}

func (s spans) find(start int64) (int, bool) {
	return slices.BinarySearchFunc(s, start, func(p span, at int64) int {
		switch {
		case p.start < at:
			return -1
		case p.start > at:
			return 1
		}
		return 0
	})
}

// union merges what is held and what is still to be handed out again into spans that do not touch.
func (s spans) union(more spans) spans {
	all := append(slices.Clone(s), more...)
	slices.SortFunc(all, func(a, b span) int {
		switch {
		case a.start < b.start:
			return -1
		case a.start > b.start:
			return 1
		}
		return 0
	})
	merged := all[:0]
	for _, p := range all {
		if n := len(merged); n > 0 && p.start <= merged[n-1].end {
			merged[n-1].end = max(merged[n-1].end, p.end)
			continue
		}
		merged = append(merged, p)
	}
	return merged
}

// Hold says that length bytes at offset, which Next has returned, belong to a record that is not complete. Until
// Release, a restart from State() hands exactly these bytes out again.
func (s *Source) Hold(offset int64, length int) {
	end := offset + int64(length)
	if length <= 0 || offset < 0 || end > s.offset {
		return
	}
	i, found := s.holds.find(offset)
	if found || i > 0 && s.holds[i-1].end > offset || i < len(s.holds) && s.holds[i].start < end {
		return
	}
	if len(s.holds) >= maxHolds {
		s.t.stats.HoldsRefused++
		return
	}
	s.holds = slices.Insert(s.holds, i, span{offset, end})
}

// Release ends the hold that begins at offset.
func (s *Source) Release(offset int64) {
	i, found := s.holds.find(offset)
	if !found {
		return
	}
	s.holds = slices.Delete(s.holds, i, i+1)
}
