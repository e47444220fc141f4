package sequential

import "math"

// exchangeSteps are the distances beyond the null interval, in log-odds, that an Exchange bets on.
var exchangeSteps = [...]float64{.2, .4, .8, 1.6, 3.2}

const exchangeBets = 2 * len(exchangeSteps)

// ExchangeOptions configures an Exchange.
type ExchangeOptions struct {
	// Slack is how far, in log-odds, the part may differ from the rest and still count as alike. 0 means not at all.
	Slack float64
	// Cap is the most log-evidence that one bucket may bring; see BucketCap. 0 means no cap.
	Cap float64
}

// Exchange is an e-detector of one part of the records against the rest of the same bucket: one replica against its
// peers. It needs no reference, and whatever moves all of them together (traffic, season, a new version) leaves it
// alone, because it looks at each bucket given its totals only: if the part is like the rest, its hits follow the
// hypergeometric distribution, and with other odds Fisher's noncentral one.
//
// A bet on the odds ratio w against the edge t of the null interval multiplies the evidence by
//
//	(w/t)^k * Z(t)/Z(w),   Z(x) = sum over j of C(n,j) C(rest n, hits - j) x^j.
//
// That has mean 1 at the edge and less inside, since noncentral hypergeometric distributions have monotone likelihood
// ratios: an e-value given the past, for every bucket, without approximation. Which records form the rest may depend on
// earlier buckets.
//
// It is a value of fixed size without pointers; the zero value bets with no slack and no cap. An Update costs some ten
// times the standard deviation of the part's hits.
type Exchange struct {
	slack, ceil float64
	m           [exchangeBets]float64
	marks       [exchangeBets]exchangeMark
	total       exchangeMark
}

// exchangeMark is what had been counted at some bucket.
type exchangeMark struct{ buckets, k, n, restK, restN uint64 }

// NewExchange builds an Exchange.
func NewExchange(o ExchangeOptions) Exchange {
	return Exchange{slack: max(o.Slack, 0), ceil: ceiling(o.Cap)}
}

// Update takes one bucket: k of the part's n records are hits, and restK of the rest's restN. When it is empty, on either side,
// or all or none are hits, it is not a bet: then there is nothing by which the two could differ.
func (x *Exchange) Update(k, n, restK, restN uint64) {
	k, restK = min(k, n), min(restK, restN)
	t := &x.total
	t.buckets++
	t.k, t.n, t.restK, t.restN = t.k+k, t.n+n, t.restK+restK, t.restN+restN
	if ceil := ceiling(x.ceil); n > 0 && restN > 0 && k+restK > 0 && k+restK < n+restN {
		h := hits{n: float64(n), rest: float64(restN), all: float64(k + restK)}
		for _, side := range [...]Side{Up, Down} {
			sign := 1.
			if side == Down {
				sign = -1
			}
			edge := h.logZ(sign * x.slack)
			for i, g := range exchangeSteps {
				c := i + int(side)*len(exchangeSteps)
				inc := float64(k)*sign*g - (h.logZ(sign*(x.slack+g)) - edge)
				x.m[c] = grow(x.m[c], min(inc, ceil))
			}
		}
	}
	for c := range x.m {
		if x.m[c] <= 1 {
			x.marks[c] = x.total
		}
	}
}

// hits is the distribution of the part's hits given the totals of a bucket.
type hits struct{ n, rest, all float64 }

// ratio is the step from j hits to j+1, as a factor of the central distribution.
func (h hits) ratio(j float64) float64 {
	return (h.n - j) * (h.all - j) / ((j + 1) * (h.rest - h.all + j + 1))
}

// logZ is the logarithm of the normaliser at a log odds ratio, up to a constant that is the same for all ratios.
func (h hits) logZ(logOdds float64) float64 {
	lo, hi := max(0, h.all-h.rest), min(h.n, h.all)
	odds := math.Exp(logOdds)
	// The terms rise as long as the ratio of neighbours is above one: find the top, then add up both ways from it.
	a, b := lo, hi
	for a < b {
		mid := math.Floor((a + b) / 2)
		if h.ratio(mid)*odds >= 1 {
			a = mid + 1
		} else {
			b = mid
		}
	}
	top, sum := a, 1.
	const negligible = 1e-17
	for j, term := top, 1.; j < hi; j++ {
		if term *= h.ratio(j) * odds; term < negligible*sum {
			break
		}
		sum += term
	}
	for j, term := top, 1.; j > lo; j-- {
		if term /= h.ratio(j-1) * odds; term < negligible*sum {
			break
		}
		sum += term
	}
	return logChoose(h.n, top) + logChoose(h.rest, h.all-top) + top*logOdds + math.Log(sum)
}

