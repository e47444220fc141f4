package monitor

import (
	"math"

	"github.com/plumbline-ml/plumbline/detectors/sequential"
)

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
