package monitor

import (
	"math"

	"github.com/plumbline-ml/plumbline/detectors/sequential"
)

// apartDetector watches the reasons why values are missing, each against the share that it had in the reference, so that nulls which
// become NaN are noticed though as many values are missing as ever. A reason has a detector from the first bucket on in which it comes:
// before, that detector could only have lost evidence that it did not have. So a column in which nothing is missing pays a few words,
// and one with nulls for one detector more.
//
// Its evidence is the average over all reasons, those that never came included, whose evidence is none. The promise of a Rate holds
// for each, hence for the average.
type apartDetector struct {
	in    *Instance
	col   *column
	rates [numMissing]*rateDetector // by reason; nil for what never came
	by    int                       // the one that alarmed

	missing *sequential.Season // of all reasons together; nil when the reference is the same at any time
	minute  int64              // that the detectors are tuned to
}

// seasonalReason is the share of the reference from which on a reason is taken to breathe with the day as all of them do together.
const seasonalReason = .001

func (in *Instance) newApart(c *column) *apartDetector { return &apartDetector{in: in, col: c} }

// reference is what was normal of a reason: the reference's counts, or those that somebody accepted since.
func (a *apartDetector) reference(reason int) (k, n uint64) {
	c := a.col
	if acc := c.accepted; acc != nil && acc.present+sum(acc.missing[:]) > 0 {
		return acc.missing[reason], acc.present + sum(acc.missing[:])
	}
	return c.base.ref.Missing[reason], c.base.ref.seen()
}

// make is the detector of one reason. With a season, a reason that the reference knows may take all that is missing at that time; so may
// every reason of a reference that follows what comes, because it keeps no count of reasons.
func (a *apartDetector) make(reason int) *rateDetector {
	k, n := a.reference(reason)
	kind, limit, expected := rateAbsent+rateKind(reason), a.in.evidence.cap, share(k, n)
	if a.col.season != nil && (expected >= seasonalReason || a.col.grow != nil) {
		return &rateDetector{kind: kind, expected: expected, hi: 1, breathes: true, rate: sequential.NewRate(sequential.RateOptions{Hi: 1, Varying: true, UpOnly: true, Cap: limit})}
	}
	_, hi := sequential.ClopperPearson(k, n, alphaReference)
	return newRateDetector(kind, min(hi+a.col.tol.Share, 1), limit, expected)
}

func (a *apartDetector) reseason(s *seasons) {
	a.missing = s.missing
	a.tune(a.minute)
}

func (a *apartDetector) tune(minute int64) {
	a.minute = minute
	for _, r := range a.rates {
		a.tuneOne(r)
	}
}

func (a *apartDetector) tuneOne(r *rateDetector) {
	if r != nil && r.breathes {
		if r.season = a.missing; r.season != nil {
			_, r.hi = r.season.Interval(a.minute)
		}
	}
}

func (a *apartDetector) update(c *column) {
	for i := range a.rates {
		if a.rates[i] == nil {
			if c.bucket.reasons[i] == 0 {
				continue
			}
			a.rates[i] = a.make(i)
			a.tuneOne(a.rates[i])
		}
		a.rates[i].update(c)
	}
}

func (a *apartDetector) idle() {
	for _, r := range a.rates {
		if r != nil {
			r.idle()
		}
	}
}

func (a *apartDetector) logEvidence() float64 {
	var logs [numMissing]float64
	for i, r := range a.rates {
		logs[i] = math.Inf(-1)
		if r != nil {
			logs[i] = r.logEvidence()
		}
	}
	return sequential.LogAverage(logs[:], nil)
}

func (a *apartDetector) reset() {
	for _, r := range a.rates {
		if r != nil {
			r.reset()
		}
	}
}

// most is the reason with the most evidence; −1 when none ever came.
func (a *apartDetector) most() int {
	best := -1
	for i, r := range a.rates {
		if r != nil && (best < 0 || r.logEvidence() > a.rates[best].logEvidence()) {
			best = i
		}
	}
	return best
}

func (a *apartDetector) leading() sequential.Leading {
	if i := a.most(); i >= 0 {
		return a.rates[i].leading()
	}
	return sequential.Leading{}
}

func (a *apartDetector) describe(c *column, l sequential.Leading) told {
	if i := a.most(); i >= 0 {
		return a.rates[i].describe(c, l)
	}
	return told{what: rateNames[rateMissing]}
}

func (a *apartDetector) startRecovery(l sequential.Leading) {
	if a.by = a.most(); a.by >= 0 {
		a.rates[a.by].startRecovery(l)
	}
}

func (a *apartDetector) recover(c *column) {
	if r := a.alarmed(); r != nil {
		r.recover(c)
	}
}

func (a *apartDetector) recovered() bool {
	r := a.alarmed()
	return r == nil || r.recovered()
}

func (a *apartDetector) alarmed() *rateDetector {
	if a.by < 0 || a.by >= len(a.rates) {
		return nil
	}
	return a.rates[a.by]
}

// alternatives is as if all detectors were there.
func (a *apartDetector) alternatives() int {
	return numMissing * newRateDetector(rateMissing, .5, a.in.evidence.cap, .5).alternatives()
}

func (a *apartDetector) encode(e *encoder) {
	e.uint(uint64(a.by + 1))
	for _, r := range a.rates {
		e.bool(r != nil)
		if r != nil {
			r.encode(e)
		}
	}
}

func (a *apartDetector) decode(d *stateDecoder) error {
	a.by = d.length(numMissing) - 1
	for i := range a.rates {
		a.rates[i] = nil
		if d.bool() {
			r := a.make(i)
			if err := r.decode(d); err != nil {
				return err
			}
			a.rates[i] = r
		}
	}
	if d.bad {
		return errState
	}
	return nil
}
