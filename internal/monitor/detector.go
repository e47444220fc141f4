package monitor

import (
	"math"

	"github.com/plumbline-ml/plumbline/detectors/sequential"
)

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
		capped := r.rate
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

// setsDetector watches the bins of a number or the categories of a column against the reference.
type setsDetector struct {
	sets   *sequential.Sets
	ref    []uint64
	zeros  []uint64
	prefer int              // of two classes, the one that people look for
	set    sequential.Set   // that alarmed
	capped *sequential.Sets // the same of the facts only; nil when every record is one
	back   sequential.Recovery

	fixed  bool                   // it is the anchor's
	season *sequential.SetsSeason // nil when the reference is the same at any time
	slot   int                    // of the season that the detector is tuned to; noSlot when none
}

const noSlot = -1

func (s *setsDetector) reseason(o *seasons) {
	if !s.fixed {
		s.season, s.slot = o.bins, noSlot
	}
}

func (s *setsDetector) tune(minute int64) {
	if s.season == nil {
		return
	}
	if slot := s.season.Slot(minute); slot != s.slot {
		s.season.Retune(s.sets, slot)
		if s.capped != nil {
			s.season.Retune(s.capped, slot)
		}
		s.slot = slot
		for i, n := range s.season.Counts(slot) {
			s.ref[i] = uint64(n)
		}
	}
}

// recover takes the bucket against the edge of the bucket's own time.
func (s *setsDetector) recover(c *column) {
	k, n := s.sets.Counts(s.set, s.counts(c))
	if s.season == nil {
		s.back.Update(k, n)
		return
	}
	for i := range s.sets.Len() {
		if set, lo, hi := s.sets.Interval(i); set == s.set {
			s.back.UpdateWithin(k, n, lo, hi)
			return
		}
	}
}

func (s *setsDetector) counts(c *column) []uint64 { return c.bucket.counts[:len(s.ref)] }
func (s *setsDetector) update(c *column) {
	s.sets.Update(s.counts(c))
	if s.capped != nil {
		s.capped.Update(c.counted(facts).counts[:len(s.ref)])
	}
}

func (s *setsDetector) idle() {
	s.sets.Update(s.zeros)
	if s.capped != nil {
		s.capped.Update(s.zeros)
	}
}

// logEvidence is what both have, records and facts. The smaller of two is no more than the one whose reference is exact, so
// the budget holds however clients send.
func (s *setsDetector) logEvidence() float64 {
	if s.capped != nil {
		return min(s.sets.LogEvidence(), s.capped.LogEvidence())
	}
	return s.sets.LogEvidence()
}

func (s *setsDetector) reset() {
	s.sets.Reset()
	if s.capped != nil {
		s.capped.Reset()
	}
}
func (s *setsDetector) alternatives() int           { return s.sets.Components() }
func (s *setsDetector) leading() sequential.Leading { return s.sets.Leading() }
func (s *setsDetector) startRecovery(l sequential.Leading) {
	s.set, s.back = l.Set, sequential.NewRecovery(l)
}
func (s *setsDetector) recovered() bool { return s.back.Recovered() }
func (s *setsDetector) describe(c *column, l sequential.Leading) told {
	k, n := s.sets.Counts(l.Set, s.ref)
	t := told{expected: share(k, n), seen: l.Seen}
	if c.base.grid == nil {
		bin := l.Set.Bin
		if len(s.ref) == 2 && bin != s.prefer {
			// Of two classes one is what people look for; its share says the same.
			bin, t.expected, t.seen = s.prefer, 1-t.expected, 1-t.seen
		}
		t.what = "share of " + c.base.categories[bin]
		return t
	}
	t.what = rangeText(c.base.grid.CoarseEdges(), l.Set)
	return t
}

// rangeText says in words which values a set of buckets holds.
func rangeText(edges []float64, set sequential.Set) string {
	switch {
	case set.Kind == sequential.Prefix || set.Bin == 0:
		return "share at or below " + formatNumber(edges[set.Bin])
	case set.Bin == len(edges):
		return "share above " + formatNumber(edges[set.Bin-1])
	case math.Nextafter(edges[set.Bin-1], math.Inf(1)) == edges[set.Bin]:
		return "share equal to " + formatNumber(edges[set.Bin])
	default:
		return "share above " + formatNumber(edges[set.Bin-1]) + " up to " + formatNumber(edges[set.Bin])
	}
}
func (s *setsDetector) encode(e *encoder) {
	e.bytes(s.sets.MarshalAppend(nil))
	e.uint(uint64(s.set.Kind))
	e.uint(uint64(s.set.Bin))
	e.bool(s.set.Of)
	e.bytes(s.back.MarshalAppend(nil))
	if s.capped != nil {
		e.bytes(s.capped.MarshalAppend(nil))
	}
}
func (s *setsDetector) decode(d *stateDecoder) error {
	sets := d.bytes()
	set := sequential.Set{Kind: sequential.SetKind(d.uint()), Bin: d.length(sequential.MaxBins), Of: d.bool()}
	back := d.bytes()
	if err := s.sets.Unmarshal(sets); err != nil {
		return err
	}
	s.slot = noSlot
	s.set = set
	if s.capped != nil {
		if err := s.capped.Unmarshal(d.bytes()); err != nil {
			return err
		}
	}
	return s.back.Unmarshal(back)
}

