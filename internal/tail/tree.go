package tail

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// dir is a folder, by its real path, in which files are matched or which matched links lead to.
type dir struct {
	real   string
	places []place
	names  map[string]*name // names that lead to a source or are matched
	wd     int32
	seen   bool // it is watched, and changes are announced
	files  bool // writes are announced too
	due    time.Time
	skip   bool // polled: the folder's own time was looked at the last time
	mtime  int64
}

// place is a way to reach a folder by a pattern: names in it are compared with component at.
type place struct {
	path string // the folder as the pattern reaches it
	pat  *pattern
	at   int
}

// name is a directory entry of interest.
type name struct {
	dir     *dir
	base    string
	path    string // dir and base joined, once it is wanted
	src     *Source
	matches []*match
	via     *lineage // a rename brought something of this lineage here
	maybe   *lineage // a rename brought a rotated file of this lineage here, or another one that has its name by now
	epoch   uint64   // of the last scan that looked at it
}

func (n *name) real() string {
	if n.path == "" {
		n.path = filepath.Join(n.dir.real, n.base)
	}
	return n.path
}

// match is a path that an include pattern names and that leads to a regular file.
type match struct {
	path string
	at   *name
}

type dirBase struct {
	dir  *dir
	base string
}

const (
	rootInterval  = time.Second      // how often missing folders of patterns are looked for
	pollSweep     = time.Second      // every polled folder is looked at
	watchedSweep  = 30 * time.Second // every watched folder is looked at too, should a notification ever be missing
	hotFor        = 5 * time.Second  // a file that grew this recently is polled at PollInterval
	maxDirsFactor = 4                // folders watched, in units of MaxFiles
)

// visitRoots starts at the folders that the patterns begin with; those that did not exist are tried again.
func (t *Tailer) visitRoots(now time.Time) {
	if now.Before(t.nextRoot) {
		return
	}
	t.nextRoot = now.Add(rootInterval)
	for _, p := range t.include {
		if d := t.dirs[p.prefix]; d == nil || !d.hasPlace(place{p.prefix, p, 0}) {
			t.visit(place{p.prefix, p, 0}, now)
		}
	}
}

func (d *dir) hasPlace(p place) bool { return slices.Contains(d.places, p) }

// visit enters a folder by a pattern and looks at everything in it.
func (t *Tailer) visit(p place, now time.Time) {
	real, err := filepath.EvalSymlinks(p.path)
	if err != nil {
		return
	}
	if st, err := statPath(real); err != nil || !st.dir() {
		return
	}
	d := t.dirAt(real)
	if d == nil || d.hasPlace(p) {
		return
	}
	d.places = append(d.places, p)
	if p.pat.parts[p.at] == anyDepth && p.at+1 < len(p.pat.parts) {
		d.places = append(d.places, place{p.path, p.pat, p.at + 1})
	}
	t.watchDir(d, now)
	t.scan(d, now)
}

// dirAt returns the folder with that real path, or nil when there are too many.
func (t *Tailer) dirAt(real string) *dir {
	d := t.dirs[real]
	if d == nil {
		if len(t.dirs) >= maxDirsFactor*t.opts.MaxFiles {
			t.refuse(real, refusedLimit)
			return nil
		}
		d = &dir{real: real, names: map[string]*name{}}
		t.dirs[real] = d
		t.order = append(t.order, d)
	}
	return d
}

// watchDir asks for notifications, or leaves the folder to polling.
func (t *Tailer) watchDir(d *dir, now time.Time) {
	files := len(d.names) > 0
	for _, p := range d.places {
		files = files || p.at == len(p.pat.parts)-1
	}
	if d.seen && (d.files || !files) {
		return
	}
	if t.watch != nil && !silent(d.real) {
		wd, err := t.watch.add(d.real, files)
		if err == nil {
			d.wd, d.seen, d.files = wd, true, files
			d.due = now.Add(watchedSweep)
			t.byWatch[wd] = d
			return
		}
		t.warnPolling("a folder cannot be watched and is polled", err)
	} else if t.watch != nil {
		t.warnPolling("a folder's file system does not announce all changes, it is polled", errors.New("network or layered file system"))
	}
	d.seen = false
	d.due = now.Add(pollSweep)
}

