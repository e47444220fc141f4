package tail

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// The state is a version, the next source number, and one entry for each source, oldest first. It holds names,
// positions and hashes, never bytes of a log. Integers are varints.
const stateVersion = 1

const (
	flagLeft = 1 << iota
	flagDone
	flagDeleted
	flagSkipping
	flagNulls
	flagMoved // its real path is not the lineage's path
)

// record is what the state says about one source.
type record struct {
	seq     uint64
	flags   uint64
	lineage string
	real    string // where it was
	id      fileID
	offset  int64
	size    int64
	packed  packing
	head    [hashSize]byte
	nhead   int
	front   [hashSize]byte // hash of the frontier
	nfront  int
	holes   spans // below offset, to be handed out again
}

var errState = errors.New("malformed state")

// State describes the position behind everything that Next has returned, except for held lines. It is valid until
// files are renamed so that nothing can recognise them; it never holds what a log says.
func (t *Tailer) State() []byte {
	b := []byte{stateVersion}
	b = binary.AppendUvarint(b, t.nextSeq)
	records := t.records()
	b = binary.AppendUvarint(b, uint64(len(records)))
	for _, r := range records {
		b = r.append(b)
	}
	return b
}

// records lists everything that a restart must know.
func (t *Tailer) records() []record {
	if !t.scanned { // nothing was looked at: what was given still holds
		return t.saved
	}
	var all []record
	for _, l := range t.lineages {
		for _, s := range l.members {
			all = append(all, s.record())
		}
	}
	slices.SortFunc(all, func(a, b record) int {
		if a.seq < b.seq {
			return -1
		}
		return 1
	})
	return all
}

func (s *Source) record() record {
	r := record{
		seq: s.seq, lineage: s.line.path, real: s.line.path, id: s.id, offset: s.offset, size: s.size, packed: s.packed,
		head: s.head, nhead: s.nhead, nfront: s.nfront, holes: s.holds.union(s.todo),
	}
	if len(s.names) > 0 {
		r.real = s.names[0].real()
	}
	for _, f := range [...]struct {
		flag uint64
		set  bool
	}{
		{flagLeft, s.left}, {flagDone, s.done}, {flagDeleted, s.deleted}, {flagSkipping, s.skipping}, {flagNulls, s.nulls},
		{flagMoved, r.real != r.lineage},
	} {
		if f.set {
			r.flags |= f.flag
		}
	}
	if s.nfront > 0 {
		r.front = hashOf(s.front[:s.nfront])
	}
	return r
}

func (r *record) has(flag uint64) bool { return r.flags&flag != 0 }

func (r *record) append(b []byte) []byte {
	b = binary.AppendUvarint(b, r.seq)
	b = binary.AppendUvarint(b, r.flags)
	b = appendString(b, r.lineage)
	if r.has(flagMoved) {
		b = appendString(b, r.real)
	}
	b = binary.AppendUvarint(b, r.id.dev)
	b = binary.AppendUvarint(b, r.id.ino)
	b = binary.AppendVarint(b, r.id.btime)
	b = binary.AppendUvarint(b, uint64(r.offset))
	b = binary.AppendUvarint(b, uint64(r.size))
	b = append(b, byte(r.packed))
	b = binary.AppendUvarint(b, uint64(r.nhead))
	if r.nhead > 0 {
		b = append(b, r.head[:]...)
	}
	b = append(b, byte(r.nfront))
	if r.nfront > 0 {
		b = append(b, r.front[:]...)
	}
	b = binary.AppendUvarint(b, uint64(len(r.holes)))
	at := int64(0)
	for _, h := range r.holes {
		b = binary.AppendUvarint(b, uint64(h.start-at))
		b = binary.AppendUvarint(b, uint64(h.end-h.start))
		at = h.end
	}
	return b
}

func appendString(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// decoder reads the state; the first error sticks.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) fail() {
	if d.err == nil {
		d.err = errState
	}
	d.b = nil
}

func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

// position is an offset in a file.
func (d *decoder) position() int64 {
	v := d.uint()
	if v > 1<<62 {
		d.fail()
		return 0
	}
	return int64(v)
}

func (d *decoder) bytes(n uint64) []byte {
	if n > uint64(len(d.b)) {
		d.fail()
		return nil
	}
	v := d.b[:n]
	d.b = d.b[n:]
	return v
}

func (d *decoder) record() record {
	r := record{seq: d.uint(), flags: d.uint(), lineage: string(d.bytes(d.uint()))}
	r.real = r.lineage
	if r.has(flagMoved) {
		r.real = string(d.bytes(d.uint()))
	}
	r.id.dev, r.id.ino = d.uint(), d.uint()
	btime, n := binary.Varint(d.b)
	if n <= 0 {
		d.fail()
		return r
	}
	r.id.btime, d.b = btime, d.b[n:]
	r.offset, r.size = d.position(), d.position()
	if kind := d.bytes(1); len(kind) == 1 {
		r.packed = packing(kind[0])
	}
	if r.nhead = int(d.position()); r.nhead > 0 {
		copy(r.head[:], d.bytes(hashSize))
	}
	if size := d.bytes(1); len(size) == 1 {
		r.nfront = int(size[0])
	}
	if r.nfront > 0 {
		copy(r.front[:], d.bytes(hashSize))
	}
	if r.packed >= unknownPacking || r.nhead > headSize || r.nfront > frontierSize || int64(r.nfront) > r.offset {
		d.fail()
	}
	at := int64(0)
	for range min(d.uint(), uint64(len(d.b))) {
		start := at + d.position()
		end := start + d.position()
		if start < at || end <= start || end > r.offset {
			d.fail()
			return r
		}
		r.holes = append(r.holes, span{start, end})
		at = end
	}
	return r
}

// decodeState reads what State wrote.
func decodeState(b []byte) (next uint64, records []record, err error) {
	if len(b) == 0 || b[0] != stateVersion {
		return 0, nil, fmt.Errorf("%w: not version %d", errState, stateVersion)
	}
	d := decoder{b: b[1:]}
	next = d.uint()
	count := d.uint()
	for range min(count, uint64(len(d.b))) {
		r := d.record()
		if d.err != nil {
			return 0, nil, d.err
		}
		if r.seq >= next {
			return 0, nil, errState
		}
		records = append(records, r)
	}
	if d.err != nil || len(d.b) != 0 || uint64(len(records)) != count {
		return 0, nil, errState
	}
	return next, records, nil
}

func (t *Tailer) restore(b []byte) error {
	next, records, err := decodeState(b)
	if err != nil {
		return err
	}
	t.nextSeq, t.saved = max(next, 1), records
	return nil
}
