package tail

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io/fs"
	"slices"
	"time"
)

// serve reads from the sources in turn until one gives a chunk. False means that nothing is left to read.
func (t *Tailer) serve(now time.Time) bool {
	for n := t.ready.len(); n > 0; n-- {
		s := t.ready.pop()
		if s.blocked() {
			continue // the one before it wakes it
		}
		if s.fd < 0 && s.compressed() && t.streams() >= maxStreams {
			t.ready.push(s) // one that is open comes first
			continue
		}
		got, err := t.read(s, now)
		if err != nil {
			s.stuck, s.drained = true, true
			t.unreadable(s, err)
		}
		if got {
			t.ready.push(s)
			return true
		}
		if !s.queued {
			t.wakeBehind(s)
			n = max(n, t.ready.len()+1)
		}
	}
	return false
}

// wakeBehind queues the sources of the lineage that waited for s.
func (t *Tailer) wakeBehind(s *Source) {
	after := false
	for _, m := range s.line.members {
		if after && !m.drained {
			t.ready.push(m)
			return
		}
		after = after || m == s
	}
}

func (t *Tailer) unreadable(s *Source, err error) {
	reason := refusedUnreadable
	switch {
	case errors.Is(err, errNameless), errors.Is(err, errIncomplete), errors.Is(err, fs.ErrNotExist):
		return // it comes, goes or moves; settle finds out
	case errors.Is(err, errOutside):
		reason = refusedOutside
	case errors.Is(err, errIrregular):
		reason = refusedIrregular
	case errors.Is(err, errPacking):
		reason = refusedCompressed
	}
	t.refuse(s.path, reason)
}

// read makes the next chunk of s. False without an error means that the end was reached, or that s is no longer
// what it was (then whatever took its place is queued).
func (t *Tailer) read(s *Source, now time.Time) (bool, error) {
	t.stats.Reads++
	if err := t.ensureOpen(s); err != nil {
		return false, err
	}
	s.stuck = false
	if s.packed == plain && s.fd >= 0 {
		st, err := statFD(s.fd)
		if err != nil {
			return false, err
		}
		s.look(st, now)
		if st.size < s.offset {
			t.truncated(s, st, s.size, now)
			return false, nil
		}
	}
	if !s.original && s.offset == 0 && !s.started && t.checkCopy(s, now) {
		return false, nil
	}
	window := t.opts.ChunkBytes
	for s.fd >= 0 {
		front, data, full, err := t.fill(s, window)
		// What a compressed file holds before it ends too early, or before the damage, is good.
		var broken error
		if errors.Is(err, errIncomplete) || errors.Is(err, errPacking) {
			broken, err = err, nil
		}
		switch {
		case errors.Is(err, errTruncated):
			st, statErr := statFD(s.fd)
			if statErr != nil {
				return false, statErr
			}
			t.truncated(s, st, s.sure, now)
			return false, nil
		case err != nil:
			return false, err
		}
		s.sure = s.size
		if broken != nil && len(data) == 0 {
			return false, t.breaks(s, broken)
		}
		if len(s.todo) > 0 {
			return t.again(s, data), nil
		}
		if s.jumpHole(data) {
			continue
		}
		if s.nulls {
			i := 0
			for i < len(data) && data[i] == 0 {
				i++
			}
			if s.cut > 0 && s.offset == 0 && i < len(data) && int64(i) < s.cut {
				i, s.cut = 0, 0 // no hole that the old position left, which is longer: somebody wrote these
			}
			if i > 0 {
				s.advance(t.buf[:front+i])
				continue
			}
			if s.nulls = len(data) == 0; !s.nulls {
				t.resumed(s)
			}
		}
		f := frame(data, s.skipping, t.opts.MaxLineBytes)
		t.stats.Oversize += uint64(f.oversize)
		base := s.offset
		if f.end > 0 {
			s.skipping = f.skipping
			s.advance(t.buf[:front+f.end])
			s.learn(t, base, data)
		}
		switch {
		case f.end > f.start:
			t.emit(s, data[f.start:f.end], base+int64(f.start))
			return true, nil
		case f.end > 0:
			continue // only the rest of a long line
		case full:
			// The line is longer than the window. One byte more than the limit and its newline always decides.
			window = t.opts.MaxLineBytes + 2
			continue
		}
		s.learn(t, base, data)
		if broken != nil {
			return false, t.breaks(s, broken)
		}
		if s.closing && len(data) > 0 {
			s.advance(t.buf[:front+len(data)])
			t.emit(s, data, base)
			return true, nil
		}
		if s.packed == plain && base+int64(len(data)) < s.size {
			t.ready.push(s) // one call need not give all there is
			return false, nil
		}
		s.partial = len(data) > 0 && !s.skipping
		s.drained = true
		if s.packed != plain {
			t.finish(s) // a whole compressed file gets no more lines
		}
		return false, nil
	}
	return false, nil
}

