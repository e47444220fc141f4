package detectors

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"slices"
)

// MaxSketchBuckets bounds a Sketch.
const MaxSketchBuckets = 4096

// Sketch is a mergeable log-linear histogram of finite numbers for the time before there is a reference: at most 4096
// buckets. A bucket is all numbers whose bit patterns agree above a number of low bits. A young sketch drops none, so it
// is exact; when a 4097th bucket would be needed, one more bit is dropped everywhere and neighbours fall together. The
// precision is therefore the finest that 4096 buckets allow for these numbers, relative to their magnitude and to how
// many orders of magnitude they cover, and does not depend on the order in which they came. A bucket that has seen one
// value only keeps that value; one with several reports its middle. A value that holds 1/64 of all records when bits are
// dropped is set apart and stays exact from then on (only here order can matter, for values near that limit).
//
// The zero value is an empty sketch, ready for use. Memory: 16 bytes a bucket in a table at most half full, 130 KiB at
// the most. Add allocates only when the table grows or bits are dropped. While fewer than 4096 different values were
// seen, the sketch holds values as they came, and so does its encoding.
type Sketch struct {
	table []sketchEntry // open addressing; a count of 0 is a free place
	atoms []sketchEntry // values set apart, ascending, at most maxSketchAtoms
	used  int
	shift uint8 // low bits of the key that are dropped
	n     uint64
}

type sketchEntry struct {
	key   int64  // orderedKey of the only value, or the lowest key of the bucket when mixed
	count uint64 // records; the top bit marks a mixed bucket
}

const (
	mixedBit       = 1 << 63
	maxSketchAtoms = 128
	leastAtom      = 16 // records that an atom needs at least
)

func (e *sketchEntry) n() uint64   { return e.count &^ mixedBit }
func (e *sketchEntry) mixed() bool { return e.count&mixedBit != 0 }

// N is how many numbers were added.
func (s *Sketch) N() uint64 { return s.n }

// Buckets is how many buckets are in use.
func (s *Sketch) Buckets() int { return s.used + len(s.atoms) }

// Add counts a finite number; NaN and infinities are ignored.
func (s *Sketch) Add(x float64) {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return
	}
	s.n++
	s.insert(sketchEntry{orderedKey(x + 0), 1})
}

// insert adds an entry, whose bits below the shift may be anything, and makes room first.
func (s *Sketch) insert(e sketchEntry) {
	if len(s.atoms) > 0 && !e.mixed() {
		if i, found := s.atom(e.key); found {
			s.atoms[i].count += e.count
			return
		}
	}
	for {
		if e.mixed() {
			e.key = e.key >> s.shift << s.shift
		}
		if i := s.find(e.key); i >= 0 && s.table[i].count != 0 {
			s.table[i] = join(s.table[i], e, s.shift)
			return
		} else if i >= 0 && s.used < MaxSketchBuckets && 2*(s.used+1) <= len(s.table) {
			s.table[i] = e
			s.used++
			return
		}
		switch {
		case len(s.table) < 2*MaxSketchBuckets && 2*(s.used+1) > len(s.table):
			s.rebuild(max(32, 2*len(s.table)), s.shift)
		default:
			s.rebuild(len(s.table), s.shift+1)
		}
	}
}

// find is the place of the key's bucket, or the free place where it belongs; -1 without a table.
func (s *Sketch) find(key int64) int {
	if len(s.table) == 0 {
		return -1
	}
	bucket := key >> s.shift
	mask := len(s.table) - 1
	h := uint64(bucket) * 0x9e3779b97f4a7c15
	for i := int(h>>40) & mask; ; i = (i + 1) & mask {
		if e := &s.table[i]; e.count == 0 || e.key>>s.shift == bucket {
			return i
		}
	}
}

// join adds two entries of one bucket.
func join(a, b sketchEntry, shift uint8) sketchEntry {
	if a.mixed() || b.mixed() || a.key != b.key {
		return sketchEntry{a.key >> shift << shift, (a.n() + b.n()) | mixedBit}
	}
	return sketchEntry{a.key, a.n() + b.n()}
}

// atom finds a value that was set apart, or where it would stand.
func (s *Sketch) atom(key int64) (int, bool) {
	return slices.BinarySearchFunc(s.atoms, key, func(e sketchEntry, k int64) int { return cmp.Compare(e.key, k) })
}