func logChoose(n, k float64) float64 {
	a, _ := math.Lgamma(n + 1)
	b, _ := math.Lgamma(k + 1)
	c, _ := math.Lgamma(n - k + 1)
	return a - b - c
}

// LogEvidence returns the logarithm of the average evidence over the bets. It is -Inf before the first one.
func (x *Exchange) LogEvidence() float64 {
	sum := 0.
	for _, m := range x.m {
		sum += m
	}
	return math.Log(sum / float64(len(x.m)))
}

// Reset forgets all evidence, as after an alarm.
func (x *Exchange) Reset() {
	x.m, x.marks, x.total = [exchangeBets]float64{}, [exchangeBets]exchangeMark{}, exchangeMark{}
}

// Peers is the share of hits in the rest since the onset of the leading bet; NaN without records.
func (x *Exchange) Peers() float64 {
	since := x.marks[x.best()]
	if x.total.restN == since.restN {
		return math.NaN()
	}
	return float64(x.total.restK-since.restK) / float64(x.total.restN-since.restN)
}

func (x *Exchange) best() int {
	best := 0
	for c, m := range x.m {
		if m > x.m[best] {
			best = c
		}
	}
	return best
}

// Leading returns the bet with the most evidence. Lo and Hi are what the rest since the onset allows.
func (x *Exchange) Leading() Leading {
	c := x.best()
	since := x.marks[c]
	out := Leading{LogEvidence: math.Log(x.m[c]), BucketsAgo: x.total.buckets - since.buckets, K: x.total.k - since.k, N: x.total.n - since.n, Seen: math.NaN()}
	if c >= len(exchangeSteps) {
		out.Side = Down
	}
	if out.N > 0 {
		out.Seen = float64(out.K) / float64(out.N)
	}
	out.Lo, out.Hi = x.Within(x.total.restK-since.restK, x.total.restN-since.restN)
	edge, step := out.Hi, exchangeSteps[c%len(exchangeSteps)]
	if out.Side == Down {
		edge = out.Lo
	}
	_, out.Toward, _ = betBeyond(edge, step, out.Side)
	return out
}

// Within is the interval of shares that count as like those of a rest with so many hits, for a Recovery.
func (x *Exchange) Within(restK, restN uint64) (lo, hi float64) {
	if restN == 0 {
		return 0, 1
	}
	// Half a hit more on both sides, so that a share of 0 or 1 has finite odds.
	at := logit((float64(restK) + .5) / (float64(restN) + 1))
	return expit(at - x.slack), expit(at + x.slack)
}

func (x *Exchange) print() uint64 {
	f := newFingerprint()
	f.number(x.slack)
	f.number(x.ceil)
	for _, g := range exchangeSteps {
		f.number(g)
	}
	return uint64(f)
}

// MarshalAppend appends the evidence, without the options, to dst: at most 650 bytes, and about 150 while nothing happens.
func (x *Exchange) MarshalAppend(dst []byte) []byte {
	e := encoder{dst}
	e.header(kindExchange, x.print())
	for _, w := range [...]uint64{x.total.buckets, x.total.k, x.total.n, x.total.restK, x.total.restN} {
		e.varint(w)
	}
	for c, m := range x.m {
		since := x.marks[c]
		e.number(m)
		for _, w := range [...]uint64{x.total.buckets - since.buckets, x.total.k - since.k, x.total.n - since.n, x.total.restK - since.restK, x.total.restN - since.restN} {
			e.varint(w)
		}
	}
	return e.out
}

// Unmarshal restores evidence that a detector with the same options saved. On error the receiver is unchanged.
func (x *Exchange) Unmarshal(data []byte) error {
	d := decoder{in: data}
	if err := d.header(kindExchange, x.print()); err != nil {
		return err
	}
	n := *x
	n.total = exchangeMark{d.count(), d.count(), d.count(), d.count(), d.count()}
	for c := range n.m {
		n.m[c] = d.evidence()
		t := n.total
		n.marks[c] = exchangeMark{d.ago(t.buckets), d.ago(t.k), d.ago(t.n), d.ago(t.restK), d.ago(t.restN)}
	}
	if n.total.k > n.total.n || n.total.restK > n.total.restN {
		d.bad = true
	}
	if err := d.done(); err != nil {
		return err
	}
	*x = n
	return nil
}
