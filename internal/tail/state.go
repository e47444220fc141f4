package tail

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The state is a version, the time when it changed, the next source number, and one entry for each
// source: lineage by lineage, oldest first. It holds names,
// positions and hashes, never bytes of a log. Integers are varints.
const stateVersion = 2 // 1 had no marks and is still read

const (
	flagLeft = 1 << iota
	flagDone
	flagDeleted
	flagSkipping
	flagNulls
	flagTwin
	flagCopied
	flagLinked  // the lineage's real path is not its path
	flagMoved   // its own real path is not the lineage's
	flagMatched // the path that matched it last is not the lineage's
	flagCut     // it was truncated, and nothing was read of it since
)

// record is what the state says about one source.
type record struct {
	content
	seq     uint64
	flags   uint64
	lineage string
	live    string // the real path of the live file, if there was one
	real    string // where it was
	match   string // the path that matched it last
	id      fileID
	size    int64 // its last known end, after decompression
	packed  packing
	cut     int64
	holes   spans // below offset, to be handed out again
}

// missing is what was not handed out of a file that is gone. What a finished one lacks was counted when it was finished.
func (r *record) missing() int64 {
	if r.has(flagDone) {
		return r.holes.bytes()
	}
	return r.holes.bytes() + max(0, r.size-r.offset)
}

var errState = errors.New("malformed state")

// State describes the position behind everything that Next has returned, except for held lines. It never holds what a
// log says. While nothing changes it returns equal bytes.
func (t *Tailer) State() []byte {
	body := binary.AppendUvarint(t.scratch[:0], t.nextSeq)
	if !t.scanned { // nothing was looked at: what was given still holds
		body = binary.AppendUvarint(body, uint64(len(t.saved)))
		for i := range t.saved {
			body = t.saved[i].append(body)
		}
	} else {
		lines := t.inOrder()
		count := 0
		for _, l := range lines {
			count += len(l.members)
		}
		body = binary.AppendUvarint(body, uint64(count))
		for _, l := range lines {
			for _, s := range l.members {
				r := s.record()
				body = r.append(body)
			}
		}
	}
	t.scratch = body
	if t.stateBody == nil || !bytes.Equal(body, t.stateBody) {
		if t.scanned {
			t.asOf = time.Now().UnixNano()
		}
		t.stateBody, t.scratch = t.scratch, t.stateBody
	}
	b := make([]byte, 0, len(t.stateBody)+11)
	b = binary.AppendVarint(append(b, stateVersion), t.asOf)
	return append(b, t.stateBody...)
}

// inOrder returns the lineages by path; within one, sources are in the order in which they were written.
func (t *Tailer) inOrder() []*lineage {
	if t.sorted == nil {
		t.sorted = make([]*lineage, 0, len(t.lineages))
		for _, l := range t.lineages {
			t.sorted = append(t.sorted, l)
		}
		slices.SortFunc(t.sorted, func(a, b *lineage) int { return strings.Compare(a.path, b.path) })
	}
	return t.sorted
}

func (s *Source) record() record {
	r := record{
		content: s.content(),
		seq:     s.seq, lineage: s.line.path, live: s.line.live, real: s.real, match: s.match, id: s.id, size: s.size, packed: s.packed, cut: s.cut, holes: s.holds.union(s.todo),
	}
	if s.packed != plain {
		r.size = s.expect
	}
	for _, f := range [...]struct {
		flag uint64
		set  bool
	}{
		{flagLeft, s.left}, {flagDone, s.done}, {flagDeleted, s.deleted}, {flagSkipping, s.skipping}, {flagNulls, s.nulls},
		{flagTwin, s.twin}, {flagCopied, s.copied}, {flagLinked, r.live != r.lineage}, {flagMoved, r.real != r.live},
		{flagMatched, r.match != r.lineage}, {flagCut, r.cut > 0},
	} {
		if f.set {
			r.flags |= f.flag
		}
	}
	return r
}

func (r *record) has(flag uint64) bool { return r.flags&flag != 0 }

func (r *record) append(b []byte) []byte {
	b = binary.AppendUvarint(b, r.seq)
	b = binary.AppendUvarint(b, r.flags)
	b = appendString(b, r.lineage)
	if r.has(flagLinked) {
		b = appendString(b, r.live)
	}
	if r.has(flagMoved) {
		b = appendString(b, r.real)
	}
	if r.has(flagMatched) {
		b = appendString(b, r.match)
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
	if r.has(flagCut) {
		b = binary.AppendUvarint(b, uint64(r.cut))
	}
	b = append(b, byte(len(r.marks)))
	for _, l := range r.marks {
		for _, sum := range [...]uint32{l.first, l.before, l.last} {
			b = binary.LittleEndian.AppendUint32(b, sum)
		}
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
	b       []byte
	err     error
	version byte
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

// marks reads the marks of a record, of which version 1 has none.
func (d *decoder) marks(r *record) {
	if d.version == 1 {
		return
	}
	count := d.bytes(1)
	if len(count) == 0 || minMark+int(count[0]) > maxMark {
		d.fail()
		return
	}
	for range count[0] {
		b := d.bytes(12)
		if len(b) == 0 {
			return
		}
		r.marks = append(r.marks, level{binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint32(b[8:])})
	}
}

func (d *decoder) record() record {
	r := record{seq: d.uint(), flags: d.uint(), lineage: string(d.bytes(d.uint()))}
	r.live = r.lineage
	if r.has(flagLinked) {
		r.live = string(d.bytes(d.uint()))
	}
	r.real = r.live
	if r.has(flagMoved) {
		r.real = string(d.bytes(d.uint()))
	}
	r.match = r.lineage
	if r.has(flagMatched) {
		r.match = string(d.bytes(d.uint()))
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
	if r.has(flagCut) {
		r.cut = d.position()
	}
	d.marks(&r)
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
func decodeState(b []byte) (asOf int64, next uint64, records []record, err error) {
	if len(b) == 0 || b[0] == 0 || b[0] > stateVersion {
		return 0, 0, nil, fmt.Errorf("%w: not version 1 to %d", errState, stateVersion)
	}
	asOf, n := binary.Varint(b[1:])
	if n <= 0 {
		return 0, 0, nil, errState
	}
	d := decoder{b: b[1+n:], version: b[0]}
	next = d.uint()
	count := d.uint()
	for range min(count, uint64(len(d.b))) {
		r := d.record()
		if d.err == nil && r.seq >= next {
			d.fail()
		}
		if d.err != nil {
			return 0, 0, nil, d.err
		}
		records = append(records, r)
	}
	if d.err != nil || len(d.b) != 0 || uint64(len(records)) != count {
		return 0, 0, nil, errState
	}
	return asOf, next, records, nil
}

func (t *Tailer) restore(b []byte) error {
	asOf, next, records, err := decodeState(b)
	if err != nil {
		return err
	}
	t.asOf, t.nextSeq, t.saved = asOf, max(next, 1), records
	return nil
}
