package sequential

import "math"

// Kinds of saved states.
const (
	kindRate         = 'R'
	kindMean         = 'M'
	kindSets         = 'S'
	kindSums         = 'U'
	kindRecovery     = 'B'
	kindMeanRecovery = 'C'
)

func (r *Rate) print() uint64 {
	f := newFingerprint()
	f.number(r.ceil)
	f.word(uint64(r.components))
	if r.varying {
		f.word(1)
	}
	for c := range r.components {
		f.number(r.bets[c].hit)
		f.number(r.bets[c].miss)
		f.number(r.toward[c])
		f.word(uint64(r.side[c]))
	}
	return uint64(f)
}

// MarshalAppend appends the evidence, without the options, to dst: at most 700 bytes.
func (r *Rate) MarshalAppend(dst []byte) []byte {
	e := encoder{dst}
	e.header(kindRate, r.print())
	e.varint(r.total.buckets)
	e.varint(r.total.k)
	e.varint(r.total.n)
	if r.varying {
		e.number(r.sumLo)
		e.number(r.sumHi)
	}
	for c := range r.components {
		e.number(r.m[c])
		e.mark(r.marks[c], r.total)
		if r.varying {
			e.number(r.expected[c][0])
			e.number(r.expected[c][1])
		}
	}
	return e.out
}

// Unmarshal restores evidence that a detector with the same options saved. On error the receiver is unchanged.
func (r *Rate) Unmarshal(data []byte) error {
	d := decoder{in: data}
	if err := d.header(kindRate, r.print()); err != nil {
		return err
	}
	n := *r
	n.Reset()
	n.total = mark{d.count(), d.count(), d.count()}
	if r.varying {
		n.sumLo = d.number(0, math.MaxFloat64)
		n.sumHi = d.number(0, math.MaxFloat64)
	}
	for c := range n.components {
		n.m[c] = d.evidence()
		n.marks[c] = d.mark(n.total)
		if r.varying {
			n.expected[c] = [2]float64{d.number(0, n.sumLo), d.number(0, n.sumHi)}
		}
	}
	if n.total.k > n.total.n {
		d.bad = true
	}
	if err := d.done(); err != nil {
		return err
	}
	*r = n
	return nil
}

// mark is written as the distance back from the total: small numbers while nothing happens.
func (e *encoder) mark(m, total mark) {
	e.varint(total.buckets - m.buckets)
	e.varint(total.k - m.k)
	e.varint(total.n - m.n)
}

func (d *decoder) mark(total mark) mark {
	m := mark{d.ago(total.buckets), d.ago(total.k), d.ago(total.n)}
	if total.k-m.k > total.n-m.n {
		d.bad = true
	}
	return m
}

func (m *Mean) print() uint64 {
	f := newFingerprint()
	f.number(m.ceil)
	for c := range m.base {
		f.number(m.base[c])
		f.number(m.slope[c])
	}
	return uint64(f)
}

// MarshalAppend appends the evidence, without the options, to dst: at most 400 bytes.
func (m *Mean) MarshalAppend(dst []byte) []byte {
	e := encoder{dst}
	e.header(kindMean, m.print())
	e.varint(m.total.buckets)
	e.varint(m.total.n)
	e.number(m.total.sum)
	for c := range m.m {
		e.number(m.m[c])
		e.varint(m.total.buckets - m.marks[c].buckets)
		e.varint(m.total.n - m.marks[c].n)
		e.number(m.marks[c].sum)
	}
	return e.out
}

// Unmarshal restores evidence that a detector with the same options saved. On error the receiver is unchanged.
func (m *Mean) Unmarshal(data []byte) error {
	d := decoder{in: data}
	if err := d.header(kindMean, m.print()); err != nil {
		return err
	}
	n := *m
	n.Reset()
	n.total = meanMark{buckets: d.count(), n: d.count()}
	n.total.sum = d.number(0, float64(n.total.n))
	for c := range n.m {
		n.m[c] = d.evidence()
		n.marks[c] = meanMark{buckets: d.ago(n.total.buckets), n: d.ago(n.total.n)}
		n.marks[c].sum = d.number(0, n.total.sum)
	}
	if err := d.done(); err != nil {
		return err
	}
	*m = n
	return nil
}

// MarshalAppend appends the sums of a bucket in progress to dst: at most 114 bytes. m is the detector they are for.
// It folds the running products first, so that the sums go on from here to the last bit as the restored ones do.
func (s *Sums) MarshalAppend(m *Mean, dst []byte) []byte {
	s.fold()
	e := encoder{dst}
	e.header(kindSums, m.print())
	e.word(s.N)
	e.number(s.Sum)
	e.number(s.SumSq)
	for i := range s.logs {
		e.number(s.logs[i])
	}
	return e.out
}