// scan lists a folder and looks at every name that is matched, and at every name that was followed.
func (t *Tailer) scan(d *dir, now time.Time) {
	t.stats.Looks++
	if st, err := statPath(d.real); err == nil {
		d.mtime = st.mtime
	}
	entries, err := os.ReadDir(d.real)
	if err != nil && errors.Is(err, fs.ErrNotExist) {
		t.dropDir(d)
		return
	}
	if err != nil {
		t.refuse(d.real, refusedUnreadable)
	}
	t.epoch++
	epoch := t.epoch
	for _, e := range entries {
		t.appeared(d, e.Name(), e.Type(), now)
	}
	for _, n := range d.followed() {
		if n.epoch < epoch {
			t.look(n.dir, n.base, now)
		}
	}
}

// followed returns the names of the folder, which may change while they are looked at.
func (d *dir) followed() []*name {
	all := make([]*name, 0, len(d.names))
	for _, n := range d.names {
		all = append(all, n)
	}
	return all
}

// unknownType is passed when only looking can tell what a name is.
const unknownType = fs.ModeIrregular

// appeared looks at a name if a pattern wants it, as a file or as a folder.
func (t *Tailer) appeared(d *dir, base string, mode fs.FileMode, now time.Time) {
	for i := 0; i < len(d.places); i++ { // visiting a folder may add places to this one
		p := d.places[i]
		part, last := p.pat.parts[p.at], p.at == len(p.pat.parts)-1
		if part != anyDepth && !matchName(part, base) {
			continue
		}
		path := filepath.Join(p.path, base)
		if last && !mode.IsDir() {
			if matchAny(t.exclude, path) {
				continue
			}
			t.consider(path, d, base, now)
		}
		if mode.IsRegular() || last && part != anyDepth {
			continue
		}
		if part != anyDepth {
			t.visit(place{path, p.pat, p.at + 1}, now)
			continue
		}
		// Links to folders are not followed to any depth: they may lead in a circle.
		if st, err := statPath(filepath.Join(d.real, base)); err == nil && st.dir() {
			t.visit(place{path, p.pat, p.at}, now)
		}
	}
}

// dropDir forgets a folder that is gone; the files that were in it have lost their names.
func (t *Tailer) dropDir(d *dir) {
	if d.seen && t.byWatch[d.wd] == d {
		delete(t.byWatch, d.wd)
		t.watch.remove(d.wd)
	}
	d.seen = false
	delete(t.dirs, d.real)
	t.order = slices.DeleteFunc(t.order, func(o *dir) bool { return o == d })
	for _, n := range d.followed() {
		for len(n.matches) > 0 {
			t.unmatch(n.matches[0])
		}
		t.detach(n)
	}
	// The folder may be there again under the same name; patterns that begin in it look for it.
	t.nextRoot = time.Time{}
}

// sweep looks at folders whose turn has come: polled ones once a second, watched ones now and then.
func (t *Tailer) sweep(now time.Time) {
	if !now.Before(t.nextHot) {
		t.nextHot = now.Add(t.opts.PollInterval)
		hot := t.hot
		t.hot = nil
		for _, s := range hot {
			s.hot = now.Sub(s.grown) < hotFor && len(s.names) > 0
			if s.hot {
				t.hot = append(t.hot, s)
				t.look(s.names[0].dir, s.names[0].base, now)
			}
		}
	}
	// An equal share of the folders is asked every tick, so that a thousand of them do not come due at once.
	ticks := int(pollSweep / tickInterval)
	for range min(len(t.order), len(t.order)/ticks+1) {
		if len(t.order) == 0 {
			return
		}
		t.cursor = (t.cursor + 1) % len(t.order)
		if d := t.order[t.cursor]; !now.Before(d.due) {
			t.sweepDir(d, now)
		}
	}
}

func (t *Tailer) sweepDir(d *dir, now time.Time) {
	if d.seen {
		d.due = now.Add(watchedSweep)
		t.scan(d, now)
		return
	}
	t.watchDir(d, now) // a watch may have become free
	// Files are looked at every time, the folder every other time: new ones may come up to two seconds late.
	if d.skip = !d.skip; d.skip || len(d.names) == 0 {
		t.stats.Looks++
		st, err := statPath(d.real)
		// A time stamp is no finer than the kernel's tick: a folder that changed just now is listed once more.
		if err != nil || st.mtime != d.mtime || time.Now().UnixNano()-st.mtime < int64(3*pollSweep) {
			t.scan(d, now)
			return
		}
	}
	for _, n := range d.followed() {
		t.look(d, n.base, now)
	}
}
