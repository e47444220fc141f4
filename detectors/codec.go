package detectors

import (
	"encoding/binary"
	"math"
)

// decoder reads the package's encodings; the first failure sticks and everything after it reads as zero.
type decoder struct {
	buf []byte
	bad bool
}

func (d *decoder) take(n int) []byte {
	if d.bad || n > len(d.buf) {
		d.bad = true
		return nil
	}
	out := d.buf[:n]
	d.buf = d.buf[n:]
	return out
}

func (d *decoder) byte() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.buf)
	if d.bad || n <= 0 {
		d.bad = true
		return 0
	}
	d.buf = d.buf[n:]
	return v
}

func (d *decoder) float() float64 {
	if b := d.take(8); b != nil {
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
	return 0
}

func (d *decoder) floats(n int) []float64 {
	if d.bad || n < 0 || n > len(d.buf)/8 {
		d.bad = true
		return nil
	}
	out := make([]float64, n)
	for i := range out {
		out[i] = d.float()
	}
	return out
}

// end reports a failure, or bytes that are left over.
func (d *decoder) end() error {
	if d.bad || len(d.buf) > 0 {
		return ErrCodec
	}
	return nil
}

func appendFloat(out []byte, v float64) []byte {
	return binary.LittleEndian.AppendUint64(out, math.Float64bits(v))
}

// AppendCounts packs counts as variable-length integers: one to three bytes a bin for what a slot of a window holds,
// against eight.
func AppendCounts(out []byte, counts []uint64) []byte {
	for _, c := range counts {
		out = binary.AppendUvarint(out, c)
	}
	return out
}

// decodeCounts fills dst from d.
func decodeCounts(d *decoder, dst []uint64) {
	for i := range dst {
		dst[i] = d.uvarint()
	}
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.buf)
	if d.bad || n <= 0 {
		d.bad = true
		return 0
	}
	d.buf = d.buf[n:]
	return v
}
