package tail

import (
	"bytes"
	"path/filepath"
	"slices"
	"time"
)

// continueIn has s go on in the file f, which holds what was read of it and perhaps more.
func (t *Tailer) continueIn(s *Source, f found, now time.Time) {
	for len(s.names) > 0 {
		t.detach(s.names[0])
	}
	s.close()
	if t.byInode[s.id.key()] == s {
		delete(t.byInode, s.id.key())
	}
	if s.packed == plain {
		s.expect = s.size
	}
	s.id, s.size, s.sure, s.mtime = f.st.id, f.st.size, 0, f.st.mtime
	s.packed, s.probed, s.copied = f.packed, true, true
	s.front = f.front
	s.deleted, s.done, s.stuck, s.grown = false, false, false, now
	t.inherited(s.id)
	if other := t.known(s.id); other != nil && other != s {
		// It was entered as a file of its own and waited to be told from a copy.
		names := other.names
		t.forget(other)
		s.line.replace(other, s) // it stood among its likes
		for _, n := range names {
			t.attach(n, s)
		}
	}
	t.byInode[s.id.key()] = s
	t.nameAt(s, f.real, now)
	t.tell("goes on in a copy", s)
	if s.packed != plain {
		t.stats.Rotations[rotatedGzip]++
	}
	s.left = true
	if !slices.Contains(t.leaving, s) {
		t.leaving = append(t.leaving, s)
	}
	t.wake(s)
}

// twinWindow is how many bytes at the end of the shorter file are compared to tell a copy from another file that
// begins alike.
const twinWindow = 64 << 10

// checkCopy finds out whether s, of which nothing was read yet, was made from another file, by gzip or by cp before a
// truncation: then what it holds was or will be read there. True means that s is not to be read now. It is asked
// again whenever s grows, for a copy may be under way, and when the other file is gone.
func (t *Tailer) checkCopy(s *Source, now time.Time) bool {
	s.twin, s.twinOf = false, nil
	// It may have no name for a moment, in the middle of a rotation: the last one counts.
	if base := filepath.Base(s.real); base == familyOf(base) {
		return false // a live file is nobody's copy
	}
	if s.size == 0 { // nothing tells yet, and what is there a moment later must be looked at first
		s.drained, s.partial = true, false
		return true
	}
	t.pinned = s
	defer func() { t.pinned = nil }()
	t.noticeTruncations(s, now)
	if s.done {
		return true // an older file goes on in it
	}
	o, f := t.originalOf(s, now)
	if o == nil {
		return false
	}
	if !o.done || !o.deleted {
		s.twin, s.twinOf = true, o
		t.tell("is a copy of "+o.ID(), s)
		s.drained, s.partial = true, false
		s.close()
		if !slices.Contains(t.twins, s) {
			t.twins = append(t.twins, s)
		}
		return true
	}
	if f.whole {
		t.continueIn(o, f, now) // s is o's successor in everything, and gone
		return true
	}
	// The other was read further than the copy goes.
	if s.packed == plain {
		s.meet(t)
	} else if s.head, s.nhead = o.head, o.nhead; int64(o.nhead) > f.end {
		s.nhead = 0
	}
	s.offset, s.nfront = s.size, 0
	s.left = true
	t.tell("is the beginning of "+o.ID(), s)
	t.finish(s)
	return true
}

// live says whether s has the name from which copies are made.
func (s *Source) live() bool {
	return !s.left && !s.done && !s.twin && len(s.names) > 0 && s.names[0].base == familyOf(s.names[0].base)
}

// noticeTruncations looks whether the live file that s may have been made from still is what was read of it. Without
// notifications its copy is often seen first.
func (t *Tailer) noticeTruncations(s *Source, now time.Time) {
	for _, o := range slices.Clone(s.line.members) {
		if o == s || !o.live() || o.packed != plain || o.offset == 0 && o.nhead == 0 || t.ensureOpen(o) != nil {
			continue
		}
		st, err := statFD(o.fd)
		if err != nil {
			continue
		}
		if st.size < o.offset {
			t.truncated(o, st, o.size, now)
		} else if whole, err := t.stillWhole(o); err == nil && !whole {
			t.truncated(o, st, o.sure, now)
		}
	}
}

