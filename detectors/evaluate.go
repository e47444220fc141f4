package detectors

import (
	"math"
	"slices"
)

// Drift is a change that is known to have happened, from its first to its last index. A change that stays has
// End = Start.
type Drift struct{ Start, End int }

// EvaluateOptions says which alarms belong to which change.
type EvaluateOptions struct {
	// Before and After widen the window of a change: an alarm from Start-Before to End+After was about it.
	Before, After int
	// Samples is the length of the stream; 0 leaves FalseAlarmRate at NaN.
	Samples int
	// Unit is what FalseAlarmRate counts per; 0 means one sample.
	Unit int
}

// Evaluation compares the alarms of a detector with the changes that there were. What has no value is NaN.
type Evaluation struct {
	TruePositives  int // alarms that belong to a change
	FalsePositives int // alarms that belong to none
	Missed         int // changes without an alarm

	Precision      float64 // true positives among all alarms
	Recall         float64 // true positives over themselves and what was missed: many alarms about one change count each
	EpisodeRecall  float64 // share of the changes that had an alarm
	F1             float64 // harmonic mean of Precision and Recall
	Delay          float64 // mean of first alarm less Start, over the changes that had one
	FalseAlarmRate float64 // false positives per Unit samples
	BetweenFalse   float64 // mean distance of consecutive false positives
	TimeRatio      float64 // BetweenFalse / Delay * EpisodeRecall: large is good (Bifet 2017)
}

// Evaluate matches alarms with changes. An alarm in the windows of two changes belongs to the later one that had begun, or
// else to the first.
func Evaluate(drifts []Drift, alarms []int, o EvaluateOptions) Evaluation {
	drifts, alarms = slices.Clone(drifts), slices.Sorted(slices.Values(alarms))
	slices.SortFunc(drifts, func(a, b Drift) int { return a.Start - b.Start })
	first := make([]int, len(drifts))
	for i := range first {
		first[i] = -1
	}
	var e Evaluation
	var wrong []int
	for _, a := range alarms {
		owner := -1
		for i, d := range drifts {
			if a >= d.Start-o.Before && a <= max(d.Start, d.End)+o.After && (owner < 0 || a >= d.Start) {
				owner = i
			}
		}
		if owner < 0 {
			wrong = append(wrong, a)
			continue
		}
		e.TruePositives++
		if first[owner] < 0 {
			first[owner] = a
		}
	}
	e.FalsePositives = len(wrong)
	found, delay := 0, 0
	for i, a := range first {
		if a < 0 {
			e.Missed++
			continue
		}
		found++
		delay += a - drifts[i].Start
	}
	ratio := func(a, b float64) float64 {
		if b == 0 {
			return math.NaN()
		}
		return a / b
	}
	e.Precision = ratio(float64(e.TruePositives), float64(len(alarms)))
	e.Recall = ratio(float64(e.TruePositives), float64(e.TruePositives+e.Missed))
	e.EpisodeRecall = ratio(float64(found), float64(len(drifts)))
	e.F1 = ratio(2*e.Precision*e.Recall, e.Precision+e.Recall)
	e.Delay = ratio(float64(delay), float64(found))
	e.FalseAlarmRate = ratio(float64(len(wrong))*float64(max(1, o.Unit)), float64(o.Samples))
	e.BetweenFalse = math.NaN()
	if n := len(wrong); n > 1 {
		e.BetweenFalse = float64(wrong[n-1]-wrong[0]) / float64(n-1)
	}
	e.TimeRatio = ratio(e.BetweenFalse, e.Delay) * e.EpisodeRecall
	return e
}
