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
}

// LearnOptions configures LearnSeason.
type LearnOptions struct {
	SeasonOptions
	// LogA is the threshold of the stream, Weight the share of the budget that it was computed with (0 means 1). The
	// replay of the reference must stay 2 below the threshold of the whole budget, LogA + ln Weight: a stream that
	// comes near that in 28 days would sooner or later spend what belongs to the others.
	LogA, Weight float64
	// Calendar fixes the calendar; nil means the one that predicts held-out weeks best.
	Calendar *Calendar
	// Multipliers are those of the Rate that will use the season.
	Multipliers []float64
}

// Learned is what LearnSeason found.
type Learned struct {
	Profile SeasonProfile
	Dropped int     // buckets that were left out: labelled, or more than 6 robust standard deviations off
	Peak    float64 // of the log-evidence in the replay with the chosen kappa
	Stable  bool    // false when even the widest slack peaked above the limit: tickets only
}

// ErrReference says that there is nothing to learn from.
var ErrReference = errors.New("the reference has no records")

const (
	outlier      = 6.  // robust standard deviations
	replayMargin = 2.  // nats below the threshold
	kappaStep    = .5  // of the grid 0, .5, ..., 4
	kappaMax     = 4.  //
	winsor       = .99 // squared block residuals are cut at this quantile
	minBlockInfo = 5.  // a block says nothing of the wander with less expected variance
	sqrtMAD      = 1.4826
)

var wanderBlocks = [...]int64{30, 60, 180} // minutes

// LearnSeason learns the weekly profile of a rate, the size of its slow wander, and how much slack the wander needs:
// the smallest kappa in 0, .5, ..., 4 with which a replay of the reference, every week judged by the profile of the
// other weeks, stays well below the threshold. The observations are in order of time.
func LearnSeason(ref []Observation, o LearnOptions) (Learned, error) {
	l := learner{o: o, obs: slices.Clone(ref)}
	if err := l.prepare(); err != nil {
		return Learned{}, err
	}
	cal := l.chooseCalendar()
	dropped := l.dropOutliers(cal)
	c := l.crossFit(cal)
	sigma := l.wander(c)
	out := Learned{Dropped: dropped}
	limit := o.LogA + math.Log(l.weight()) - replayMargin
	kappa := 0.
	for ; ; kappa += kappaStep {
		out.Peak = l.replay(c, kappa*sigma)
		if out.Stable = out.Peak < limit; out.Stable || kappa >= kappaMax {
			break
		}
	}
	if MaturityOf(l.days) == Young {
		// With two weeks the replay sees too little of the wander; half a sigma more repairs it.
		kappa += kappaStep
	}
	k, n := l.totals(cal)
	out.Profile = SeasonProfile{Calendar: cal.String(), K: k, N: n, Sigma: sigma, Kappa: kappa, Days: l.days}
	return out, nil
}

type learner struct {
	o     LearnOptions
	obs   []Observation
	folds int
	fold  []int // of every observation
	days  float64
}

func (l *learner) weight() float64 {
	if l.o.Weight > 0 {
		return min(l.o.Weight, 1)
	}
	return 1
}

// prepare checks the observations and deals them out to folds: weeks, or days when there are less than two weeks, or
// eighths when there are less than three days.
func (l *learner) prepare() error {
	records := uint64(0)
	for i, b := range l.obs {
		if b.K > b.N {
			return fmt.Errorf("bucket %d has %d of %d records: %w", i, b.K, b.N, ErrProfile)
		}
		if i > 0 && b.Minute < l.obs[i-1].Minute {
			return fmt.Errorf("bucket %d is before the one ahead of it: %w", i, ErrProfile)
		}
		if !b.Drop {
			records += b.N
		}
	}
	if records == 0 {
		return ErrReference
	}
	if !(l.o.LogA > 0) {
		return fmt.Errorf("threshold %v: %w", l.o.LogA, ErrProfile)
	}
	first, last := l.obs[0].Minute, l.obs[len(l.obs)-1].Minute
	seen := map[int64]bool{}
	for _, b := range l.obs {
		if b.N > 0 && !b.Drop {
			seen[b.Minute/minutesPerDay] = true
		}
	}
	// Days with data, but no more than the time that passed: half a day on each end is not two days.
	l.days = min(float64(len(seen)), float64(last-first+1)/minutesPerDay+.01)
	length := int64(7 * minutesPerDay)
	switch {
	case l.days < 3:
		length = (last-first)/8 + 1
	case l.days < 14:
		length = minutesPerDay
	}
	l.fold = make([]int, len(l.obs))
	for i, b := range l.obs {
		l.fold[i] = int((b.Minute - first) / length)
		l.folds = max(l.folds, l.fold[i]+1)
	}
	return nil
}

// totals sums the observations that are kept, by slot.
func (l *learner) totals(cal Calendar) (k, n []uint64) {
	k, n = make([]uint64, cal.Slots()), make([]uint64, cal.Slots())
	for _, b := range l.obs {
		if !b.Drop {
			slot := cal.Slot(b.Minute)
			k[slot] += b.K
			n[slot] += b.N
		}
	}
	return k, n
}

// crossFitted has, for every fold, the profile of all other folds.
type crossFitted struct {
	calendar Calendar
	without  []*fit
}

