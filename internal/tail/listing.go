package tail

import (
	"os"
	"path/filepath"
)

// listing is what a folder holds, read at most once a tick however many files are looked for in it.
type listing struct {
	folder  string
	bases   []string
	byInode map[inodeKey]string
}

// list returns the regular files of a folder; an unreadable one is empty.
func (t *Tailer) list(folder string) *listing {
	if l := t.listings[folder]; l != nil {
		return l
	}
	l := &listing{folder: folder}
	entries, err := os.ReadDir(folder)
	if err == nil {
		for _, e := range entries {
			if e.Type().IsRegular() {
				l.bases = append(l.bases, e.Name())
			}
		}
	}
	if t.listings == nil {
		t.listings = map[string]*listing{}
	}
	t.listings[folder] = l
	return l
}

// find returns the path of the file with that identity.
func (l *listing) find(id fileID) (string, info, bool) {
	if l.byInode == nil {
		l.byInode = make(map[inodeKey]string, len(l.bases))
		for _, base := range l.bases {
			if st, err := statPath(filepath.Join(l.folder, base)); err == nil {
				l.byInode[st.id.key()] = base
			}
		}
	}
	base, ok := l.byInode[id.key()]
	if !ok {
		return "", info{}, false
	}
	real := filepath.Join(l.folder, base)
	st, err := statPath(real)
	return real, st, err == nil && st.regular() && st.id.same(id)
}
