package monitor

import (
	"math"
	"math/bits"

	"github.com/plumbline-ml/plumbline/detectors"
)

// Closed slots wait for hours to be taken away again, and there are seventy of them for each column, so in memory they are
// written smaller than in state: counts of a busy column as Golomb-Rice codes of the difference from what the column's shape
// predicts, or from the bin before when that is less, and the sums of wide bins, which are rounded to few bits, with their
// last byte first.

// shape is how the values of a column are spread over its bins, in parts of 2^16. It predicts the counts of a slot up to about their
// own noise, which the bin before does not: rounded values make bins of unequal weight. A window makes it from the first busy slot
// that it closes and keeps it, because slots that were written with it are read with it.
type shape []uint16

func (t *tally) shape() shape {
	s := make(shape, len(t.Fine))
	for i, c := range t.Fine {
		s[i] = uint16(min(c*math.MaxUint16/t.N, math.MaxUint16))
	}
	return s
}

// predict is the count of a bin when there are n values.
func (s shape) predict(n uint64, bin int) uint64 { return n * uint64(s[bin]) >> 16 }

// busy says whether a tally has enough values for codes.
func (t *tally) busy() bool {
	return len(t.Fine) > 0 && t.N >= uint64(len(t.Fine))*slimPerBin && t.N < 1<<47
}

const (
	slimPerBin = 8  // records a bin from which counts are Rice codes
	riceMost   = 56 // bits that are written as they are
	slimEscape = 24 // quotients from here on are followed by the plain number
)

// How the counts of a packed column are written.
const (
	slimPlain  = iota // as in state
	slimBefore        // by the bin before
	slimShape         // by the shape
)

// encodeSlim appends the tally for decodeSlim with the same shape, which may be nil.
func (t *tally) encodeSlim(e *encoder, s shape) {
	switch {
	case !t.busy():
		e.buf = append(e.buf, slimPlain)
		e.counts(t.Fine)
	case len(s) == len(t.Fine) && riceBits(t.Fine, t.N, s) < riceBits(t.Fine, t.N, nil):
		e.buf = append(e.buf, slimShape)
		e.uint(t.N)
		e.rice(t.Fine, t.N, s)
	default:
		e.buf = append(e.buf, slimBefore)
		e.rice(t.Fine, t.N, nil)
	}
	e.float(t.Dev)
	e.float(t.DevSq)
	wide := 0
	for i, v := range t.Wide {
		if v != 0 {
			wide = i + 1
		}
	}
	e.uint(uint64(wide))
	for _, v := range t.Wide[:wide] {
		e.uint(reverse(math.Float64bits(v)))
	}
	t.encodeRest(e)
}

// decodeSlim reads what encodeSlim wrote; the memory of t is used again.
func (t *tally) decodeSlim(d *stateDecoder, s shape) {
	const limit = detectors.MaxFineBins + maxCategoryLimit
	mode := byte(slimPlain)
	if b := d.take(1); b != nil {
		mode = b[0]
	}
	switch mode {
	case slimPlain:
		t.Fine = d.counts(t.Fine[:0], limit)
	case slimShape:
		t.Fine = d.rice(t.Fine[:0], len(s), d.uint(), s)
	default:
		t.Fine = d.rice(t.Fine[:0], limit, 0, nil)
	}
	t.N = 0
	for _, c := range t.Fine {
		t.N += c
	}
	t.decodeSums(d)
}

// decodeSums reads what stands behind the counts.
func (t *tally) decodeSums(d *stateDecoder) {
	t.Dev, t.DevSq = d.float(), d.float()
	t.Wide = [detectors.NumWide]float64{}
	for i := range d.length(detectors.NumWide) {
		t.Wide[i] = math.Float64frombits(reverse(d.uint()))
	}
	t.decodeRest(d)
}

// subSlim takes away a packed tally. Where little traffic is, slots hold few values and are closed as often as with much: their counts
// are subtracted as they are read.
func (h *held) subSlim(packed []byte, s shape, scratch *tally) {
	d := &stateDecoder{buf: packed}
	if h.narrow == nil || packed[0] != slimPlain {
		scratch.decodeSlim(d, s)
		h.sub(scratch)
		return
	}
	d.take(1)
	n := min(int(d.uint()), len(h.narrow))
	scratch.Fine, scratch.N = scratch.Fine[:0], 0
	for i := 0; i < n; i++ {
		c := d.uint()
		if c == 0 {
			i += int(d.uint())
			continue
		}
		h.narrow[i] -= uint32(c)
		scratch.N += c
	}
	scratch.decodeSums(d)
	h.subRest(scratch)
}

