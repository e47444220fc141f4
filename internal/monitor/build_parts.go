package monitor

import "slices"

// builtHalfHour is what a reference has counted in a half hour, by column. Either cols or packed is set.
type builtHalfHour struct {
	cols   []parts
	packed [][]byte // by column
}

// maxOpenHalfHours is how many half hours are not packed: files are read one after another, each roughly in order of time.
const maxOpenHalfHours = 8

// at opens a half hour, with room for all columns.
func (s *SeasonBuilder) at(half int64) *builtHalfHour {
	h := s.halfs[half]
	if h == nil {
		h = &builtHalfHour{}
		s.halfs[half] = h
	}
	if n := len(s.open); n == 0 || s.open[n-1] != half {
		if i := slices.Index(s.open, half); i >= 0 {
			s.open = slices.Delete(s.open, i, i+1)
		} else {
			h.unpack()
		}
		s.open = append(s.open, half)
		if len(s.open) > maxOpenHalfHours {
			s.pack()
		}
	}
	for len(h.cols) < len(s.in.cols) {
		h.cols = append(h.cols, nil)
	}
	return h
}

// pack packs the half hour that was not used for longest.
func (s *SeasonBuilder) pack() {
	h := s.halfs[s.open[0]]
	s.open = slices.Delete(s.open, 0, 1)
	for _, p := range h.cols {
		e := encoder{}
		p.encode(&e)
		h.packed = append(h.packed, slices.Clip(e.buf))
	}
	h.cols = nil
}

func (h *builtHalfHour) unpack() {
	for _, data := range h.packed {
		h.cols = append(h.cols, decodeParts(&stateDecoder{buf: data}))
	}
	h.packed = nil
}

// halfHour is what was counted of a column in a half hour, in two when there was a burst in it. A half hour without
// records is one, too: an outage is not a season.
func (s *SeasonBuilder) halfHour(column int, half int64) []halfHourCounts {
	unit := s.in.unitNs()
	whole := halfHourCounts{minute: s.in.seasonMinute(half * unit)}
	whole.counts = make([]uint64, s.in.cols[column].buckets())
	var p parts
	if packed := s.halfs[half].packed; column < len(packed) {
		p = decodeParts(&stateDecoder{buf: packed[column]})
	}
	for i := range p {
		whole.bucketColumn.add(&p[i].bucketColumn)
		whole.moments.add(p[i].moments)
	}
	if b := p.split(&whole, unit, s.in.bucketNs); b != nil {
		return []halfHourCounts{whole, *b}
	}
	return []halfHourCounts{whole}
}
