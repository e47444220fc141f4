package tail

import (
	"bytes"
	"errors"
	"path/filepath"
	"slices"
	"time"
)

// content is what is remembered of a file's bytes: enough to recognise a copy of it under any name, compressed or
// not, and to go on in the copy where reading stopped.
type content struct {
	head   [hashSize]byte
	nhead  int
	front  [hashSize]byte // of the nfront bytes before offset
	nfront int
	offset int64
	marks  marks
}

func (s *Source) content() content {
	if s.nfront > 0 && s.hashedAt != s.offset {
		s.frontHash, s.hashedAt = hashOf(s.front[:s.nfront]), s.offset
	}
	return content{head: s.head, nhead: s.nhead, front: s.frontHash, nfront: s.nfront, offset: s.offset, marks: s.marks}
}

type verdict int

const (
	different  verdict = iota
	unfinished         // equal so far, but still being written
	equal
)

// found is a file that holds a content.
type found struct {
	real   string
	st     info
	packed packing
	front  [frontierSize]byte // the bytes before the offset
	whole  bool               // it reaches to the offset
	end    int64              // its decompressed size, when it does not
}

// compare looks whether the file at real holds c.
func (t *Tailer) compare(real string, c content) (found, verdict) {
	f := found{real: real}
	fd, st, err := openReal(real, t.roots)
	if err != nil {
		return f, different
	}
	defer closeFD(fd)
	f.st = st
	var magic [6]byte
	n, err := readAt(fd, magic[:], 0)
	if err != nil {
		return f, different
	}
	switch f.packed = packingOf(magic[:n]); f.packed {
	case plain:
		return f, f.comparePlain(fd, c, t.head)
	case gzipped, zstandard:
		stream := &stream{kind: f.packed, raw: fdReader{fd: fd}}
		defer stream.close()
		return f, f.compareStream(stream, c, t.opts.ChunkBytes)
	}
	return f, different
}

func (f *found) comparePlain(fd int, c content, scratch []byte) verdict {
	if f.st.size < c.offset || f.st.size < int64(c.nhead) {
		return different
	}
	if n, err := readAt(fd, scratch[:c.nhead], 0); err != nil || n < c.nhead || c.nhead > 0 && hashOf(scratch[:n]) != c.head {
		return different
	}
	front := f.front[:c.nfront]
	if n, err := readAt(fd, front, c.offset-int64(c.nfront)); err != nil || n < c.nfront || n > 0 && hashOf(front) != c.front {
		return different
	}
	return equal
}

func (f *found) compareStream(st *stream, c content, window int) verdict {
	st.start()
	st.want(c.nhead)
	if len(st.carry) < c.nhead {
		if errors.Is(st.err, errIncomplete) {
			return unfinished
		}
		return different
	}
	if c.nhead > 0 && hashOf(st.carry[:c.nhead]) != c.head {
		return different
	}
	switch err := st.seek(c.offset, window); {
	case errors.Is(err, errIncomplete):
		return unfinished
	case err != nil:
		return different
	}
	copy(f.front[:], st.last[frontierSize-c.nfront:])
	if c.nfront > 0 && hashOf(f.front[:c.nfront]) != c.front {
		return different
	}
	return equal
}

// maxCompared bounds the files that are opened to find one copy.
const maxCompared = 256

// search looks in a folder for a file that holds c: first among the names that rotation would give to live, then, if
// everywhere, among all others. Files that are not wanted, such as the one that c was read from, are passed over.
func (t *Tailer) search(folder, live string, c content, everywhere bool, unwanted func(info) bool) (f found, v verdict) {
	if c.nhead == 0 {
		return found{}, different // nothing was read of it, so nothing tells it from others
	}
	for range rereads {
		var moved bool
		if f, v, moved = t.searchOnce(t.list(folder), live, c, everywhere, unwanted); !moved || v == equal {
			break
		}
		t.relist(folder)
	}
	return f, v
}