// subRest takes away all but the counts.
func (h *held) subRest(t *tally) { h.rest.subRest(t) }

// riceBits is about how many bits rice needs.
func riceBits(v []uint64, n uint64, s shape) (sum int) {
	last := uint64(0)
	for i, c := range v {
		if s != nil {
			last = s.predict(n, i)
		}
		sum += bits.Len64(zigzag(c - last))
		last = c
	}
	return sum
}

// riceNoise is about how many bits the noise of a count takes that is predicted: twice the square root, for the sign.
func riceNoise(predicted uint64) int { return (bits.Len64(predicted) + 1) / 2 }

// rice writes the length, the parameter, and the differences from what is predicted: by the shape, or without one by the count before.
// The parameter is how many bits of a difference are written as they are. With a shape it comes on top of each bin's noise.
func (e *encoder) rice(v []uint64, n uint64, s shape) {
	k := riceBits(v, n, s) / len(v) // about the bits of a usual difference; one less is left to the quotient
	if s != nil {
		noise, bins := 0, 0
		k = 0
		for i, c := range v {
			if p := s.predict(n, i); p > 0 {
				k += bits.Len64(zigzag(c - p))
				noise += riceNoise(p)
				bins++
			}
		}
		k = max(0, k-noise) / max(bins, 1)
	}
	if k > 0 {
		k--
	}
	e.uint(uint64(len(v)))
	e.buf = append(e.buf, byte(k))
	w := bitWriter{out: e.buf}
	last := uint64(0)
	more := k
	for i, c := range v {
		if s != nil {
			last = s.predict(n, i)
			k = min(riceNoise(last)+more, riceMost)
		}
		u := zigzag(c - last)
		last = c
		q := u >> k
		if q >= slimEscape {
			w.put(1<<slimEscape-1, slimEscape)
			w.put(u>>32, 32)
			w.put(u&math.MaxUint32, 32)
			continue
		}
		w.put(1<<(q+1)-2, int(q)+1)
		w.put(u&(1<<k-1), k)
	}
	e.buf = w.flush()
}

// rice appends to dst what encoder.rice wrote.
func (d *stateDecoder) rice(dst []uint64, limit int, total uint64, s shape) []uint64 {
	n := d.length(limit)
	head := d.take(1)
	if head == nil || head[0] > riceMost {
		d.fail()
		return dst[:0]
	}
	k := int(head[0])
	more := k
	r := bitReader{in: d.buf}
	last := uint64(0)
	for len(dst) < n {
		if s != nil {
			last = s.predict(total, len(dst))
			k = min(riceNoise(last)+more, riceMost)
		}
		q := 0
		for q < slimEscape && r.get(1) == 1 {
			q++
		}
		var u uint64
		if q == slimEscape {
			u = r.get(32) << 32
			u |= r.get(32)
		} else {
			u = uint64(q)<<k | r.get(k)
		}
		if r.bad {
			d.fail()
			return dst[:0]
		}
		last += unzigzag(u)
		dst = append(dst, last)
	}
	d.take(uint64(r.at+7) / 8)
	return dst
}

// zigzag makes a small number of a small difference of either sign; unzigzag undoes it.
func zigzag(d uint64) uint64   { return d<<1 ^ uint64(int64(d)>>63) }
func unzigzag(u uint64) uint64 { return u>>1 ^ -(u & 1) }

// bitWriter appends bits, highest first.
type bitWriter struct {
	out  []byte
	acc  uint64
	used int // bits of acc; fewer than 8 between calls
}

// put writes the n lowest bits of v, which has no others; n is at most 56.
func (w *bitWriter) put(v uint64, n int) {
	w.acc = w.acc<<n | v
	for w.used += n; w.used >= 8; {
		w.used -= 8
		w.out = append(w.out, byte(w.acc>>w.used))
	}
}

func (w *bitWriter) flush() []byte {
	if w.used > 0 {
		w.out = append(w.out, byte(w.acc<<(8-w.used)))
	}
	return w.out
}

// bitReader reads what bitWriter wrote.
type bitReader struct {
	in  []byte
	at  int // in bits
	bad bool
}

func (r *bitReader) get(n int) (v uint64) {
	if n > 8*len(r.in)-r.at {
		r.bad = true
		return 0
	}
	for n > 0 {
		have := 8 - r.at%8
		take := min(n, have)
		v = v<<take | uint64(r.in[r.at/8]>>(have-take))&(1<<take-1)
		r.at += take
		n -= take
	}
	return v
}
