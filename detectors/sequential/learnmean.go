package sequential

import (
	"fmt"
	"math"
	"slices"
)

// MeanObservation is one bucket of the reference of a bounded mean: count, sum and sum of squares of the values,
// clipped to [0,1].
type MeanObservation struct {
	Minute     int64
	N          uint64
	Sum, SumSq float64
	Drop       bool
	Part       float64 // as of an Observation
}

// MeanProfile is what is known of a mean over the week, for a reference file. Profiles of several nodes with the same
// calendar add: sum N, Sum and SumSq, keep the largest Kappa and Sigma.
type MeanProfile struct {
	Calendar string    `json:"calendar"`
	N        []uint64  `json:"n"` // by slot
	Sum      []float64 `json:"sum"`
	SumSq    []float64 `json:"sum_of_squares"`
	Sigma    float64   `json:"sigma"` // standard deviation of the slow wander of the mean
	Kappa    float64   `json:"kappa"`
	Days     float64   `json:"days"`
}

// MeanSeason is the null interval of a mean at any time of the week. It is immutable.
type MeanSeason struct {
	calendar Calendar
	lo, hi   []float64
	center   []float64
	maturity Maturity
}

// NewMeanSeason builds the intervals of a profile. The tolerance is in the unit of the mean.
func NewMeanSeason(p MeanProfile, o SeasonOptions) (*MeanSeason, error) {
	cal, err := ParseCalendar(p.Calendar)
	if err != nil {
		return nil, err
	}
	if n := cal.Slots(); len(p.N) != n || len(p.Sum) != n || len(p.SumSq) != n || !(p.Sigma >= 0) || !(p.Kappa >= 0) || math.IsInf(p.Sigma*p.Kappa, 1) {
		return nil, fmt.Errorf("%d slots for %s, sigma %v, kappa %v: %w", len(p.N), cal, p.Sigma, p.Kappa, ErrProfile)
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	raw := make([]moments, len(p.N))
	for i := range raw {
		raw[i] = moments{float64(p.N[i]), p.Sum[i], p.SumSq[i]}
		if !raw[i].valid() {
			return nil, fmt.Errorf("slot %d has a sum of %v over %d: %w", i, p.Sum[i], p.N[i], ErrProfile)
		}
	}
	s := &MeanSeason{calendar: cal, maturity: MaturityOf(p.Days)}
	for _, m := range smoothMoments(cal, raw) {
		lo, hi := m.interval(o, p.Kappa*p.Sigma)
		s.lo, s.hi, s.center = append(s.lo, lo), append(s.hi, hi), append(s.center, m.mean())
	}
	return s, nil
}

// Slot returns the part of the week of a minute: Mean.Retune is due when it changes.
func (s *MeanSeason) Slot(minute int64) int { return s.calendar.Slot(minute) }

// Interval returns the null interval of a slot, for Mean.Retune.
func (s *MeanSeason) Interval(slot int) (lo, hi float64) { return s.lo[slot], s.hi[slot] }

// Expected returns the mean that the reference had in a slot.
func (s *MeanSeason) Expected(slot int) float64 { return s.center[slot] }

// Maturity says how far the reference can be trusted.
func (s *MeanSeason) Maturity() Maturity { return s.maturity }

// moments are the count, sum and sum of squares of values in [0,1].
type moments struct{ n, sum, sq float64 }

// valid allows for rounding in long sums.
func (m moments) valid() bool {
	const slack = 1e-9
	return m.n >= 0 && m.sum >= 0 && m.sq >= 0 && m.sum <= m.n*(1+slack)+slack && m.sq <= m.sum*(1+slack)+slack
}

func (m moments) mean() float64 {
	if m.n == 0 {
		return math.NaN()
	}
	return m.sum / m.n
}

func (m moments) variance() float64 {
	if m.n == 0 {
		return 0
	}
	mean := m.sum / m.n
	return max(0, m.sq/m.n-mean*mean)
}

// interval is Bernstein's: z standard errors, and a term in 1/n for what a sample has not shown yet. That of a sample
// of zeros alone is about the exact upper bound of a rate.
func (m moments) interval(o SeasonOptions, slack float64) (lo, hi float64) {
	if m.n == 0 {
		return 0, 1
	}
	z := o.Z
	if z == 0 {
		z = defaultZ
	}
	width := z*math.Sqrt(m.variance()/m.n) + (z*z/2+2)/m.n + o.Tol + slack
	lo, hi = max(0, m.mean()-width), min(1, m.mean()+width)
	if o.Odds > 0 && lo > 0 {
		lo = expit(logit(lo) - o.Odds)
	}
	if o.Odds > 0 && hi < 1 {
		hi = expit(logit(hi) + o.Odds)
	}
	return lo, hi
}

func smoothMoments(cal Calendar, raw []moments) []moments {
	out := make([]moments, len(raw))
	for slot := range raw {
		cal.neighbours(slot, func(j int) {
			// No mean in [0,1] scatters more than a share.
			if alike(raw[slot].sum, raw[slot].n, raw[j].sum, raw[j].n) {
				out[slot].n += raw[j].n
				out[slot].sum += raw[j].sum
				out[slot].sq += raw[j].sq
			}
		})
	}
	return out
}

// LearnMeanOptions configures LearnMean. The tolerance is in the unit of the mean.
type LearnMeanOptions struct {
	SeasonOptions
	ReplayOptions
}

// LearnedMean is what LearnMean found.
type LearnedMean struct {
	Profile MeanProfile
	Dropped int
	Peak    float64
	Stable  bool
}

// LearnMean is LearnSeason for a bounded mean. It knows moments only, so its replay takes the logarithms of the
// factors to second order around each bucket's mean: good enough to choose a slack by.
func LearnMean(ref []MeanObservation, o LearnMeanOptions) (LearnedMean, error) {
	if err := o.ReplayOptions.check(); err != nil {
		return LearnedMean{}, err
	}
	info := make([]bucketInfo, len(ref))
	for i, b := range ref {
		if !(moments{float64(b.N), b.Sum, b.SumSq}).valid() {
			return LearnedMean{}, fmt.Errorf("bucket %d has a sum of %v over %d values in [0,1]: %w", i, b.Sum, b.N, ErrProfile)
		}
		info[i] = bucketInfo{minute: b.Minute, records: b.N, drop: b.Drop, part: b.Part}
	}
	t, err := newTimeline(info, o.Days)
	if err != nil {
		return LearnedMean{}, err
	}
	l := meanLearner{timeline: t, o: o, ref: ref}
	cal := choose(t.calendars(o.Calendar), func(cal Calendar) float64 { return l.score(l.crossFit(cal)) })
	t.dropOutliers(func() func(int) float64 {
		c := l.crossFit(cal)
		return func(i int) float64 {
			e, v := l.residual(c, i)
			return e / math.Sqrt(v)
		}
	})
	l.ref = slices.Clone(l.ref)
	t.rejoin(func(first, second int) {
		a, b := &l.ref[first], &l.ref[second]
		a.N, a.Sum, a.SumSq = a.N+b.N, a.Sum+b.Sum, a.SumSq+b.SumSq
	})
	c := l.crossFit(cal)
	// In residual's units a block's movement is e/v times the variance of one value.
	sigma := t.wander(1e-12, func(i int) (e, v float64) {
		e, v = l.residual(c, i)
		one := l.spread(c, i)
		return e / one, v / (one * one)
	})
	out := LearnedMean{Dropped: t.dropped()}
	out.Profile = MeanProfile{Calendar: cal.String(), Sigma: sigma, Days: t.days}
	for _, m := range l.totals(cal, -1) {
		out.Profile.N = append(out.Profile.N, uint64(m.n))
		out.Profile.Sum = append(out.Profile.Sum, m.sum)
		out.Profile.SumSq = append(out.Profile.SumSq, m.sq)
	}
	out.Profile.Kappa, out.Peak, out.Stable = o.calibrate(t, func(kappa float64) float64 { return l.replay(c, kappa*sigma) })
	return out, nil
}

type meanLearner struct {
	*timeline
	o   LearnMeanOptions
	ref []MeanObservation
}

func (l *meanLearner) totals(cal Calendar, without int) []moments {
	out := make([]moments, cal.Slots())
	l.each(func(i int) {
		if l.fold[i] != without {
			m := &out[cal.Slot(l.ref[i].Minute)]
			m.n += float64(l.ref[i].N)
			m.sum += l.ref[i].Sum
			m.sq += l.ref[i].SumSq
		}
	})
	return out
}

// meanFit has, for every fold, the smoothed moments of all other folds by slot, and their total for slots without
// any.
type meanFit struct {
	calendar Calendar
	without  [][]moments
	overall  []moments
}

func (l *meanLearner) crossFit(cal Calendar) *meanFit {
	c := &meanFit{calendar: cal}
	for f := range l.folds {
		raw := l.totals(cal, f)
		var all moments
		for _, m := range raw {
			all.n, all.sum, all.sq = all.n+m.n, all.sum+m.sum, all.sq+m.sq
		}
		c.without = append(c.without, smoothMoments(cal, raw))
		c.overall = append(c.overall, all)
	}
	return c
}

func (l *meanLearner) fitted(c *meanFit, i int) moments {
	if m := c.without[l.fold[i]][c.calendar.Slot(l.ref[i].Minute)]; m.n > 0 {
		return m
	}
	return c.overall[l.fold[i]]
}

// spread is the variance of one value by the profile, never quite 0.
func (l *meanLearner) spread(c *meanFit, i int) float64 {
	return max(l.fitted(c, i).variance(), 1e-12)
}

// residual is the bucket's sum minus what the profile expects, and its variance.
func (l *meanLearner) residual(c *meanFit, i int) (e, v float64) {
	m := l.fitted(c, i)
	if m.n == 0 {
		return 0, 1
	}
	return l.ref[i].Sum - float64(l.ref[i].N)*m.mean(), float64(l.ref[i].N) * l.spread(c, i)
}

// score is the log-likelihood of the held-out buckets' means as normal variables.
func (l *meanLearner) score(c *meanFit) (sum float64) {
	l.each(func(i int) {
		e, v := l.residual(c, i)
		sum -= e*e/(2*v) + math.Log(v)/2
	})
	return sum
}

func (l *meanLearner) replay(c *meanFit, slack float64) float64 {
	d := NewMean(MeanOptions{Varying: true})
	peak := math.Inf(-1)
	fold, slot := -1, -1
	l.each(func(i int) {
		b := l.ref[i]
		if f, s := l.fold[i], c.calendar.Slot(b.Minute); f != fold || s != slot {
			fold, slot = f, s
			d.Retune(c.without[f][s].interval(l.o.SeasonOptions, slack))
		}
		sums := d.bets.approximate(moments{float64(b.N), b.Sum, b.SumSq})
		d.o.Cap = l.o.bucketCap(&l.buckets[i])
		d.Update(&sums)
		peak = max(peak, d.LogEvidence())
	})
	return peak
}

// approximate returns the sums of a bucket of which only the moments are known: ln(base + slope*x) to second order
// around the mean of the bucket.
func (b *MeanBets) approximate(m moments) Sums {
	s := Sums{N: uint64(m.n), Sum: m.sum, SumSq: m.sq}
	if m.n == 0 {
		return s
	}
	mean, variance := m.mean(), m.variance()
	for i := range b.base {
		factor := b.base[i] + b.slope[i]*mean
		ratio := b.slope[i] / factor
		s.logs[i] = m.n * (math.Log(factor) - ratio*ratio*variance/2)
	}
	return s
}
