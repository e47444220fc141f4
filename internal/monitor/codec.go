package monitor

import (
	"encoding/binary"
	"errors"
	"math"
)

// errState is what a damaged or foreign section of state gives.
var errState = errors.New("monitor: section of state cannot be read")

// encoder appends to a section of state. Numbers are variable-length, sums eight bytes.
type encoder struct{ buf []byte }

func (e *encoder) uint(v uint64) { e.buf = binary.AppendUvarint(e.buf, v) }
func (e *encoder) int(v int64)   { e.buf = binary.AppendVarint(e.buf, v) }
func (e *encoder) float(v float64) {
	e.buf = binary.LittleEndian.AppendUint64(e.buf, math.Float64bits(v))
}
func (e *encoder) u32(v uint32)   { e.buf = binary.LittleEndian.AppendUint32(e.buf, v) }
func (e *encoder) u64(v uint64)   { e.buf = binary.LittleEndian.AppendUint64(e.buf, v) }
func (e *encoder) bytes(v []byte) { e.uint(uint64(len(v))); e.buf = append(e.buf, v...) }
func (e *encoder) text(v string)  { e.uint(uint64(len(v))); e.buf = append(e.buf, v...) }

func (e *encoder) bool(v bool) {
	if v {
		e.buf = append(e.buf, 1)
	} else {
		e.buf = append(e.buf, 0)
	}
}

// counts writes the length and then each count, with runs of zeros shortened: a zero is followed by the number of
// further zeros.
func (e *encoder) counts(v []uint64) {
	e.uint(uint64(len(v)))
	for i := 0; i < len(v); i++ {
		e.uint(v[i])
		if v[i] == 0 {
			j := i + 1
			for j < len(v) && v[j] == 0 {
				j++
			}
			e.uint(uint64(j - i - 1))
			i = j - 1
		}
	}
}

// stateDecoder reads what encoder wrote. The first failure sticks; everything after it reads as zero.
type stateDecoder struct {
	buf []byte
	bad bool
}

func (d *stateDecoder) fail() { d.bad, d.buf = true, nil }

func (d *stateDecoder) uint() uint64 {
	v, n := binary.Uvarint(d.buf)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.buf = d.buf[n:]
	return v
}

func (d *stateDecoder) int() int64 {
	v, n := binary.Varint(d.buf)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.buf = d.buf[n:]
	return v
}

func (d *stateDecoder) take(n uint64) []byte {
	if n > uint64(len(d.buf)) {
		d.fail()
		return nil
	}
	out := d.buf[:n]
	d.buf = d.buf[n:]
	return out
}

func (d *stateDecoder) u64() uint64 {
	if b := d.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (d *stateDecoder) u32() uint32 {
	if b := d.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (d *stateDecoder) float() float64 {
	v := math.Float64frombits(d.u64())
	if math.IsNaN(v) || math.IsInf(v, 0) {
		d.fail()
		return 0
	}
	return v
}

func (d *stateDecoder) bytes() []byte { return d.take(d.uint()) }
func (d *stateDecoder) text() string  { return string(d.bytes()) }
func (d *stateDecoder) bool() bool    { b := d.take(1); return b != nil && b[0] == 1 }

// length reads a length that is at most limit.
func (d *stateDecoder) length(limit int) int {
	n := d.uint()
	if n > uint64(limit) {
		d.fail()
		return 0
	}
	return int(n)
}

// counts appends to dst what encoder.counts wrote.
func (d *stateDecoder) counts(dst []uint64, limit int) []uint64 {
	n := d.length(limit)
	for len(dst) < n && !d.bad {
		c := d.uint()
		dst = append(dst, c)
		if c == 0 {
			zeros := d.uint()
			if zeros > uint64(n-len(dst)) {
				d.fail()
				return dst[:0]
			}
			for range zeros {
				dst = append(dst, 0)
			}
		}
	}
	if d.bad {
		return dst[:0]
	}
	return dst
}

func (d *stateDecoder) end() error {
	if d.bad || len(d.buf) != 0 {
		return errState
	}
	return nil
}
