package sequential

import (
	"math"
	"slices"
)

// maxComponents bounds the alternatives of one Rate or Mean.
const maxComponents = 16

// defaultRateSteps are the distances beyond the null interval, in log-odds, that a Rate bets on.
var (
	defaultRateSteps   = []float64{.1, .2, .4, .8, 1.6}
	defaultRateFactors = factorsOf(defaultRateSteps)
)

// RateOptions configures a Rate.
type RateOptions struct {
	// Lo and Hi are the null interval: every rate inside is "nothing has changed". The uncertainty of the reference,
	// the smallest effect worth a page and the slack for seasons all belong inside. With Lo = 0 nothing is bet on a
	// fall, with Hi = 1 nothing on a rise. An interval that is none (NaN, Lo > Hi) makes a detector that never bets.
	Lo, Hi float64
	// Cap is the most log-evidence that one bucket may bring; see BucketCap. 0 means no cap.
	Cap float64
	// Multipliers are the odds ratios (> 1) beyond the interval that are bet on, up and down, eight at the most.
	// Nil means exp of .1, .2, .4, .8 and 1.6.
	Multipliers []float64
	// Alternatives are fixed rates outside [Lo,Hi] to bet on instead of Multipliers; sixteen at the most.
	Alternatives []float64
	// Varying says that every bucket brings its own null interval through UpdateWithin, as with seasons.
	Varying bool
	// UpOnly leaves out the bets on a fall, for a rate whose fall is no fault, such as that of missing values.
	UpOnly bool
}

// Rate is an e-detector of a share: k of n records per bucket. Its memory is fixed when it is built: 64 bytes a component, and 16 more
// with Varying. A copy by assignment shares its evidence; Clone does not. The zero value never bets.
type Rate struct {
	ceil    float64
	lo, hi  float64
	varying bool

	// One of each for every component.
	bets     []bet // when Varying, those beyond the edges of the last bucket
	m        []float64
	parts    []ratePart
	expected [][2]float64 // expected counts at lo and hi when the mark was set, for Varying; otherwise nil

	// For Varying; otherwise nil.
	steps   []float64  // log-odds, never written to
	factors []float64  // e^step, never written to
	edges   [2]float64 // by side, 0 when there was none yet
	beyond  [2]bool    // by side: whether anything lies beyond the edge

	total mark
	sumLo float64 // expected counts at the edges so far, for Varying
	sumHi float64
}

// ratePart is what evidence grows without.
type ratePart struct {
	toward float64 // the rate that is bet on, or for Varying the distance in log-odds
	mark   mark
	side   Side
}

// NewRate builds a Rate. It cannot fail: options that allow no bet make a detector that stays silent, and Components
// says how many bets there are.
func NewRate(o RateOptions) Rate {
	r := Rate{ceil: ceiling(o.Cap), lo: o.Lo, hi: o.Hi, varying: o.Varying}
	if !(o.Lo <= o.Hi) && !o.Varying {
		return r
	}
	// Gathered here first, and then kept in memory of just the size: there are some detectors for each column.
	var bets [maxComponents]bet
	var parts [maxComponents]ratePart
	n := 0
	add := func(b bet, toward float64, side Side) {
		if n < maxComponents {
			bets[n], parts[n] = b, ratePart{toward: toward, side: side}
			n++
		}
	}
	switch {
	case o.Alternatives != nil && !o.Varying:
		for _, q := range o.Alternatives {
			switch {
			case !(q > 0 && q < 1):
			case q > o.Hi && o.Hi > 0:
				add(betOn(q, o.Hi), q, Up)
			case q < o.Lo && o.Lo < 1:
				add(betOn(q, o.Lo), q, Down)
			}
		}
	default:
		steps, factors := o.steps()
		if o.Varying {
			r.steps, r.factors = steps, factors
		}
		for _, side := range [...]Side{Up, Down} {
			if o.UpOnly && side == Down {
				continue
			}
			edge := o.Hi
			if side == Down {
				edge = o.Lo
			}
			for _, g := range steps {
				if o.Varying {
					add(bet{}, g, side)
				} else if b, q, ok := betBeyond(edge, g, side); ok {
					add(b, q, side)
				}
			}
		}
	}
	if n == 0 {
		return r
	}
	r.bets, r.parts, r.m = slices.Clone(bets[:n]), slices.Clone(parts[:n]), make([]float64, n)
	if o.Varying {
		r.expected = make([][2]float64, n)
	}
	return r
}

// steps are the distances beyond the null interval, in log-odds, that are bet on, and their factors. Detectors share those that are the
// default.
func (o *RateOptions) steps() (steps, factors []float64) {
	if o.Multipliers == nil {
		return defaultRateSteps, defaultRateFactors
	}
	for _, mult := range o.Multipliers {
		if g := math.Log(mult); g > 0 && !math.IsInf(g, 1) && len(steps) < maxComponents/2 {
			steps = append(steps, g)
		}
	}
	return steps, factorsOf(steps)
}

// Clone returns an independent copy.
func (r *Rate) Clone() Rate {
	c := *r
	c.bets, c.m, c.parts, c.expected = slices.Clone(r.bets), slices.Clone(r.m), slices.Clone(r.parts), slices.Clone(r.expected)
	return c
}

