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
	kindMultinomial  = 'X'
	kindTrail        = 'T'
	kindExchange     = 'E'
)

func (r *Rate) print() uint64 {
	f := newFingerprint()
	f.number(r.ceil)
	f.word(uint64(len(r.bets)))
	if r.varying {
		f.word(1)
	}
	for c := range r.bets {
		b := r.bets[c]
		if r.varying {
			b = bet{} // that of one part of the week
		}
		f.number(b.hit)
		f.number(b.miss)
		f.number(r.parts[c].toward)
		f.word(uint64(r.parts[c].side))
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
	for c := range r.m {
		e.number(r.m[c])
		e.mark(r.parts[c].mark, r.total)
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
	n := r.Clone()
	n.Reset()
	n.total = mark{d.count(), d.count(), d.count()}
	if r.varying {
		n.sumLo = d.number(0, math.MaxFloat64)
		n.sumHi = d.number(0, math.MaxFloat64)
	}
	for c := range n.m {
		n.m[c] = d.evidence()
		n.parts[c].mark = d.mark(n.total)
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

func (b *MeanBets) print() uint64 {
	f := newFingerprint()
	for c := range b.base {
		f.number(b.base[c])
		f.number(b.slope[c])
	}
	return uint64(f)
}

// print is that of the options, not of the interval that Retune moved on to.
func (m *Mean) print() uint64 {
	b := NewMeanBets(m.o)
	f := fingerprint(b.print())
	f.number(m.o.Cap)
	return uint64(f)
}

// MarshalAppend appends the evidence, without the options, to dst: at most 560 bytes.
func (m *Mean) MarshalAppend(dst []byte) []byte {
	e := encoder{dst}
	e.header(kindMean, m.print())
	e.varint(m.total.buckets)
	e.varint(m.total.n)
	e.edges(m.total)
	for c := range m.m {
		e.number(m.m[c])
		e.varint(m.total.buckets - m.marks[c].buckets)
		e.varint(m.total.n - m.marks[c].n)
		e.edges(m.marks[c])
	}
	return e.out
}

func (e *encoder) edges(m meanMark) {
	e.number(m.sum)
	e.number(m.lo)
	e.number(m.hi)
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
	d.edges(&n.total, float64(n.total.n))
	for c := range n.m {
		n.m[c] = d.evidence()
		n.marks[c] = meanMark{buckets: d.ago(n.total.buckets), n: d.ago(n.total.n)}
		d.edges(&n.marks[c], n.total.sum)
	}
	if err := d.done(); err != nil {
		return err
	}
	*m = n
	return nil
}

func (d *decoder) edges(m *meanMark, most float64) {
	m.sum = d.number(0, most)
	m.lo = d.number(-math.MaxFloat64, math.MaxFloat64)
	m.hi = d.number(-math.MaxFloat64, math.MaxFloat64)
}

// MarshalAppend appends the sums of a bucket in progress to dst: at most 114 bytes. b is what they were made with.
// It folds the running products first, so that the sums go on from here to the last bit as the restored ones do.
func (s *Sums) MarshalAppend(b *MeanBets, dst []byte) []byte {
	s.fold()
	e := encoder{dst}
	e.header(kindSums, b.print())
	e.word(s.N)
	e.number(s.Sum)
	e.number(s.SumSq)
	for i := range s.logs {
		e.number(s.logs[i])
	}
	return e.out
}

// Unmarshal restores the sums of a bucket in progress. On error the receiver is unchanged.
func (s *Sums) Unmarshal(b *MeanBets, data []byte) error {
	d := decoder{in: data}
	if err := d.header(kindSums, b.print()); err != nil {
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
		f.number(st.weight)
		f.number(st.lo)
		f.number(st.hi)
	}
	for _, g := range s.steps {
		f.number(g)
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
	width := 2 * len(s.steps)
	for i := range s.sets {
		st := &s.sets[i]
		e.varint(st.k)
		now := s.now(st)
		for c := range s.m[i*width:][:width] {
			e.number(s.m[i*width+c])
			e.mark(s.marks[i*width+c].mark(), now)
		}
	}
	return e.out
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
	n.marks = make([]smallMark, len(s.marks))
	kept := make([]setState, len(s.sets))
	steps := len(s.steps)
	for i := range s.sets {
		st := s.sets[i]
		st.k, st.sum = d.count(), [2]float64{}
		now := n.now(&st)
		if now.k > now.n || n.ofBins > n.all {
			d.bad = true
		}
		for c := range 2 * steps {
			n.m[2*steps*i+c] = d.evidence()
			n.marks[2*steps*i+c] = d.mark(now).small()
			st.sum[c/steps] += n.m[2*steps*i+c]
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