func (l *learner) crossFit(cal Calendar) *crossFitted {
	k, n := l.totals(cal)
	c := &crossFitted{calendar: cal}
	for f := range l.folds {
		kf, nf := slices.Clone(k), slices.Clone(n)
		for i, b := range l.obs {
			if l.fold[i] == f && !b.Drop {
				slot := cal.Slot(b.Minute)
				kf[slot] -= b.K
				nf[slot] -= b.N
			}
		}
		c.without = append(c.without, newFit(cal, kf, nf, l.o.Z))
	}
	return c
}

// chooseCalendar returns the calendar that predicts the held-out folds best. A season needs to have been seen at
// least twice: days from the third on, weeks from the second.
func (l *learner) chooseCalendar() Calendar {
	if l.o.Calendar != nil {
		return *l.o.Calendar
	}
	candidates := []Calendar{Flat}
	if l.days >= 3 {
		candidates = append(candidates, Daily)
	}
	if l.days >= 13.9 {
		candidates = append(candidates, Workweek, Weekly)
	}
	best, bestScore := Flat, math.Inf(-1)
	for _, cal := range candidates {
		c := l.crossFit(cal)
		score := 0.
		for i, b := range l.obs {
			if b.N == 0 || b.Drop {
				continue
			}
			p := c.without[l.fold[i]].rate(cal.Slot(b.Minute))
			score += float64(b.K)*math.Log(p) + float64(b.N-b.K)*math.Log1p(-p)
		}
		if score > bestScore {
			best, bestScore = cal, score
		}
	}
	return best
}

// residual returns k - N*P of a bucket and its variance, against the profile of the other folds.
func (l *learner) residual(c *crossFitted, i int) (e, v float64) {
	b := l.obs[i]
	p := c.without[l.fold[i]].rate(c.calendar.Slot(b.Minute))
	return float64(b.K) - float64(b.N)*p, float64(b.N) * p * (1 - p)
}

// dropOutliers marks buckets that are more than six standard deviations off. The deviation is a robust one of all
// residuals when that is larger than the binomial's: a wandering rate with heavy traffic is not all outliers.
func (l *learner) dropOutliers(cal Calendar) int {
	for range 2 { // an outlier may hide another one
		c := l.crossFit(cal)
		z := make([]float64, len(l.obs))
		var size []float64
		for i, b := range l.obs {
			if b.N == 0 || b.Drop {
				continue
			}
			e, v := l.residual(c, i)
			// One more count of variance: a rare event in a bucket that expects none is not six deviations off.
			z[i] = math.Abs(e) / math.Sqrt(v+1)
			size = append(size, z[i])
		}
		if len(size) == 0 {
			break
		}
		scale := max(1, sqrtMAD*quantile(size, .5))
		for i := range l.obs {
			if z[i] > outlier*scale {
				l.obs[i].Drop = true
			}
		}
	}
	n := 0
	for _, b := range l.obs {
		if b.Drop {
			n++
		}
	}
	return n
}

// wander estimates the standard deviation of the slow movement in log-odds: what blocks of half an hour to three
// hours vary beyond their sampling error.
func (l *learner) wander(c *crossFitted) float64 {
	worst := 0.
	for _, block := range wanderBlocks {
		var squares []float64
		var e, v float64
		current := int64(math.MinInt64)
		flush := func() {
			if v >= minBlockInfo {
				squares = append(squares, e*e/(v*v)-1/v)
			}
			e, v = 0, 0
		}
		for i, b := range l.obs {
			if b.N == 0 || b.Drop {
				continue
			}
			if id := b.Minute / block; id != current {
				flush()
				current = id
			}
			de, dv := l.residual(c, i)
			e, v = e+de, v+dv
		}
		flush()
		if len(squares) == 0 {
			continue
		}
		top, sum := quantile(squares, winsor), 0.
		for _, s := range squares {
			sum += min(s, top)
		}
		worst = max(worst, sum/float64(len(squares)))
	}
	return math.Sqrt(worst)
}

// replay runs the detector over the reference and returns the peak of its evidence.
func (l *learner) replay(c *crossFitted, slack float64) float64 {
	r := NewRate(RateOptions{Varying: true, Cap: BucketCap(l.o.LogA), Multipliers: l.o.Multipliers})
	peak := math.Inf(-1)
	intervals := make([][][2]float64, len(c.without))
	for f := range intervals {
		intervals[f] = make([][2]float64, c.calendar.Slots())
		for slot := range intervals[f] {
			lo, hi, _ := c.without[f].interval(slot, l.o.Tol+slack)
			intervals[f][slot] = [2]float64{lo, hi}
		}
	}
	for i, b := range l.obs {
		if b.Drop {
			continue
		}
		in := intervals[l.fold[i]][c.calendar.Slot(b.Minute)]
		r.UpdateWithin(b.K, b.N, in[0], in[1])
		peak = max(peak, r.LogEvidence())
	}
	return peak
}

// quantile sorts a copy and takes the q-th value.
func quantile(xs []float64, q float64) float64 {
	s := slices.Clone(xs)
	slices.Sort(s)
	return s[min(len(s)-1, int(q*float64(len(s))))]
}
