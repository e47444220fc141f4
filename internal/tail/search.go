package tail

import "errors"

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
