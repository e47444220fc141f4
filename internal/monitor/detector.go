package monitor

import "github.com/plumbline-ml/plumbline/detectors/sequential"

// rateKind says which share of a column a rateDetector watches.
type rateKind uint8

const (
	rateMissing rateKind = iota
	rateRepeated
	rateUnseen
	rateStale
	rateUpdates

	rateAbsent // and the other reasons of missing values, in the order of detectors.MissingReason
	rateNull
	rateEmpty
	rateNaN
	rateInf
	rateType
)

var rateNames = [...]string{"share missing", "share repeated", "share unseen", "share stale", "share unchanged since the same entity came before",
	"share absent", "share null", "share empty", "share NaN", "share infinite", "share of another type"}

// rateDetector watches a share for a rise. A fall of what is missing, repeated or unseen is no fault.
type rateDetector struct {
	kind     rateKind
	expected float64
	rate     sequential.Rate
	back     sequential.Recovery

	capped *sequential.Rate // the same of the facts only; nil when every record is one

	fixed    bool               // it is the anchor's
	breathes bool               // it is one of apartDetector that follows the season of all that is missing
	season   *sequential.Season // nil when the reference is the same at any time
	hi       float64            // of the bucket, with a season
}

// capping gives the detector a second one of the facts. What is stale is no matter of who sent it.
func (in *Instance) capping(r *rateDetector) *rateDetector {
	if in.clients != nil && (r.kind == rateMissing || r.kind == rateUnseen || r.kind == rateRepeated) {
		capped := r.rate.Clone()
		r.capped = &capped
	}
	return r
}

func newRateDetector(kind rateKind, hi, limit, expected float64) *rateDetector {
	return &rateDetector{kind: kind, expected: expected, rate: sequential.NewRate(sequential.RateOptions{Hi: hi, Cap: limit})}
}

// newRateDetector is the detector of one of the column's shares against its reference.
func (in *Instance) newRateDetector(c *column, kind rateKind) *rateDetector {
	ref := &c.base.ref
	var k, n uint64
	switch kind {
	case rateMissing:
		k, n = ref.MissingTotal(), ref.seen()
	case rateRepeated:
		k, n = min(ref.Repeats, ref.N), ref.N
	default:
		k, n = ref.Fine[len(ref.Fine)-1], ref.N
	}
	if c.season != nil {
		return in.capping(&rateDetector{kind: kind, expected: share(k, n), hi: 1, rate: sequential.NewRate(sequential.RateOptions{Varying: true, UpOnly: true, Cap: in.evidence.cap})})
	}
	_, hi := sequential.ClopperPearson(k, n, alphaReference)
	expected := share(k, n)
	if kind == rateUnseen {
		expected, hi = c.base.unseen()
	}
	if kind == rateRepeated {
		hi = frozenEdge(hi)
	} else {
		hi = min(hi+c.shareTolerance(kind), 1)
	}
	return in.capping(newRateDetector(kind, hi, in.evidence.cap, expected))
}

// shareTolerance is the smallest rise of a share that matters: what was never there needs less of a change to be one than
// what is missing now and then.
func (c *column) shareTolerance(kind rateKind) float64 {
	if kind == rateUnseen {
		return c.tol.Share / 2
	}
	return c.tol.Share
}

// frozenEdge is from which share of repeats on a column may be frozen, when so many are natural.
func frozenEdge(hi float64) float64 { return max((1+hi)/2, frozenFloor) }

func (r *rateDetector) reseason(s *seasons) {
	if r.fixed {
		return
	}
	switch r.kind {
	case rateMissing:
		r.season = s.missing
	case rateRepeated:
		r.season = s.repeats
	case rateStale, rateUpdates:
		// They are the same at any time: what the model file says, and what an entity's values do.
	default:
		r.season = s.unseen
	}
}

func (r *rateDetector) tune(minute int64) {
	if r.season == nil {
		r.hi = 1
		return
	}
	_, r.hi = r.season.Interval(minute)
	if r.kind == rateRepeated {
		r.hi = frozenEdge(r.hi)
	}
	r.expected = r.season.Expected(minute)
}

func (r *rateDetector) counts(c *column, of source) (k, n uint64) {
	b := c.counted(of)
	switch r.kind {
	case rateMissing:
		return b.missing, b.missing + b.present
	case rateRepeated:
		return b.repeats, b.present
	case rateUpdates:
		return b.pairs.compared - b.pairs.same, b.pairs.compared
	case rateStale:
		return b.stale, b.aged
	case rateAbsent, rateNull, rateEmpty, rateNaN, rateInf, rateType:
		return b.reasons[r.kind-rateAbsent], b.missing + b.present
	default:
		return b.counts[len(b.counts)-1], b.present
	}
}

func (r *rateDetector) update(c *column) {
	r.updateWith(&r.rate, c, everything)
	if r.capped != nil {
		r.updateWith(r.capped, c, facts)
	}
}

func (r *rateDetector) updateWith(rate *sequential.Rate, c *column, of source) {
	k, n := r.counts(c, of)
	if r.season != nil {
		rate.UpdateWithin(k, n, 0, r.hi)
		return
	}
	rate.Update(k, n)
}

func (r *rateDetector) recover(c *column) {
	k, n := r.counts(c, everything)
	if r.season != nil {
		r.back.UpdateWithin(k, n, 0, r.hi)
		return
	}
	r.back.Update(k, n)
}

func (r *rateDetector) idle() {
	r.rate.Update(0, 0)
	if r.capped != nil {
		r.capped.Update(0, 0)
	}
}

func (r *rateDetector) logEvidence() float64 {
	if r.capped != nil {
		return min(r.rate.LogEvidence(), r.capped.LogEvidence())
	}
	return r.rate.LogEvidence()
}

func (r *rateDetector) reset() {
	r.rate.Reset()
	if r.capped != nil {
		r.capped.Reset()
	}
}

func (r *rateDetector) alternatives() int           { return r.rate.Components() }
func (r *rateDetector) leading() sequential.Leading { return r.rate.Leading() }
func (r *rateDetector) describe(_ *column, l sequential.Leading) told {
	if r.kind == rateUpdates {
		return told{rateNames[r.kind], 1 - r.expected, 1 - l.Seen}
	}
	return told{rateNames[r.kind], r.expected, l.Seen}
}
func (r *rateDetector) startRecovery(l sequential.Leading) { r.back = sequential.NewRecovery(l) }
func (r *rateDetector) recovered() bool                    { return r.back.Recovered() }
func (r *rateDetector) encode(e *encoder) {
	e.bytes(r.rate.MarshalAppend(nil))
	e.bytes(r.back.MarshalAppend(nil))
	if r.capped != nil {
		e.bytes(r.capped.MarshalAppend(nil))
	}
}
func (r *rateDetector) decode(d *stateDecoder) error {
	rate, back := d.bytes(), d.bytes()
	if err := r.rate.Unmarshal(rate); err != nil {
		return err
	}
	if r.capped != nil {
		if err := r.capped.Unmarshal(d.bytes()); err != nil {
			return err
		}
	}
	return r.back.Unmarshal(back)
}
