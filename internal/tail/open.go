package tail

import (
	"errors"
	"slices"
)

// startAtEnd skips what a file holds at the very first start.
func (s *Source) startAtEnd() {
	if s.t.ensureOpen(s) != nil || s.packed != plain {
		return
	}
	s.offset = s.size
	n := int(min(frontierSize, s.offset))
	n, err := readAt(s.fd, s.front[:n], s.offset-int64(n))
	if err != nil || n == 0 {
		s.offset = 0
		return
	}
	s.nfront = n
	s.skipping = s.front[n-1] != '\n'
}

// ensureOpen opens s by its name, unless it is open, and makes sure that the file there is s.
func (t *Tailer) ensureOpen(s *Source) error {
	t.uses++
	s.lastUse = t.uses
	if s.fd >= 0 {
		return nil
	}
	var problem error = errNameless
	for _, n := range slices.Clone(s.names) {
		fd, st, err := openReal(n.real(), t.roots)
		if err != nil {
			problem = err
			continue
		}
		if !st.id.same(s.id) {
			closeFD(fd)
			// Somebody renamed it since we looked; settle finds out where it is.
			t.touch(n.dir, n.base)
			problem = errNameless
			continue
		}
		if err := s.unpack(fd); err != nil {
			closeFD(fd)
			return err
		}
		s.fd = fd
		t.open = append(t.open, s)
		t.makeRoom(s)
		return nil
	}
	return problem
}

var errNameless = errors.New("it has no name any more")

// makeRoom closes the descriptor that was used least recently when there are too many; files that could not be
// opened again only when there is no other.
func (t *Tailer) makeRoom(keep *Source) {
	for len(t.open) > t.opts.MaxOpenFiles {
		var victim *Source
		for _, s := range t.open {
			if s != keep && s != t.pinned && (victim == nil || s.cost() < victim.cost() || s.cost() == victim.cost() && s.lastUse < victim.lastUse) {
				victim = s
			}
		}
		if victim == nil {
			return
		}
		if victim.deleted && !victim.drained {
			t.stats.GapBytes += uint64(victim.unread())
			victim.offset = victim.size
			victim.drained = true
		}
		victim.close()
	}
}

// cost orders descriptors by what closing them may lose.
func (s *Source) cost() int {
	switch {
	case s.deleted && !s.drained:
		return 3
	case s.left && !s.drained:
		return 2
	case s.left:
		return 1
	}
	return 0
}
