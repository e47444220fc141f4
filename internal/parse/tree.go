package parse

import (
	"strconv"
	"strings"
)

// node is one level of the tree of paths: what is asked at this place and below it.
type node struct {
	path     string // as it is shown, without a trailing dot
	slot     int32  // where a scalar found here goes; noSlot, or lazySlot = made at the first scalar
	wildcard int32  // index of the wildcard field that names what is below; -1 = none
	born     bool   // made by a wildcard; arrays found here are not taken apart
	shadow   bool   // nobody asks for anything here; the node only remembers the order of the keys
	fastNum  bool   // a number goes straight to slot
	fastStr  bool   // a string goes straight to slot

	gen     uint64 // of the record that visited this node last
	first   int32  // entry that came first in the previous record; -1 = none
	entries []entry
	table   []uint16 // open addressing: index of entries plus one
	index   []*node  // children that are array elements
	unknown int      // entries that nobody asked for
}

const (
	noSlot   = -1
	lazySlot = -2
)

// entry is a key that was asked for or seen at a level, with the guess which one follows it.
//
// What the usual step over a predicted key reads stands together at the top.
type entry struct {
	words rawKey // of raw
	child *node  // nil = nobody asked
	next  int32  // entry that followed in the previous record; -1 = unknown

	redone uint8    // how often raw was replaced; a key written in changing ways is not predicted for ever
	shape  keyShape // of key
	key    string
	raw    string // the key as it stands in the line, quotes, colon and white space before the value included
}

func newNode(path string) *node {
	return &node{path: path, slot: noSlot, wildcard: -1, first: -1}
}

// child finds or makes the node for a key below n.
func (p *Plan) child(n *node, key string) *node {
	if i := n.find(&p.hash, []byte(key)); i >= 0 && n.entries[i].child != nil {
		return n.entries[i].child
	}
	path := escapeKey(key)
	if n.path != "" {
		path = n.path + "." + path
	}
	c := newNode(path)
	n.insert(&p.hash, key, c)
	if at, err := strconv.Atoi(key); err == nil && at >= 0 && at < maxArrayIndex && strconv.Itoa(at) == key {
		for len(n.index) <= at {
			n.index = append(n.index, nil)
		}
		n.index[at] = c
	}
	return c
}

// maxArrayIndex bounds the elements of an array that can be asked for.
const maxArrayIndex = 4096

