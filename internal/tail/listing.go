package tail

import (
	"os"
	"path/filepath"
	"slices"
)

// listing is what a folder holds at one moment, read once a tick however many files are looked for in it. Rotation renames
// many files while others read, so that a plain list may have one of them twice and another not at all: a listing
// is read until two in a row are the same.
type listing struct {
	folder  string
	files   []entry // regular files by name
	byInode map[inodeKey]int
}

type entry struct {
	base string
	st   info
}

// rereads is how often a folder in which something moves is read again; under more than that, what was read last is used.
const rereads = 10

// list returns the regular files of a folder; an unreadable one is empty.
func (t *Tailer) list(folder string) *listing {
	folder = filepath.Clean(folder)
	if l := t.listings[folder]; l != nil {
		return l
	}
	return t.relist(folder)
}

// relist reads a folder anew, because it turned out to have changed within the tick.
func (t *Tailer) relist(folder string) *listing {
	folder = filepath.Clean(folder)
	l := readListing(folder)
	for range rereads {
		again := readListing(folder)
		if l.same(again) {
			break
		}
		l = again
	}
	if t.listings == nil {
		t.listings = map[string]*listing{}
	}
	t.listings[folder] = l
	return l
}

func readListing(folder string) *listing {
	l := &listing{folder: folder}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return l
	}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		if st, err := statPath(filepath.Join(folder, e.Name())); err == nil && st.regular() {
			l.files = append(l.files, entry{e.Name(), st})
		}
	}
	return l
}

// same says whether two listings have the same files under the same names.
func (l *listing) same(o *listing) bool {
	return slices.EqualFunc(l.files, o.files, func(a, b entry) bool { return a.base == b.base && a.st.id == b.st.id })
}

func (l *listing) path(e entry) string { return filepath.Join(l.folder, e.base) }

// entry returns the file with that identity.
func (l *listing) entry(id fileID) (entry, bool) {
	if l.byInode == nil {
		l.byInode = make(map[inodeKey]int, len(l.files))
		for i, e := range l.files {
			l.byInode[e.st.id.key()] = i
		}
	}
	i, ok := l.byInode[id.key()]
	if !ok || !l.files[i].st.id.same(id) {
		return entry{}, false
	}
	return l.files[i], true
}

// find returns where the file with that identity is in a folder. When it is not where this tick's listing has it, the folder
// is read again: it may have been renamed since.
func (t *Tailer) find(folder string, id fileID) (string, info, bool) {
	l, fresh := t.listings[filepath.Clean(folder)], false
	if l == nil {
		l, fresh = t.relist(folder), true
	}
	for range rereads {
		if e, ok := l.entry(id); ok {
			real := l.path(e)
			if st, err := statPath(real); err == nil && st.regular() && st.id.same(id) {
				return real, st, true
			}
		} else if fresh {
			return "", info{}, false
		}
		l, fresh = t.relist(folder), true
	}
	return "", info{}, false
}