// Components returns how many alternatives are bet on.
func (r *Rate) Components() int { return len(r.bets) }

// Interval returns the null interval that the detector was built with.
func (r *Rate) Interval() (lo, hi float64) { return r.lo, r.hi }

// Update takes one bucket: k of n records. Call it for empty buckets too, so that BucketsAgo counts buckets: an empty
// one is not a bet and leaves the evidence where it is. It allocates nothing.
func (r *Rate) Update(k, n uint64) {
	if r.varying {
		r.UpdateWithin(k, n, r.lo, r.hi)
		return
	}
	k = min(k, n)
	r.count(k, n)
	if n > 0 {
		growAll(r.m, r.bets, float64(k), float64(n-k), r.ceil)
	}
	r.remark()
}

// UpdateWithin takes one bucket with its own null interval, which must have been fixed before the bucket began. The
// detector must have been built with Varying. A side whose edge is 0 or 1 does not bet in this bucket.
func (r *Rate) UpdateWithin(k, n uint64, lo, hi float64) {
	k = min(k, n)
	r.count(k, n)
	if !r.varying || !(lo <= hi) {
		return
	}
	r.sumLo += float64(n) * lo
	r.sumHi += float64(n) * hi
	if n > 0 {
		r.bet(Up, hi, float64(k), float64(n-k))
		r.bet(Down, lo, float64(k), float64(n-k))
	}
	r.remark()
}

// bet lets the components of one side bet beyond an edge. Edges are those of the time of the week, so most buckets have that of the one
// before.
func (r *Rate) bet(side Side, edge, hits, misses float64) {
	n := 0 // of components on either side
	for n < len(r.parts) && r.parts[n].side == Up {
		n++
	}
	first := int(side) * n
	if first >= len(r.bets) {
		return
	}
	bets := r.bets[first:][:n]
	if edge != r.edges[side] {
		r.edges[side], r.beyond[side] = edge, betsBeyond(bets, r.steps[:n], r.factors[:n], edge, side)
	}
	if r.beyond[side] {
		growAll(r.m[first:][:n], bets, hits, misses, r.ceil)
	}
}

func (r *Rate) count(k, n uint64) {
	r.total.buckets++
	r.total.k += k
	r.total.n += n
}

// remark moves the onset of components to this bucket, empty or not, when nothing since the old one speaks for their
// alternative: the evidence is gone, or the log-likelihood ratio of the counts since then is not above zero, as in
// Page's CUSUM. The second test matters where the evidence of a quiet stream rests above 1: an alternative close to
// the edge loses little in a bucket and gains the +1 each time.
func (r *Rate) remark() {
	for c := range r.m {
		if r.m[c] <= 1 || !r.speaks(c) {
			r.parts[c].mark = r.total
			if r.varying {
				r.expected[c] = [2]float64{r.sumLo, r.sumHi}
			}
		}
	}
}

// speaks says whether the counts since a component's onset favour its alternative.
func (r *Rate) speaks(c int) bool {
	since := r.parts[c].mark
	k, n := float64(r.total.k-since.k), float64(r.total.n-since.n)
	switch {
	case n == 0: // an empty bucket says nothing, and the onset is no earlier than it
		return false
	case !r.varying:
		return r.bets[c].increment(k, n-k, maxEvidence) > 0
	case r.parts[c].side == Down:
		return k < r.sumLo-r.expected[c][0]
	default:
		return k > r.sumHi-r.expected[c][1]
	}
}

// LogEvidence returns the logarithm of the average evidence over the components. It is -Inf before the first bet.
func (r *Rate) LogEvidence() float64 {
	if len(r.m) == 0 {
		return math.Inf(-1)
	}
	sum := 0.0
	for _, m := range r.m {
		sum += m
	}
	return math.Log(sum / float64(len(r.m)))
}

// Reset forgets all evidence, as after an alarm.
func (r *Rate) Reset() {
	clear(r.m)
	clear(r.expected)
	for c := range r.parts {
		r.parts[c].mark = mark{}
	}
	r.total, r.sumLo, r.sumHi = mark{}, 0, 0
}

// Leading returns the component with the most evidence.
func (r *Rate) Leading() Leading {
	out := Leading{LogEvidence: math.Inf(-1), Lo: r.lo, Hi: r.hi, Seen: math.NaN()}
	best := 0
	for c := range r.m {
		if r.m[c] > r.m[best] {
			best = c
		}
	}
	if len(r.m) == 0 {
		return out
	}
	since := r.parts[best].mark
	out.Side, out.Toward = r.parts[best].side, r.parts[best].toward
	out.LogEvidence = math.Log(r.m[best])
	out.BucketsAgo = r.total.buckets - since.buckets
	out.K, out.N = r.total.k-since.k, r.total.n-since.n
	if out.N > 0 {
		n := float64(out.N)
		out.Seen = float64(out.K) / n
		if r.varying {
			out.Lo = (r.sumLo - r.expected[best][0]) / n
			out.Hi = (r.sumHi - r.expected[best][1]) / n
			edge := out.Hi
			if out.Side == Down {
				edge = out.Lo
			}
			_, out.Toward, _ = betBeyond(edge, r.parts[best].toward, out.Side)
		}
	}
	return out
}