// meanDetector watches the mean of a probability. Its sums are collected as records come, in the panes.
type meanDetector struct {
	mean     sequential.Mean
	bets     sequential.MeanBets // what the sums of panes and buckets are made with, without a season
	expected float64
	sums     sequential.Sums     // of the open bucket
	capped   *sequential.Mean    // the same of the facts only; nil when every record is one
	factSums sequential.Sums     // of the open bucket
	shares   *meanDetector       // whose sums it takes; nil when it has its own
	with     sequential.MeanBets // that the open bucket's sums are made with
	back     sequential.MeanRecovery
	center   float64 // what was expected when the recovery began

	season *sequential.MeanSeason // nil when the reference is the same at any time
	slot   int                    // of the season that bets were made for last; noSlot when none
	last   sequential.MeanBets    // those
}

func (in *Instance) newMeanDetector(c *column) *meanDetector {
	mean, sd := c.base.ref.Mean(c.base.grid), c.base.ref.SD()
	ci := meanSigmas * sd / math.Sqrt(float64(c.base.ref.N))
	lo, hi := widen(mean-ci, -math.Log(c.tol.Odds)), widen(mean+ci, math.Log(c.tol.Odds))
	if c.season != nil {
		lo, hi = 0, 1 // the interval comes with the time of the week; until then nothing is bet on
	}
	m := &meanDetector{expected: mean, slot: noSlot, mean: sequential.NewMean(sequential.MeanOptions{Lo: lo, Hi: hi, Cap: in.evidence.cap, Varying: c.season != nil})}
	m.bets = m.mean.Bets()
	if in.clients != nil {
		capped := m.mean
		m.capped = &capped
	}
	return m
}

// resetSums empties the open bucket.
func (m *meanDetector) resetSums() {
	m.sums.Reset()
	m.factSums.Reset()
}

// betsAt are the bets of the bucket that begins at a minute: its sums are all made with them.
func (m *meanDetector) betsAt(minute int64) *sequential.MeanBets {
	if m.season == nil {
		return &m.bets
	}
	if slot := m.season.Slot(minute); slot != m.slot {
		lo, hi := m.season.Interval(slot)
		m.last, m.slot = sequential.NewMeanBets(sequential.MeanOptions{Lo: lo, Hi: hi}), slot
	}
	return &m.last
}

func (m *meanDetector) reseason(o *seasons) { m.season, m.slot = o.mean, noSlot }

func (m *meanDetector) tune(minute int64) {
	if m.season != nil {
		m.expected = m.season.Expected(m.season.Slot(minute))
		m.with = *m.betsAt(minute)
	}
}

// fill adds the sums of a pane. Sums of other bets do not add: the reference has changed while the bucket was open, and
// the bucket goes without them.
func (m *meanDetector) fill(p *pane) {
	if m.sums.N == 0 {
		m.with = p.bets
	} else if m.with != p.bets {
		return
	}
	m.sums.Add(&p.sums)
	if p.factSums != nil {
		m.factSums.Add(p.factSums)
	}
}

// widen moves a probability by log-odds.
func widen(p, by float64) float64 {
	if p <= 0 {
		return 0
	}
	if p >= 1 {
		return 1
	}
	return 1 / (1 + math.Exp(-(math.Log(p/(1-p)) + by)))
}

func (m *meanDetector) update(*column) {
	from := m.summing()
	bets := &from.bets
	if m.season != nil {
		bets = &from.with
	}
	m.mean.UpdateWith(bets, &from.sums)
	if m.capped != nil {
		m.capped.UpdateWith(bets, &from.factSums)
	}
}

// summing is the detector that collects the sums.
func (m *meanDetector) summing() *meanDetector {
	if m.shares != nil {
		return m.shares
	}
	return m
}

func (m *meanDetector) idle() {
	var none sequential.Sums
	m.mean.Update(&none)
	if m.capped != nil {
		m.capped.Update(&none)
	}
}

func (m *meanDetector) logEvidence() float64 {
	if m.capped != nil {
		return min(m.mean.LogEvidence(), m.capped.LogEvidence())
	}
	return m.mean.LogEvidence()
}

func (m *meanDetector) reset() {
	m.mean.Reset()
	if m.capped != nil {
		m.capped.Reset()
	}
}

func (m *meanDetector) alternatives() int           { return m.mean.Components() }
func (m *meanDetector) leading() sequential.Leading { return m.mean.Leading() }
func (m *meanDetector) describe(_ *column, l sequential.Leading) told {
	return told{"mean", m.expected, l.Seen}
}
func (m *meanDetector) recover(*column) {
	m.back.UpdateShifted(&m.summing().sums, m.expected-m.center)
}
func (m *meanDetector) startRecovery(l sequential.Leading) {
	m.back, m.center = sequential.NewMeanRecovery(l), m.expected
}
func (m *meanDetector) recovered() bool { return m.back.Recovered() }
func (m *meanDetector) encode(e *encoder) {
	e.bytes(m.mean.MarshalAppend(nil))
	e.bytes(m.back.MarshalAppend(nil))
	e.float(m.center)
	if m.capped != nil {
		e.bytes(m.capped.MarshalAppend(nil))
	}
}
func (m *meanDetector) decode(d *stateDecoder) error {
	mean, back := d.bytes(), d.bytes()
	if err := m.mean.Unmarshal(mean); err != nil {
		return err
	}
	m.center = m.expected
	if len(d.buf) > 0 { // absent in older states
		m.center = d.float()
	}
	if m.capped != nil {
		if err := m.capped.Unmarshal(d.bytes()); err != nil {
			return err
		}
	}
	return m.back.Unmarshal(back)
}
