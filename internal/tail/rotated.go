package tail

import (
	"path/filepath"
	"slices"
	"time"
)

// sibling returns the rotated file of that identity.
func (l *listing) sibling(live string, id fileID) (sibling, bool) {
	e, ok := l.entry(id)
	if !ok {
		return sibling{}, false
	}
	a, ok := ageOf(live, e.base)
	return sibling{a, e.base, e.st}, ok
}

// rotatedAfter tells files that were rotated after the anchor. Some programs count upwards, so that a small number
// means an old file: numbers are believed only when the times do not both say the opposite. The times of a
// compressed anchor say nothing about files that were not compressed yet.
func rotatedAfter(anchor sibling) func(sibling) bool {
	return func(s sibling) bool {
		older := s.st.mtime < anchor.st.mtime && s.st.id.btime < anchor.st.id.btime &&
			!(compressedName(anchor.base) && !compressedName(s.base))
		return s.age.newer(anchor.age) && !(anchor.age.numbered && older)
	}
}

// sibling is a rotated file of a lineage as a folder lists it.
type sibling struct {
	age  age
	base string
	st   info
}

func everySibling(sibling) bool { return true }

// enterNewer enters the rotated files of l that are not known and newer than one that is. Nobody followed them under the live name:
// they are copies that copytruncate made, of what is known or of what came and went between two looks.
//
// Without any known rotated file all are entered if something was certainly rotated, and none otherwise.
func (t *Tailer) enterNewer(l *lineage, rotated bool, now time.Time) {
	if l.live == "" {
		return
	}
	folder, live := filepath.Split(l.live)
	list := t.relist(folder)
	var oldest *sibling
	known := map[age]bool{}
	gone := false     // a file that was rotated before the oldest
	floor := int64(0) // birth time of the oldest that is remembered
	current := l.current()
	for _, m := range slices.Clone(l.members) {
		if m.dated(current) && (floor == 0 || m.id.btime < floor) {
			floor = m.id.btime
		}
		at, ok := list.sibling(live, m.id)
		if !ok || t.known(m.id) != m {
			_, here := list.entry(m.id)
			gone = gone || oldest == nil && !here
			continue
		}
		if !m.named(at.base) {
			t.nameAt(m, filepath.Join(list.folder, at.base), now) // new files are put in their place by names
		}
		known[at.age] = true
		if oldest == nil || oldest.age.newer(at.age) {
			oldest = &at
		}
	}
	if oldest == nil && !gone && !rotated {
		return
	}
	t.enterSiblings(l, func(s sibling) bool {
		switch {
		case known[s.age]:
			return false // a known one, being compressed or restored
		case s.st.id.btime != 0 && s.st.id.btime < floor:
			return false // read so long ago that it is forgotten
		case oldest == nil && !gone || oldest != nil && rotatedAfter(*oldest)(s):
			return true
		}
		// Retention deletes the oldest first, so what is left is newer than what it deleted. That may have been compressed, and not
		// deleted: so may its elders, which were read.
		return gone && !compressedName(s.base) && (floor == 0 || s.st.id.btime == 0 || s.st.id.btime > floor)
	}, now)
}

// enterSiblings makes sources of the rotated files of l that are wanted and not known, oldest first.
func (t *Tailer) enterSiblings(l *lineage, wanted func(sibling) bool, now time.Time) {
	folder, live := filepath.Split(l.live)
	var all []sibling
	for _, e := range t.list(folder).files {
		if a, ok := ageOf(live, e.base); ok && wanted(sibling{a, e.base, e.st}) {
			all = append(all, sibling{a, e.base, e.st})
		}
	}
	slices.SortFunc(all, func(a, b sibling) int {
		switch {
		case b.age.newer(a.age):
			return -1
		case a.age.newer(b.age):
			return 1
		case len(a.base) != len(b.base): // app.log.2 before app.log.2.gz
			return len(a.base) - len(b.base)
		}
		return 0
	})
	for i, sib := range all {
		if i > 0 && all[i-1].age == sib.age {
			continue // the same file, being compressed
		}
		real := filepath.Join(folder, sib.base)
		if t.known(sib.st.id) != nil || !within(t.roots, real) {
			continue
		}
		if d := t.dirAt(filepath.Clean(folder)); d != nil {
			n := d.names[sib.base]
			if n == nil {
				n = &name{dir: d, base: sib.base}
				d.names[sib.base] = n
			}
			t.occupy(n, sib.st, l, now)
		}
	}
	l.sort()
}

// noteOlder remembers, for lineages that are followed for the first time, the newest file that was rotated before: after a
// restart it tells which ones are new. When the agent was only down, files that were made meanwhile
// belong to a lineage that began and rotated in that time, and are read.
func (t *Tailer) noteOlder(known map[string]bool, now time.Time) {
	for path, l := range t.lineages {
		if known[path] || l.live == "" || len(l.members) == 0 {
			continue
		}
		folder, live := filepath.Split(l.live)
		var newest string
		var newestAge age
		for _, e := range t.list(folder).files {
			if a, ok := ageOf(live, e.base); ok && (newest == "" || a.newer(newestAge)) {
				newest, newestAge = e.base, a
			}
		}
		if newest == "" {
			continue
		}
		if t.asOf > 0 {
			t.enterSiblings(l, func(s sibling) bool { return max(s.st.id.btime, s.st.mtime) > t.asOf }, now)
		}
		if len(l.members) > 1 {
			continue
		}
		t.anchor(l, filepath.Join(folder, newest))
	}
}

// anchor enters a finished file of which only the head is known.
func (t *Tailer) anchor(l *lineage, real string) {
	fd, st, err := openReal(real, t.roots)
	if err != nil {
		return
	}
	defer closeFD(fd)
	if t.inherited(st.id); t.known(st.id) != nil {
		return
	}
	s := &Source{t: t, seq: t.nextSeq, id: st.id, path: real, size: st.size, mtime: st.mtime, fd: -1, probed: true,
		left: true, done: true, drained: true, original: true}
	if n, err := readAt(fd, t.head, 0); err == nil {
		s.packed = packingOf(t.head[:n])
		switch s.packed {
		case plain:
			s.head, s.nhead, s.offset = hashOf(t.head[:n]), n, st.size
		case gzipped, zstandard:
			stream := &stream{kind: s.packed, raw: fdReader{fd: fd}}
			stream.start()
			stream.want(headSize)
			stream.learn(s)
			stream.close()
		default:
			return
		}
	}
	t.nextSeq++
	t.byInode[s.id.key()] = s
	s.line = l
	l.members = slices.Insert(l.members, 0, s)
	if d := t.dirAt(filepath.Dir(real)); d != nil {
		n := d.names[filepath.Base(real)]
		if n == nil {
			n = &name{dir: d, base: filepath.Base(real)}
			d.names[n.base] = n
		}
		n.src = s
		s.names = append(s.names, n)
	}
	t.haunt(s)
}