// breaks ends reading a compressed file that is not whole: for now when it is too short, for good when it is damaged.
func (t *Tailer) breaks(s *Source, broken error) error {
	s.stuck, s.drained = true, true
	s.close()
	if errors.Is(broken, errIncomplete) {
		return nil
	}
	t.stats.GapBytes += uint64(s.missing())
	s.todo = nil
	t.finish(s)
	return broken
}

// emit makes data the current chunk.
func (t *Tailer) emit(s *Source, data []byte, offset int64) {
	t.stats.Bytes += uint64(len(data))
	if !s.started && len(t.refused) > 0 {
		delete(t.refused, s.path)
	}
	t.chunk = Chunk{Source: s, Data: data, Offset: offset, First: !s.started}
	s.started, s.partial, s.original = true, false, true
}

var errTruncated = errors.New("truncated")

// fill reads up to window bytes at the offset into t.buf, behind the bytes before the offset that were handed out
// last. Finding other bytes there means that the file was truncated and written anew. It returns where the
// data begin in t.buf, the data, and whether the window is full.
func (t *Tailer) fill(s *Source, window int) (front int, data []byte, full bool, err error) {
	if len(s.todo) > 0 {
		window = int(min(int64(window), s.todo[0].end-s.todo[0].start))
	}
	known := 0 // bytes that are known of a file of which nothing was read: they were looked at to tell it from a copy
	if s.packed == plain && s.offset == 0 && len(s.todo) == 0 {
		known = s.nhead
		window = max(window, known)
	}
	if need := frontierSize + window; need > len(t.buf) {
		t.buf = make([]byte, need)
	}
	if s.packed != plain {
		n, err := s.stream.read(s, t.buf[frontierSize:frontierSize+window])
		copy(t.buf[frontierSize-s.nfront:], s.front[:s.nfront])
		s.closing = s.closing || err == nil && n < window && len(s.todo) == 0 // a whole compressed file gets no more lines
		return frontierSize, t.buf[frontierSize : frontierSize+n], n == window, err
	}
	if len(s.todo) > 0 {
		n, err := readAt(s.fd, t.buf[:window], s.todo[0].start)
		return 0, t.buf[:n], n == window, err
	}
	front = s.nfront
	n, err := readWhole(s.fd, t.buf[:front+window], s.offset-int64(front))
	if err != nil {
		return 0, nil, false, err
	}
	if n < front || !bytes.Equal(t.buf[:front], s.front[:front]) {
		return 0, nil, false, errTruncated
	}
	if n < known || known > 0 && hashOf(t.buf[:known]) != s.head {
		return 0, nil, false, errTruncated
	}
	// Lines of one length that all end alike have the same bytes before the offset in every file; how files begin differs.
	if known == 0 && s.nhead > 0 {
		if whole, err := t.sameHead(s); err != nil {
			return 0, nil, false, err
		} else if !whole {
			return 0, nil, false, errTruncated
		}
	}
	return front, t.buf[front:n], n == front+window, nil
}

