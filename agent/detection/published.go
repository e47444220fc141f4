package detection

import (
	"fmt"
	"time"

	"github.com/plumbline-ml/plumbline/detectors/sequential/simulate"
)

// The engine in the setting of the published tables: buckets of five minutes, 200 records in each for a rate and 100 for a number. A
// number has three streams and three pages in 30 days, one for each, as the published detector has for itself; a rate has
// one page in 30 days for all of its streams.

// fewestBuckets is how long the crudest change takes: no bucket brings more than a fifth of what a page takes.
const fewestBuckets = 6

// published is a case with a published delay, in buckets.
func published(group, name string, want float64, cost, runs int, run func(r *simulate.RNG) int) simulate.Case {
	return simulate.Case{
		Group: group, Name: name, Unit: "buckets", Want: want, Limit: 1.25 * max(want, fewestBuckets), Cost: cost, Runs: runs,
		Run: func(r *simulate.RNG) simulate.Sample { return simulate.Sample{Delay: run(r)} },
	}
}

// bucketsUntil plays a change and returns after how many buckets somebody was paged; alarms that stand before it count for
// nothing.
func bucketsUntil(s *stand, w *world, now time.Time, within int, change func()) int {
	before := s.pages.count
	change()
	at := simulate.Missed
	w.play(s, now, within, func(step int) bool {
		if s.pages.count > before {
			at = step
			return false
		}
		return true
	})
	if at == simulate.Missed && s.pages.count > before {
		at = within
	}
	return at
}

// publishedRates are the rows of the recommended detector for a rate of 5 % that goes with the time of the week, after
// four weeks of reference.
func publishedRates() []simulate.Case {
	var out []simulate.Case
	for _, f := range []struct {
		family
		want [3]float64 // odds times 1.5, 2 and 4
	}{
		{family{name: "iid"}, [3]float64{27, 8, 6}},
		{family{name: "season", season: .6}, [3]float64{24, 8, 6}},
		{family{name: "AR .9 sd .1", season: .6, ar: .9, sd: .1}, [3]float64{29, 9, 6}},
		{family{name: "AR .98 sd .15", season: .6, ar: .98, sd: .15}, [3]float64{107, 16, 6}},
		{family{name: "AR .98 sd .30", season: .6, ar: .98, sd: .30}, [3]float64{572, 146, 8}},
		{family{name: "season and bursts", season: .6, bursts: 1}, [3]float64{32, 8, 6}},
		{family{name: "AR .98 sd .15 and bursts", season: .6, ar: .98, sd: .15, bursts: 1}, [3]float64{140, 18, 6}},
	} {
		for i, odds := range []float64{1.5, 2, 4} {
			c := published("the engine in the published setting: a rate of 5 %, 28 days learned, 200 records in five minutes",
				fmt.Sprintf("odds times %g, %s", odds, f.name), f.want[i], 500, 11, func(r *simulate.RNG) int {
					// Missing and unseen labels are streams, too, and share the budget.
					s := newStand(newModel(labelModel, fmt.Sprintf("{learn: %dd}", learnDays), "1 per 30d", calmLines+"\nvolume: off"))
					w := calmWorld(r, f.family, .05)
					w.ahead = true
					now := w.play(s, began, learnDays*stepsPerDay+stepsPerDay/2+r.IntN(stepsPerDay), nil)
					return bucketsUntil(s, w, now, 10*stepsPerDay, func() { w.spam = simulate.Odds(.05, odds) })
				})
			out = append(out, c)
		}
	}
	return out
}

// publishedNumbers are the rows of the set family with a reference of 20,000 and the tolerance inside the null interval.
func publishedNumbers() []simulate.Case {
	var out []simulate.Case
	for _, c := range []struct {
		name  string
		apply func(w *world)
		want  [2]float64 // tolerance .005 and .02; 0 is "missed"
	}{
		{"shift .1 sd", func(w *world) { w.shift = .1 }, [2]float64{96, 0}},
		{"shift .2 sd", func(w *world) { w.shift = .2 }, [2]float64{15, 30}},
		{"shift .5 sd", func(w *world) { w.shift = .5 }, [2]float64{2, 3}},
		{"scale 1.2", func(w *world) { w.scale = 1.2 }, [2]float64{24, 96}},
		{"5 % at +4 sd", func(w *world) { w.bump = .05 }, [2]float64{27, 100}},
		{"20 % at +4 sd", func(w *world) { w.bump = .2 }, [2]float64{2, 2}},
	} {
		for i, tolerance := range []float64{.005, .02} {
			if c.want[i] == 0 {
				continue
			}
			out = append(out, published("the engine in the published setting: a number, reference of 20,000, 100 records in five minutes",
				fmt.Sprintf("%s, tolerance %g", c.name, tolerance), c.want[i], 60, 21, func(r *simulate.RNG) int {
					// Missing and frozen values are streams, too.
					s := newStand(newModel(numberModel, changeLearn20k, "3 per 30d", fmt.Sprintf("%s\nvolume: off\ntolerance: {distribution: %g}", calmLines, tolerance)))
					w := calmWorld(r, family{}, .05)
					w.ahead, w.perSec = true, 100/calmStep.Seconds()
					now := w.play(s, began, 210+200+r.IntN(50), nil)
					return bucketsUntil(s, w, now, 3000, func() { c.apply(w) })
				}))
		}
	}
	return out
}
