package monitor

import (
	"slices"
	"time"
)

// maxSlots is how many slots a window has at the most.
const maxSlots = 24

// window is a ring of slots that slides over event time. The newest slot is kept open; older ones are packed
// to a fraction of their size (slim.go) and unpacked only to be taken away again, or for a record that comes late.
type window struct {
	length time.Duration
	label  string
	width  int64 // of a slot, in panes
	slots  int

	ring    []slot // by index modulo slots
	newest  int64  // index of the newest slot; valid when started
	started bool

	records uint64
	running []held  // beside the instance's columns
	shapes  []shape // by column; nil until a busy slot was closed
	scratch tally
	buf     *[]byte // scratch; the windows of an instance share one
}

type slot struct {
	of      *window
	index   int64
	used    bool
	open    bool // cols are held, not packed
	dirty   bool // since the last commit
	records uint64
	cols    []held     // of the open slot
	packed  packedCols // of a closed one
	peaks   []agePeak  // beside cols or packed, of columns with ages, in their order
}

// packedCols are the columns of a closed slot, one behind the other: a slice for each would take as much as what is in it.
type packedCols struct {
	ends  []uint32 // by column
	bytes []byte
}

func (p *packedCols) len() int { return len(p.ends) }

// at is one column; it is empty for one that was not there.
func (p *packedCols) at(i int) []byte {
	from := uint32(0)
	if i > 0 {
		from = p.ends[i-1]
	}
	return p.bytes[from:p.ends[i]]
}

// set keeps what buf holds up to the ends, in memory of just its size: it stays for hours.
func (p *packedCols) set(ends []uint32, buf []byte) {
	if len(buf) > cap(p.bytes) || cap(p.bytes) > len(buf)+len(buf)/8 {
		p.bytes = make([]byte, 0, len(buf))
	}
	if len(ends) != cap(p.ends) {
		p.ends = make([]uint32, 0, len(ends))
	}
	p.bytes, p.ends = append(p.bytes[:0], buf...), append(p.ends[:0], ends...)
}

// emptied keeps the memory only.
func (p packedCols) emptied() packedCols { return packedCols{p.ends[:0], p.bytes[:0]} }

// agePeak is what cannot be taken out of a running sum again.
type agePeak struct {
	col          int
	oldest, skew float64
}

// peak keeps the extremes of a tally that is added to the slot's column.
func (s *slot) peak(i int, a *ageTally) {
	if a == nil {
		return
	}
	at, found := slices.BinarySearchFunc(s.peaks, i, func(p agePeak, i int) int { return p.col - i })
	if !found {
		s.peaks = slices.Insert(s.peaks, at, agePeak{col: i})
	}
	p := &s.peaks[at]
	p.oldest, p.skew = max(p.oldest, a.oldest), max(p.skew, a.skew)
}

func newWindow(length, paneLength time.Duration) *window {
	inPanes := int64((length + paneLength - 1) / paneLength)
	width := (inPanes + maxSlots - 1) / maxSlots
	n := int((inPanes + width - 1) / width)
	return &window{length: length, label: FormatDuration(length), width: width, slots: n, ring: make([]slot, n), buf: new([]byte)}
}

// slotOf is the index of the slot that a pane belongs to.
func (w *window) slotOf(paneIndex int64) int64 { return floorDiv(paneIndex, w.width) }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func (w *window) at(index int64) *slot {
	n := int64(w.slots)
	return &w.ring[((index%n)+n)%n]
}

// fold adds a pane. A pane newer than the newest slot moves the window on; one older than the window is left out.
func (w *window) fold(p *pane, cols []*column) {
	index := w.slotOf(p.index)
	if !w.started || index > w.newest {
		w.advance(index)
	}
	if index <= w.newest-int64(w.slots) {
		return
	}
	w.running = slices.Grow(w.running, max(0, len(cols)-len(w.running))) // of just the size, as below: they stay
	for i := len(w.running); i < len(cols); i++ {
		w.running = append(w.running, newHeld(cols[i]))
	}
	s := w.at(index)
	if !s.used {
		// A slot between two that hold records: it was retired empty and is filled by a late pane.
		*s = slot{of: w, index: index, used: true, packed: s.packed.emptied(), cols: s.cols, peaks: s.peaks[:0]}
	}
	if s.open {
		s.cols = slices.Grow(s.cols, max(0, len(p.cols)-len(s.cols)))
	}
	s.records += p.records
	s.dirty = true
	w.records += p.records
	for i := range p.cols {
		t := &p.cols[i]
		if t.empty() {
			continue
		}
		w.running[i].add(t)
		s.peak(i, t.ages)
		if s.open {
			for len(s.cols) <= i {
				s.cols = append(s.cols, held{})
			}
			s.cols[i].add(t)
		}
	}
	if !s.open {
		w.addLate(s, p)
	}
}

