package tail

import (
	"path/filepath"
	"slices"
	"time"
)

// firstLook finds the files that the state speaks of, then everything that is matched, then what was rotated
// meanwhile without ever having been seen.
func (t *Tailer) firstLook(now time.Time) {
	known := map[string]bool{}
	var gone []*record
	t.cuts = map[inodeKey]int64{}
	t.watchFolders(now)
	for i := range t.saved {
		r := &t.saved[i]
		known[r.lineage] = true
		if !t.recall(r, now) {
			gone = append(gone, r)
		}
	}
	saved := t.saved
	t.saved = nil
	t.visitRoots(now)
	t.findHomes()
	t.settle(now)
	t.readRotatedWhileDown(saved, gone, now)
	t.settle(now)
	t.noteOlder(known, now)
	clear(t.listings)
	t.scanned, t.fresh, t.cuts = true, false, nil
}

// watchFolders has changes announced before anything is looked up, so that a rename in the middle of it is noticed.
func (t *Tailer) watchFolders(now time.Time) {
	seen := map[string]bool{}
	for i := range t.saved {
		folder := filepath.Dir(t.saved[i].real)
		if seen[folder] || !within(t.roots, folder) {
			continue
		}
		seen[folder] = true
		if st, err := statPath(folder); err == nil && st.dir() {
			if d := t.dirAt(folder); d != nil {
				t.watchDir(d, now)
			}
		}
	}
}

// recall finds one file: at its name, by its inode in the same folder, or by its content in a copy.
func (t *Tailer) recall(r *record, now time.Time) bool {
	if r.has(flagDone) && r.nhead == 0 && r.offset == 0 {
		return false // it was truncated before anything was read of it: nothing is known of it
	}
	folder, base := filepath.Split(r.real)
	live := familyOf(base)
	st, err := statPath(r.real)
	real := r.real
	if err != nil || !st.regular() || !st.id.same(r.id) && !st.id.remounted(r.id) {
		var ok bool
		if real, st, ok = t.find(folder, r.id); !ok {
			st = info{}
		}
	}
	if st.id.ino != 0 {
		if r.has(flagTwin) || r.nhead == 0 && r.offset == 0 {
			t.adopt(r, found{real: real, st: st, packed: r.packed}, now)
			return true
		}
		if f, v := t.compare(real, r.content); v == equal || v == unfinished {
			t.adopt(r, f, now)
			return true
		}
		t.stats.Rotations[rotatedTruncate]++
		if r.packed == plain {
			t.cuts[st.id.key()] = max(r.size, r.offset)
		}
	}
	if r.has(flagDone) && len(r.holes) == 0 {
		t.remember(r, st)
		return false
	}
	unwanted := func(o info) bool {
		known := t.known(o.id)
		return o.id.same(st.id) || known != nil && !known.twin
	}
	f, v := t.search(folder, live, r.content, true, unwanted)
	if v == different {
		// copytruncate leaves the file where it is: without it, another one that begins alike is no copy.
		if f, ok := t.beginningOf(folder, live, r.content, r.id, unwanted); ok && st.id.ino != 0 {
			t.adoptShorter(r, f, now)
			return true
		}
		t.remember(r, st)
		return false
	}
	if f.packed == plain { // bytes that were seen in the file and are not in its copy
		t.stats.GapBytes += uint64(max(0, r.size-max(r.offset, f.st.size)))
		if cut, ok := t.cuts[st.id.key()]; ok {
			t.cuts[st.id.key()] = max(cut, f.st.size)
		}
	} else {
		delete(t.cuts, st.id.key()) // nobody knows how much the copy holds
	}
	if f.packed != plain {
		t.stats.Rotations[rotatedGzip]++
	}
	r.flags |= flagLeft | flagCopied
	t.adopt(r, f, now)
	return true
}

// adoptShorter makes a finished source of r, whose copy f ends before the offset. What was read of r behind the copy's end
// is nowhere any more; lines there that were held are lost.
func (t *Tailer) adoptShorter(r *record, f found, now time.Time) {
	lost := max(0, r.size-r.offset)
	var holes spans
	for _, h := range r.holes {
		if h.end <= f.end {
			holes = append(holes, h)
		} else {
			lost += h.end - h.start
		}
	}
	t.stats.GapBytes += uint64(lost)
	r.holes, r.offset, r.size, r.marks = holes, f.end, f.end, nil
	if int64(r.nhead) > f.end {
		r.nhead = 0
	}
	r.nfront = int(min(frontierSize, f.end))
	r.front = hashOf(f.front[:r.nfront])
	r.flags |= flagLeft | flagDone | flagCopied
	t.adopt(r, f, now)
}

// remember keeps what is known of a finished file that is gone: a copy of it may be there or appear. Another file may be where
// it was.
func (t *Tailer) remember(r *record, here info) {
	s := &Source{
		t: t, seq: r.seq, id: r.id, path: r.real, real: r.real, match: r.match, offset: r.offset, size: r.size, fd: -1, packed: r.packed, probed: true,
		head: r.head, nhead: r.nhead, nfront: r.nfront, frontHash: r.front, hashedAt: r.offset, marks: r.marks,
		left: true, done: true, deleted: true, drained: true, gone: here.id.ino == 0,
	}
	s.line = t.lineageAt(r.lineage)
	s.line.live = r.live
	s.line.members = append(s.line.members, s)
	t.tell("not found again", s)
	t.haunt(s)
}

