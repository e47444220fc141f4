package sequential

import "math"

// maxEvidence is where evidence saturates, about e^690. Keeping M below a bound only lowers it, so the promise
// holds; any threshold is far below, and a sum of a few thousand components stays finite.
const maxEvidence = 1e300

// minIncrement keeps evidence above zero, so that its logarithm stays a number: e^-690 of evidence is none.
const minIncrement = -690

// logMaxEvidence is what uncapped increments are cut at, so that the exponential stays finite.
const logMaxEvidence = 690

// grow is the e-detector's step M = (M+1)*exp(inc) for a component that bets in this bucket. The caller skips it
// for a component that does not bet: that one must not get the +1.
func grow(m, inc float64) float64 {
	return min((m+1)*expOf(max(inc, minIncrement)), maxEvidence)
}

// ceiling returns the increment's upper bound for a cap given by a user: zero or less means none.
func ceiling(cap float64) float64 {
	if cap > 0 {
		return min(cap, logMaxEvidence)
	}
	return logMaxEvidence
}

func logit(p float64) float64 { return math.Log(p) - math.Log1p(-p) }

func expit(x float64) float64 {
	if x >= 0 {
		return 1 / (1 + math.Exp(-x))
	}
	e := math.Exp(x)
	return e / (1 + e)
}

// Side says in which direction a stream left its null interval.
type Side uint8

const (
	// Up is above the null interval.
	Up Side = iota
	// Down is below it.
	Down
)

// String returns "up" or "down".
func (s Side) String() string {
	if s == Down {
		return "down"
	}
	return "up"
}

// bet is one alternative q against the nearest point p of the null interval: a success multiplies the evidence by
// exp(hit), a failure by exp(miss).
type bet struct{ hit, miss float64 }

// betOn returns the bet on q against the null point p. Both lie strictly between 0 and 1.
func betOn(q, p float64) bet {
	return bet{hit: math.Log(q / p), miss: math.Log1p(-q) - math.Log1p(-p)}
}

// betBeyond returns the bet on the point that lies g in log-odds beyond the edge of the null interval on that side,
// and false when nothing lies beyond it: an edge of 0 or 1. Its factor has mean at most 1 for every rate inside the
// interval, not only at the edge.
func betBeyond(edge, g float64, side Side) (bet, float64, bool) {
	if !(edge > 0 && edge < 1) || !(g > 0) {
		return bet{}, 0, false
	}
	if side == Down {
		g = -g
	}
	q := expit(logit(edge) + g)
	if !(q > 0 && q < 1) || q == edge {
		return bet{}, 0, false
	}
	return betOn(q, edge), q, true
}

// betsBeyond fills bets with what betBeyond returns for each step, for edges that change with the time of the week: with a
// logarithm each instead of half a dozen. factors are e^step. With p the edge and f the factor, the share of failures at
// the alternative is that at the edge over 1 - p + pf.
func betsBeyond(bets []bet, steps, factors []float64, edge float64, side Side) bool {
	if !(edge > 0 && edge < 1) {
		return false
	}
	for i := range bets {
		step, factor := steps[i], factors[i]
		if side == Down {
			step, factor = -step, 1/factor
		}
		miss := -math.Log1p(edge * (factor - 1))
		b := bet{hit: step + miss, miss: miss}
		if miss == 0 || (b.hit > 0) != (side == Up) {
			return false // nothing that can be told from the edge lies beyond it
		}
		bets[i] = b
	}
	return true
}

// factorsOf are e^step.
func factorsOf(steps []float64) []float64 {
	out := make([]float64, len(steps))
	for i, s := range steps {
		out[i] = math.Exp(s)
	}
	return out
}

func (b bet) increment(k, misses, ceiling float64) float64 {
	return min(k*b.hit+misses*b.miss, ceiling)
}

// mark is what had been counted when a component's evidence was last at or below 1: its estimate of when the change
// began, and, by subtraction, the counts since.
type mark struct {
	buckets, k, n uint64
}

// smallMark is a mark in sixteen bytes, for detectors that have hundreds: counts up to 2^48, which is a million records a
// second for nine years, and buckets up to 2^32. What is larger stays at the largest.
type smallMark struct {
	buckets, kLow, nLow uint32
	kHigh, nHigh        uint16
}

func (m mark) small() smallMark {
	const most = 1<<48 - 1
	k, n := min(m.k, most), min(m.n, most)
	return smallMark{uint32(min(m.buckets, math.MaxUint32)), uint32(k), uint32(n), uint16(k >> 32), uint16(n >> 32)}
}

func (s smallMark) mark() mark {
	return mark{uint64(s.buckets), uint64(s.kHigh)<<32 | uint64(s.kLow), uint64(s.nHigh)<<32 | uint64(s.nLow)}
}

// Leading describes the component with the most evidence, for the text of a page.
type Leading struct {
	Set         Set     // which bins, for Sets; the zero value otherwise
	Side        Side    // above or below what the reference allows
	LogEvidence float64 // of this component alone; -Inf when nothing was bet yet
	BucketsAgo  uint64  // buckets since the onset: the last bucket in which this component's evidence was at most 1
	K, N        uint64  // counts since the onset; for Mean, K is 0 and N the records
	Lo, Hi      float64 // what the reference allows: shares, or means for Mean
	Seen        float64 // the share or mean since the onset; NaN when N is 0
	Toward      float64 // the alternative that the component bets on; for Mean, the size of its bet
}
