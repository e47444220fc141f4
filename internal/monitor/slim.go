package monitor

import (
	"math"
	"math/bits"

	"github.com/plumbline-ml/plumbline/detectors"
)

// Closed slots wait for hours to be taken away again, and there are seventy of them for each column, so in memory they are
// written smaller than in state: counts of a busy column as Golomb-Rice codes of the difference from the bin before (the
// bins of a grid hold about as much as each other), and the sums of wide bins, which are rounded to few bits, with their
// last byte first.

const (
	slimPerBin = 8  // records a bin from which counts are Rice codes
	slimEscape = 24 // quotients from here on are followed by the plain number
)

// encodeSlim appends the tally for decodeSlim.
func (t *tally) encodeSlim(e *encoder) {
	busy := len(t.Fine) > 0 && t.N >= uint64(len(t.Fine))*slimPerBin
	e.bool(busy)
	if busy {
		e.rice(t.Fine)
	} else {
		e.counts(t.Fine)
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
func (t *tally) decodeSlim(d *stateDecoder) {
	if d.bool() {
		t.Fine = d.rice(t.Fine[:0], detectors.MaxFineBins+maxCategoryLimit)
	} else {
		t.Fine = d.counts(t.Fine[:0], detectors.MaxFineBins+maxCategoryLimit)
	}
	t.N = 0
	for _, c := range t.Fine {
		t.N += c
	}
	t.Dev, t.DevSq = d.float(), d.float()
	t.Wide = [detectors.NumWide]float64{}
	for i := range d.length(detectors.NumWide) {
		t.Wide[i] = math.Float64frombits(reverse(d.uint()))
	}
	t.decodeRest(d)
}

// rice writes the length, the parameter, and the differences from one count to the next.
func (e *encoder) rice(v []uint64) {
	var sum, last uint64
	for _, c := range v {
		sum += uint64(bits.Len64(zigzag(c - last)))
		last = c
	}
	k := int(sum) / len(v) // about the bits of a usual difference; one less is left to the quotient
	if k > 0 {
		k--
	}
	e.uint(uint64(len(v)))
	e.buf = append(e.buf, byte(k))
	w := bitWriter{out: e.buf}
	last = 0
	for _, c := range v {
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
func (d *stateDecoder) rice(dst []uint64, limit int) []uint64 {
	n := d.length(limit)
	head := d.take(1)
	if head == nil || head[0] > 63 {
		d.fail()
		return dst[:0]
	}
	k := int(head[0])
	r := bitReader{in: d.buf}
	last := uint64(0)
	for len(dst) < n {
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
