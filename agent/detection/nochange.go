package detection

import (
	"fmt"
	"time"

	"github.com/plumbline-ml/plumbline/detectors/sequential/simulate"
)

// families are the ways in which nothing changes. Every world has ties, a constant and a category besides. Wander, scatter and bursts
// are by buckets of five minutes.
func families() []family {
	return []family{
		{name: "iid"},
		{name: "day, night and weekend", season: .6},
		{name: "AR .9 sd .1", ar: .9, sd: .1},
		{name: "AR .98 sd .15", ar: .98, sd: .15},
		{name: "overdispersed, sd .3", scatter: .3},
		{name: "season and bursts", season: .6, bursts: 1},
		{name: "AR .98 sd .15 and bursts", ar: .98, sd: .15, bursts: 1},
		{name: "season, AR .9, nights of 5 % of the traffic", season: .6, ar: .9, sd: .1, night: .05},
	}
}

const (
	// calmStep is the bucket of the cases that learn for weeks, calmRecords how many records it has by day.
	calmStep    = 5 * time.Minute
	calmRecords = 200
	stepsPerDay = int(24 * time.Hour / calmStep)
	// learnDays is how long their references are.
	learnDays = 28
	calmLines = "pane: 5m\nbucket: 5m\nwindows: [24h]"
)

// budgets are those that a user may have written, with how long each is watched in one replication and how many
// replications there are. Each replication draws and learns a reference of its own. Without any page two periods would be enough for
// an upper bound of 1.5 a period; one page takes four.
var budgets = []struct {
	text  string
	days  float64 // of the period
	watch int     // days
	runs  int
}{{"1 per 7d", 7, 56, 2}, {"1 per 30d", 30, 120, 2}, {"1 per 90d", 90, 180, 2}}

// noChangeCases learn for four weeks and go on watching.
func noChangeCases() []simulate.Case {
	var out []simulate.Case
	for _, f := range families() {
		for _, b := range budgets {
			runs := b.runs
			if f.ar > .95 || f.bursts > 0 {
				runs *= 3 // they are the families that spend most
			}
			out = append(out, simulate.Case{
				Group: "the engine, no change, 28 days learned", Name: f.name + ": " + b.text, Allowed: 1, Cost: 35 * (learnDays + b.watch), Runs: runs,
				Run: func(r *simulate.RNG) simulate.Sample {
					return quietly(calmWorld(r, f, .05), fullModel, b.text, b.watch, b.days)
				},
			})
		}
	}
	for _, rate := range []float64{.001, .01, .05, .3, .5} {
		for _, b := range budgets {
			f := family{season: .6, ar: .9, sd: .1, night: .05}
			out = append(out, simulate.Case{
				Group: "the engine, no change, any base rate: season, AR .9, nights of 5 % of the traffic", Name: fmt.Sprintf("positive rate %g: %s", rate, b.text),
				Allowed: 1, Cost: 12 * (learnDays + b.watch), Runs: b.runs,
				Run: func(r *simulate.RNG) simulate.Sample {
					return quietly(calmWorld(r, f, rate), labelModel, b.text, b.watch, b.days)
				},
			})
		}
	}
	return out
}

func calmWorld(r *simulate.RNG, f family, rate float64) *world {
	w := newWorld(r, f)
	w.spam, w.step, w.perSec = rate, calmStep, calmRecords/calmStep.Seconds()
	return w
}

// quietly counts the pages of four weeks of learning and of the time after it, as if all of them came in the time after.
func quietly(w *world, text, budget string, watch int, days float64) simulate.Sample {
	s := newStand(newModel(text, fmt.Sprintf("{learn: %dd}", learnDays), budget, calmLines))
	w.play(s, began, (learnDays+watch)*stepsPerDay, nil)
	return simulate.Sample{Pages: s.pages.count, Periods: float64(watch) / days}
}
