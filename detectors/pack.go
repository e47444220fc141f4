package detectors

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
)

// Closed slots of a window wait for hours to be taken away again, dozens for each column. Who keeps their counts has said most of what
// their sums are: values lie in a bin about where the reference's do. Only the difference from that is written, in whole quanta, as a
// Golomb-Rice code whose parameter fits the slot best (Rice, Plaunt 1971).

const (
	packedSums   = 0x40 // first byte of packed sums; its low bits are the parameter
	plainSquares = 0x20 // beside packedSums: the squares are as they are, far out in a heavy tail they are too many quanta
	plainSums    = 0x80 // first byte of sums as they are: they are no whole quanta, or too many

	riceEscape = 20 // quotients from here on are written as a plain number
	maxRice    = 48
	riceSpan   = 32 // the parameter is one of so many, around riceBase for each sum
	riceBase   = -4
)

// expected is what the counts of a summary let one expect of its sums, in quanta.
type expected struct {
	n    [NumWide]uint64
	wide [NumWide]float64
	dev  float64 // but for what is in groups, in the feature's unit
	sq   float64
}

func (g *Grid) expect(s *NumberSummary) (e expected) {
	for b, n := range s.Fine {
		if n == 0 {
			continue
		}
		dev := g.spec.Means[b] - g.spec.Center
		e.sq += float64(n) * (dev * dev)
		if w := g.wideOf[b]; w != noWide {
			e.n[w] += n
			e.wide[w] += float64(n) * (dev - g.groups[w].point)
		} else {
			e.dev += float64(n) * dev
		}
	}
	for i := range g.groups {
		e.wide[i] = math.Round(math.Ldexp(e.wide[i], -g.groups[i].exp))
	}
	return e
}

// devOf is the sum of all deviations as the groups' sums tell it.
func (e *expected) devOf(g *Grid, s *NumberSummary) float64 {
	sum := e.dev
	for i := range g.groups {
		sum += s.Wide[i] + float64(e.n[i])*g.groups[i].point
	}
	return sum
}

// inQuanta is how many quanta of 2^exp a sum has more than expected, if that is a whole number which leads back to it.
func inQuanta(sum, expected float64, exp int) (int64, bool) {
	q := math.Ldexp(sum, -exp) - expected
	if !(math.Abs(q) < 1<<53) || math.Floor(q) != q {
		return 0, false
	}
	return int64(q), math.Ldexp(expected+q, exp) == sum
}

// whole is x in quanta, rounded.
func whole(x float64, exp int) float64 { return math.Round(math.Ldexp(x, -exp)) }

// alone is what is expected of sums by who does not look at the counts: nothing, of those groups that have values.
func alone(groups uint64) (e expected) {
	for i := range e.n {
		e.n[i] = groups >> i & 1
	}
	return e
}

// AppendSums appends the sums of a summary of this grid. ReadSums needs its counts, unless it is told to do without them: of few values
// the counts are not worth being looked at.
func (g *Grid) AppendSums(out []byte, s *NumberSummary, without bool) []byte {
	var e expected
	var used uint64
	if without {
		for i, v := range s.Wide {
			if v != 0 {
				used |= 1 << i
			}
		}
		e = alone(used)
	} else {
		e = g.expect(s)
	}
	var diff [NumWide]uint64
	ok := without || len(s.Fine) == g.Fine()
	for i := 0; i < NumWide && ok; i++ {
		if i >= len(g.groups) || e.n[i] == 0 {
			ok = s.Wide[i] == 0
			continue
		}
		var d int64
		d, ok = inQuanta(s.Wide[i], e.wide[i], g.groups[i].exp)
		diff[i] = zigzag(d)
	}
	due := 0.0
	if !without {
		due = e.devOf(g, s)
	}
	dev, okDev := inQuanta(s.Dev, whole(due, g.sums.fineExp), g.sums.fineExp)
	sq, okSq := inQuanta(s.DevSq, whole(e.sq, g.sums.squareExp), g.sums.squareExp)
	if !ok || !okDev {
		out = append(out, plainSums)
		out = appendFloat(appendFloat(out, s.Dev), s.DevSq)
		for _, v := range s.Wide {
			out = appendFloat(out, v)
		}
		return out
	}
	best, least := 0, math.MaxInt
	for p := range riceSpan {
		cost := 0
		for i, n := range e.n {
			if n > 0 {
				cost += riceCost(diff[i], riceParameter(n, p))
			}
		}
		if cost < least {
			best, least = p, cost
		}
	}
	head := byte(packedSums + best)
	if !okSq {
		head |= plainSquares
	}
	out = append(out, head)
	if without {
		out = binary.AppendUvarint(out, used)
	}
	w := bitWriter{out: out}
	for i, n := range e.n {
		if n > 0 {
			w.rice(diff[i], riceParameter(n, best))
		}
	}
	out = binary.AppendVarint(w.flush(), dev)
	if !okSq {
		return appendFloat(out, s.DevSq)
	}
	return binary.AppendVarint(out, sq)
}

