package sequential

import (
	"fmt"
	"math"
)

// trackers are the half-lives, in buckets, of the estimates that a Multinomial bets on.
var trackers = [...]float64{4, 16, 64}

// lean is how far an estimate is drawn back to the reference, so that no share is ever 0.
const lean = .1

// insideBox is the distance below which an estimate counts as inside the null.
const insideBox = 1e-9

// MultinomialOptions configures a Multinomial. The fields mean what they mean in SetsOptions.
type MultinomialOptions struct {
	Alpha, Tol, Cap float64
	Exact           bool
}

// Multinomial is the other e-detector of a histogram: it bets on what it has seen lately, against the nearest
// distribution within the Clopper-Pearson box of the reference (the reverse information projection). It is a little
// slower than Sets on shifts and a little faster on changes that are spread over many bins, and it says less about
// what moved. Memory is fixed: 24 bytes times the bins, and three estimates of 8 bytes a bin.
//
// An estimate that lies inside the box does not bet, and does not get the +1: it would reach the threshold just by
// waiting.
type Multinomial struct {
	o         MultinomialOptions
	ceil      float64
	lo, hi    []float64
	reference []float64

	seen    [len(trackers)][]float64 // decayed counts
	m       [len(trackers)]float64
	q, p    []float64 // scratch
	buckets uint64
	onset   [len(trackers)]uint64
}

// NewMultinomial builds the detector of one feature from the reference's count of every bin.
func NewMultinomial(refCounts []uint64, o MultinomialOptions) (*Multinomial, error) {
	if len(refCounts) < 2 || len(refCounts) > MaxBins {
		return nil, fmt.Errorf("%d bins, want 2 to %d: %w", len(refCounts), MaxBins, ErrBins)
	}
	if !o.Exact && !(o.Alpha > 0 && o.Alpha < 1) {
		return nil, fmt.Errorf("alpha %v: %w", o.Alpha, ErrAlpha)
	}
	if !(o.Tol >= 0 && o.Tol < 1) {
		return nil, fmt.Errorf("share %v: %w", o.Tol, ErrTol)
	}
	var all uint64
	for _, c := range refCounts {
		all += c
	}
	k := len(refCounts)
	d := &Multinomial{o: o, ceil: ceiling(o.Cap), q: make([]float64, k), p: make([]float64, k)}
	sets := SetsOptions{Alpha: o.Alpha, Tol: o.Tol, Exact: o.Exact}
	for _, c := range refCounts {
		lo, hi := sets.interval(c, all, k, 0)
		d.lo, d.hi = append(d.lo, lo), append(d.hi, hi)
		d.reference = append(d.reference, (float64(c)+.5)/(float64(all)+.5*float64(k)))
	}
	for i := range d.seen {
		d.seen[i] = make([]float64, k)
	}
	return d, nil
}

// Update takes the counts of one bucket. An empty one is not a bet. It returns false, and takes nothing, when the
// number of bins is not the reference's. It allocates nothing.
func (d *Multinomial) Update(counts []uint64) bool {
	if len(counts) != len(d.reference) {
		return false
	}
	d.buckets++
	var n uint64
	for _, c := range counts {
		n += c
	}
	if n == 0 {
		return true
	}
	for i, halfLife := range trackers {
		d.bet(i, counts)
		if d.m[i] <= 1 {
			d.onset[i] = d.buckets
		}
		decay := math.Exp2(-1 / halfLife)
		for j, c := range counts {
			d.seen[i][j] = d.seen[i][j]*decay + float64(c)
		}
	}
	return true
}

// bet plays what was seen before this bucket.
func (d *Multinomial) bet(i int, counts []uint64) {
	if !d.estimate(i) {
		return
	}
	distance, err := Project(d.p, d.q, d.lo, d.hi)
	if err != nil || distance <= insideBox {
		return
	}
	inc := 0.
	for j, c := range counts {
		if c > 0 {
			inc += float64(c) * math.Log(d.q[j]/d.p[j])
		}
	}
	d.m[i] = grow(d.m[i], min(inc, d.ceil))
}

