package tail

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"time"
)

// consider looks at a matched path: where it leads, whether that may be read, and which file it is.
func (t *Tailer) consider(path string, d *dir, base string, now time.Time) {
	real := filepath.Join(d.real, base)
	t.stats.Looks++
	st, err := statPath(real)
	if err == nil && st.link() {
		if real, err = filepath.EvalSymlinks(real); err == nil {
			if st, err = statPath(real); err == nil {
				d, base = t.dirAt(filepath.Dir(real)), filepath.Base(real)
			}
		}
	}
	m := t.matches[path]
	reason := ""
	switch {
	case err != nil && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid)):
		if m != nil {
			t.unmatch(m)
		}
		delete(t.refused, path)
		return
	case err != nil:
		reason = refusedUnreadable
	case st.dir():
		return
	case !st.regular():
		reason = refusedIrregular
	case !within(t.roots, real):
		reason = refusedOutside
	case d == nil, m == nil && len(t.matches) >= t.opts.MaxFiles:
		reason = refusedLimit
	}
	if reason != "" {
		if m != nil {
			t.unmatch(m)
		}
		t.refuse(path, reason)
		return
	}
	if reason := t.refused[path]; reason != refusedUnreadable && reason != refusedCompressed {
		delete(t.refused, path)
	}
	n := d.names[base]
	if n == nil {
		n = &name{dir: d, base: base}
		d.names[base] = n
		t.watchDir(d, now)
	}
	if m == nil {
		m = &match{path: path}
		t.matches[path] = m
	}
	if m.at != n {
		if m.at != nil {
			m.at.matches = slices.DeleteFunc(m.at.matches, func(o *match) bool { return o == m })
			t.loosen(m.at.src)
		}
		m.at = n
		n.matches = append(n.matches, m)
		t.loosen(n.src)
	}
	t.occupy(n, st, t.lineageOf(path), now)
}

// refusalsLogged bounds the log lines about files that are not read, by reason.
const refusalsLogged = 20

// refuse counts a path that is not read, once for each time that its reason changes. At most MaxFiles such paths are
// remembered; more are not counted, for they would be counted at every look.
func (t *Tailer) refuse(path, reason string) {
	was, known := t.refused[path]
	if was == reason || !known && len(t.refused) >= t.opts.MaxFiles {
		return
	}
	t.refused[path] = reason
	t.stats.Refused[reason]++
	if n := t.stats.Refused[reason]; n <= refusalsLogged {
		t.log.Warn("tail: a file is not read", "path", path, "reason", reason, "more_are_logged", n < refusalsLogged)
	}
}

// unmatch forgets a matched path that leads nowhere any more.
func (t *Tailer) unmatch(m *match) {
	delete(t.matches, m.path)
	n := m.at
	m.at = nil
	if n == nil {
		return
	}
	n.matches = slices.DeleteFunc(n.matches, func(o *match) bool { return o == m })
	t.loosen(n.src)
}

// occupy enters what stands at a name now. A file that is not known yet begins a source in lineage l, or is left
// alone when l is nil.
func (t *Tailer) occupy(n *name, st info, l *lineage, now time.Time) {
	t.inherited(st.id)
	s := t.known(st.id)
	n.epoch = t.epoch
	if n.src != nil && n.src != s {
		t.detach(n)
	}
	if s == nil {
		if l == nil {
			return
		}
		s = t.newSource(st, l, n, now)
		t.attach(n, s)
		if t.fresh && t.opts.StartAt == End {
			s.startAtEnd()
		}
	}
	t.attach(n, s)
	s.look(st, now)
}

