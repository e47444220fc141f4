package tail

import (
	"slices"
	"time"
)

// move is the first half of a rename whose second half has not come yet. What the name led to travels with it.
type move struct {
	cookie uint32
	base   string
	src    *Source
	via    *lineage
	maybe  *lineage
	since  time.Time
}

// events applies what the watcher says. Renames are followed in their order, because a file may have had several
// names since the last tick; afterwards every name that was mentioned is looked at, so that what is
// believed about it is what stands there now.
func (t *Tailer) events(now time.Time) {
	lost := t.watch != nil && t.watch.drain(func(e event) { t.event(e, now) })
	for _, at := range t.touched {
		if t.dirs[at.dir.real] == at.dir {
			t.look(at.dir, at.base, now)
		}
	}
	for i := 0; i < len(t.copied); i++ { // it may grow meanwhile
		if l := t.copied[i]; t.lineages[l.path] == l {
			t.enterNewer(l, true, now)
		}
	}
	clear(t.copied)
	t.copied = t.copied[:0]
	clear(t.touched)
	clear(t.marked)
	t.touched = t.touched[:0]
	kept := t.moving[:0]
	for _, m := range t.moving {
		if now.Sub(m.since) >= tickInterval {
			continue // it went where we do not watch; settle looks for it
		}
		kept = append(kept, m)
	}
	clear(t.moving[len(kept):])
	t.moving = kept
	if lost {
		t.log.Warn("tail: too many changes at once, every folder is looked at")
		for _, d := range append([]*dir(nil), t.order...) {
			t.scan(d, now)
		}
	}
}

// event applies one change.
func (t *Tailer) event(e event, now time.Time) {
	d := t.byWatch[e.wd]
	if d == nil {
		return
	}
	n := d.names[string(e.name)]
	if e.kind == modified {
		if n != nil && n.src != nil {
			t.wake(n.src)
		} else if len(t.guard.suspects) > 0 {
			t.copying(d, string(e.name), now)
		}
		return
	}
	if e.kind == dirGone {
		t.dropDir(d)
		return
	}
	base := string(e.name)
	t.touch(d, base)
	switch e.kind {
	case created:
		t.suspect(d, base, now)
		t.rotatedCopy(d, base)
	case deleted:
		if n != nil {
			t.detach(n)
		}
	case movedFrom:
		m := move{cookie: e.cookie, base: base, since: now}
		if n != nil {
			m.src, m.via = n.src, n.via
			if m.src != nil && len(n.matches) > 0 {
				m.via = m.src.line
			} else if m.maybe = n.maybe; m.src != nil {
				m.maybe = m.src.line
			}
			t.detach(n)
		}
		if path, ok := t.matchedBy(d, base); m.via == nil && ok {
			m.via = t.lineageOf(path)
		}
		t.moving = append(t.moving, m)
	case movedTo:
		for i, m := range t.moving {
			if m.cookie != e.cookie {
				continue
			}
			t.moving = append(t.moving[:i], t.moving[i+1:]...)
			if n == nil && (m.src != nil || m.via != nil || m.maybe != nil) {
				n = &name{dir: d, base: base}
				d.names[base] = n
			}
			if n != nil {
				t.detach(n)
				n.via, n.maybe = m.via, m.maybe
			}
			if m.src != nil {
				t.attach(n, m.src)
			} else if m.via == nil && len(t.rotatedFrom(d, m.base)) == 0 {
				t.rotatedCopy(d, base) // it was made under another name
			}
			return
		}
		if n != nil {
			t.detach(n)
		}
		t.rotatedCopy(d, base)
	}
}

// rotatedCopy remembers the lineages whose rotated file appeared without having had the live name.
func (t *Tailer) rotatedCopy(d *dir, base string) {
	for _, l := range t.rotatedFrom(d, base) {
		t.seek(l)
	}
}

// seek has rotated files of l that are not known looked for in this tick.
func (t *Tailer) seek(l *lineage) {
	if l != nil && !slices.Contains(t.copied, l) {
		t.copied = append(t.copied, l)
	}
}

// rotatedFrom returns the lineages that a file of that name was rotated from.
func (t *Tailer) rotatedFrom(d *dir, base string) (lines []*lineage) {
	eachLive(base, func(live string) {
		if n := d.names[live]; n != nil && n.src != nil {
			lines = append(lines, n.src.line)
		}
	})
	return lines
}

// touch has a name looked at in this tick, or in the next one.
func (t *Tailer) touch(d *dir, base string) {
	at := dirBase{d, base}
	if _, ok := t.marked[at]; !ok {
		t.marked[at] = struct{}{}
		t.touched = append(t.touched, at)
	}
}

// matchedBy returns the path by which a pattern would name a file with that name in the folder.
func (t *Tailer) matchedBy(d *dir, base string) (string, bool) {
	for _, p := range d.places {
		if p.at != len(p.pat.parts)-1 {
			continue
		}
		if part := p.pat.parts[p.at]; part == anyDepth || matchName(part, base) {
			if path := p.path + "/" + base; !matchAny(t.exclude, path) {
				return path, true
			}
		}
	}
	return "", false
}