// adopt makes a source of r, which was found in f.
func (t *Tailer) adopt(r *record, f found, now time.Time) {
	t.inherited(f.st.id)
	if other := t.known(f.st.id); other != nil {
		if !other.twin {
			return
		}
		t.forget(other) // r is what it was the twin of
		other.line.remove(other)
	}
	s := &Source{
		t: t, seq: r.seq, id: f.st.id, path: f.real, real: f.real, match: r.match, offset: r.offset, size: f.st.size, mtime: f.st.mtime, fd: -1,
		packed: f.packed, probed: r.offset > 0, marks: r.marks, head: r.head, nhead: r.nhead, front: f.front, nfront: r.nfront, grown: now,
		cut: r.cut, todo: r.holes, skipping: r.has(flagSkipping), nulls: r.has(flagNulls), left: r.has(flagLeft), done: r.has(flagDone),
		expect: r.size, twin: r.has(flagTwin), copied: r.has(flagCopied), original: r.offset > 0,
	}
	t.byInode[s.id.key()] = s
	l := t.lineageAt(r.lineage)
	l.live = r.live
	l.members = append(l.members, s)
	s.line = l
	t.nameAt(s, f.real, now)
	t.tell("found again", s)
	if f.real == r.real && !s.left {
		s.home = homeAgain
	}
	switch {
	case s.done && len(s.todo) == 0 && (s.packed != plain || s.size <= s.offset):
		s.drained = true
		t.haunt(s)
		return
	case s.left:
		s.done = false
		t.leaving = append(t.leaving, s)
	}
	s.done = false
	t.wake(s)
}

// homeAgain stands for a home that the patterns are about to name again, unless the configuration changed.
const homeAgain = "?"

// readRotatedWhileDown enters, for every lineage whose newest known file is no longer at the live name, the files that
// were rotated after it. When none of the known files is left, retention deleted them, oldest first, and all
// that are there are newer. Then it counts what is gone.
func (t *Tailer) readRotatedWhileDown(saved []record, gone []*record, now time.Time) {
	lines := map[*lineage][]*record{}
	for i := range saved {
		if l := t.lineages[saved[i].lineage]; l != nil {
			lines[l] = append(lines[l], &saved[i])
		}
	}
	for l, records := range lines {
		slices.Reverse(records)
		t.readNewerThan(l, records, now)
	}
	for _, r := range gone {
		if !r.has(flagTwin) && (r.nhead > 0 || len(r.holes) > 0) {
			t.stats.GapBytes += uint64(r.missing())
			t.stats.Rotations[rotatedDeleted]++
		}
	}
}

// readNewerThan takes the newest of the records that was found as the anchor; they come newest first.
func (t *Tailer) readNewerThan(l *lineage, records []*record, now time.Time) {
	if l.live == "" {
		return // names that were never rotated: what the patterns match is all there is
	}
	folder, live := filepath.Split(l.live)
	for _, r := range records {
		if r.nhead == 0 && r.offset == 0 {
			continue // nothing was known of it, not even whether it was truncated since
		}
		i := slices.IndexFunc(l.members, func(m *Source) bool { return m.seq == r.seq })
		if i >= 0 && len(l.members[i].names) > 0 {
			t.enterNewer(l, !l.members[i].named(live), now)
			return
		}
		if !r.has(flagDone) {
			continue // it was searched for already
		}
		// It was finished, so nobody looked for copies of it yet. A copy says where to go on.
		none := func(info) bool { return false }
		f, v := t.search(folder, live, r.content, true, none)
		if v != equal && t.known(r.id) != nil {
			if shorter, ok := t.beginningOf(folder, live, r.content, r.id, none); ok {
				f, v = shorter, equal
			}
		}
		if v == equal {
			if anchor, ok := t.list(folder).sibling(live, f.st.id); ok {
				t.enterSiblings(l, rotatedAfter(anchor), now)
				return
			}
		}
	}
	t.enterSiblings(l, everySibling, now)
}

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
	gone := false // a file that was rotated before the oldest
	for _, m := range slices.Clone(l.members) {
		at, ok := list.sibling(live, m.id)
		if !ok || t.known(m.id) != m {
			gone = gone || oldest == nil && !list.holds(live, m.id)
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
		case oldest == nil || rotatedAfter(*oldest)(s):
			return true
		}
		// Retention deletes the oldest first, so what is left is newer than what it deleted. That may have been compressed, and not
		// deleted: so may its elders, which were read.
		return gone && !compressedName(s.base)
	}, now)
}

// holds says whether the file with that identity has that name.
func (l *listing) holds(base string, id fileID) bool {
	e, ok := l.entry(id)
	return ok && e.base == base
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

// findHomes tells the files that are where they were how they are matched now, and stops following those that no
// pattern names any more: they were not rotated, the configuration changed.
func (t *Tailer) findHomes() {
	for _, l := range t.lineages {
		for _, s := range slices.Clone(l.members) {
			if s.home != homeAgain {
				continue
			}
			if s.home = ""; s.matched() {
				i := slices.IndexFunc(s.names, func(n *name) bool { return len(n.matches) > 0 })
				s.home = s.names[i].matches[0].path
				continue
			}
			_, rotated := ageOf(filepath.Base(l.live), filepath.Base(s.real))
			if rotated && t.matches[l.path] != nil {
				// It was entered as a rotated file that no pattern names, and nothing was read of it yet.
				s.left = true
				t.leaving = append(t.leaving, s)
				continue
			}
			t.forget(s)
			l.remove(s)
		}
	}
}
