package sequential

import "math"

// maxComponents bounds the alternatives of one Rate or Mean.
const maxComponents = 16

// defaultRateSteps are the distances beyond the null interval, in log-odds, that a Rate bets on.
var defaultRateSteps = [...]float64{.1, .2, .4, .8, 1.6}

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

// Rate is an e-detector of a share: k of n records per bucket. It is a value of fixed size without pointers: a copy
// is independent. The zero value never bets.
type Rate struct {
	ceil       float64
	lo, hi     float64
	steps      [maxComponents / 2]float64 // log-odds, for Varying
	factors    [maxComponents / 2]float64 // e^step, for Varying
	bets       [maxComponents]bet         // when Varying, those beyond the edges of the last bucket
	edges      [2]float64                 // by side, 0 when there was none yet
	beyond     [2]bool                    // by side: whether anything lies beyond the edge
	toward     [maxComponents]float64
	side       [maxComponents]Side
	components int
	varying    bool

	m        [maxComponents]float64
	marks    [maxComponents]mark
	expected [maxComponents][2]float64 // expected counts at lo and hi when the mark was set, for Varying
	total    mark
	sumLo    float64 // expected counts at the edges so far, for Varying
	sumHi    float64
}

// NewRate builds a Rate. It cannot fail: options that allow no bet make a detector that stays silent, and Components
// says how many bets there are.
func NewRate(o RateOptions) Rate {
	r := Rate{ceil: ceiling(o.Cap), lo: o.Lo, hi: o.Hi, varying: o.Varying}
	if !(o.Lo <= o.Hi) && !o.Varying {
		return r
	}
	if o.Alternatives != nil && !o.Varying {
		for _, q := range o.Alternatives {
			switch {
			case !(q > 0 && q < 1):
			case q > o.Hi && o.Hi > 0:
				r.add(betOn(q, o.Hi), q, Up)
			case q < o.Lo && o.Lo < 1:
				r.add(betOn(q, o.Lo), q, Down)
			}
		}
		return r
	}
	n := 0
	if o.Multipliers == nil {
		n = copy(r.steps[:], defaultRateSteps[:])
	}
	for _, mult := range o.Multipliers {
		if g := math.Log(mult); g > 0 && !math.IsInf(g, 1) && n < len(r.steps) {
			r.steps[n] = g
			n++
		}
	}
	for i, g := range r.steps[:n] {
		r.factors[i] = math.Exp(g)
	}
	for _, side := range [...]Side{Up, Down} {
		if o.UpOnly && side == Down {
			continue
		}
		edge := o.Hi
		if side == Down {
			edge = o.Lo
		}
		for _, g := range r.steps[:n] {
			if o.Varying {
				r.add(bet{}, g, side)
			} else if b, q, ok := betBeyond(edge, g, side); ok {
				r.add(b, q, side)
			}
		}
	}
	return r
}

func (r *Rate) add(b bet, toward float64, side Side) {
	if r.components < maxComponents {
		r.bets[r.components], r.toward[r.components], r.side[r.components] = b, toward, side
		r.components++
	}
}

// Components returns how many alternatives are bet on.
func (r *Rate) Components() int { return r.components }

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
		growAll(r.m[:], r.bets[:r.components], float64(k), float64(n-k), r.ceil)
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
	for n < r.components && r.side[n] == Up {
		n++
	}
	first := int(side) * n
	if first >= r.components {
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
	for c := range r.components {
		if r.m[c] <= 1 || !r.speaks(c) {
			r.marks[c] = r.total
			r.expected[c] = [2]float64{r.sumLo, r.sumHi}
		}
	}
}

// speaks says whether the counts since a component's onset favour its alternative.
func (r *Rate) speaks(c int) bool {
	since := r.marks[c]
	k, n := float64(r.total.k-since.k), float64(r.total.n-since.n)
	switch {
	case n == 0: // an empty bucket says nothing, and the onset is no earlier than it
		return false
	case !r.varying:
		return r.bets[c].increment(k, n-k, maxEvidence) > 0
	case r.side[c] == Down:
		return k < r.sumLo-r.expected[c][0]
	default:
		return k > r.sumHi-r.expected[c][1]
	}
}

// LogEvidence returns the logarithm of the average evidence over the components. It is -Inf before the first bet.
func (r *Rate) LogEvidence() float64 {
	if r.components == 0 {
		return math.Inf(-1)
	}
	sum := 0.0
	for _, m := range r.m[:r.components] {
		sum += m
	}
	return math.Log(sum / float64(r.components))
}

// Reset forgets all evidence, as after an alarm.
func (r *Rate) Reset() {
	r.m = [maxComponents]float64{}
	r.marks = [maxComponents]mark{}
	r.expected = [maxComponents][2]float64{}
	r.total, r.sumLo, r.sumHi = mark{}, 0, 0
}

// Leading returns the component with the most evidence.
func (r *Rate) Leading() Leading {
	out := Leading{LogEvidence: math.Inf(-1), Lo: r.lo, Hi: r.hi, Seen: math.NaN()}
	best := 0
	for c := range r.components {
		if r.m[c] > r.m[best] {
			best = c
		}
	}
	if r.components == 0 {
		return out
	}
	since := r.marks[best]
	out.Side, out.Toward = r.side[best], r.toward[best]
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
			_, out.Toward, _ = betBeyond(edge, r.toward[best], out.Side)
		}
	}
	return out
}