// estimate fills q and says whether anything was seen yet.
func (d *Multinomial) estimate(i int) bool {
	sum := 0.
	for _, s := range d.seen[i] {
		sum += s
	}
	if sum == 0 {
		return false
	}
	for j, s := range d.seen[i] {
		d.q[j] = (1-lean)*s/sum + lean*d.reference[j]
	}
	return true
}

// LogEvidence returns the logarithm of the average evidence over the three half-lives.
func (d *Multinomial) LogEvidence() float64 {
	sum := 0.
	for _, m := range d.m {
		sum += m
	}
	return math.Log(sum / float64(len(d.m)))
}

// Reset forgets all evidence and all estimates.
func (d *Multinomial) Reset() {
	d.m, d.onset, d.buckets = [len(trackers)]float64{}, [len(trackers)]uint64{}, 0
	for i := range d.seen {
		clear(d.seen[i])
	}
}

// Leading describes the half-life with the most evidence by the bin whose share moved furthest out of its bounds: in
// relative entropy, which is what the evidence grows by. K and N are 0: only decayed counts are kept.
func (d *Multinomial) Leading() Leading {
	out := Leading{LogEvidence: math.Inf(-1), Hi: 1, Seen: math.NaN()}
	best := 0
	for i := range d.m {
		if d.m[i] > d.m[best] {
			best = i
		}
	}
	if d.m[best] == 0 || !d.estimate(best) {
		return out
	}
	if _, err := Project(d.p, d.q, d.lo, d.hi); err != nil {
		return out
	}
	worst, moved := 0, -1.
	for j := range d.q {
		if gap := math.Abs(d.q[j] * math.Log(d.q[j]/d.p[j])); gap > moved {
			worst, moved = j, gap
		}
	}
	out.Set = Set{Kind: Single, Bin: worst}
	out.LogEvidence = math.Log(d.m[best])
	out.BucketsAgo = d.buckets - d.onset[best]
	out.Lo, out.Hi, out.Toward = d.lo[worst], d.hi[worst], d.q[worst]
	sum := 0.
	for _, s := range d.seen[best] {
		sum += s
	}
	if out.Seen = d.seen[best][worst] / sum; out.Seen < out.Lo {
		out.Side = Down
	}
	return out
}

func (d *Multinomial) print() uint64 {
	f := newFingerprint()
	f.number(d.ceil)
	for j := range d.lo {
		f.number(d.lo[j])
		f.number(d.hi[j])
		f.number(d.reference[j])
	}
	return uint64(f)
}

// MarshalAppend appends the evidence and the estimates to dst: at most 74 bytes and 24 a bin.
func (d *Multinomial) MarshalAppend(dst []byte) []byte {
	e := encoder{dst}
	e.header(kindMultinomial, d.print())
	e.varint(d.buckets)
	for i := range d.m {
		e.number(d.m[i])
		e.varint(d.buckets - d.onset[i])
		for _, s := range d.seen[i] {
			e.number(s)
		}
	}
	return e.out
}

// Unmarshal restores what a detector with the same options and reference saved. On error the receiver is unchanged.
func (d *Multinomial) Unmarshal(data []byte) error {
	dec := decoder{in: data}
	if err := dec.header(kindMultinomial, d.print()); err != nil {
		return err
	}
	n := Multinomial{buckets: dec.count()}
	for i := range n.m {
		n.m[i] = dec.evidence()
		n.onset[i] = dec.ago(n.buckets)
		for range d.seen[i] {
			n.seen[i] = append(n.seen[i], dec.number(0, maxCount))
		}
	}
	if err := dec.done(); err != nil {
		return err
	}
	d.buckets, d.m, d.onset, d.seen = n.buckets, n.m, n.onset, n.seen
	return nil
}
