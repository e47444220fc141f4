package sequential

import (
	"fmt"
	"math"
	"slices"
)

// CountsObservation is one bucket of the reference of a histogram or of categories.
type CountsObservation struct {
	Minute int64
	Counts []uint64 // one a bin, in the order of NewSets
	Drop   bool
	Part   float64 // as of an Observation
}

// SetsProfile is what is known of a feature's bins over the week, for a reference file.
type SetsProfile struct {
	Calendar string     `json:"calendar"`
	Counts   [][]uint64 `json:"counts"` // by slot, one a bin
	Sigma    float64    `json:"sigma"`  // of the slow wander of the share that wanders most, in log-odds
	Kappa    float64    `json:"kappa"`
	Days     float64    `json:"days"`
}

// Slack is what the profile's wander adds to SetsOptions.Slack.
func (p *SetsProfile) Slack() float64 { return p.Kappa * p.Sigma }

// LearnedSets is what LearnSets found.
type LearnedSets struct {
	Profile SetsProfile
	Dropped int
	Peak    float64
	Stable  bool
}

// LearnSets is LearnSeason for Sets: o are the options of the detector that will use the profile. It takes some
// 100 ms for 28 days of five-minute buckets with 10 bins and no wander, and a second with much.
func LearnSets(ref []CountsObservation, o SetsOptions, replay ReplayOptions) (LearnedSets, error) {
	if err := replay.check(); err != nil {
		return LearnedSets{}, err
	}
	info := make([]bucketInfo, len(ref))
	bins := 0
	for i, b := range ref {
		if i == 0 {
			bins = len(b.Counts)
		}
		if len(b.Counts) != bins {
			return LearnedSets{}, fmt.Errorf("bucket %d has %d bins, the first one %d: %w", i, len(b.Counts), bins, ErrBins)
		}
		info[i] = bucketInfo{minute: b.Minute, drop: b.Drop, part: b.Part}
		for _, c := range b.Counts {
			info[i].records += c
		}
	}
	t, err := newTimeline(info, replay.Days)
	if err != nil {
		return LearnedSets{}, err
	}
	o.Varying = true
	l := setsLearner{timeline: t, o: o, ref: ref, bins: bins, perBucket: max(1, replay.PerBucket)}
	cal := choose(t.calendars(replay.Calendar), func(cal Calendar) float64 { return l.score(l.crossFit(cal)) })
	t.dropOutliers(func() func(int) float64 {
		c := l.crossFit(cal)
		return func(i int) float64 { return l.deviation(c, i) }
	})
	l.ref = slices.Clone(l.ref)
	t.rejoin(func(first, second int) {
		counts := slices.Clone(l.ref[first].Counts)
		for bin, n := range l.ref[second].Counts {
			counts[bin] += n
		}
		l.ref[first].Counts = counts
	})
	c := l.crossFit(cal)
	if l.detector, err = NewSets(l.totals(Flat, -1)[0], o); err != nil {
		return LearnedSets{}, err
	}
	sigma := 0.
	for bin := range bins {
		sigma = max(sigma, t.wander(minBlockInfo, func(i int) (e, v float64) { return l.residual(c, i, bin) }))
	}
	out := LearnedSets{Dropped: t.dropped()}
	out.Profile = SetsProfile{Calendar: cal.String(), Sigma: sigma, Days: t.days, Counts: l.totals(cal, -1)}
	out.Profile.Kappa, out.Peak, out.Stable = replay.calibrate(t, func(kappa float64) float64 { return l.replay(c, kappa*sigma) })
	return out, nil
}

type setsLearner struct {
	*timeline
	o    SetsOptions
	ref  []CountsObservation
	bins int

	perBucket float64
	detector  *Sets
}

func (l *setsLearner) totals(cal Calendar, without int) [][]uint64 {
	out := make([][]uint64, cal.Slots())
	for i := range out {
		out[i] = make([]uint64, l.bins)
	}
	l.each(func(i int) {
		if l.fold[i] != without {
			for bin, c := range l.ref[i].Counts {
				out[cal.Slot(l.ref[i].Minute)][bin] += c
			}
		}
	})
	return out
}

// setsFit has, for every fold, the smoothed counts of all other folds by slot.
type setsFit struct {
	calendar Calendar
	without  [][][]uint64
	total    [][]float64 // by fold and slot
}

func (l *setsLearner) crossFit(cal Calendar) *setsFit {
	c := &setsFit{calendar: cal}
	for f := range l.folds {
		counts := smooth(cal, l.totals(cal, f))
		sums := make([]float64, len(counts))
		for slot, bins := range counts {
			for _, n := range bins {
				sums[slot] += float64(n)
			}
		}
		c.without = append(c.without, counts)
		c.total = append(c.total, sums)
	}
	return c
}