// setApart keeps a value exact from now on.
func (s *Sketch) setApart(e sketchEntry) {
	i, found := s.atom(e.key)
	if found {
		s.atoms[i].count += e.count
		return
	}
	s.atoms = slices.Insert(s.atoms, i, e)
}

// rebuild moves every entry to a table of another size or another precision.
func (s *Sketch) rebuild(size int, shift uint8) {
	old, dropping := s.table, shift > s.shift
	s.table, s.used, s.shift = make([]sketchEntry, size), 0, shift
	for _, e := range old {
		if e.count == 0 {
			continue
		}
		switch {
		case e.mixed():
			e.key = e.key >> shift << shift
		case dropping && e.count >= max(leastAtom, s.n/64) && len(s.atoms) < maxSketchAtoms:
			s.setApart(e)
			continue
		}
		i := s.find(e.key)
		if s.table[i].count == 0 {
			s.table[i] = e
			s.used++
			continue
		}
		s.table[i] = join(s.table[i], e, shift)
	}
}

// Merge adds another sketch; the result is the sketch of all numbers, whatever the order of merging.
func (s *Sketch) Merge(o *Sketch) {
	other := Sketch{slices.Clone(o.table), slices.Clone(o.atoms), o.used, o.shift, o.n} // a copy: o may be s
	s.n += other.n
	if other.shift > s.shift {
		s.rebuild(len(s.table), other.shift)
	}
	for _, e := range other.atoms {
		if i := s.find(e.key); i >= 0 && s.table[i].count != 0 && !s.table[i].mixed() && s.table[i].key == e.key {
			e.count += s.table[i].count
			s.remove(i)
		}
		if _, found := s.atom(e.key); found || len(s.atoms) < maxSketchAtoms {
			s.setApart(e)
		} else {
			s.insert(e)
		}
	}
	for _, e := range other.table {
		if e.count != 0 {
			s.insert(e)
		}
	}
}

// remove frees a place and moves what the search for others would no longer find.
func (s *Sketch) remove(i int) {
	s.table[i] = sketchEntry{}
	s.used--
	for j := (i + 1) & (len(s.table) - 1); s.table[j].count != 0; j = (j + 1) & (len(s.table) - 1) {
		e := s.table[j]
		s.table[j] = sketchEntry{}
		s.table[s.find(e.key)] = e
	}
}

// sorted returns the entries in ascending order.
func (s *Sketch) sorted() []sketchEntry {
	out := make([]sketchEntry, 0, s.used+len(s.atoms))
	for _, e := range s.table {
		if e.count != 0 {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b sketchEntry) int { return cmp.Compare(a.key, b.key) })
	return out
}

// Values yields different numbers in ascending order: one that stands for each bucket and how many were in it.
func (s *Sketch) Values() iter.Seq2[float64, uint64] {
	return func(yield func(float64, uint64) bool) {
		all := append(s.sorted(), s.atoms...)
		type value struct {
			x float64
			n uint64
		}
		values := make([]value, len(all))
		for i, e := range all {
			values[i] = value{s.representative(e), e.n()}
		}
		slices.SortStableFunc(values, func(a, b value) int { return cmp.Compare(a.x, b.x) })
		for i, v := range values {
			if i+1 < len(values) && values[i+1].x == v.x {
				values[i+1].n += v.n
				continue
			}
			if !yield(v.x, v.n) {
				return
			}
		}
	}
}

// representative is the only value of a bucket, or its middle.
func (s *Sketch) representative(e sketchEntry) float64 {
	if !e.mixed() {
		return fromKey(e.key)
	}
	low, high := fromKey(e.key), fromKey(e.key+int64(1)<<s.shift-1)
	if math.IsInf(high, 0) || math.IsNaN(high) {
		high = math.MaxFloat64
	}
	if math.IsInf(low, 0) || math.IsNaN(low) {
		low = -math.MaxFloat64
	}
	return low/2 + high/2
}

// fromKey undoes orderedKey.
func fromKey(k int64) float64 {
	return math.Float64frombits(uint64(k ^ int64(uint64(k>>63)>>1)))
}