func (t *Tailer) newSource(st info, l *lineage, n *name, now time.Time) *Source {
	s := &Source{t: t, seq: t.nextSeq, id: st.id, size: st.size, mtime: st.mtime, fd: -1, grown: now}
	if cut, ok := t.cuts[st.id.key()]; ok {
		s.cut, s.nulls = cut, true
	}
	if time.Now().UnixNano()-st.mtime > int64(hotFor) {
		s.grown = now.Add(-hotFor) // an old file is idle until it is seen to grow
	}
	t.nextSeq++
	t.byInode[st.id.key()] = s
	s.real, s.path = n.real(), n.real()
	if len(n.matches) > 0 {
		s.home = n.matches[0].path
		s.path, s.match = s.home, s.home
	}
	l.add(s, filepath.Base(s.path))
	t.wake(s)
	t.tell("a new file", s)
	return s
}

// warm has a growing file in a polled folder looked at more often.
func (s *Source) warm() {
	if !s.hot && len(s.names) > 0 && !s.names[0].dir.seen {
		s.hot = true
		s.t.hot = append(s.t.hot, s)
	}
}

// look takes in what a name or a descriptor says about the file.
func (s *Source) look(st info, now time.Time) {
	if st.size == s.size && st.mtime == s.mtime {
		if s.stuck && !s.left {
			s.t.wake(s) // perhaps it may be read now
		}
		return
	}
	s.size, s.mtime, s.grown = s.truncationSafe(st.size), st.mtime, now
	if s.done && s.packed == plain && st.size > s.offset {
		s.done, s.grown = false, now // somebody still writes to it
		if s.left {
			s.t.leaving = append(s.t.leaving, s)
		}
	}
	s.t.wake(s)
	s.warm()
}

// truncationSafe keeps the largest size while bytes are unread: should the file turn out to be truncated, the
// difference is what was lost.
func (s *Source) truncationSafe(size int64) int64 {
	if s.packed == plain && size < s.offset {
		return max(size, s.size)
	}
	return size
}

func (t *Tailer) attach(n *name, s *Source) {
	if n.src == s {
		return
	}
	if n.src != nil {
		t.detach(n)
	}
	n.src = s
	s.names = append(s.names, n)
	s.deleted = false
	s.warm()
	t.loosen(s)
}

// detach takes a name from its source.
func (t *Tailer) detach(n *name) {
	s := n.src
	if s == nil {
		return
	}
	n.src = nil
	s.names = slices.DeleteFunc(s.names, func(o *name) bool { return o == n })
	t.loosen(s)
}

// loosen remembers a source whose names changed; settle finds out what that means when all changes are in.
func (t *Tailer) loosen(s *Source) {
	if s != nil && !s.loose {
		s.loose = true
		t.loose = append(t.loose, s)
	}
}

// look compares a followed name with what stands there.
func (t *Tailer) look(d *dir, base string, now time.Time) {
	t.stats.Looks++
	n := d.names[base]
	if n == nil {
		t.appeared(d, base, unknownType, now)
		return
	}
	via, maybe := n.via, n.maybe
	n.via, n.maybe = nil, nil
	n.epoch = t.epoch
	st, err := statPath(n.real())
	if err == nil && n.src != nil && n.src.id == st.id && len(n.matches) > 0 && st.regular() {
		n.src.look(st, now) // by far the most frequent case
		return
	}
	if err != nil || !st.regular() {
		t.detach(n)
		t.seek(via) // what came here has gone on
		t.seek(maybe)
		for _, m := range slices.Clone(n.matches) {
			t.unmatch(m)
		}
		delete(d.names, base)
		t.appeared(d, base, unknownType, now) // a link or a folder may stand there now
		return
	}
	if len(n.matches) == 0 {
		t.appeared(d, base, unknownType, now) // it may be matched by its new name
	}
	if len(n.matches) > 0 {
		via = t.lineageOf(n.matches[0].path)
	}
	t.occupy(n, st, via, now)
	if n.src == nil {
		t.seek(maybe)
	}
	if n.src == nil && len(n.matches) == 0 {
		delete(d.names, base)
	}
}