// smooth adds the neighbours of every slot that are like it in every bin.
func smooth(cal Calendar, counts [][]uint64) [][]uint64 {
	out := make([][]uint64, len(counts))
	totals := make([]float64, len(counts))
	for slot, bins := range counts {
		for _, n := range bins {
			totals[slot] += float64(n)
		}
	}
	for slot := range counts {
		out[slot] = make([]uint64, len(counts[slot]))
		cal.neighbours(slot, func(j int) {
			for bin, c := range counts[j] {
				if !alike(float64(counts[slot][bin]), totals[slot], float64(c), totals[j]) {
					return
				}
			}
			for bin, c := range counts[j] {
				out[slot][bin] += c
			}
		})
	}
	return out
}

// share is the profile's estimate of a bin's share, with half a record more in every bin.
func (l *setsLearner) share(c *setsFit, i, bin int) float64 {
	slot := c.calendar.Slot(l.ref[i].Minute)
	return (float64(c.without[l.fold[i]][slot][bin]) + .5) / (c.total[l.fold[i]][slot] + .5*float64(l.bins))
}

func (l *setsLearner) score(c *setsFit) (sum float64) {
	l.each(func(i int) {
		for bin, k := range l.ref[i].Counts {
			if k > 0 {
				sum += float64(k) * math.Log(l.share(c, i, bin))
			}
		}
	})
	return sum
}

func (l *setsLearner) residual(c *setsFit, i, bin int) (e, v float64) {
	p, n := l.share(c, i, bin), float64(l.buckets[i].records)
	return float64(l.ref[i].Counts[bin]) - n*p, n * p * (1 - p)
}

// deviation is that of the bin that is off most.
func (l *setsLearner) deviation(c *setsFit, i int) (worst float64) {
	for bin := range l.bins {
		e, v := l.residual(c, i, bin)
		worst = max(worst, math.Abs(e)/math.Sqrt(v+1))
	}
	return worst
}

func (l *setsLearner) replay(c *setsFit, slack float64) float64 {
	l.detector.Reset()
	peak := math.Inf(-1)
	fold, slot := -1, -1
	l.each(func(i int) {
		if f, s := l.fold[i], c.calendar.Slot(l.ref[i].Minute); f != fold || s != slot {
			fold, slot = f, s
			l.detector.Retune(c.without[f][s], slack)
		}
		l.detector.ceil = ceiling(l.o.Cap * max(1, l.perBucket*l.buckets[i].covers()))
		l.detector.Update(l.ref[i].Counts)
		peak = max(peak, l.detector.LogEvidence())
	})
	return peak
}

// SetsSeason retunes a Sets to the time of the week. It is immutable and holds 4 bytes a bin and slot: at
// most 16 kB with 12 bins.
type SetsSeason struct {
	calendar Calendar
	counts   [][]uint32 // smoothed
	slack    float64
	maturity Maturity
}

// NewSetsSeason checks a profile.
func NewSetsSeason(p SetsProfile) (*SetsSeason, error) {
	cal, err := ParseCalendar(p.Calendar)
	if err != nil {
		return nil, err
	}
	if len(p.Counts) != cal.Slots() || !(p.Sigma >= 0) || !(p.Kappa >= 0) || math.IsInf(p.Slack(), 1) {
		return nil, fmt.Errorf("%d slots for %s, sigma %v, kappa %v: %w", len(p.Counts), cal, p.Sigma, p.Kappa, ErrProfile)
	}
	if slices.ContainsFunc(p.Counts, func(c []uint64) bool { return len(c) != len(p.Counts[0]) }) {
		return nil, fmt.Errorf("slots of different numbers of bins: %w", ErrProfile)
	}
	s := &SetsSeason{calendar: cal, slack: p.Slack(), maturity: MaturityOf(p.Days)}
	for _, counts := range smooth(cal, p.Counts) {
		// Beyond four billion the sample's own uncertainty is nothing; shares are what counts.
		shift := 0
		for slices.Max(counts)>>shift > math.MaxUint32 {
			shift++
		}
		small := make([]uint32, len(counts))
		for i, n := range counts {
			small[i] = uint32(n >> shift)
		}
		s.counts = append(s.counts, small)
	}
	return s, nil
}

// Slot returns the part of the week of a minute: Retune is due when it changes.
func (s *SetsSeason) Slot(minute int64) int { return s.calendar.Slot(minute) }

// Retune gives the detector the reference of a slot.
func (s *SetsSeason) Retune(d *Sets, slot int) bool {
	counts := s.counts[slot]
	if len(counts) != d.bins || !d.o.Varying {
		return false
	}
	if d.reference == nil {
		d.reference = make([]uint64, d.bins)
	}
	for i, n := range counts {
		d.reference[i] = uint64(n)
	}
	return d.Retune(d.reference, s.slack)
}

// Counts returns the reference's count of every bin around a slot.
func (s *SetsSeason) Counts(slot int) []uint32 { return s.counts[slot] }

// Maturity says how far the reference can be trusted.
func (s *SetsSeason) Maturity() Maturity { return s.maturity }
