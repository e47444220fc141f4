package tail

import (
	"cmp"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

const (
	headSize     = 1024 // bytes at the beginning of a file whose hash recognises its copies
	frontierSize = 64   // bytes before the offset that are compared before every read
	hashSize     = 16
)

type inodeKey struct{ dev, ino uint64 }

func (id fileID) key() inodeKey { return inodeKey{id.dev, id.ino} }

// same says whether two looks were at one file. An inode that was given to another file has another birth time,
// where the file system keeps one.
func (id fileID) same(other fileID) bool {
	return id.key() == other.key() && (id.btime == other.btime || id.btime == 0 || other.btime == 0)
}

// remounted says whether id is other on a device that got another number, as happens when a machine starts.
func (id fileID) remounted(other fileID) bool {
	return id.ino == other.ino && id.btime == other.btime && id.btime != 0
}

// known returns the source of the file with that identity.
func (t *Tailer) known(id fileID) *Source {
	if s := t.byInode[id.key()]; s != nil && s.id.same(id) {
		return s
	}
	return nil
}

// inherited ends what had the inode before the file with that identity, if that is another one.
func (t *Tailer) inherited(id fileID) {
	if s := t.byInode[id.key()]; s != nil && !s.id.same(id) {
		t.vanished(s)
	}
}

// Source is one followed file, whatever its name. A file that is truncated goes on as a new Source.
type Source struct {
	t    *Tailer
	seq  uint64
	line *lineage
	id   fileID

	names []*name // where it is now, as far as we know; more than one for hard links
	path  string
	real  string // the last real path
	match string // the last matched path
	home  string // the matched path at which it is followed; without it, it is on its way out

	offset    int64 // behind everything handed out
	size      int64 // end when last looked at; of a compressed file, its own size
	sure      int64 // end when the bytes before offset were last seen to be there still
	expect    int64 // of a compressed file that was followed before: its last known end then
	mtime     int64
	front     [frontierSize]byte // the bytes before offset
	nfront    int
	frontHash [hashSize]byte // of front when the offset was hashedAt
	hashedAt  int64
	head      [hashSize]byte
	nhead     int
	marks     marks // within what was read

	fd      int
	lastUse uint64
	packed  packing
	probed  bool // packed is known
	stream  *stream

	skipping bool  // offset stands inside a line that is past the limit
	nulls    bool  // offset stands behind a hole: NULs up to the first other byte belong to it
	cut      int64 // the file was truncated, and what stood before this place was read or counted; 0 when nothing is to be told from it
	partial  bool  // at the last look there was only the beginning of a line
	drained  bool  // the last read reached the end
	stuck    bool  // it could not be read; files after it do not wait for it
	started  bool  // a chunk was handed out
	queued   bool
	loose    bool
	hot      bool
	ghost    bool
	left     bool // it has no name that is matched
	deleted  bool
	twin     bool // it is a copy of another file: what it holds was or will be read there
	twinOf   *Source
	original bool // it is certainly not a copy
	copied   bool // it goes on in a copy of the file that it began in
	closing  bool // what stands behind the last newline is a line: nobody will end it any more
	done     bool // nothing more is expected from it
	gone     bool // it disappeared while nobody looked, so it was not truncated: a shorter file is no copy of it

	grown   time.Time // when its size last changed, or it left
	retried time.Time // when reading was last tried again
	holds   spans     // lines that were handed out but belong to a record that is not complete
	todo    spans     // lines that were held when the state was written and are to be handed out again
}

// lineage is the chain of files that had the same live name, one after the other.
type lineage struct {
	path    string    // the live name, in the folder that patterns reach
	live    string    // its real path, if a file was followed there; empty for names that nothing has
	members []*Source // in the order in which they were written
}

// Path is where the file is now: the path that matched, or the real path when it was renamed away.
func (s *Source) Path() string { return s.path }

// Lineage is the path of the live file that this one is or was rotated from. Files that follow each other by rotation
// share it and are handed out oldest first, so a record that begins in one and ends in the next can be joined.
// An include pattern matches it, even when none matches Path any more.
func (s *Source) Lineage() string {
	if s.line.live == "" && s.match != "" {
		return s.match // nothing has the name that these files have in common
	}
	return s.line.path
}

// ID is opaque and stays the same over restarts and renames.
func (s *Source) ID() string { return strconv.FormatUint(s.seq, 36) }

// unread is how many bytes are known to stand behind the offset. For a compressed file it is an estimate.
func (s *Source) unread() int64 {
	n := s.todo.bytes()
	if s.twin || s.done {
		return n
	}
	if s.packed != plain {
		if s.drained {
			return n
		}
		return n + max(1, s.size-s.stream.consumed()) // compressed bytes: the best guess there is
	}
	return n + max(0, s.size-s.offset)
}

// close gives the descriptor back; the file is opened again by its name when there is something to read.
func (s *Source) close() {
	if s.fd < 0 {
		return
	}
	closeFD(s.fd)
	s.fd = -1
	s.stream.close()
	s.stream = nil
	s.t.open = slices.DeleteFunc(s.t.open, func(o *Source) bool { return o == s })
}

// lineageOf returns the lineage of a matched path.
func (t *Tailer) lineageOf(path string) *lineage {
	folder, base := filepath.Split(path)
	return t.lineageAt(folder + familyOf(base))
}

func (t *Tailer) lineageAt(path string) *lineage {
	l := t.lineages[path]
	if l == nil {
		l = &lineage{path: path}
		t.sorted = nil
		t.lineages[path] = l
	}
	return l
}

// add enters s, which stands at base: behind every older file as far as names tell, and before the live one.
func (l *lineage) add(s *Source, base string) {
	s.line = l
	live := filepath.Base(l.path)
	if l.live != "" { // behind a link the files have other names
		live = filepath.Base(l.live)
	}
	at := len(l.members)
	if base == live || base == filepath.Base(l.path) {
		l.members = append(l.members, s)
		return
	}
	if at > 0 && l.members[at-1].named(live) {
		at--
	}
	if own, ok := ageOf(live, base); ok {
		for at > 0 {
			m := l.members[at-1]
			if len(m.names) == 0 {
				break
			}
			if other, ok := ageOf(live, m.names[0].base); !ok || !other.newer(own) {
				break
			}
			at--
		}
	}
	l.members = slices.Insert(l.members, at, s)
}

func (s *Source) named(base string) bool {
	return slices.ContainsFunc(s.names, func(n *name) bool { return n.base == base })
}

func (l *lineage) remove(s *Source) {
	l.members = slices.DeleteFunc(l.members, func(m *Source) bool { return m == s })
}

// current returns the source at the live name, or nil.
func (l *lineage) current() *Source {
	for _, m := range slices.Backward(l.members) {
		if m.named(filepath.Base(l.live)) {
			return m
		}
	}
	return nil
}

// dated says whether the birth time of s tells when what it holds was rotated: it is a plain file, and not the live one, which copytruncate
// empties again and again.
func (s *Source) dated(live *Source) bool {
	return s.packed == plain && s.id.btime != 0 && (live == nil || live.id.key() != s.id.key())
}

// sort puts the members in the order in which they were written, as far as birth times tell; all others stay where they are. A source is
// put in its place by names when it is entered, but names may change in that moment.
func (l *lineage) sort() {
	var at []int
	var own []*Source
	current := l.current()
	for i, m := range l.members {
		if m.dated(current) {
			at, own = append(at, i), append(own, m)
		}
	}
	live := filepath.Base(l.live)
	slices.SortStableFunc(own, func(a, b *Source) int {
		if a.id.btime != b.id.btime || len(a.names) == 0 || len(b.names) == 0 {
			return cmp.Compare(a.id.btime, b.id.btime)
		}
		older, okA := ageOf(live, a.names[0].base)
		newer, okB := ageOf(live, b.names[0].base)
		switch {
		case okA && okB && newer.newer(older):
			return -1
		case okA && okB && older.newer(newer):
			return 1
		}
		return 0
	})
	for k, i := range at {
		l.members[i] = own[k]
	}
}

// replace has s stand where old stood.
func (l *lineage) replace(old, s *Source) {
	if old.line != l {
		old.line.remove(old)
		return
	}
	l.remove(s)
	l.members[slices.Index(l.members, old)] = s
}

func (l *lineage) insertAfter(s, next *Source) {
	next.line = l
	l.members = slices.Insert(l.members, slices.Index(l.members, s)+1, next)
}

// blocked says whether an older file of the lineage still has something to read.
func (s *Source) blocked() bool {
	for _, m := range s.line.members {
		if m == s {
			return false
		}
		if !m.drained && !m.done && !m.stuck {
			return true
		}
	}
	return false
}

// successor says whether a newer file of the lineage has been written to.
func (s *Source) successor() bool {
	i := slices.Index(s.line.members, s)
	for _, m := range s.line.members[i+1:] {
		if m.size > 0 || m.offset > 0 {
			return true
		}
	}
	return false
}

// queue holds sources that take turns.
type queue struct {
	items []*Source
	head  int
}

func (q *queue) len() int { return len(q.items) - q.head }

func (q *queue) push(s *Source) {
	if s.queued {
		return
	}
	s.queued = true
	if q.head > 64 && q.head > len(q.items)/2 {
		q.items = slices.Delete(q.items, 0, q.head)
		q.head = 0
	}
	q.items = append(q.items, s)
}

func (q *queue) pop() *Source {
	s := q.items[q.head]
	q.items[q.head] = nil
	if q.head++; q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
	}
	s.queued = false
	return s
}

// wake queues s for reading.
func (t *Tailer) wake(s *Source) {
	s.drained = false
	t.ready.push(s)
}
