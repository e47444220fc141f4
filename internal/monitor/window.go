package monitor

import (
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
	running []tally // beside the instance's columns
	scratch tally
}

type slot struct {
	index   int64
	used    bool
	open    bool // cols are tallies, not packed
	records uint64
	cols    []tally   // of the open slot
	packed  [][]byte  // of closed slots; nil for a column that was not there
	peaks   []agePeak // beside cols or packed, of columns with ages
	dirty   bool      // since the last commit
}

// agePeak is what cannot be taken out of a running sum again.
type agePeak struct{ oldest, skew float64 }

// peak keeps the extremes of a tally that is added to the slot's column.
func (s *slot) peak(i int, a *ageTally) {
	if a == nil {
		return
	}
	for len(s.peaks) <= i {
		s.peaks = append(s.peaks, agePeak{})
	}
	s.peaks[i] = agePeak{max(s.peaks[i].oldest, a.oldest), max(s.peaks[i].skew, a.skew)}
}

func newWindow(length, paneLength time.Duration) *window {
	inPanes := int64((length + paneLength - 1) / paneLength)
	width := (inPanes + maxSlots - 1) / maxSlots
	n := int((inPanes + width - 1) / width)
	return &window{length: length, label: FormatDuration(length), width: width, slots: n, ring: make([]slot, n)}
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
	for i := len(w.running); i < len(cols); i++ {
		w.running = append(w.running, newTally(cols[i]))
	}
	s := w.at(index)
	if !s.used {
		// A slot between two that hold records: it was retired empty and is filled by a late pane.
		*s = slot{index: index, used: true, packed: s.packed[:0], cols: s.cols, peaks: s.peaks[:0]}
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
		s.add(i, t, &w.scratch)
	}
}

// add adds a tally to the slot's column, packed or not.
func (s *slot) add(i int, t, scratch *tally) {
	s.peak(i, t.ages)
	if s.open {
		for len(s.cols) <= i {
			s.cols = append(s.cols, tally{})
		}
		s.cols[i].add(t)
		return
	}
	for len(s.packed) <= i {
		s.packed = append(s.packed, nil)
	}
	s.unpack(i, scratch)
	scratch.add(t)
	s.pack(i, scratch, nil)
}

// pack keeps a column of a closed slot in memory of just its size, for hours. buf is scratch; it comes back grown.
func (s *slot) pack(i int, t *tally, buf []byte) []byte {
	e := encoder{buf: buf[:0]}
	t.encodeSlim(&e)
	if old := s.packed[i]; len(e.buf) <= cap(old) && cap(old) <= len(e.buf)+len(e.buf)/8 {
		s.packed[i] = append(old[:0], e.buf...)
	} else {
		s.packed[i] = append(make([]byte, 0, len(e.buf)), e.buf...)
	}
	return e.buf
}

// unpack fills t with a packed column.
func (s *slot) unpack(i int, t *tally) {
	if i >= len(s.packed) || len(s.packed[i]) == 0 {
		*t = tally{}
		return
	}
	t.decodeSlim(&stateDecoder{buf: s.packed[i]})
}

// each visits the tallies of the slot's columns. The tally is valid during the call only.
func (s *slot) each(scratch *tally, visit func(i int, t *tally)) {
	if s.open {
		for i := range s.cols {
			visit(i, &s.cols[i])
		}
		return
	}
	for i := range s.packed {
		if len(s.packed[i]) > 0 {
			s.unpack(i, scratch)
			visit(i, scratch)
		}
	}
}

// close packs an open slot. Its tallies are emptied for the next open one.
func (s *slot) close() []tally {
	cols := s.cols
	var buf []byte
	for len(s.packed) < len(cols) {
		s.packed = append(s.packed, nil)
	}
	for i := range cols {
		if cols[i].empty() {
			s.packed[i] = s.packed[i][:0]
			continue
		}
		buf = s.pack(i, &cols[i], buf)
		cols[i].reset()
	}
	s.open, s.cols, s.dirty = false, nil, true
	return cols
}

// advance makes index the newest slot and retires those that fall out.
func (w *window) advance(index int64) {
	var cols []tally
	if w.started {
		if s := w.at(w.newest); s.used && s.open {
			cols = s.close()
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
	*s = slot{index: index, used: true, open: true, cols: cols, packed: s.packed[:0], peaks: s.peaks[:0], dirty: true}
	w.newest, w.started = index, true
}

// retire takes a slot out of the window.
func (w *window) retire(s *slot) {
	w.records -= s.records
	s.each(&w.scratch, func(i int, t *tally) { w.running[i].sub(t) })
	s.used, s.open, s.records, s.dirty = false, false, 0, true
}

// ageExtremes finds a column's oldest age and largest skew over the slots.
func (w *window) ageExtremes(i int) (oldest, skew float64) {
	for k := range w.ring {
		if s := &w.ring[k]; s.used && i < len(s.peaks) {
			oldest, skew = max(oldest, s.peaks[i].oldest), max(skew, s.peaks[i].skew)
		}
	}
	return oldest, skew
}
