package sequential

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// ErrReference says that there is nothing to learn from.
var ErrReference = errors.New("the reference has no records")

// bucketInfo is what the learners share about a bucket of a reference.
type bucketInfo struct {
	minute  int64
	records uint64
	drop    bool    // labelled, or an outlier
	burst   bool    // dropped because it is one
	part    float64 // share of a bucket of the reference that it covers; 0 means all of it
}

// covers is the share of a bucket of the reference.
func (b *bucketInfo) covers() float64 {
	if b.part > 0 && b.part < 1 {
		return b.part
	}
	return 1
}

// timeline deals the buckets of a reference out to folds: weeks, or days when there are less than two weeks, or
// eighths when there are less than three days. Every fold is judged by what was learned from the others.
type timeline struct {
	buckets []bucketInfo
	fold    []int
	folds   int
	days    float64
}

// newTimeline takes days as the time that is covered when the buckets show less.
func newTimeline(buckets []bucketInfo, days float64) (*timeline, error) {
	t := &timeline{buckets: buckets}
	records := uint64(0)
	seen := map[int64]bool{}
	for i, b := range buckets {
		if i > 0 && b.minute < buckets[i-1].minute {
			return nil, fmt.Errorf("bucket %d is before the one ahead of it: %w", i, ErrProfile)
		}
		if !b.drop && b.records > 0 {
			records += b.records
			seen[b.minute/minutesPerDay] = true
		}
	}
	if records == 0 {
		return nil, ErrReference
	}
	first, last := buckets[0].minute, buckets[len(buckets)-1].minute
	// Days with data, but no more than the time that passed: half a day on each end is not two days. The last bucket's
	// own length is not known, hence the grace.
	t.days = min(float64(len(seen)), float64(last-first)/minutesPerDay+.05)
	t.days = max(t.days, days)
	length := int64(7 * minutesPerDay)
	switch {
	case t.days < 3:
		length = (last-first)/8 + 1
	case t.days < 14:
		length = minutesPerDay
	}
	for _, b := range buckets {
		f := int((b.minute - first) / length)
		t.fold = append(t.fold, f)
		t.folds = max(t.folds, f+1)
	}
	return t, nil
}

// calendars are those whose seasons were seen at least twice, simple ones first.
func (t *timeline) calendars(fixed *Calendar) []Calendar {
	switch {
	case fixed != nil:
		return []Calendar{*fixed}
	case t.days >= 14:
		return []Calendar{Flat, Daily, Workweek, Weekly}
	case t.days >= 3:
		return []Calendar{Flat, Daily}
	}
	return []Calendar{Flat}
}

// calendarMargin is the log-likelihood that a calendar with more slots must bring: less may be chance.
const calendarMargin = 10.

// choose returns the calendar with the best score on held-out folds, simple ones first.
func choose(from []Calendar, score func(Calendar) float64) Calendar {
	best, bestScore := from[0], math.Inf(-1)
	for _, cal := range from {
		if len(from) == 1 {
			break
		}
		if s := score(cal); s > bestScore+calendarMargin {
			best, bestScore = cal, s
		}
	}
	return best
}

// each calls f with every bucket that counts.
func (t *timeline) each(f func(i int)) {
	for i, b := range t.buckets {
		if b.records > 0 && !b.drop {
			f(i)
		}
	}
}

const outlier = 6. // robust standard deviations

