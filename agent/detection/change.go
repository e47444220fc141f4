package detection

import (
	"time"

	"github.com/plumbline-ml/plumbline/detectors/sequential/simulate"
)

// How the cases with a change are run: 20 records a second against a reference of 100,000, in minutes.
const (
	changePerSec   = 20
	learnRecords   = 100_000
	learnFor       = learnRecords/(60*changePerSec) + 2 // minutes
	changeWithin   = 240                                // minutes until a change counts as missed
	quietAtLeast   = 30
	changeLearn    = "{learn: 100000 records, page_while_learning: true}"
	changeLearn20k = "{learn: 20000 records, page_while_learning: true}"
	changeBudget   = "1 per 30d"
	changeWindows  = "windows: [10m, 1h]"
)

// change is what becomes of a world, level 0 being as before and 1 changed.
type change struct {
	name  string
	limit float64 // minutes
	spam  float64 // rate of positives before; 0 means 5 %
	apply func(w *world, level float64)
	level func(minute int) float64 // nil means abrupt
	what  string                   // that must be in alarm in the end; empty means anything
}

func toSpam(from, to float64) func(w *world, level float64) {
	return func(w *world, level float64) { w.spam = from + level*(to-from) }
}

// scoreSD is the standard deviation of the score.
const scoreSD = .175

func changes() []change {
	odds := func(factor float64) func(w *world, level float64) { return toSpam(.05, simulate.Odds(.05, factor)) }
	ramp := func(m int) float64 { return min(1, float64(m+1)/60) }
	transient := func(m int) float64 {
		if m < 20 {
			return 1
		}
		return 0
	}
	return []change{
		{name: "positive rate 2 % to 4 %", limit: 10, spam: .02, apply: toSpam(.02, .04)},
		{name: "positive rate 2 % to nothing", limit: 10, spam: .02, apply: toSpam(.02, 0)},
		{name: "positive rate 2 % to 4 % over an hour", limit: 60, spam: .02, apply: toSpam(.02, .04), level: ramp},
		{name: "positive rate 2 % to 4 % for 20 minutes only", limit: 20, spam: .02, apply: toSpam(.02, .04), level: transient},
		{name: "positive rate 5 %, odds times 1.25", limit: 90, apply: odds(1.25)},
		{name: "positive rate 5 %, odds times 1.5", limit: 20, apply: odds(1.5)},
		{name: "positive rate 5 %, odds times 2", limit: 10, apply: odds(2)},
		{name: "positive rate 5 %, odds times 4", limit: 10, apply: odds(4)},
		{name: "number, shift .1 sd", limit: 120, apply: func(w *world, l float64) { w.shift = .1 * l }, what: "normal/drift"},
		{name: "number, shift .2 sd", limit: 20, apply: func(w *world, l float64) { w.shift = .2 * l }, what: "normal/drift"},
		{name: "number, shift .5 sd", limit: 10, apply: func(w *world, l float64) { w.shift = .5 * l }, what: "normal/drift"},
		{name: "number, shift .5 sd over an hour", limit: 60, apply: func(w *world, l float64) { w.shift = .5 * l }, level: ramp, what: "normal/drift"},
		{name: "number, shift .5 sd for 20 minutes only", limit: 20, apply: func(w *world, l float64) { w.shift = .5 * l }, level: transient, what: "normal/drift"},
		{name: "number, scale 1.2", limit: 20, apply: func(w *world, l float64) { w.scale = 1 + .2*l }, what: "normal/drift"},
		{name: "number, 5 % at +4 sd", limit: 20, apply: func(w *world, l float64) { w.bump = .05 * l }, what: "normal/drift"},
		{name: "number, two humps of the same mean and variance", limit: 20, apply: func(w *world, l float64) { w.bimodal = l > 0 }, what: "normal/drift"},
		{name: "number, missing 2 % to 10 %", limit: 10, apply: func(w *world, l float64) { w.missing = .02 + .08*l }, what: "normal/missing"},
		{name: "number, frozen", limit: 10, apply: func(w *world, l float64) { w.frozen = l > 0 }, what: "normal/frozen"},
		{name: "category, unseen 1 %", limit: 20, apply: func(w *world, l float64) { w.unseen = .01 * l }, what: "country/quality"},
		{name: "category, unseen 3 %", limit: 20, apply: func(w *world, l float64) { w.unseen = .03 * l }, what: "country/quality"},
		{name: "score, mean by .1 sd", limit: 60, apply: func(w *world, l float64) { w.score = .1 * scoreSD * l }, what: "score/drift"},
		{name: "score, mean by .2 sd", limit: 20, apply: func(w *world, l float64) { w.score = .2 * scoreSD * l }, what: "score/drift"},
		{name: "score, mean by .5 sd", limit: 10, apply: func(w *world, l float64) { w.score = .5 * scoreSD * l }, what: "score/drift"},
	}
}

func changeCases() []simulate.Case {
	var out []simulate.Case
	for _, c := range changes() {
		out = append(out, simulate.Case{
			Group: "the engine, 20 records a second, 1 page per 30 days, something changes", Name: c.name, Unit: "minutes", Limit: c.limit, Cost: 500, Runs: 9,
			Run: func(r *simulate.RNG) simulate.Sample { return c.run(r) },
		})
	}
	return out
}

// settled is a stand that has learned and watched for a while, and when that is.
func settled(r *simulate.RNG, c change, more string) (*stand, *world, time.Time) {
	s := newStand(newModel(fullModel, changeLearn, changeBudget, more))
	w := newWorld(r, family{})
	if c.spam > 0 {
		w.spam = c.spam
	}
	if c.apply != nil {
		c.apply(w, 0)
	}
	return s, w, w.play(s, began, learnFor+quietAtLeast+r.IntN(30), nil)
}

func (c change) run(r *simulate.RNG) simulate.Sample {
	s, w, now := settled(r, c, changeWindows)
	return simulate.Sample{Delay: c.delay(s, w, now)}
}

// delay plays the change and returns after how many minutes somebody was paged for it.
func (c change) delay(s *stand, w *world, now time.Time) int {
	if s.pages.count > 0 {
		return simulate.Missed // a page before the change is none for it
	}
	level := c.level
	if level == nil {
		level = func(int) float64 { return 1 }
	}
	paged := func() bool { return s.pages.count > 0 && (c.what == "" || s.pages.what[c.what]) }
	end := w.play(s, now, changeWithin, func(m int) bool {
		c.apply(w, level(m))
		return !paged()
	})
	if !paged() {
		return simulate.Missed
	}
	return int(end.Sub(now) / time.Minute)
}