var keyEscaper = strings.NewReplacer(`\`, `\\`, `.`, `\.`, `*`, `\*`)

func escapeKey(key string) string { return keyEscaper.Replace(key) }

// find returns the entry of a key, or -1.
func (n *node) find(hash *keyHash, key []byte) int32 {
	if len(n.table) == 0 {
		return -1
	}
	mask := uint64(len(n.table) - 1)
	for h := hash.of(key) & mask; ; h = (h + 1) & mask {
		at := n.table[h]
		if at == 0 {
			return -1
		}
		if n.entries[at-1].key == string(key) {
			return int32(at - 1)
		}
	}
}

// insert adds an entry for a key that find does not know, or gives a known one its node.
func (n *node) insert(hash *keyHash, key string, child *node) int32 {
	if at := n.find(hash, []byte(key)); at >= 0 {
		n.entries[at].child = child
		return at
	}
	n.entries = append(n.entries, entry{key: key, child: child, next: -1, shape: keyShapeOf([]byte(key))})
	if 4*len(n.entries) > len(n.table) {
		n.table = make([]uint16, max(16, 2*len(n.table)))
		for i := range n.entries {
			n.place(hash, i)
		}
	} else {
		n.place(hash, len(n.entries)-1)
	}
	return int32(len(n.entries) - 1)
}

func (n *node) place(hash *keyHash, i int) {
	mask := uint64(len(n.table) - 1)
	h := hash.of([]byte(n.entries[i].key)) & mask
	for n.table[h] != 0 {
		h = (h + 1) & mask
	}
	n.table[h] = uint16(i + 1)
}

// classify decides which values of a node take the short way into the record.
func (p *Plan) classify(n *node) {
	n.fastNum, n.fastStr = false, false
	if n.slot < 0 || n.inner() {
		return
	}
	sp := &p.specs[n.slot]
	n.fastNum = sp.next < 0 && sp.time == nil
	n.fastStr = n.fastNum && !sp.numeric
}

// inner reports whether something may be asked below the node.
func (n *node) inner() bool { return len(n.entries) > 0 || n.wildcard >= 0 && !n.born }

// reclassify repeats classify over a whole tree.
func (n *node) reclassify(p *Plan) {
	p.classify(n)
	for i := range n.entries {
		if c := n.entries[i].child; c != nil {
			c.reclassify(p)
		}
	}
}

// meet decides what to do with a key that was never seen at this level, and remembers the decision while
// there is room. It returns the entry, or -1 and no node when the key is not worth an entry.
func (p *Plan) meet(n *node, key []byte) int32 {
	child := p.wildcardChild(n, key)
	if child == nil {
		if n.unknown >= maxKnownKeys || p.unknown >= 8*maxKnownKeys || len(key) > maxKeyBytes {
			return -1
		}
		n.unknown++
		p.unknown++
	}
	at := n.insert(&p.hash, string(key), child)
	p.classify(n)
	return at
}

// shadowOf makes a node for an object that nobody asked for. Its keys are then predicted like others: a step over
// a predicted key does not wait for the bytes of the line, a search for its closing quote does.
func (p *Plan) shadowOf(n *node, at int32) *node {
	if p.shadows >= maxShadows {
		return nil
	}
	p.shadows++
	c := newNode("")
	c.shadow = true
	n.entries[at].child = c
	return c
}

// wildcardChild makes the node of a new key below a wildcard, or returns nil if no wildcard covers it.
func (p *Plan) wildcardChild(n *node, key []byte) *node {
	if len(key) == 0 {
		return nil
	}
	if n.wildcard >= 0 {
		path := escapeKey(string(key))
		if n.path != "" {
			path = n.path + "." + path
		}
		return p.bear(n.wildcard, path)
	}
	if n != p.root {
		return nil
	}
	for _, w := range p.prefixes {
		if len(key) <= len(w.prefix) || string(key[:len(w.prefix)]) != w.prefix {
			continue
		}
		rest := key[len(w.prefix):]
		if at := w.n.find(&p.hash, rest); at >= 0 {
			return w.n.entries[at].child
		}
		c := p.bear(w.n.wildcard, string(key))
		if c != nil {
			w.n.insert(&p.hash, string(rest), c)
		}
		return c
	}
	return nil
}

// bear makes a node for a wildcard, within the bounds.
func (p *Plan) bear(wildcard int32, path string) *node {
	if p.wild >= p.opts.MaxFields || p.born >= 4*p.opts.MaxFields || len(path) > 2*maxKeyBytes {
		p.overflow++
		return nil
	}
	p.born++
	c := newNode(path)
	c.slot, c.wildcard, c.born = lazySlot, wildcard, true
	return c
}

// slotOf returns the slot of a node where a value was found, and makes it for a node that a wildcard bore.
func (p *Plan) slotOf(n *node, rec *Record) int32 {
	if n.slot != lazySlot {
		return n.slot
	}
	if p.wild >= p.opts.MaxFields {
		p.overflow++
		return noSlot
	}
	p.wild++
	f := &p.fields[n.wildcard]
	n.slot = int32(len(p.slots))
	p.slots = append(p.slots, Slot{Path: n.path, Wildcard: int(n.wildcard)})
	p.specs = append(p.specs, spec{numeric: f.Numeric, context: f.Context, next: -1, time: p.specs[n.wildcard].time})
	rec.resize(len(p.slots))
	p.classify(n)
	return n.slot
}
