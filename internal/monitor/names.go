package monitor

// nameTable finds the index of a category by its bytes. It is made once from the reference's names and never grows, so
// plain open addressing at a quarter of its capacity does; the hash is the one that repeats are noticed by, which
// saves a second one for each value.
type nameTable struct {
	mask    uint32
	entries []nameEntry
}

type nameEntry struct {
	name  string
	hash  uint32
	index int32 // −1 for a free place
}

func newNameTable(names []string) nameTable {
	size := uint32(8)
	for size < 4*uint32(len(names)) {
		size *= 2
	}
	t := nameTable{mask: size - 1, entries: make([]nameEntry, size)}
	for i := range t.entries {
		t.entries[i].index = -1
	}
	for i, name := range names {
		h := hashBytes([]byte(name))
		at := h & t.mask
		for t.entries[at].index >= 0 {
			at = (at + 1) & t.mask
		}
		t.entries[at] = nameEntry{name, h, int32(i)}
	}
	return t
}

// find returns the index of a name, or −1. h is hashBytes of it.
func (t *nameTable) find(name []byte, h uint32) int32 {
	for at := h & t.mask; ; at = (at + 1) & t.mask {
		e := &t.entries[at]
		if e.index < 0 || e.hash == h && e.name == string(name) {
			return e.index
		}
	}
}

// hashBytes is FNV-1a folded to 32 bits.
func hashBytes(b []byte) uint32 {
	h := uint64(14695981039346656037)
	for _, c := range b {
		h ^= uint64(c)
		h *= 1099511628211
	}
	return uint32(h>>32) ^ uint32(h)
}
