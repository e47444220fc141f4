package sequential

import "math"

// The null interval of a Mean stays this far from 0 and 1, so that no factor overflows. Widening it keeps the promise.
const minMean = 1e-9

var (
	// meanShares are the bets as shares of the largest possible one when nothing is known of the spread.
	meanShares = [...]float64{.02, .06, .16, .4, .9}
	// meanSizes are the bets in units of .2/mean, for means near the end that the bet is against.
	meanSizes = [...]float64{.1, .3, .8, 2, 4.5}
	// meanLimits keep the five bets apart when the sizes go beyond what is possible.
	meanLimits = [...]float64{.2, .4, .8, .96, .992}
)

// MeanOptions configures a Mean.
type MeanOptions struct {
	// Lo and Hi are the null interval of the mean, within [0,1]: the reference's mean with its uncertainty, the
	// smallest effect worth a page, and the slack for seasons.
	Lo, Hi float64
	// Cap is the most log-evidence that one bucket may bring; see BucketCap. 0 means no cap.
	Cap float64
	// Up are the sizes of the bets on a rise, each below 1/Hi, and Down of those on a fall, each below 1/(1-Lo); five
	// each. Nil means sizes that suit small and large effects at any base rate. Sizes out of bounds are cut.
	Up, Down []float64
	// Varying says that Retune will move the null interval with the time of the week.
	Varying bool
}

// MeanBets are the factors that one bucket's values are turned into: those of one null interval. They are a value
// without pointers and never change, so that many goroutines may use them.
type MeanBets struct {
	lo, hi float64
	base   [meanBets]float64 // a factor is base + slope*x
	slope  [meanBets]float64
	active [meanBets]bool
}

// NewMeanBets returns the bets around a null interval. It cannot fail: an interval that is none has no bets, and
// neither has the side of an edge at 0 or 1.
func NewMeanBets(o MeanOptions) MeanBets {
	b := MeanBets{lo: o.Lo, hi: o.Hi}
	for i := range b.base {
		b.base[i] = 1
	}
	if !(o.Lo <= o.Hi) || o.Hi < 0 || o.Lo > 1 {
		return b
	}
	if hi := max(o.Hi, minMean); hi < 1 {
		for i := range meanBets / 2 {
			if size := betSize(o.Up, i, hi); size > 0 {
				b.base[i], b.slope[i], b.active[i] = 1-size*hi, size, true
			}
		}
	}
	if lo := min(o.Lo, 1-minMean); lo > 0 {
		for i := range meanBets / 2 {
			// A fall of x is a rise of 1-x.
			if size := betSize(o.Down, i, 1-lo); size > 0 {
				j := i + meanBets/2
				b.base[j], b.slope[j], b.active[j] = 1+size*lo, -size, true
			}
		}
	}
	return b
}

// Mean is an e-detector of the mean of a score in [0,1], for any distribution of the score: each record multiplies
// the evidence by 1 + size*(x - hi), or 1 + size*(lo - x). It is a value of fixed size without pointers. The factors
// of a bucket are collected in Sums by Increments, from many goroutines if need be: Increments reads only what does
// not change between Retunes.
type Mean struct {
	o    MeanOptions
	bets MeanBets

	m     [meanBets]float64
	marks [meanBets]meanMark
	total meanMark
}

type meanMark struct {
	buckets, n uint64
	sum        float64
	lo, hi     float64 // sums of the interval's edges, once a record
}

// NewMean builds a Mean around its null interval.
func NewMean(o MeanOptions) Mean { return Mean{o: o, bets: NewMeanBets(o)} }

// Bets returns the current bets, for buckets that stay open while Retune moves on.
func (m *Mean) Bets() MeanBets { return m.bets }

// Retune replaces the null interval by that of another part of the week and keeps the evidence. The sums of one
// bucket must all be made with the same bets, so call it between buckets, or keep Bets with the bucket and close it
// by UpdateWith. It has no effect on a detector that was not built with Varying.
func (m *Mean) Retune(lo, hi float64) {
	if m.o.Varying {
		o := m.o
		o.Lo, o.Hi = lo, hi
		m.bets = NewMeanBets(o)
	}
}