// addLate adds a pane to a closed slot.
func (w *window) addLate(s *slot, p *pane) {
	e := encoder{buf: (*w.buf)[:0]}
	ends := make([]uint32, max(s.packed.len(), len(p.cols)))
	for i := range ends {
		switch {
		case i >= len(p.cols) || p.cols[i].empty():
			if i < s.packed.len() {
				e.buf = append(e.buf, s.packed.at(i)...)
			}
		default:
			s.unpack(i, &w.scratch)
			w.scratch.add(&p.cols[i])
			w.scratch.encodeSlim(&e, w.shape(i, &w.scratch), w.running[i].grid)
		}
		ends[i] = uint32(len(e.buf))
	}
	s.packed.set(ends, e.buf)
	*w.buf = e.buf
}

// shape is the column's. It is made from t when t is busy and there is none yet.
func (w *window) shape(i int, t *tally) shape {
	if i < len(w.shapes) && w.shapes[i] != nil {
		return w.shapes[i]
	}
	if t == nil || !t.busy() {
		return nil
	}
	for len(w.shapes) <= i {
		w.shapes = append(w.shapes, nil)
	}
	w.shapes[i] = t.shape()
	return w.shapes[i]
}

// unpack fills t with a packed column.
func (s *slot) unpack(i int, t *tally) {
	if i >= s.packed.len() || len(s.packed.at(i)) == 0 {
		*t = tally{}
		return
	}
	t.decodeSlim(&stateDecoder{buf: s.packed.at(i)}, s.of.shape(i, nil), s.of.running[i].grid)
}

// close packs an open slot. What held its columns is emptied for the next open one.
func (w *window) close(s *slot) []held {
	e := encoder{buf: (*w.buf)[:0]}
	ends := make([]uint32, len(s.cols))
	for i := range s.cols {
		if h := &s.cols[i]; !h.empty() {
			h.view(&w.scratch).encodeSlim(&e, w.shape(i, &w.scratch), w.running[i].grid)
			h.reset()
		}
		ends[i] = uint32(len(e.buf))
	}
	s.packed.set(ends, e.buf)
	*w.buf = e.buf
	cols := s.cols
	s.open, s.cols, s.dirty = false, nil, true
	return cols
}

// advance makes index the newest slot and retires those that fall out.
func (w *window) advance(index int64) {
	var cols []held
	if w.started {
		if s := w.at(w.newest); s.used && s.open {
			cols = w.close(s)
		}
		for i := max(w.newest+1, index-int64(w.slots)+1) - int64(w.slots); i <= index-int64(w.slots); i++ {
			if s := w.at(i); s.used && s.index == i {
				w.retire(s)
			}
		}
		// After a long gap every old slot falls out, whatever its place in the ring.
		for i := range w.ring {
			if s := &w.ring[i]; s.used && s.index <= index-int64(w.slots) {
				w.retire(s)
			}
		}
	}
	s := w.at(index)
	*s = slot{of: w, index: index, used: true, open: true, cols: cols, packed: s.packed.emptied(), peaks: s.peaks[:0], dirty: true}
	w.newest, w.started = index, true
}

// retire takes a slot out of the window.
func (w *window) retire(s *slot) {
	w.records -= s.records
	if s.open {
		for i := range s.cols {
			w.running[i].sub(s.cols[i].view(&w.scratch))
			s.cols[i].reset()
		}
	}
	for i := range s.packed.len() {
		if packed := s.packed.at(i); len(packed) > 0 {
			w.running[i].subSlim(packed, w.shape(i, nil), &w.scratch)
		}
	}
	s.used, s.open, s.records, s.dirty = false, false, 0, true
}

// ageExtremes finds a column's oldest age and largest skew over the slots.
func (w *window) ageExtremes(i int) (oldest, skew float64) {
	for k := range w.ring {
		s := &w.ring[k]
		if !s.used {
			continue
		}
		for _, p := range s.peaks {
			if p.col == i {
				oldest, skew = max(oldest, p.oldest), max(skew, p.skew)
			}
		}
	}
	return oldest, skew
}