// advance moves the offset to the end of read, whose first bytes are the frontier before.
func (s *Source) advance(read []byte) {
	grew := len(read) - s.nfront
	if s.packed != plain {
		grew = len(read) - frontierSize
		s.stream.took(grew)
	}
	s.marks.pass(s.offset, s.offset+int64(grew), read)
	s.offset += int64(grew)
	s.nfront = int(min(frontierSize, s.offset, int64(len(read))))
	copy(s.front[:], read[len(read)-s.nfront:])
}

// again hands out lines that were held when the state was written.
func (t *Tailer) again(s *Source, data []byte) bool {
	p := &s.todo[0]
	if len(data) == 0 {
		// They are not there any more.
		t.stats.GapBytes += uint64(p.end - p.start)
		s.todo = slices.Delete(s.todo, 0, 1)
		t.ready.push(s)
		return false
	}
	t.emit(s, data, p.start)
	if s.packed != plain {
		s.stream.took(len(data))
	}
	if p.start += int64(len(data)); p.start == p.end {
		s.todo = slices.Delete(s.todo, 0, 1)
	}
	return true
}

// holeProbe is how many leading NULs make it worth asking whether they are a hole.
const holeProbe = 4096

var zeros [holeProbe]byte

// jumpHole moves behind a hole that data, read at the offset, begin with: a sparse file's hole is read
// as NULs, a gigabyte of them if need be. At a line's beginning the NULs that are left of the blocks on
// both sides belong to the hole too.
func (s *Source) jumpHole(data []byte) bool {
	if s.packed != plain || len(data) < holeProbe || !bytes.Equal(data[:holeProbe], zeros[:]) {
		return false
	}
	// A hole begins at the next block, which is 4 KiB nearly everywhere and 64 KiB on some file systems.
	for _, block := range []int64{4 << 10, 64 << 10} {
		from := (s.offset + block - 1) / block * block
		to, ok := nextData(s.fd, from)
		if !ok || to <= from {
			continue // NULs that were written, or a hole up to the end that may still be filled
		}
		s.offset = to
		s.nfront = 0 // all NULs, which would tell nothing
		s.nulls = !s.skipping
		return true
	}
	return false
}

// resumed counts what a hole at the beginning of a truncated file tells: a writer that does not append goes on at its old
// position, so everything up to there was written before the truncation, seen by us or not.
func (t *Tailer) resumed(s *Source) {
	if s.cut > 0 && s.offset > s.cut {
		t.stats.GapBytes += uint64(s.offset - s.cut)
	}
	s.cut = 0
}

// learn takes the hash of the file's head while data, which stand at base, pass by at its beginning.
func (s *Source) learn(t *Tailer, base int64, data []byte) {
	if s.nhead >= headSize || s.packed == plain && s.size <= int64(s.nhead) {
		return
	}
	if s.packed != plain {
		s.stream.learn(s)
		return
	}
	// Only what was read: what stands behind it may be room that was made in advance.
	read := int(min(headSize, s.offset))
	if read <= s.nhead {
		return
	}
	if base == 0 {
		s.head, s.nhead = hashOf(data[:read]), read
		return
	}
	n, err := readAt(s.fd, t.head[:read], 0)
	if err != nil || n < read {
		return
	}
	head := hashOf(t.head[:n])
	// The file may have been truncated and filled again since data were read: then this is another one's head.
	if whole, err := t.stillWhole(s); err != nil || !whole {
		return
	}
	s.head, s.nhead = head, n
}

// meet takes the hash of the head of a plain file of which nothing was read yet. The first read makes sure that it is still there.
func (s *Source) meet(t *Tailer) {
	if n, err := readAt(s.fd, t.head, 0); err == nil {
		s.head, s.nhead = hashOf(t.head[:n]), n
	}
}

func hashOf(b []byte) (h [hashSize]byte) {
	sum := sha256.Sum256(b)
	copy(h[:], sum[:])
	return h
}
