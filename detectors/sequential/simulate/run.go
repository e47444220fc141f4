package simulate

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"
)

// Evidence is what the runners need of a detector.
type Evidence interface {
	LogEvidence() float64
	Reset()
}

// FalsePages feeds a detector so many buckets in which nothing changes, and counts its alarms.
func FalsePages(d Evidence, logA float64, buckets int, feed func(bucket int)) (pages int) {
	for b := range buckets {
		feed(b)
		if d.LogEvidence() >= logA {
			pages++
			d.Reset()
		}
	}
	return pages
}

// Missed is the delay of a change that was not noticed.
const Missed = math.MaxInt32

// Delay feeds a detector `before` buckets without a change (alarms reset it), then up to `after` with one, and
// returns after how many of those it alarmed.
func Delay(d Evidence, logA float64, before, after int, feed func(bucket int, changed bool)) int {
	for b := range before {
		feed(b, false)
		if d.LogEvidence() >= logA {
			d.Reset()
		}
	}
	for b := range after {
		feed(before+b, true)
		if d.LogEvidence() >= logA {
			return b + 1
		}
	}
	return Missed
}

// FirstAlarm returns the bucket of the first alarm, counted from 1, or Missed.
func FirstAlarm(d Evidence, logA float64, buckets int, feed func(bucket int)) int {
	for b := range buckets {
		feed(b)
		if d.LogEvidence() >= logA {
			return b + 1
		}
	}
	return Missed
}

// Median is the middle value, the lower one of two.
func Median[T cmp.Ordered](xs []T) T {
	var none T
	if len(xs) == 0 {
		return none
	}
	s := slices.Clone(xs)
	slices.Sort(s)
	return s[(len(s)-1)/2]
}

// lowerMedian is a lower confidence bound, at 95 %, of the median. Less than five runs bound nothing.
func lowerMedian(xs []int) int {
	if len(xs) < 5 {
		return math.MinInt
	}
	s := slices.Clone(xs)
	slices.Sort(s)
	n := float64(len(s))
	return s[max(0, int(n/2-.82*math.Sqrt(n)))]
}

// GarwoodUpper is the exact upper bound, at a confidence, of a Poisson mean of which `events` were seen.
func GarwoodUpper(events int, confidence float64) float64 {
	return mathext.GammaIncRegCompInv(float64(events)+1, 1-confidence)
}

// GarwoodLower is the exact lower bound.
func GarwoodLower(events int, confidence float64) float64 {
	if events == 0 {
		return 0
	}
	return mathext.GammaIncRegInv(float64(events), 1-confidence)
}