// ReadSums sets the sums of s, whose counts are there, to what AppendSums wrote, and returns what follows. On error the sums are zero.
func (g *Grid) ReadSums(data []byte, s *NumberSummary, without bool) (rest []byte, err error) {
	d := decoder{buf: data}
	s.Dev, s.DevSq, s.Wide = 0, 0, [NumWide]float64{}
	head := d.byte()
	switch {
	case !without && len(s.Fine) != g.Fine():
		d.bad = true
	case head == plainSums:
		s.Dev, s.DevSq = d.float(), d.float()
		for i := range s.Wide {
			s.Wide[i] = d.float()
		}
	case head&^plainSquares >= packedSums && head&^plainSquares < packedSums+riceSpan:
		g.readPacked(&d, s, head, without)
	default:
		d.bad = true
	}
	sum := s.Dev - s.Dev + s.DevSq - s.DevSq // 0 unless one is NaN or infinite
	for _, v := range s.Wide {
		sum += v - v
	}
	if d.bad || sum != 0 {
		s.Dev, s.DevSq, s.Wide = 0, 0, [NumWide]float64{}
		return nil, fmt.Errorf("read sums: %w", ErrCodec)
	}
	return d.buf, nil
}

func (g *Grid) readPacked(d *decoder, s *NumberSummary, head byte, without bool) {
	parameter := int(head % riceSpan)
	var e expected
	if without {
		used := d.uvarint()
		if used>>len(g.groups) != 0 {
			d.bad = true
			return
		}
		e = alone(used)
	} else {
		e = g.expect(s)
	}
	r := bitReader{in: d.buf}
	for i, n := range e.n {
		if n > 0 {
			q := float64(unzigzag(r.rice(riceParameter(n, parameter))))
			s.Wide[i] = math.Ldexp(e.wide[i]+q, g.groups[i].exp)
		}
	}
	if r.bad {
		d.bad = true
		return
	}
	d.take((r.at + 7) / 8)
	due := 0.0
	if !without {
		due = e.devOf(g, s)
	}
	s.Dev = math.Ldexp(whole(due, g.sums.fineExp)+float64(d.varint()), g.sums.fineExp)
	if head&plainSquares != 0 {
		s.DevSq = d.float()
		return
	}
	s.DevSq = math.Ldexp(whole(e.sq, g.sums.squareExp)+float64(d.varint()), g.sums.squareExp)
}

// riceParameter is how many bits of a difference are written as they are: about those of the chance in the sum of n positions in a group.
func riceParameter(n uint64, parameter int) int {
	return min(max(0, (bits.Len64(n)+1)/2+riceBase+parameter), maxRice)
}

func riceCost(u uint64, k int) int {
	if q := u >> k; q < riceEscape {
		return int(q) + 1 + k
	}
	return riceEscape + 6 + bits.Len64(u)
}

func zigzag(d int64) uint64   { return uint64(d<<1) ^ uint64(d>>63) }
func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

// bitWriter appends bits, highest first.
type bitWriter struct {
	out  []byte
	acc  uint64
	used int
}

// rice writes a number with the parameter k.
func (w *bitWriter) rice(u uint64, k int) {
	q := u >> k
	if q >= riceEscape {
		w.put(1<<riceEscape-1, riceEscape)
		w.put(uint64(bits.Len64(u)-1), 6)
		w.put(u, bits.Len64(u))
		return
	}
	w.put(1<<(q+1)-2, int(q)+1)
	w.put(u, k)
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

// rice reads what bitWriter.rice wrote.
func (r *bitReader) rice(k int) uint64 {
	q := 0
	for q < riceEscape && r.one() {
		q++
	}
	if q == riceEscape {
		return r.get(int(r.get(6)) + 1)
	}
	return uint64(q)<<k | r.get(k)
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