// settle finds out what became of every source whose names changed.
func (t *Tailer) settle(now time.Time) {
	for i := 0; i < len(t.loose); i++ { // it may grow meanwhile
		s := t.loose[i]
		s.loose = false
		if len(s.names) == 0 && !s.deleted {
			t.locate(s, now)
		}
		t.wakeTwins(s)
		if t.atHome(s) {
			s.left, s.deleted = false, false
		} else if !s.left && !s.done {
			t.leave(s, now)
		}
		if len(s.line.members) > 2 && !slices.Contains(t.unsorted, s.line) {
			t.unsorted = append(t.unsorted, s.line)
		}
	}
	for _, l := range t.unsorted {
		l.sort()
	}
	clear(t.unsorted)
	t.unsorted = t.unsorted[:0]
	clear(t.loose)
	t.loose = t.loose[:0]
}

// atHome brings the paths of s up to date and says whether it still has the name at which it is followed.
func (t *Tailer) atHome(s *Source) bool {
	if len(s.names) == 0 {
		return false
	}
	s.real = s.names[0].real()
	s.path = s.real
	here := false
	for _, n := range s.names {
		for _, m := range n.matches {
			if m.path == s.line.path {
				s.line.live = n.real()
			}
			// A file that comes back to the live name is followed there again.
			if here = here || m.path == s.home || m.path == s.line.path; here {
				s.home = m.path
			}
			if s.path == s.real || here {
				s.path, s.match = m.path, m.path
			}
			if here {
				s.real = n.real()
				return true
			}
		}
	}
	return here
}

// leave begins to follow a file that lost its name to its end.
func (t *Tailer) leave(s *Source, now time.Time) {
	s.left, s.grown = true, now
	t.tell("left its name", s)
	if s.deleted {
		t.stats.Rotations[rotatedDeleted]++
	} else if s.home != "" {
		t.stats.Rotations[rotatedRename]++
	}
	if s.fd < 0 && !s.deleted && !s.twin {
		// Writers go on for a moment, and retention may delete it: hold it.
		_ = t.ensureOpen(s)
	}
	t.leaving = append(t.leaving, s)
	t.wake(s)
	if len(s.names) > 0 && !s.names[0].dir.seen {
		// Nobody told us about renames: other files may have come and gone under the name meanwhile.
		t.enterNewer(s.line, true, now)
	}
}

// locate looks for the new name of a file that lost its last one.
func (t *Tailer) locate(s *Source, now time.Time) {
	if s.fd >= 0 {
		if real, ok := pathOfFD(s.fd); ok {
			t.nameAt(s, real, now)
			return
		}
		if st, err := statFD(s.fd); err == nil && st.nlink == 0 {
			s.deleted = true
			return
		}
	}
	if t.byInode[s.id.key()] != s {
		s.deleted = true // the inode belongs to another file by now
		return
	}
	folder, base := filepath.Split(s.real)
	if real, _, ok := t.find(folder, s.id); ok {
		t.nameAt(s, real, now)
		return
	}
	if s.done || s.fd >= 0 {
		s.deleted = true // whatever is left of it is read through the descriptor
		return
	}
	if f, v := t.search(folder, familyOf(base), s.content(), s.unread() > 0, func(info) bool { return false }); v == equal {
		t.continueIn(s, f, now)
		return
	}
	s.deleted = true
}

// nameAt attaches s to a real path that need not be matched.
func (t *Tailer) nameAt(s *Source, real string, now time.Time) {
	d := t.dirAt(filepath.Dir(real))
	if d == nil {
		return
	}
	base := filepath.Base(real)
	n := d.names[base]
	if n == nil {
		n = &name{dir: d, base: base}
		d.names[base] = n
		t.attach(n, s)
		t.appeared(d, base, unknownType, now) // the name may be matched too
	}
	if !d.seen && within(t.roots, d.real) {
		t.watchDir(d, now)
	}
	t.attach(n, s)
}

// vanished takes all names from a source that certainly has none.
func (t *Tailer) vanished(s *Source) {
	for len(s.names) > 0 {
		t.detach(s.names[0])
	}
	delete(t.byInode, s.id.key())
	s.deleted = true
	t.loosen(s)
}
