package sequential

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Observation is one bucket of the reference of a rate.
type Observation struct {
	Minute int64  // of its start; see Calendar.Slot
	K, N   uint64 // N = 0 is an empty bucket
	Drop   bool   // a labelled incident: not part of what is normal
	// Part is the share of a bucket that it covers; 0 means all of it. A bucket with a short burst may be handed over in
	// two parts, one after the other and of the same minute: an outlier among them is left out alone, and what stays brings no
	// more than its share of the cap.
	Part float64
}

// LearnOptions configures LearnSeason.
type LearnOptions struct {
	SeasonOptions
	ReplayOptions
	// Multipliers are those of the Rate that will use the season.
	Multipliers []float64
	// UpOnly says that only rises matter, as RateOptions.UpOnly.
	UpOnly bool
}

// Learned is what LearnSeason found.
type Learned struct {
	Profile SeasonProfile
	Dropped int     // buckets that were left out: labelled, or more than 6 robust standard deviations off
	Peak    float64 // of the log-evidence in the replay with the chosen kappa
	Stable  bool    // false when even the widest slack peaked above the limit: tickets only
}

// minBlockInfo is the expected variance below which a block of a rate says nothing of its wander.
const minBlockInfo = 5.

// LearnSeason learns the weekly profile of a rate, the size of its slow wander, and how much slack the wander needs:
// the smallest kappa in 0, .5, ..., 4 with which a replay of the reference, every week judged by the profile of the
// other weeks, stays well below the threshold. The observations are in order of time. It takes some 100 ms for 28
// days of five-minute buckets.
func LearnSeason(ref []Observation, o LearnOptions) (Learned, error) {
	if err := errors.Join(o.ReplayOptions.check(), o.SeasonOptions.check()); err != nil {
		return Learned{}, err
	}
	info := make([]bucketInfo, len(ref))
	for i, b := range ref {
		if b.K > b.N {
			return Learned{}, fmt.Errorf("bucket %d has %d of %d records: %w", i, b.K, b.N, ErrProfile)
		}
		info[i] = bucketInfo{minute: b.Minute, records: b.N, drop: b.Drop, part: b.Part}
	}
	t, err := newTimeline(info, o.Days)
	if err != nil {
		return Learned{}, err
	}
	l := rateLearner{timeline: t, o: o, ref: ref}
	cal := choose(t.calendars(o.Calendar), func(cal Calendar) float64 { return l.score(l.crossFit(cal)) })
	t.dropOutliers(func() func(int) float64 {
		c := l.crossFit(cal)
		return func(i int) float64 {
			e, v := l.residual(c, i)
			// One more count of variance: a rare event where none is expected is not six deviations off.
			return e / math.Sqrt(v+1)
		}
	})
	l.ref = slices.Clone(l.ref)
	t.rejoin(func(first, second int) {
		l.ref[first].K += l.ref[second].K
		l.ref[first].N += l.ref[second].N
	})
	c := l.crossFit(cal)
	sigma := t.wander(minBlockInfo, func(i int) (e, v float64) { return l.residual(c, i) })
	out := Learned{Dropped: t.dropped()}
	out.Profile = SeasonProfile{Calendar: cal.String(), Sigma: sigma, Days: t.days}
	out.Profile.Kappa, out.Peak, out.Stable = o.calibrate(t, func(kappa float64) float64 { return l.replay(c, kappa*sigma) })
	out.Profile.K, out.Profile.N = l.totals(cal, -1)
	return out, nil
}

type rateLearner struct {
	*timeline
	o   LearnOptions
	ref []Observation
}

// totals sums the buckets that count, by slot, without those of one fold.
func (l *rateLearner) totals(cal Calendar, without int) (k, n []uint64) {
	k, n = make([]uint64, cal.Slots()), make([]uint64, cal.Slots())
	l.each(func(i int) {
		if l.fold[i] != without {
			slot := cal.Slot(l.ref[i].Minute)
			k[slot] += l.ref[i].K
			n[slot] += l.ref[i].N
		}
	})
	return k, n
}

// rateFit has, for every fold, the profile of all other folds.
type rateFit struct {
	calendar Calendar
	without  []*fit
}

func (l *rateLearner) crossFit(cal Calendar) *rateFit {
	c := &rateFit{calendar: cal}
	for f := range l.folds {
		k, n := l.totals(cal, f)
		c.without = append(c.without, newFit(cal, k, n, l.o.SeasonOptions))
	}
	return c
}

func (l *rateLearner) expected(c *rateFit, i int) float64 {
	return c.without[l.fold[i]].rate(c.calendar.Slot(l.ref[i].Minute))
}

// score is the log-likelihood of the held-out folds.
func (l *rateLearner) score(c *rateFit) (sum float64) {
	l.each(func(i int) {
		b, p := l.ref[i], l.expected(c, i)
		sum += float64(b.K)*math.Log(p) + float64(b.N-b.K)*math.Log1p(-p)
	})
	return sum
}

// residual returns k - N*P of a bucket and its variance.
func (l *rateLearner) residual(c *rateFit, i int) (e, v float64) {
	p, n := l.expected(c, i), float64(l.ref[i].N)
	return float64(l.ref[i].K) - n*p, n * p * (1 - p)
}

// replay runs the detector over the reference and returns the peak of its evidence.
func (l *rateLearner) replay(c *rateFit, slack float64) float64 {
	r := NewRate(RateOptions{Varying: true, Multipliers: l.o.Multipliers, UpOnly: l.o.UpOnly})
	peak := math.Inf(-1)
	slots := c.calendar.Slots()
	intervals := make([][2]float64, slots*len(c.without))
	for f, fit := range c.without {
		for slot := range slots {
			lo, hi, _ := fit.interval(slot, l.o.Tol+slack)
			intervals[f*slots+slot] = [2]float64{lo, hi}
		}
	}
	l.each(func(i int) {
		in := intervals[l.fold[i]*slots+c.calendar.Slot(l.ref[i].Minute)]
		r.ceil = ceiling(l.o.bucketCap(&l.buckets[i]))
		r.UpdateWithin(l.ref[i].K, l.ref[i].N, in[0], in[1])
		peak = max(peak, r.LogEvidence())
	})
	return peak
}
