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
			if matchAny(t.include, l.path) && !matchAny(t.exclude, l.path) {
				// It is a rotated file that no pattern names, or was rotated in this very moment.
				t.loosen(s)
				continue
			}
			t.forget(s)
			l.remove(s)
		}
	}
}
