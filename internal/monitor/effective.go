package monitor

import (
	"math"

	"github.com/plumbline-ml/plumbline/detectors/sequential"
)

// effective is how many independent records say as much as those since the onset of an alarm: the facts, where the model file
// names clients; or what the slow wander of the reference leaves of them. Records that come while a share wanders all lean
// the same way, so however many they are, they know the share no better than it stands still: with a share p that wanders by
// sigma in log-odds, n records are worth n/(1 + n p (1-p) sigma^2). It takes the wander for one move during the whole
// time since the onset, so it is the least that they are worth. 0 means that nothing is known of it.
func (in *Instance) effective(s *stream, by detector, l sequential.Leading) uint64 {
	if n, ok := factsOf(by); ok {
		return n
	}
	if s.col == nil || s.col.season == nil || s.part != nil || s.cause == causeAbuse || l.N == 0 {
		return 0
	}
	known := s.col.season.unpack()
	var sigma, variance float64 // of the quantity and of one record
	switch d := by.(type) {
	case *rateDetector:
		p := map[rateKind]*sequential.SeasonProfile{rateMissing: known.Missing, rateRepeated: known.Repeats, rateUnseen: known.Unseen}[d.kind]
		if p == nil {
			return 0
		}
		variance = l.Seen * (1 - l.Seen)
		sigma = p.Sigma * variance
	case *setsDetector:
		if known.Bins == nil {
			return 0
		}
		variance = l.Seen * (1 - l.Seen)
		sigma = known.Bins.Sigma * variance
	case *stepsDetector:
		if known.Bins == nil {
			return 0
		}
		w := known.Bins.BoundSteps()
		if known.Steps != nil {
			w = *known.Steps
		}
		sigma, variance = w.Sigma, d.variance(s.col)
	case *meanDetector:
		if known.Mean == nil {
			return 0
		}
		sd := s.col.base.ref.SD()
		sigma, variance = known.Mean.Sigma, sd*sd
	default:
		return 0
	}
	n := float64(l.N)
	if !(variance > 0) {
		return l.N
	}
	return uint64(max(1, math.Round(n/(1+n*sigma*sigma/variance))))
}

// factsOf is how many facts there are since the onset, of a detector that counts them.
func factsOf(d detector) (uint64, bool) {
	switch d := d.(type) {
	case *setsDetector:
		if d.capped != nil {
			return d.capped.Leading().N, true
		}
	case *stepsDetector:
		if d.capped != nil {
			return d.capped.Leading().N, true
		}
	case *meanDetector:
		if d.capped != nil {
			return d.capped.Leading().N, true
		}
	case *rateDetector:
		if d.capped != nil {
			return d.capped.Leading().N, true
		}
	}
	return 0, false
}

// variance is that of the score of one record in the reference.
func (s *stepsDetector) variance(c *column) float64 {
	counts := make([]uint64, c.buckets())
	addBuckets(c.base, counts, &c.base.ref)
	m := s.steps.Moments(counts)
	if m.N == 0 {
		return 0
	}
	mean := m.Sum / float64(m.N)
	return max(0, m.SumSq/float64(m.N)-mean*mean)
}
