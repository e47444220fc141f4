package tail

import (
	"slices"
	"time"
)

const (
	graceAfterSuccessor = 2 * time.Second  // without growth, once the next file is being written or the file is deleted
	graceWithoutOne     = 10 * time.Second // without growth, when it was only renamed
	graceDeleted        = 60 * time.Second // without growth, when it was deleted and nothing took its place: somebody may still write to it
)

// tendLeaving follows files that were renamed away or deleted to their end. Their writers may go on for a while, so
// the end is believed only when nothing was added for a time. The last line is handed out then
// even if it has no newline.
func (t *Tailer) tendLeaving(now time.Time) {
	for i := 0; i < len(t.leaving); {
		s := t.leaving[i]
		if !s.left || s.done || t.tend(s, now) {
			t.leaving = slices.Delete(t.leaving, i, i+1)
			continue
		}
		i++
	}
}

// tend says whether s is finished.
func (t *Tailer) tend(s *Source, now time.Time) bool {
	if s.queued || !s.drained || s.blocked() {
		if !s.queued {
			t.ready.push(s)
		}
		return false
	}
	if s.fd >= 0 && s.packed == plain {
		st, err := statFD(s.fd)
		if err == nil {
			if st.nlink == 0 {
				s.deleted = true
			}
			if st.size != s.size {
				s.look(st, now)
				return false
			}
		}
	}
	if s.stuck && s.fd < 0 {
		if s.deleted {
			t.stats.GapBytes += uint64(s.unread())
			t.finish(s)
			return true
		}
		if now.Sub(s.grown) > time.Second {
			s.grown = now
			t.wake(s)
		}
		return false
	}
	if s.packed != plain {
		t.finish(s)
		return true
	}
	idle := now.Sub(s.grown)
	next := s.successor()
	if idle < graceAfterSuccessor || !next && !s.deleted && idle < graceWithoutOne {
		return false
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

// finish ends the following of a file.
func (t *Tailer) finish(s *Source) {
	s.done, s.drained = true, true
	s.close()
	t.wakeBehind(s)
	if len(s.holds) == 0 {
		t.retire(s)
	}
}

// retire forgets a finished file, unless it is the last one of its lineage: that one tells, after a restart, which
// files are newer.
func (t *Tailer) retire(s *Source) {
	members := s.line.members
	if len(members) > 0 && members[len(members)-1] == s {
		return
	}
	s.line.members = slices.DeleteFunc(members, func(m *Source) bool { return m == s })
	t.forget(s)
}

func (t *Tailer) forget(s *Source) {
	s.close()
	for len(s.names) > 0 {
		n := s.names[0]
		n.src = nil
		s.names = s.names[1:]
		if len(n.matches) == 0 {
			delete(n.dir.names, n.base)
		}
	}
	if t.byInode[s.id.key()] == s {
		delete(t.byInode, s.id.key())
	}
}

// truncated ends s, whose file was cut and begun anew, and follows the same file from its beginning as a new
// source. It held data up to end when it was last seen whole.
func (t *Tailer) truncated(s *Source, st info, end int64, now time.Time) {
	t.stats.Rotations[rotatedTruncate]++
	t.stats.GapBytes += uint64(max(0, end-s.offset) + s.todo.bytes())
	names := s.names
	s.names, s.todo, s.holds = nil, nil, nil
	fd := s.fd
	s.fd = -1
	next := &Source{t: t, seq: t.nextSeq, id: st.id, path: s.path, size: st.size, mtime: st.mtime, fd: fd, grown: now,
		names: names, left: s.left, deleted: s.deleted}
	t.nextSeq++
	for _, n := range names {
		n.src = next
	}
	for i, o := range t.open {
		if o == s {
			t.open[i] = next
		}
	}
	if i := slices.Index(t.leaving, s); i >= 0 {
		t.leaving[i] = next
	}
	if t.byInode[st.id.key()] == s {
		t.byInode[st.id.key()] = next
	}
	next.line = s.line
	s.line.members[slices.Index(s.line.members, s)] = next
	s.done, s.drained, s.left, s.deleted = true, true, true, true
	t.wake(next)
}