// betSize returns the i-th bet on a rise above mean, from the user's list or the default.
func betSize(list []float64, i int, mean float64) float64 {
	most := 1 / mean
	if list != nil {
		if i >= len(list) || !(list[i] > 0) {
			return 0
		}
		return min(list[i], meanLimits[len(meanLimits)-1]*most)
	}
	// For a mean near 1 the values below it are far from it and their variance is about 1-mean: bets in units of that
	// variance reach the limit.
	bySpread := meanSizes[i] * .2 / max(1-mean, minMean)
	return min(max(meanShares[i]*most, bySpread), meanLimits[i]*most)
}

// Increments counts one value into the bucket's sums, with the current bets.
func (m *Mean) Increments(x float64, s *Sums) bool { return m.bets.Increments(x, s) }

// Increments counts one value into the bucket's sums. Values are clipped to [0,1]; NaN is not counted, and false is
// returned. It allocates nothing, and takes logarithms only once in 32 values.
func (b *MeanBets) Increments(x float64, s *Sums) bool {
	if !(x >= 0) {
		if x != x {
			return false
		}
		x = 0
	} else if x > 1 {
		x = 1
	}
	s.N++
	s.Sum += x
	s.SumSq += x * x
	if s.pending == 0 {
		for i := range s.product {
			s.product[i] = b.base[i] + b.slope[i]*x
		}
		s.pending = 1
		return true
	}
	for i := range s.product {
		s.product[i] *= b.base[i] + b.slope[i]*x
	}
	if s.pending++; s.pending == foldEvery {
		s.fold()
	}
	return true
}

// Update takes the sums of one bucket. Call it for empty buckets too: they are not a bet. It allocates nothing.
func (m *Mean) Update(s *Sums) { m.UpdateWith(&m.bets, s) }

// UpdateWith takes the sums of one bucket that were made with these bets.
func (m *Mean) UpdateWith(b *MeanBets, s *Sums) {
	n := float64(s.N)
	m.total.buckets++
	m.total.n += s.N
	m.total.sum += s.Sum
	m.total.lo += n * b.lo
	m.total.hi += n * b.hi
	ceil := ceiling(m.o.Cap)
	for c := range m.m {
		if b.active[c] && s.N > 0 {
			m.m[c] = grow(m.m[c], min(s.log(c), ceil))
		}
		if m.m[c] <= 1 {
			m.marks[c] = m.total
		}
	}
}

// Components returns how many bets the evidence is averaged over.
func (m *Mean) Components() int {
	if m.o.Varying {
		return meanBets
	}
	n := 0
	for _, a := range m.bets.active {
		if a {
			n++
		}
	}
	return n
}

// Interval returns the current null interval.
func (m *Mean) Interval() (lo, hi float64) { return m.bets.lo, m.bets.hi }

// LogEvidence returns the logarithm of the average evidence over the bets. It is -Inf before the first one.
func (m *Mean) LogEvidence() float64 {
	sum, n := 0.0, m.Components()
	if n == 0 {
		return math.Inf(-1)
	}
	for _, v := range m.m {
		sum += v
	}
	return math.Log(sum / float64(n))
}

// Reset forgets all evidence, as after an alarm.
func (m *Mean) Reset() {
	m.m = [meanBets]float64{}
	m.marks = [meanBets]meanMark{}
	m.total = meanMark{}
}

// Leading returns the bet with the most evidence. Seen is the mean of the clipped values since the onset; Lo and Hi
// are averages over the same time.
func (m *Mean) Leading() Leading {
	out := Leading{LogEvidence: math.Inf(-1), Lo: m.bets.lo, Hi: m.bets.hi, Seen: math.NaN()}
	best := 0
	for c := range m.m {
		if m.m[c] > m.m[best] {
			best = c
		}
	}
	if m.m[best] == 0 {
		return out
	}
	since := m.marks[best]
	out.LogEvidence = math.Log(m.m[best])
	out.Toward = math.Abs(m.bets.slope[best])
	if best >= meanBets/2 {
		out.Side = Down
	}
	out.BucketsAgo = m.total.buckets - since.buckets
	out.N = m.total.n - since.n
	if out.N > 0 {
		n := float64(out.N)
		out.Seen = (m.total.sum - since.sum) / n
		out.Lo, out.Hi = (m.total.lo-since.lo)/n, (m.total.hi-since.hi)/n
	}
	return out
}
