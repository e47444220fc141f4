package sequential

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Errors of Unmarshal.
var (
	// ErrState says that the bytes are not a state that this package wrote: cut short, too long, or out of range.
	ErrState = errors.New("not a saved state of this detector")
	// ErrOptions says that the state was saved by a detector with other options or another reference: it must not be
	// used, since the evidence was gathered against another null.
	ErrOptions = errors.New("saved by a detector with other options")
)

const (
	codecVersion = 1
	headerBytes  = 10 // kind, version, fingerprint
)

// fingerprint hashes what a state depends on (FNV-1a over the bits of numbers).
type fingerprint uint64

func newFingerprint() fingerprint { return 14695981039346656037 }

func (f *fingerprint) number(x float64) { f.word(math.Float64bits(x)) }

func (f *fingerprint) word(w uint64) {
	for range 8 {
		*f = (*f ^ fingerprint(w&0xff)) * 1099511628211
		w >>= 8
	}
}

// encoder appends numbers; decoder takes them and remembers the first thing that was wrong.
type encoder struct{ out []byte }

func (e *encoder) header(kind byte, print uint64) {
	e.out = append(e.out, kind, codecVersion)
	e.out = binary.LittleEndian.AppendUint64(e.out, print)
}

func (e *encoder) word(w uint64)    { e.out = binary.LittleEndian.AppendUint64(e.out, w) }
func (e *encoder) number(x float64) { e.word(math.Float64bits(x)) }
func (e *encoder) varint(w uint64)  { e.out = binary.AppendUvarint(e.out, w) }

type decoder struct {
	in  []byte
	bad bool
}

func (d *decoder) header(kind byte, print uint64) error {
	if len(d.in) < headerBytes || d.in[0] != kind || d.in[1] != codecVersion {
		return fmt.Errorf("read evidence: %w", ErrState)
	}
	if binary.LittleEndian.Uint64(d.in[2:]) != print {
		return fmt.Errorf("read evidence: %w", ErrOptions)
	}
	d.in = d.in[headerBytes:]
	return nil
}

func (d *decoder) word() uint64 {
	if len(d.in) < 8 {
		d.bad = true
		return 0
	}
	w := binary.LittleEndian.Uint64(d.in)
	d.in = d.in[8:]
	return w
}

func (d *decoder) varint() uint64 {
	w, n := binary.Uvarint(d.in)
	if n <= 0 {
		d.bad = true
		return 0
	}
	d.in = d.in[n:]
	return w
}

// maxCount bounds a saved count: no stream gets there, and counting on from it does not overflow.
const maxCount = 1 << 62

func (d *decoder) count() uint64 {
	w := d.varint()
	if w > maxCount {
		d.bad = true
		return 0
	}
	return w
}

// ago takes a distance back from a total that it may not exceed.
func (d *decoder) ago(total uint64) uint64 {
	w := d.varint()
	if w > total {
		d.bad = true
		return 0
	}
	return total - w
}

// number takes a float64 within bounds.
func (d *decoder) number(lo, hi float64) float64 {
	x := math.Float64frombits(d.word())
	if !(x >= lo && x <= hi) {
		d.bad = true
		return 0
	}
	return x
}

// evidence takes an M: never negative, never above where it saturates.
func (d *decoder) evidence() float64 { return d.number(0, maxEvidence) }

func (d *decoder) done() error {
	if d.bad || len(d.in) != 0 {
		return fmt.Errorf("read evidence: %w", ErrState)
	}
	return nil
}