// Unmarshal restores the sums of a bucket in progress. On error the receiver is unchanged.
func (s *Sums) Unmarshal(m *Mean, data []byte) error {
	d := decoder{in: data}
	if err := d.header(kindSums, m.print()); err != nil {
		return err
	}
	n := Sums{N: d.word()}
	d.bad = d.bad || n.N > maxCount
	n.Sum = d.number(0, float64(n.N))
	n.SumSq = d.number(0, float64(n.N))
	for i := range n.logs {
		n.logs[i] = d.number(-math.MaxFloat64, math.MaxFloat64)
	}
	if err := d.done(); err != nil {
		return err
	}
	*s = n
	return nil
}

func (s *Sets) fingerprintOf() uint64 {
	f := newFingerprint()
	f.number(s.ceil)
	f.word(uint64(s.bins))
	f.word(uint64(s.regular))
	for i := range s.sets {
		st := &s.sets[i]
		f.word(uint64(st.set.Kind)<<32 | uint64(st.set.Bin))
		f.number(st.lo)
		f.number(st.hi)
	}
	for _, b := range s.bets {
		f.number(b.hit)
		f.number(b.miss)
	}
	return uint64(f)
}

// MarshalAppend appends the evidence, without the options, to dst: at most 38 bytes a component and 10 a set, and
// about a third of that while nothing happens.
func (s *Sets) MarshalAppend(dst []byte) []byte {
	e := encoder{dst}
	e.header(kindSets, s.fingerprint)
	e.varint(s.total)
	e.varint(s.all)
	e.varint(s.ofBins)
	for i := range s.sets {
		st := &s.sets[i]
		e.varint(st.k)
		now := s.now(st)
		for c := st.first; c < st.end; c++ {
			e.number(s.m[c])
			e.mark(s.marks[c], now)
		}
	}
	return e.out
}

// now is what a mark of this set would be in this bucket.
func (s *Sets) now(st *setState) mark {
	if st.set.Of {
		return mark{s.total, st.k, s.ofBins}
	}
	return mark{s.total, st.k, s.all}
}

// Unmarshal restores evidence that a detector with the same options and reference saved. On error the receiver is
// unchanged.
func (s *Sets) Unmarshal(data []byte) error {
	d := decoder{in: data}
	if err := d.header(kindSets, s.fingerprint); err != nil {
		return err
	}
	n := Sets{total: d.count(), all: d.count(), ofBins: d.count()}
	n.m = make([]float64, len(s.m))
	n.marks = make([]mark, len(s.marks))
	kept := make([]setState, len(s.sets))
	for i := range s.sets {
		st := s.sets[i]
		st.k, st.sum = d.count(), 0
		now := n.now(&st)
		if now.k > now.n || n.ofBins > n.all {
			d.bad = true
		}
		for c := st.first; c < st.end; c++ {
			n.m[c] = d.evidence()
			n.marks[c] = d.mark(now)
			st.sum += n.m[c]
		}
		if d.bad {
			break
		}
		kept[i] = st
	}
	if err := d.done(); err != nil {
		return err
	}
	s.total, s.all, s.ofBins = n.total, n.all, n.ofBins
	s.m, s.marks, s.sets = n.m, n.marks, kept
	return nil
}

// MarshalAppend appends the whole recovery, options included, to dst: 35 bytes.
func (r *Recovery) MarshalAppend(dst []byte) []byte {
	e := encoder{dst}
	e.header(kindRecovery, 0)
	e.out = append(e.out, byte(r.side))
	e.number(r.edge)
	e.number(r.distance)
	e.number(r.sum)
	return e.out
}

// Unmarshal restores a recovery. On error the receiver is unchanged.
func (r *Recovery) Unmarshal(data []byte) error {
	d := decoder{in: data}
	if err := d.header(kindRecovery, 0); err != nil {
		return err
	}
	n := Recovery{side: d.side()}
	n.edge = d.number(0, 1)
	n.distance = d.number(0, 1000)
	n.sum = d.number(0, 2*logRecovered)
	if err := d.done(); err != nil {
		return err
	}
	*r = n
	return nil
}

func (d *decoder) side() Side {
	if len(d.in) == 0 || d.in[0] > byte(Down) {
		d.bad = true
		return Up
	}
	s := Side(d.in[0])
	d.in = d.in[1:]
	return s
}

// MarshalAppend appends the whole recovery, options included, to dst: 83 bytes.
func (r *MeanRecovery) MarshalAppend(dst []byte) []byte {
	e := encoder{dst}
	e.header(kindMeanRecovery, 0)
	e.out = append(e.out, byte(r.side))
	e.number(r.halfway)
	for i := range r.sizes {
		e.number(r.sizes[i])
		e.number(r.sums[i])
	}
	return e.out
}

// Unmarshal restores a recovery. On error the receiver is unchanged.
func (r *MeanRecovery) Unmarshal(data []byte) error {
	d := decoder{in: data}
	if err := d.header(kindMeanRecovery, 0); err != nil {
		return err
	}
	n := MeanRecovery{side: d.side()}
	n.halfway = d.number(0, 1)
	for i := range n.sizes {
		n.sizes[i] = d.number(0, 1)
		n.sums[i] = d.number(0, 3*logRecovered)
	}
	if err := d.done(); err != nil {
		return err
	}
	*r = n
	return nil
}