// dropOutliers drops buckets that deviate by more than six standard deviations. deviation returns, for a bucket, how
// many of its own sampling deviations it is off; when the median says that the whole reference scatters more than
// that, the reference's own scatter is the measure: a wandering rate with heavy traffic is not all outliers. Parts of
// buckets that are outliers are bursts: they are dropped alone, and only while they are rare.
func (t *timeline) dropOutliers(deviations func() func(i int) float64) {
	rare := true
	for range 2 { // an outlier may hide another one
		deviation := deviations()
		z := make([]float64, len(t.buckets))
		var all []float64
		t.each(func(i int) {
			z[i] = math.Abs(deviation(i))
			all = append(all, z[i])
		})
		if len(all) == 0 {
			return
		}
		const medianToDeviation = 1.4826
		scatter := max(1, medianToDeviation*quantile(all, .5))
		// What a bucket scatters beyond its sampling error is slow, and grows with its records; a part has less of it.
		limit := func(i int) float64 { return outlier * math.Sqrt(1+(scatter*scatter-1)*t.buckets[i].covers()) }
		last := -1
		rare = rare && t.dropBursts(func(i int) bool { return z[i] > limit(i) })
		for i := range t.buckets {
			if !(z[i] > limit(i)) || t.buckets[i].covers() < 1 {
				continue
			}
			// What lies between two outliers that are close is the same incident, where records were too few to tell.
			if last >= 0 && t.buckets[i].minute-t.buckets[last].minute <= incidentMinutes {
				for j := last; j < i; j++ {
					t.buckets[j].drop = true
				}
			}
			t.buckets[i].drop, last = true, i
		}
	}
}

// burstShare is the share of the time up to which bursts are no part of what is normal. A job that runs for five minutes
// in every three hours is normal: without it every run would be evidence.
const burstShare = .02

// dropBursts drops parts of buckets that are outliers, and says whether they are rare. When they are not, all of them
// are put back. Those that fill half of the same half hour or more, on most days, are none: that is a job, and belongs to the season.
func (t *timeline) dropBursts(outlier func(i int) bool) bool {
	// What was dropped before is not asked again: it had no part in the fit that says what an outlier is.
	burst := func(i int) bool { return t.buckets[i].covers() < 1 && (t.buckets[i].burst || outlier(i)) }
	var daily [slotsPerDay]float64
	slot := func(i int) int { return Daily.Slot(t.buckets[i].minute) }
	for i := range t.buckets {
		if burst(i) {
			daily[slot(i)]++
		}
	}
	var all, bursts float64
	var parts []int
	for i := range t.buckets {
		b := &t.buckets[i]
		all += b.covers()
		switch {
		case !burst(i):
		case daily[slot(i)] < max(3, t.days/2) || b.covers() < .5:
			bursts += b.covers()
			parts = append(parts, i)
		case b.burst:
			b.drop, b.burst = false, false
		}
	}
	rare := bursts <= burstShare*all
	for _, i := range parts {
		t.buckets[i].drop, t.buckets[i].burst = rare, rare
	}
	return rare
}

// rejoin makes one bucket of its two parts again when neither is an outlier: which stretch of a bucket is the most unusual is
// found by looking at all of them, and bets on the two parts would take that for evidence. join adds the counts of the
// second to those of the first.
func (t *timeline) rejoin(join func(first, second int)) {
	for i := 0; i+1 < len(t.buckets); i++ {
		a, b := &t.buckets[i], &t.buckets[i+1]
		if a.covers() == 1 || b.covers() == 1 || a.minute != b.minute {
			continue
		}
		if !a.drop && !b.drop {
			join(i, i+1)
			a.records, a.part = a.records+b.records, 0
			b.records = 0
		}
		i++
	}
}

// incidentMinutes is how far apart two outliers of one incident may be.
const incidentMinutes = 6 * 60

func (t *timeline) dropped() int {
	n := 0
	for _, b := range t.buckets {
		if b.drop {
			n++
		}
	}
	return n
}

var wanderBlocks = [...]int64{30, 60, 180} // minutes

// wander estimates the standard deviation of slow movement from the residuals of blocks of half an hour to three
// hours: what they vary beyond their sampling error. residual returns a bucket's deviation and information: their
// sums over a block are e and v, the movement is e/v, and its sampling variance 1/v.
func (t *timeline) wander(minInfo float64, residual func(i int) (e, v float64)) float64 {
	worst := 0.
	for _, block := range wanderBlocks {
		var squares []float64
		var e, v float64
		current := int64(math.MinInt64)
		flush := func() {
			if v >= minInfo && v > 0 {
				squares = append(squares, e*e/(v*v)-1/v)
			}
			e, v = 0, 0
		}
		t.each(func(i int) {
			if id := t.buckets[i].minute / block; id != current {
				flush()
				current = id
			}
			de, dv := residual(i)
			e, v = e+de, v+dv
		})
		flush()
		if len(squares) == 0 {
			continue
		}
		// Squares are cut at their 99 % quantile: an incident that nobody labelled is not the stream's wander.
		top, sum := quantile(squares, .99), 0.
		for _, s := range squares {
			sum += min(s, top)
		}
		worst = max(worst, sum/float64(len(squares)))
	}
	return math.Sqrt(worst)
}