// stillWhole says whether the open plain file of o holds what is known of it: the bytes before the offset, and the head.
func (t *Tailer) stillWhole(o *Source) (bool, error) {
	front := t.head[:o.nfront]
	if n, err := readAt(o.fd, front, o.offset-int64(o.nfront)); err != nil || n < o.nfront || !bytes.Equal(front, o.front[:o.nfront]) {
		return false, err
	}
	return t.sameHead(o)
}

// sameHead says whether the open plain file of o begins as it did, as far as that is known.
func (t *Tailer) sameHead(o *Source) (bool, error) {
	if o.nhead == 0 {
		return true, nil
	}
	n, err := readAt(o.fd, t.head[:o.nhead], 0)
	return err == nil && n == o.nhead && hashOf(t.head[:n]) == o.head, err
}

// wakeTwins has the copies of o looked at again once o is finished and gone.
func (t *Tailer) wakeTwins(o *Source) {
	if len(t.twins) == 0 || !o.done || !o.deleted {
		return
	}
	t.twins = slices.DeleteFunc(t.twins, func(s *Source) bool {
		if s.twin && s.twinOf == o {
			t.wake(s)
		}
		return !s.twin
	})
}

// originalOf returns the file that s was made from, or nil.
func (t *Tailer) originalOf(s *Source, now time.Time) (*Source, found) {
	var original *Source
	var where found
	try := func(o *Source) {
		if o != nil && o != s && o.live() && o.nhead == 0 && o.offset == 0 && t.ensureOpen(o) == nil && o.packed == plain {
			// Its copy was seen before anything was read of it.
			if st, err := statFD(o.fd); err == nil {
				o.look(st, now)
				o.meet(t)
			}
		}
		if o == nil || o == s || original != nil || o.packed != plain && !o.done || o.nhead == 0 || o.twin ||
			s.id.btime != 0 && o.id.btime != 0 && s.id.btime < o.id.btime {
			return
		}
		if f, ok := t.copyOf(s, o); ok {
			original, where = o, f
		}
	}
	for _, o := range s.line.members {
		try(o)
	}
	return original, where
}

// copyOf compares s with one file that it may have been made from.
func (t *Tailer) copyOf(s, o *Source) (found, bool) {
	f := found{real: s.real, st: info{id: s.id, size: s.size, mtime: s.mtime}, packed: s.packed}
	if s.packed != plain {
		st := &stream{kind: s.packed, raw: fdReader{fd: s.fd}}
		defer st.close()
		v := f.compareStream(st, o.content(), t.opts.ChunkBytes)
		f.whole = v == equal
		if v == different && o.done {
			c := o.content()
			f.end, v = st.holdsBeginningOf(&c, t.opts.ChunkBytes)
			return f, v == equal
		}
		return f, f.whole || v == unfinished && !o.done
	}
	if s.size >= max(o.offset, int64(o.nhead)) {
		f.whole = true
		if o.packed != plain && !o.done || f.comparePlain(s.fd, o.content(), t.head) != equal {
			return f, false
		}
		// Two files may be alike up to where one of them was read. If the other is still whole, all of it must be.
		return f, o.done || t.sameEnd(s, o) != different
	}
	if !o.done && !o.deleted {
		if v := t.sameEnd(s, o); v != unfinished {
			return f, v == equal
		}
	}
	if o.gone {
		return f, false
	}
	// It was truncated behind the copy: what the copy holds was read, if it is one.
	c := o.content()
	return f, c.holdsBeginning(s.fd, s.size, t.head)
}

// sameEnd compares the last bytes before the end of the shorter file. It is unfinished when o is not whole any more.
func (t *Tailer) sameEnd(s, o *Source) verdict {
	if len(o.names) == 0 && o.fd < 0 {
		return unfinished
	}
	if t.ensureOpen(o) != nil || s.fd < 0 {
		return unfinished
	}
	st, err := statFD(o.fd)
	if now := (&found{st: st}); err != nil || now.comparePlain(o.fd, o.content(), t.head) != equal {
		return unfinished
	}
	end := min(s.size, st.size)
	size := int(min(end, twinWindow))
	a, b := make([]byte, size), make([]byte, size)
	n, errA := readAt(s.fd, a, end-int64(size))
	m, errB := readAt(o.fd, b, end-int64(size))
	if errA == nil && errB == nil && n == size && m == size && bytes.Equal(a, b) {
		return equal
	}
	if whole, err := t.stillWhole(o); err != nil || !whole {
		return unfinished // it was truncated between the two looks at it
	}
	return different
}
