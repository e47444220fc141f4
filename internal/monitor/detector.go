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
)

var rateNames = [...]string{"share missing", "share repeated", "share unseen", "share stale", "share unchanged since the same entity came before"}

// rateDetector watches a share for a rise. A fall of what is missing, repeated or unseen is no fault.
type rateDetector struct {
	kind     rateKind
	expected float64
	rate     sequential.Rate
	back     sequential.Recovery
}

func newRateDetector(kind rateKind, hi, limit, expected float64) *rateDetector {
	return &rateDetector{kind: kind, expected: expected, rate: sequential.NewRate(sequential.RateOptions{Hi: hi, Cap: limit})}
}

func (r *rateDetector) counts(c *column) (k, n uint64) {
	switch r.kind {
	case rateMissing:
		return c.bucket.missing, c.bucket.missing + c.bucket.present
	case rateRepeated:
		return c.bucket.repeats, c.bucket.present
	case rateUpdates:
		return c.bucket.pairs.compared - c.bucket.pairs.same, c.bucket.pairs.compared
	case rateStale:
		return c.bucket.stale, c.bucket.aged
	default:
		return c.bucket.counts[len(c.bucket.counts)-1], c.bucket.present
	}
}

func (r *rateDetector) update(c *column)            { r.rate.Update(r.counts(c)) }
func (r *rateDetector) idle()                       { r.rate.Update(0, 0) }
func (r *rateDetector) logEvidence() float64        { return r.rate.LogEvidence() }
func (r *rateDetector) alternatives() int           { return r.rate.Components() }
func (r *rateDetector) reset()                      { r.rate.Reset() }
func (r *rateDetector) leading() sequential.Leading { return r.rate.Leading() }
func (r *rateDetector) describe(_ *column, l sequential.Leading) told {
	if r.kind == rateUpdates {
		return told{rateNames[r.kind], 1 - r.expected, 1 - l.Seen}
	}
	return told{rateNames[r.kind], r.expected, l.Seen}
}
func (r *rateDetector) recover(c *column)                  { r.back.Update(r.counts(c)) }
func (r *rateDetector) startRecovery(l sequential.Leading) { r.back = sequential.NewRecovery(l) }
func (r *rateDetector) recovered() bool                    { return r.back.Recovered() }
func (r *rateDetector) encode(e *encoder) {
	e.bytes(r.rate.MarshalAppend(nil))
	e.bytes(r.back.MarshalAppend(nil))
}
func (r *rateDetector) decode(d *stateDecoder) error {
	rate, back := d.bytes(), d.bytes()
	if err := r.rate.Unmarshal(rate); err != nil {
		return err
	}
	return r.back.Unmarshal(back)
}

// setsDetector watches the bins of a number or the categories of a column against the reference.
type setsDetector struct {
	sets   *sequential.Sets
	ref    []uint64
	zeros  []uint64
	prefer int            // of two classes, the one that people look for
	set    sequential.Set // that alarmed
	back   sequential.Recovery
}

func (s *setsDetector) counts(c *column) []uint64   { return c.bucket.counts[:len(s.ref)] }
func (s *setsDetector) update(c *column)            { s.sets.Update(s.counts(c)) }
func (s *setsDetector) idle()                       { s.sets.Update(s.zeros) }
func (s *setsDetector) logEvidence() float64        { return s.sets.LogEvidence() }
func (s *setsDetector) alternatives() int           { return s.sets.Components() }
func (s *setsDetector) reset()                      { s.sets.Reset() }
func (s *setsDetector) leading() sequential.Leading { return s.sets.Leading() }
func (s *setsDetector) recover(c *column)           { s.back.Update(s.sets.Counts(s.set, s.counts(c))) }
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
}
func (s *setsDetector) decode(d *stateDecoder) error {
	sets := d.bytes()
	set := sequential.Set{Kind: sequential.SetKind(d.uint()), Bin: d.length(sequential.MaxBins), Of: d.bool()}
	back := d.bytes()
	if err := s.sets.Unmarshal(sets); err != nil {
		return err
	}
	s.set = set
	return s.back.Unmarshal(back)
}

// meanDetector watches the mean of a probability. Its sums are collected as records come, in the panes.
type meanDetector struct {
	mean     sequential.Mean
	bets     sequential.MeanBets // what the sums of panes and buckets are made with
	expected float64
	sums     sequential.Sums // of the open bucket
	back     sequential.MeanRecovery
}

func (in *Instance) newMeanDetector(c *column) *meanDetector {
	mean, sd := c.base.ref.Mean(c.base.grid), c.base.ref.SD()
	ci := meanSigmas * sd / math.Sqrt(float64(c.base.ref.N))
	lo, hi := widen(mean-ci, -math.Log(c.tol.Odds)), widen(mean+ci, math.Log(c.tol.Odds))
	m := &meanDetector{expected: mean, mean: sequential.NewMean(sequential.MeanOptions{Lo: lo, Hi: hi, Cap: in.evidence.cap})}
	m.bets = m.mean.Bets()
	in.evidence.mean = m
	return m
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

func (m *meanDetector) update(*column)              { m.mean.Update(&m.sums) }
func (m *meanDetector) idle()                       { var none sequential.Sums; m.mean.Update(&none) }
func (m *meanDetector) logEvidence() float64        { return m.mean.LogEvidence() }
func (m *meanDetector) alternatives() int           { return m.mean.Components() }
func (m *meanDetector) reset()                      { m.mean.Reset() }
func (m *meanDetector) leading() sequential.Leading { return m.mean.Leading() }
func (m *meanDetector) describe(_ *column, l sequential.Leading) told {
	return told{"mean", m.expected, l.Seen}
}
func (m *meanDetector) recover(*column)                    { m.back.Update(&m.sums) }
func (m *meanDetector) startRecovery(l sequential.Leading) { m.back = sequential.NewMeanRecovery(l) }
func (m *meanDetector) recovered() bool                    { return m.back.Recovered() }
func (m *meanDetector) encode(e *encoder) {
	e.bytes(m.mean.MarshalAppend(nil))
	e.bytes(m.back.MarshalAppend(nil))
}
func (m *meanDetector) decode(d *stateDecoder) error {
	mean, back := d.bytes(), d.bytes()
	if err := m.mean.Unmarshal(mean); err != nil {
		return err
	}
	return m.back.Unmarshal(back)
}
