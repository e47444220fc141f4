package sequential

import "math"

// logRecovered is the evidence of return at which an incident is over: odds of a hundred to one.
var logRecovered = math.Log(100)

// recoveryCapShare: no bucket may bring more than a quarter of it, so that one lucky bucket does not end an incident.
const recoveryCapShare = 4

// Recovery gathers positive evidence, after an alarm of a Rate or a set of a Sets, that the share is back: a CUSUM of
// the likelihood ratio between the nearest point of the null interval and a share that lies, in log-odds, half-way
// from there to the alarmed estimate, so that a return most of the way counts too. Empty buckets bring nothing: no
// data is not recovery. It is a value of fixed size; the zero value never recovers.
//
// While the share stays at the half-way point or beyond, it takes more than a hundred buckets on average until the
// CUSUM is fooled. The caller should hold an incident open while the detector itself still has evidence.
type Recovery struct {
	side     Side
	edge     float64
	distance float64 // in log-odds, from the edge to the half-way point; 0 disables
	sum      float64 // the CUSUM, at most twice what is asked for
}

// NewRecovery starts from what led to the alarm, as Leading of a Rate or a Sets told it at the alarm.
func NewRecovery(l Leading) Recovery {
	r := Recovery{side: l.Side, edge: l.Hi}
	if l.Side == Down {
		r.edge = l.Lo
	}
	if !(r.edge > 0 && r.edge < 1) {
		return Recovery{}
	}
	// Half a count more on both sides, so that a share of 0 or 1 has finite odds.
	seen := (float64(l.K) + .5) / (float64(l.N) + 1)
	r.distance = math.Abs(logit(seen)-logit(r.edge)) / 2
	if beyond := (seen > r.edge) == (l.Side == Up); l.N == 0 || !beyond || r.distance < minRecoveryDistance {
		r.distance = minRecoveryDistance
		if l.Toward > 0 && l.Toward < 1 {
			r.distance = max(minRecoveryDistance, math.Abs(logit(l.Toward)-logit(r.edge))/2)
		}
	}
	return r
}

// minRecoveryDistance keeps the two hypotheses apart: 5 % of odds.
const minRecoveryDistance = .05

// Update takes one bucket: k of n records, of the same set as the alarm.
func (r *Recovery) Update(k, n uint64) { r.UpdateAgainst(k, n, r.edge) }

// UpdateWithin takes one bucket with its own null interval, for a Rate that was built with Varying.
func (r *Recovery) UpdateWithin(k, n uint64, lo, hi float64) {
	if r.side == Down {
		hi = lo
	}
	r.UpdateAgainst(k, n, hi)
}

// UpdateAgainst takes one bucket with its own edge of the null interval.
func (r *Recovery) UpdateAgainst(k, n uint64, edge float64) {
	k = min(k, n)
	alarmed, _, ok := betBeyond(edge, r.distance, r.side)
	if n == 0 || !ok {
		return
	}
	// The ratio the other way round: the edge against the half-way point.
	inc := -(float64(k)*alarmed.hit + float64(n-k)*alarmed.miss)
	r.sum = min(max(0, r.sum+min(inc, logRecovered/recoveryCapShare)), 2*logRecovered)
}

// Recovered says whether there is enough evidence of return. It stays true until evidence to the contrary comes.
func (r *Recovery) Recovered() bool { return r.sum >= logRecovered-1e-9 }

// Progress is the evidence of return as a share of what is asked for, from 0 to 1.
func (r *Recovery) Progress() float64 { return min(1, r.sum/logRecovered) }

// recoveryBets is how many sizes of bet a MeanRecovery mixes: the spread of the scores is not known to it.
const recoveryBets = 4

// MeanRecovery is Recovery for a Mean: bets against the hypothesis that the mean still lies at least half-way from
// the null interval to the alarmed mean. It takes moments only: ln(1+y) >= y - y*y for y >= -1/2.
type MeanRecovery struct {
	side    Side
	halfway float64
	sizes   [recoveryBets]float64
	sums    [recoveryBets]float64
}

// NewMeanRecovery starts from what led to the alarm, as Leading of a Mean told it at the alarm.
func NewMeanRecovery(l Leading) MeanRecovery {
	edge := l.Hi
	if l.Side == Down {
		edge = l.Lo
	}
	if !(l.Seen >= 0 && l.Seen <= 1 && edge >= 0 && edge <= 1) {
		return MeanRecovery{}
	}
	r := MeanRecovery{side: l.Side, halfway: (edge + l.Seen) / 2}
	most := .5 / max(r.halfway, 1-r.halfway)
	for i := range r.sizes {
		r.sizes[i] = most
		most /= 4
	}
	return r
}

// Update takes the sums of one bucket. An empty one brings nothing.
func (r *MeanRecovery) Update(s *Sums) { r.UpdateShifted(s, 0) }

// UpdateShifted takes the sums of one bucket whose null interval lies higher by shift than it did at the alarm, as it
// does at another time of the week.
func (r *MeanRecovery) UpdateShifted(s *Sums, shift float64) {
	if s.N == 0 || r.sizes[0] == 0 {
		return
	}
	n := float64(s.N)
	halfway := min(max(r.halfway+shift, 0), 1)
	below := n*halfway - s.Sum // sum of halfway - x
	if r.side == Down {
		below = -below
	}
	square := s.SumSq - 2*halfway*s.Sum + n*halfway*halfway
	scale := max(r.halfway, 1-r.halfway) / max(halfway, 1-halfway)
	for i, size := range r.sizes {
		size *= scale
		inc := min(size*below-size*size*square, logRecovered/recoveryCapShare)
		r.sums[i] = min(max(0, r.sums[i]+inc), 3*logRecovered)
	}
}

func (r *MeanRecovery) evidence() float64 {
	top := 0.0
	for _, s := range r.sums {
		top = max(top, s)
	}
	sum := 0.0
	for _, s := range r.sums {
		sum += math.Exp(s - top)
	}
	return top + math.Log(sum/recoveryBets)
}

// Recovered says whether there is enough evidence of return.
func (r *MeanRecovery) Recovered() bool { return r.evidence() >= logRecovered-1e-9 }

// Progress is the evidence of return as a share of what is asked for, from 0 to 1.
func (r *MeanRecovery) Progress() float64 { return min(1, max(0, r.evidence()/logRecovered)) }