// Grid makes the bins and the reference profile from what was sketched.
func (s *Sketch) Grid(opts GridOptions) (*Grid, *NumberSummary, error) {
	if s.n == 0 {
		return nil, nil, fmt.Errorf("make bins from a sketch: %w", ErrEmpty)
	}
	values := make([]weighted, 0, s.used)
	for x, n := range s.Values() {
		values = append(values, weighted{x, n})
	}
	g, err := newGrid(values, opts)
	if err != nil {
		return nil, nil, err
	}
	sum := g.NewSummary()
	for _, v := range values {
		sum.AddMany(g, v.x, v.n)
	}
	return g, sum, nil
}

const sketchVersion = 1

// AppendBinary appends the encoding: version, dropped bits, number of buckets, and for each bucket the distance to the
// one before, its count, and whether it is one value (then the value's low bits); then the
// values that were set apart.
func (s *Sketch) AppendBinary(out []byte) ([]byte, error) {
	out = append(out, sketchVersion, s.shift)
	out = binary.AppendUvarint(out, uint64(s.used))
	last := int64(0)
	for i, e := range s.sorted() {
		bucket := e.key >> s.shift
		if i == 0 {
			out = binary.AppendVarint(out, bucket)
		} else {
			out = binary.AppendUvarint(out, uint64(bucket-last))
		}
		last = bucket
		flag := uint64(0)
		if e.mixed() {
			flag = 1
		}
		out = binary.AppendUvarint(out, e.n()<<1|flag)
		if !e.mixed() {
			out = binary.AppendUvarint(out, uint64(e.key)&(1<<s.shift-1))
		}
	}
	out = append(out, byte(len(s.atoms)))
	for _, e := range s.atoms {
		out = binary.AppendVarint(out, e.key)
		out = binary.AppendUvarint(out, e.count)
	}
	return out, nil
}

// MarshalBinary encodes the sketch.
func (s *Sketch) MarshalBinary() ([]byte, error) { return s.AppendBinary(nil) }

// UnmarshalBinary decodes what MarshalBinary wrote; on error s is unchanged.
func (s *Sketch) UnmarshalBinary(data []byte) error {
	d := decoder{buf: data}
	if v := d.byte(); v != sketchVersion {
		return fmt.Errorf("read sketch: version %d: %w", v, ErrCodec)
	}
	var t Sketch
	t.shift = d.byte()
	used := d.uvarint()
	if t.shift > 53 || used > MaxSketchBuckets {
		return fmt.Errorf("read sketch: %w", ErrCodec)
	}
	size := 32
	for size < 2*int(used) {
		size *= 2
	}
	t.table = make([]sketchEntry, size)
	bucket := int64(0)
	for i := range used {
		if i == 0 {
			bucket = d.varint()
		} else {
			step := int64(d.uvarint())
			if step <= 0 || bucket+step < bucket {
				return fmt.Errorf("read sketch: %w", ErrCodec)
			}
			bucket += step
		}
		c := d.uvarint()
		e := sketchEntry{bucket << t.shift, c >> 1}
		bad := e.count == 0 || e.key>>t.shift != bucket || t.n+e.count < t.n || e.count >= 1<<62
		if c&1 == 1 {
			e.count |= mixedBit
		} else {
			low := d.uvarint()
			bad = bad || low >= 1<<t.shift
			e.key += int64(low)
			x := fromKey(e.key)
			bad = bad || math.IsNaN(x) || math.IsInf(x, 0)
		}
		if bad || d.bad {
			return fmt.Errorf("read sketch: %w", ErrCodec)
		}
		t.table[t.find(e.key)] = e
		t.used++
		t.n += e.n()
	}
	for i := range int(d.byte()) {
		e := sketchEntry{d.varint(), d.uvarint()}
		x := fromKey(e.key)
		if d.bad || i >= maxSketchAtoms || i > 0 && t.atoms[i-1].key >= e.key || e.count == 0 || e.count >= 1<<62 ||
			t.n+e.count < t.n || math.IsNaN(x) || math.IsInf(x, 0) {
			return fmt.Errorf("read sketch: %w", ErrCodec)
		}
		t.atoms = append(t.atoms, e)
		t.n += e.count
	}
	if err := d.end(); err != nil {
		return fmt.Errorf("read sketch: %w", err)
	}
	*s = t
	return nil
}
