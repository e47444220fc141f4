package tail

import (
	"path/filepath"
	"slices"
	"time"
)

const (
	graceAfterSuccessor = 2 * time.Second  // without growth, once the next file is being written or the file is deleted
	graceWithoutOne     = 10 * time.Second // without growth, when it was only renamed
	graceDeleted        = 60 * time.Second // without growth, when it was deleted and nothing took its place: somebody may still write to it
	graceIncomplete     = 60 * time.Second // without growth, when it is a compressed file that ends too early
	stuckRetry          = time.Second
)

// tendLeaving follows files that were renamed away or deleted to their end. Their writers may go on for a while, so
// the end is believed only when nothing was added for a time. The last line is handed out then
// even if it has no newline.
func (t *Tailer) tendLeaving(now time.Time) {
	t.leaving = slices.DeleteFunc(t.leaving, func(s *Source) bool { return !s.left || s.done || t.tend(s, now) })
}

// tend says whether s is finished.
func (t *Tailer) tend(s *Source, now time.Time) bool {
	if s.twin && !s.deleted {
		return false // the file that it was made from decides
	}
	if s.queued || !s.drained || s.blocked() {
		if !s.queued {
			t.ready.push(s)
		}
		return false
	}
	if s.stuck {
		return t.tendStuck(s, now)
	}
	if s.fd >= 0 {
		if st, err := statFD(s.fd); err == nil {
			s.deleted = s.deleted || st.nlink == 0
			if st.size != s.size {
				s.look(st, now)
				return false
			}
		}
	}
	idle := now.Sub(s.grown)
	next := s.successor()
	if idle < graceAfterSuccessor || !next && !s.deleted && idle < graceWithoutOne {
		return false
	}
	if s.partial && s.copied {
		// The copy was made in the middle of a line whose other half was truncated away.
		t.stats.GapBytes += uint64(s.size - s.offset)
		s.offset, s.partial, s.nfront = s.size, false, 0
	}
	if s.partial {
		s.closing = true
		t.wake(s)
		return false
	}
	if s.deleted && !next && idle < graceDeleted && s.fd >= 0 {
		return false
	}
	t.finish(s)
	return true
}

// tendStuck tries again to read what could not be read, and gives up what is certainly lost.
func (t *Tailer) tendStuck(s *Source, now time.Time) bool {
	lost := s.deleted && s.fd < 0
	if s.packed != plain {
		lost = lost || now.Sub(s.grown) >= graceIncomplete
	}
	if lost {
		t.stats.GapBytes += uint64(s.missing())
		s.todo = nil
		t.finish(s)
		return true
	}
	if now.Sub(s.retried) >= stuckRetry {
		s.retried = now
		t.wake(s)
	}
	return false
}

// missing is how many bytes are known to stand behind the offset, exactly.
func (s *Source) missing() int64 {
	end := s.size
	if s.packed != plain {
		end = s.expect
	}
	return s.todo.bytes() + max(0, end-s.offset)
}

// finish ends the following of a file. What is known of it is kept for a while: its compressed copy may appear, and
// after a restart the last files of a lineage tell which others are newer.
func (t *Tailer) finish(s *Source) {
	s.done, s.drained, s.partial = true, true, false
	t.tell("finished", s)
	s.close()
	t.wakeBehind(s)
	t.wakeTwins(s)
	t.haunt(s)
}

func (t *Tailer) haunt(s *Source) {
	if !s.ghost {
		s.ghost = true
		t.ghosts = append(t.ghosts, s)
	}
}

const (
	ghostsKept    = 1024 // finished files that are remembered, besides two for each matched path
	ghostsPerLine = 8    // finished files that are remembered of one lineage
)

// forgetGhosts keeps the memory of finished files bounded. Those that are still matched by name, or that hold lines
// of incomplete records, are no ghosts yet.
func (t *Tailer) forgetGhosts() {
	for i := 0; i < len(t.ghosts); {
		s := t.ghosts[i]
		switch {
		case !s.done:
			s.ghost = false
			t.ghosts = slices.Delete(t.ghosts, i, i+1)
		case s.matched() || len(s.holds) > 0:
			i++
		case len(t.ghosts) > ghostsKept+2*len(t.matches), len(s.line.members) > ghostsPerLine && s.line.members[0] == s:
			t.dropNames(s)
			s.deleted = true
			if slices.ContainsFunc(t.twins, func(o *Source) bool { return o.twin && o.twinOf == s }) {
				t.wakeTwins(s) // it lives on in its copy
				i++
				continue
			}
			t.ghosts = slices.Delete(t.ghosts, i, i+1)
			t.forget(s)
			s.line.remove(s)
			if len(s.line.members) == 0 {
				delete(t.lineages, s.line.path)
				t.sorted = nil
			}
		default:
			i++
		}
	}
}

func (s *Source) matched() bool {
	return slices.ContainsFunc(s.names, func(n *name) bool { return len(n.matches) > 0 })
}

// forget ends s for good and removes it from everything but its lineage.
func (t *Tailer) forget(s *Source) {
	s.done, s.drained, s.twin = true, true, false
	t.tell("forgotten", s)
	s.close()
	t.dropNames(s)
	if t.byInode[s.id.key()] == s {
		delete(t.byInode, s.id.key())
	}
}

func (t *Tailer) dropNames(s *Source) {
	for _, n := range s.names {
		n.src = nil
		if len(n.matches) == 0 {
			delete(n.dir.names, n.base)
		}
	}
	s.names = nil
}

// truncated ends the file that s followed: it was cut and begun anew, and goes on from its beginning as a new
// source. When a copy that was made before lies in the same folder, s goes on in the copy. The file held data up
// to end when it was last seen whole.
func (t *Tailer) truncated(s *Source, st info, end int64, now time.Time) {
	t.stats.Rotations[rotatedTruncate]++
	t.tell("truncated", s)
	t.relax(filepath.Dir(s.real))
	if s.packed != plain {
		s.close() // what is there now may be stored in another way
		end = s.expect
	}
	next := &Source{t: t, seq: t.nextSeq, id: s.id, path: s.path, real: s.real, match: s.match, home: s.home, size: st.size, mtime: st.mtime, fd: s.fd, grown: now,
		names: s.names, left: s.left, deleted: s.deleted, nulls: true}
	if s.packed == plain {
		next.cut = max(end, s.offset)
	}
	t.nextSeq++
	folder, base := filepath.Split(s.real)
	for _, n := range s.names {
		n.src = next
	}
	for i, o := range t.open {
		if o == s {
			t.open[i] = next
		}
	}
	if next.left {
		t.leaving = append(t.leaving, next)
	}
	if t.byInode[st.id.key()] == s {
		t.byInode[st.id.key()] = next
	}
	s.line.insertAfter(s, next)
	s.names, s.fd = nil, -1
	next.warm()
	t.wake(next)

	delete(t.listings, filepath.Clean(folder)) // the copy may be newer than the listing
	defer t.enterNewer(s.line, true, now)
	f, v := t.search(folder, familyOf(base), s.content(), true, func(o info) bool { return o.id.same(st.id) })
	if v == equal {
		if f.packed == plain {
			t.stats.GapBytes += uint64(max(0, end-max(s.offset, f.st.size)))
			next.cut = max(next.cut, f.st.size)
		} else {
			next.cut, next.nulls = 0, false // nobody knows how much the copy holds
		}
		t.continueIn(s, f, now)
		return
	}
	t.stats.GapBytes += uint64(max(0, end-s.offset) + s.todo.bytes())
	s.todo, s.size = nil, s.offset
	s.left, s.deleted = true, true
	t.finish(s)
}