// searchOnce searches what a folder held at one moment. It moved if a file is no longer what it was then.
func (t *Tailer) searchOnce(list *listing, live string, c content, everywhere bool, unwanted func(info) bool) (best found, result verdict, moved bool) {
	compared := 0
	for _, related := range []bool{true, false} {
		for _, e := range list.files {
			_, rotated := ageOf(live, e.base)
			if (rotated || stripCompression(e.base) == live) != related || compared == maxCompared || unwanted(e.st) {
				continue
			}
			compared++
			f, v := t.compare(list.path(e), c)
			if !f.st.id.same(e.st.id) {
				moved = true
				continue
			}
			if v == equal && f.packed == plain {
				return f, equal, false
			}
			if v > result {
				best, result = f, v
			}
		}
		if result == equal || !everywhere {
			break
		}
	}
	return best, result, moved
}

// beginningOf looks in a folder for a copy that was made of c before all of c was read, and gives its size, decompressed. A
// file that is older than the one that c was read from is none.
func (t *Tailer) beginningOf(folder, live string, c content, id fileID, unwanted func(info) bool) (best found, ok bool) {
	if c.nhead == 0 {
		return best, false
	}
	for range rereads {
		var moved bool
		if best, ok, moved = t.beginningOnce(t.list(folder), live, c, id, unwanted); !moved {
			break
		}
		t.relist(folder)
	}
	return best, ok
}

// beginningOnce looks in what a folder held at one moment. It moved if a file is no longer what it was then.
func (t *Tailer) beginningOnce(list *listing, live string, c content, id fileID, unwanted func(info) bool) (best found, ok, moved bool) {
	compared := 0
	for _, e := range list.files {
		if unwanted(e.st) || e.st.id.btime != 0 && id.btime != 0 && e.st.id.btime < id.btime {
			continue
		}
		if compared++; compared > maxCompared {
			break
		}
		f, holds := t.holdsBeginning(list.path(e), c)
		if !f.st.id.same(e.st.id) {
			moved = true
			continue
		}
		if _, rotated := ageOf(live, e.base); holds && (!ok || rotated && f.end > best.end) {
			best, ok = f, true
		}
	}
	return best, ok, moved
}

// holdsBeginning says whether the file at real is shorter than what was read of c, and a copy of it.
func (t *Tailer) holdsBeginning(real string, c content) (f found, ok bool) {
	fd, st, err := openReal(real, t.roots)
	if err != nil {
		return f, false
	}
	defer closeFD(fd)
	f = found{real: real, st: st, whole: true, end: st.size}
	n, err := readAt(fd, t.head[:6], 0)
	if err != nil {
		return f, false
	}
	switch f.packed = packingOf(t.head[:n]); f.packed {
	case plain:
		if !c.holdsBeginning(fd, st.size, t.head) {
			return f, false
		}
		front := f.front[:min(frontierSize, f.end)]
		n, err := readAt(fd, front, f.end-int64(len(front)))
		return f, err == nil && n == len(front)
	case gzipped, zstandard:
		stream := &stream{kind: f.packed, raw: fdReader{fd: fd}}
		defer stream.close()
		end, v := stream.holdsBeginningOf(&c, t.opts.ChunkBytes)
		f.end = end
		copy(f.front[:], stream.last[frontierSize-min(frontierSize, end):])
		return f, v == equal
	}
	return f, false
}

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

// stillWhole says whether the open plain file of o holds what is known of it: the bytes before the offset or, when nothing was read,
// the head.
func (t *Tailer) stillWhole(o *Source) (bool, error) {
	if o.offset == 0 {
		n, err := readAt(o.fd, t.head[:o.nhead], 0)
		return err == nil && n == o.nhead && hashOf(t.head[:n]) == o.head, err
	}
	front := t.head[:o.nfront]
	n, err := readAt(o.fd, front, o.offset-int64(o.nfront))
	return err == nil && n == o.nfront && bytes.Equal(front, o.front[:o.nfront]), err
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