// ReplayOptions says what the replay of a reference must stay below.
type ReplayOptions struct {
	// LogA is the threshold of the stream, Weight the share of the budget that it was computed with (0 means 1). The
	// replay must stay 2 below the threshold of the whole budget, LogA + ln Weight: a stream that comes near that in 28
	// days would sooner or later spend what belongs to the others. And when the budget's period is longer than the
	// reference, it must stay 2 below the logarithm of the number of buckets in the reference: more than a reference
	// shows, it cannot vouch for.
	LogA, Weight float64
	// PerBucket is how many buckets of the detector make one of the reference: 30 when the detector is fed each minute
	// and the reference kept by half an hour. The replay then allows for as many +1 and as many caps. 0 means 1.
	PerBucket float64
	// Days is how much time the reference covers when its buckets do not show all of it. 0 means what they show.
	Days float64
	// Calendar fixes the calendar; nil means the one that predicts held-out weeks best.
	Calendar *Calendar
}

const (
	replayMargin = 2.
	kappaStep    = .5
	kappaMax     = 4.
)

func (o *ReplayOptions) check() error {
	if !(o.LogA > 0) || math.IsInf(o.LogA, 1) || !(o.Weight >= 0) || o.Weight > 1 || !(o.PerBucket >= 0) || !(o.Days >= 0) {
		return fmt.Errorf("threshold %v, weight %v, %v buckets in one, %v days: %w", o.LogA, o.Weight, o.PerBucket, o.Days, ErrBudget)
	}
	return nil
}

// bucketCap is what a bucket of the reference, or a part of one, may bring: as much as the detector's buckets in it.
func (o *ReplayOptions) bucketCap(b *bucketInfo) float64 {
	return BucketCap(o.LogA) * max(1, max(1, o.PerBucket)*b.covers())
}

// calibrate returns the smallest kappa in 0, .5, ..., 4 whose replay stays below the limit, and its peak. With two to
// four weeks the replay sees too little of the wander; half a sigma more repairs it. So it does when a page may come once in
// more than twice the time that the reference covers: a replay of four weeks says little of what happens once in three months.
func (o *ReplayOptions) calibrate(t *timeline, replay func(kappa float64) float64) (kappa, peak float64, stable bool) {
	limit := o.LogA
	if o.Weight > 0 {
		limit += math.Log(o.Weight)
	}
	merged := math.Log(max(1, o.PerBucket))
	// Evidence is linear in what is added in each step: with 30 instead of 1 it is 30 times as much.
	seen := math.Log(float64(len(t.buckets))) + merged
	rare := limit > seen+math.Ln2
	limit = min(limit, seen) - replayMargin - merged
	for {
		peak = replay(kappa)
		if stable = peak < limit; stable || kappa >= kappaMax {
			break
		}
		kappa += kappaStep
	}
	if m := MaturityOf(t.days); m == Young || m == Ready && rare {
		kappa += kappaStep
	}
	return kappa, peak, stable
}

// CommonKappa returns the kappa for all streams of a model: the largest that any of them needed. Each stream's own is
// the smallest that one replay got away with; among twenty streams that wander alike, those that were lucky in their
// weeks would spend the budget of all. For a stream that does not wander a large kappa costs nothing: its sigma is
// about 0.
func CommonKappa(kappas ...float64) float64 {
	largest := 0.
	for _, k := range kappas {
		if k > largest {
			largest = k
		}
	}
	return largest
}

// quantile sorts a copy and takes the q-th value.
func quantile(xs []float64, q float64) float64 {
	s := slices.Clone(xs)
	slices.Sort(s)
	return s[min(len(s)-1, int(q*float64(len(s))))]
}
