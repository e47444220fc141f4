package monitor

import (
	"math"
	"slices"

	"github.com/plumbline-ml/plumbline/detectors"
)

// numberSample collects the values of a number while it learns: exactly up to limit values, then in a sketch.
//
// What goes into state are counts, not values: the sketch keeps a value as it is only when it was seen often enough
// (the atoms that bins of their own are made from), the rest is rounded. In memory nothing is rounded, so a
// restart changes the last digits of the edges that come out.
type numberSample struct {
	limit  int // 0 means that everything goes into the sketch
	exact  []float64
	sketch detectors.Sketch
	delta  detectors.Sketch // since the last roll, rounded; only for state
}

func (s *numberSample) add(x float64) {
	if len(s.exact) < s.limit {
		s.exact = append(s.exact, x)
		return
	}
	if s.limit > 0 {
		for _, v := range s.exact {
			s.sketch.Add(v)
		}
		s.exact, s.limit = nil, 0
	}
	s.sketch.Add(x)
	s.delta.Add(roundBits(x, deltaBits))
}

func (s *numberSample) roll() { s.delta = detectors.Sketch{} }

func (s *numberSample) grid() (*detectors.Grid, *detectors.NumberSummary, error) {
	if s.limit == 0 {
		return s.sketch.Grid(detectors.GridOptions{})
	}
	g, err := detectors.NewGrid(s.exact, detectors.GridOptions{})
	if err != nil {
		return nil, nil, err
	}
	return g, g.Summarize(s.exact), nil
}

// Precision of rare values in state, in bits of the mantissa: 0.05 % and 0.012 %.
const (
	deltaBits = 10
	baseBits  = 12
)

// roundBits rounds a number to so many bits after the leading one.
func roundBits(x float64, bits uint) float64 {
	shift := 52 - bits
	b := math.Float64bits(x)
	b = (b + 1<<(shift-1)) >> shift << shift
	if r := math.Float64frombits(b); !math.IsInf(r, 0) && !math.IsNaN(r) {
		return r
	}
	return math.Float64frombits(math.Float64bits(x) >> shift << shift)
}

// encodeSketch writes values with their counts; rare ones are rounded.
func encodeSketch(e *encoder, s *detectors.Sketch, least uint64) {
	type entry struct {
		x float64
		n uint64
	}
	var out []entry
	for x, n := range s.Values() {
		if n < least {
			x = roundBits(x, baseBits)
		}
		if k := len(out); k > 0 && out[k-1].x == x {
			out[k-1].n += n
			continue
		}
		out = append(out, entry{x, n})
	}
	e.uint(uint64(len(out)))
	last := uint64(0)
	for _, v := range out {
		// Neighbours share their leading bits; reversed, the difference is a short number.
		b := math.Float64bits(v.x)
		e.uint(reverse(b ^ last))
		e.uint(v.n)
		last = b
	}
}

func decodeSketch(d *stateDecoder, s *detectors.Sketch) {
	last := uint64(0)
	for range d.length(detectors.MaxSketchBuckets) {
		last ^= reverse(d.uint())
		n := d.uint()
		x := math.Float64frombits(last)
		if d.bad || n > 1<<60 || math.IsNaN(x) || math.IsInf(x, 0) {
			d.fail()
			return
		}
		addMany(s, x, n)
	}
}

// addMany adds a value n times by doubling.
func addMany(s *detectors.Sketch, x float64, n uint64) {
	var power detectors.Sketch
	power.Add(x)
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			s.Merge(&power)
		}
		if n > 1 {
			power.Merge(&power)
		}
	}
}

// reverse swaps the bytes, so that a number whose leading bytes are set becomes a short variable-length integer.
func reverse(b uint64) uint64 {
	var out uint64
	for range 8 {
		out = out<<8 | b&0xff
		b >>= 8
	}
	return out
}

// categorySample counts the categories of a column that learns. A category has a name only in memory until it was
// seen often enough: state keeps hashes of the others.
type categorySample struct {
	n     uint64
	known map[uint64]*learnedName
	rest  uint64 // values of categories beyond maxLearnedNames
}

type learnedName struct {
	name  string // empty after a restart until it is seen again, and for ever when it is too long
	n     uint64
	delta uint64 // of n, those since the last roll
}

func (s *categorySample) add(name []byte) {
	s.n++
	h := hashText(name)
	k := s.known[h]
	if k == nil {
		if len(s.known) >= maxLearnedNames {
			s.rest++
			return
		}
		if s.known == nil {
			s.known = map[uint64]*learnedName{}
		}
		k = &learnedName{}
		s.known[h] = k
	}
	if k.name == "" && len(name) <= maxNameBytes {
		k.name = string(name)
	}
	k.n++
	k.delta++
}

func (s *categorySample) roll() {
	for _, k := range s.known {
		k.delta = 0
	}
}

// maxNameBytes is the longest category or version that is ever named: longer ones are text.
const maxNameBytes = 128

// hashText is a hash of one text without a string made of it.
func hashText(b []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range b {
		h ^= uint64(c)
		h *= 1099511628211
	}
	h ^= uint64(len(b))
	h *= 1099511628211
	return h
}

// names lists the categories that may be named, and how many values belong to the others.
func (s *categorySample) names(least uint64, allowed []string) (named map[string]uint64, rest uint64) {
	named, rest = map[string]uint64{}, s.rest
	for _, k := range s.known {
		if k.name != "" && (k.n >= least || slices.Contains(allowed, k.name)) {
			named[k.name] += k.n
		} else {
			rest += k.n
		}
	}
	return named, rest
}

// rare is what Good-Turing asks: records whose category came at most least times, and how many categories came once more.
func (s *categorySample) rare(least uint64) (upTo, next uint64) {
	for _, k := range s.known {
		switch {
		case k.n <= least:
			upTo += k.n
		case k.n == least+1:
			next++
		}
	}
	return upTo, next
}

// encode writes all counts, or only those since the last roll. A name stands beside its hash once it was seen often
// enough.
func (s *categorySample) encode(e *encoder, delta bool, least uint64) {
	e.uint(s.n)
	e.uint(s.rest)
	hashes := make([]uint64, 0, len(s.known))
	for h, k := range s.known {
		if !delta || k.delta > 0 {
			hashes = append(hashes, h)
		}
	}
	slices.Sort(hashes)
	e.uint(uint64(len(hashes)))
	for _, h := range hashes {
		k := s.known[h]
		e.u64(h)
		if delta {
			e.uint(k.delta)
		} else {
			e.uint(k.n)
		}
		if k.n >= least {
			e.text(k.name)
		} else {
			e.text("")
		}
	}
}

// decode adds what encode wrote. The totals are those of the newest section read.
func (s *categorySample) decode(d *stateDecoder, delta bool) {
	s.n, s.rest = d.uint(), d.uint()
	if s.known == nil {
		s.known = map[uint64]*learnedName{}
	}
	for range d.length(maxLearnedNames) {
		h, n, name := d.u64(), d.uint(), d.text()
		if d.bad {
			return
		}
		k := s.known[h]
		if k == nil {
			k = &learnedName{}
			s.known[h] = k
		}
		k.n += n
		if delta {
			k.delta = n
		}
		if name != "" {
			k.name = name
		}
	}
}
