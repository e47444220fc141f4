package monitor

import (
	"math"
	"math/bits"

	"github.com/plumbline-ml/plumbline/detectors"
)

// Closed slots wait for hours to be taken away again, and there are seventy of them for each column, so in memory they are
// written smaller than in state: counts of a busy column as Golomb-Rice codes of the difference from what the column's shape
// predicts, or from the bin before when that is less, and sums as the difference from what the counts predict. The plain sum of the values
// is left out: nobody reads it from a window.

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

// The first byte of a packed column says how its counts are written, and what stands behind them.
const (
	slimPlain  = iota // as in state
	slimBefore        // by the bin before
	slimShape         // by the shape

	slimCounts  = 3  // mask of the three
	slimGrid    = 4  // sums, as the grid packs them
	slimMissing = 8  // reasons why values are missing
	slimMore    = 16 // pairs, numbers beyond the reference, unbinned values
	slimAges    = 32
)

// encodeSlim appends the tally for decodeSlim with the same shape, which may be nil, and the grid of the column if it is a number.
func (t *tally) encodeSlim(e *encoder, s shape, g *detectors.Grid) {
	head := len(e.buf)
	e.buf = append(e.buf, 0)
	has := byte(slimPlain)
	switch {
	case !t.busy():
		e.counts(t.Fine)
	case len(s) == len(t.Fine) && riceBits(t.Fine, t.N, s) < riceBits(t.Fine, t.N, nil):
		has = slimShape
		e.uint(t.N)
		e.rice(t.Fine, t.N, s)
	default:
		has = slimBefore
		e.rice(t.Fine, t.N, nil)
	}
	if g != nil && len(t.Fine) == g.Fine() {
		e.buf = g.AppendSums(e.buf, &t.NumberSummary, has == slimPlain)
		has |= slimGrid
	}
	e.uint(t.Repeats)
	if t.MissingTotal() > 0 {
		has |= slimMissing
		for _, m := range t.Missing {
			e.uint(m)
		}
	}
	if t.pairs.compared > 0 || t.beyond > 0 || t.unbinned > 0 {
		has |= slimMore
		e.uint(t.pairs.same)
		e.uint(t.pairs.compared)
		e.uint(t.beyond)
		e.uint(t.unbinned)
	}
	if t.ages != nil {
		has |= slimAges
		t.ages.encode(e)
	}
	e.buf[head] = has
}

// decodeSlim reads what encodeSlim wrote; the memory of t is used again.
func (t *tally) decodeSlim(d *stateDecoder, s shape, g *detectors.Grid) {
	const limit = detectors.MaxFineBins + maxCategoryLimit
	has := slimHead(d)
	switch has & slimCounts {
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
	t.decodeSlimRest(d, has, g)
}

func slimHead(d *stateDecoder) byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

// decodeSlimRest reads what stands behind the counts.
func (t *tally) decodeSlimRest(d *stateDecoder, has byte, g *detectors.Grid) {
	ages := t.ages
	*t = tally{NumberSummary: detectors.NumberSummary{Fine: t.Fine, N: t.N}}
	if has&slimGrid != 0 {
		rest, err := d.buf, error(errState)
		if g != nil && !d.bad {
			rest, err = g.ReadSums(d.buf, &t.NumberSummary, has&slimCounts == slimPlain)
		}
		if err != nil {
			d.fail()
		}
		d.buf = rest
	}
	t.Repeats = d.uint()
	if has&slimMissing != 0 {
		for i := range t.Missing {
			t.Missing[i] = d.uint()
		}
	}
	if has&slimMore != 0 {
		t.pairs = pairs{d.uint(), d.uint()}
		t.beyond, t.unbinned = d.uint(), d.uint()
	}
	if has&slimAges != 0 {
		if t.ages = ages; ages == nil {
			t.ages = &ageTally{}
		}
		t.ages.decode(d)
	}
}

// subSlim takes away a packed tally. Where little traffic is, slots hold few values and are closed as often as with much: their counts
// are subtracted as they are read.
func (h *held) subSlim(packed []byte, s shape, scratch *tally) {
	d := &stateDecoder{buf: packed}
	has := packed[0]
	if h.narrow == nil || has&slimCounts != slimPlain {
		scratch.decodeSlim(d, s, h.grid)
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
	scratch.decodeSlimRest(d, has, h.grid)
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
