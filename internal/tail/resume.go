package tail

import (
	"os"
	"path/filepath"
	"time"
)

// resume finds the files that the state speaks of again, before anything else is looked at.
func (t *Tailer) resume(now time.Time) {
	for i := range t.saved {
		t.recall(&t.saved[i], now)
	}
	t.saved = nil
}

// recall finds one file: at its name, or by its inode among the names beside it.
func (t *Tailer) recall(r *record, now time.Time) {
	if r.has(flagDone) && len(r.holes) == 0 && r.has(flagDeleted) {
		return
	}
	if real, st, ok := t.find(r); ok {
		t.adopt(r, real, st, now)
		return
	}
	t.stats.GapBytes += uint64(max(0, r.size-r.offset) + r.holes.bytes())
}

// find returns where the file of r stands now.
func (t *Tailer) find(r *record) (string, info, bool) {
	if st, err := statPath(r.real); err == nil && st.regular() && st.id.same(r.id) {
		return r.real, st, t.verify(r, r.real)
	}
	entries, err := os.ReadDir(filepath.Dir(r.real))
	if err != nil {
		return "", info{}, false
	}
	for _, e := range entries {
		real := filepath.Join(filepath.Dir(r.real), e.Name())
		if st, err := statPath(real); err == nil && st.regular() && st.id.same(r.id) {
			return real, st, t.verify(r, real)
		}
	}
	return "", info{}, false
}

// verify compares the file with what was known of it: the head and the bytes before the offset.
func (t *Tailer) verify(r *record, real string) bool {
	fd, st, err := openReal(real, t.roots)
	if err != nil {
		return false
	}
	defer closeFD(fd)
	if r.packed != plain {
		return true
	}
	if st.size < r.offset {
		return false
	}
	if r.nhead > 0 {
		n, err := readAt(fd, t.head[:r.nhead], 0)
		if err != nil || n < r.nhead || hashOf(t.head[:n]) != r.head {
			return false
		}
	}
	if r.nfront > 0 {
		n, err := readAt(fd, t.head[:r.nfront], r.offset-int64(r.nfront))
		if err != nil || n < r.nfront || hashOf(t.head[:n]) != r.front {
			return false
		}
	}
	return true
}

// adopt makes a source of r, which was found at real. The bytes before its offset were verified just now and are
// the last thing that verify read.
func (t *Tailer) adopt(r *record, real string, st info, now time.Time) {
	s := &Source{
		t: t, seq: r.seq, id: st.id, path: real, offset: r.offset, size: st.size, mtime: st.mtime, fd: -1, packed: r.packed,
		probed: true, head: r.head, nhead: r.nhead, nfront: r.nfront, grown: now, todo: r.holes,
		skipping: r.has(flagSkipping), nulls: r.has(flagNulls), left: r.has(flagLeft), done: r.has(flagDone),
	}
	copy(s.front[:], t.head[:r.nfront])
	if t.byInode[st.id.key()] != nil {
		return
	}
	t.byInode[st.id.key()] = s
	l := t.lineageOf(r.lineage)
	l.members = append(l.members, s)
	s.line = l
	t.nameAt(s, real, now)
	if s.left && !s.done {
		t.leaving = append(t.leaving, s)
	}
	if s.done {
		s.drained = true
		return
	}
	t.wake(s)
}
