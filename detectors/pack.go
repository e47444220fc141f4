package detectors

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
)

// Closed slots of a window wait for hours to be taken away again. Packed against the reference they need about one byte
// a bin instead of eight: a bin's count is close to its share of the reference, and only the difference is written, as
// a Golomb-Rice code whose parameter fits the slot best (Rice, Plaunt 1971).

const (
	packVersion = 1
	riceEscape  = 20 // quotients from here on are written as a plain number
	maxRice     = 48
)

// AppendPacked appends the summary, packed against a reference of the same grid. UnpackSummary needs the same two.
func (s *NumberSummary) AppendPacked(out []byte, g *Grid, ref *NumberSummary) []byte {
	out = append(out, packVersion)
	out = packCounts(out, s.Fine, ref.Fine)
	out = appendFloat(appendFloat(out, s.Dev), s.DevSq)
	var mask uint32
	for i, v := range s.Wide {
		if v != 0 {
			mask |= 1 << i
		}
	}
	out = binary.AppendUvarint(out, uint64(mask))
	for _, v := range s.Wide {
		if v != 0 {
			out = g.sums.appendWide(out, v)
		}
	}
	out = AppendCounts(out, s.Missing[:])
	return binary.AppendUvarint(out, s.Repeats)
}

// UnpackSummary fills s with what AppendPacked wrote for the same grid and reference; its memory is used again. On error
// s is empty.
func (g *Grid) UnpackSummary(s *NumberSummary, data []byte, ref *NumberSummary) error {
	fine := s.Fine
	if cap(fine) < g.Fine() {
		fine = make([]uint64, g.Fine())
	}
	*s = NumberSummary{Fine: fine[:g.Fine()]}
	d := decoder{buf: data}
	if v := d.byte(); v != packVersion || len(ref.Fine) != g.Fine() {
		d.bad = true
	}
	s.N = unpackCounts(&d, s.Fine, ref.Fine)
	s.Dev, s.DevSq = d.float(), d.float()
	mask := d.uvarint()
	if mask >= 1<<NumWide {
		d.bad = true
	}
	for i := range s.Wide {
		if mask>>i&1 == 1 {
			s.Wide[i] = g.sums.readWide(&d)
		}
	}
	decodeCounts(&d, s.Missing[:])
	s.Repeats = d.uvarint()
	sums := s.Dev - s.Dev + s.DevSq - s.DevSq // 0 unless one is NaN or infinite
	for _, v := range s.Wide {
		sums += v - v
	}
	if sums != 0 {
		d.bad = true
	}
	if d.end() != nil {
		s.Reset()
		return fmt.Errorf("unpack summary: %w", ErrCodec)
	}
	return nil
}

// appendWide writes a sum as a whole number of its quanta, which it is; a sum too large for that as it is.
func (r *rounder) appendWide(out []byte, v float64) []byte {
	q := math.Ldexp(v, -r.wideExp)
	if w := int64(q); math.Abs(q) < 1<<61 && float64(w) == q && math.Ldexp(float64(w), r.wideExp) == v {
		return binary.AppendVarint(out, w<<1)
	}
	return appendFloat(binary.AppendVarint(out, 1), v)
}

func (r *rounder) readWide(d *decoder) float64 {
	w := d.varint()
	if w == 1 {
		return d.float()
	}
	return math.Ldexp(float64(w>>1), r.wideExp)
}

// expectedCount is n*like/all rounded down, without overflow.
func expectedCount(n, like, all uint64) uint64 {
	if all == 0 {
		return 0
	}
	hi, lo := bits.Mul64(n, like)
	q, _ := bits.Div64(hi, lo, all) // like <= all, so the quotient is at most n
	return q
}

func zigzag(d int64) uint64   { return uint64(d<<1) ^ uint64(d>>63) }
func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

// packCounts writes the total, the parameter, and the differences from the expected counts.
func packCounts(out []byte, counts, like []uint64) []byte {
	n, all := total(counts), total(like)
	out = binary.AppendUvarint(out, n)
	var diff [MaxFineBins]uint64
	mean := 0.0
	for i, c := range counts {
		diff[i] = zigzag(int64(c) - int64(expectedCount(n, like[i], all)))
		mean += float64(diff[i]) / float64(len(counts))
	}
	best, least := 0, math.MaxInt
	_, near := math.Frexp(mean) // the best parameter is near its logarithm, or below when a few bins stand out
	for k := max(0, near-8); k <= max(0, min(maxRice, near)); k++ {
		cost := 0
		for _, u := range diff[:len(counts)] {
			if q := u >> k; q < riceEscape {
				cost += int(q) + 1 + k
			} else {
				cost += riceEscape + 6 + bits.Len64(u)
			}
		}
		if cost < least {
			best, least = k, cost
		}
	}
	out = append(out, byte(best))
	w := bitWriter{out: out}
	for _, u := range diff[:len(counts)] {
		q := u >> best
		if q >= riceEscape {
			w.put(1<<riceEscape-1, riceEscape)
			w.put(uint64(bits.Len64(u)-1), 6)
			w.put(u, bits.Len64(u))
			continue
		}
		w.put(1<<(q+1)-2, int(q)+1)
		w.put(u, best)
	}
	return w.flush()
}

// unpackCounts undoes packCounts and returns the total.
func unpackCounts(d *decoder, counts, like []uint64) uint64 {
	n, k := d.uvarint(), int(d.byte())
	if d.bad || k > maxRice || len(like) != len(counts) {
		d.bad = true
		return 0
	}
	all := total(like)
	r := bitReader{in: d.buf}
	sum := uint64(0)
	for i := range counts {
		q := 0
		for q < riceEscape && r.one() {
			q++
		}
		var u uint64
		if q == riceEscape {
			u = r.get(int(r.get(6)) + 1)
		} else {
			u = uint64(q)<<k | r.get(k)
		}
		c := int64(expectedCount(n, like[i], all)) + unzigzag(u)
		if r.bad || c < 0 || sum+uint64(c) < sum {
			d.bad = true
			return 0
		}
		counts[i] = uint64(c)
		sum += uint64(c)
	}
	d.take((r.at + 7) / 8)
	if sum != n {
		d.bad = true
	}
	return sum
}

// bitWriter appends bits, highest first.
type bitWriter struct {
	out  []byte
	acc  uint64
	used int
}

// put writes the n lowest bits of v.
func (w *bitWriter) put(v uint64, n int) {
	for n > 0 {
		take := min(n, 8-w.used)
		part := v >> (n - take) & (1<<take - 1)
		w.acc = w.acc<<take | part
		w.used += take
		n -= take
		if w.used == 8 {
			w.out = append(w.out, byte(w.acc))
			w.acc, w.used = 0, 0
		}
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

// one reads a bit.
func (r *bitReader) one() bool {
	if r.at >= 8*len(r.in) {
		r.bad = true
		return false
	}
	set := r.in[r.at/8]>>(7-r.at%8)&1 == 1
	r.at++
	return set
}

func (r *bitReader) get(n int) uint64 {
	if n > 8*len(r.in)-r.at {
		r.bad = true
		return 0
	}
	v := uint64(0)
	for n > 0 {
		have := 8 - r.at%8
		take := min(n, have)
		v = v<<take | uint64(r.in[r.at/8]>>(have-take))&(1<<take-1)
		r.at += take
		n -= take
	}
	return v
}
