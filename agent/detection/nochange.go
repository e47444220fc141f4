package detection

import (
	"fmt"

	"github.com/plumbline-ml/plumbline/detectors/sequential/simulate"
)

// families are the ways in which nothing changes. Every world has ties, a constant and a category besides.
func families() []family {
	return []family{
		{name: "iid"},
		{name: "day, night and weekend", season: .6},
		{name: "AR .9 sd .1", ar: .9, sd: .1},
		{name: "AR .98 sd .15", ar: .98, sd: .15},
		{name: "overdispersed, sd .3", scatter: .3},
		{name: "bursts", bursts: 1},
		{name: "season, AR .9, nights of 5 % of the traffic", season: .6, ar: .9, sd: .1, night: .05},
	}
}

const minutesPerDay = 24 * 60

// learnDays is how long the references of the families are.
const learnDays = 28

// noChangeCases learn a family for four weeks and watch it for three periods of the budget or so, so that no page at all has
// an upper bound of one a period.
func noChangeCases() []simulate.Case {
	var out []simulate.Case
	for _, f := range families() {
		for _, b := range []struct {
			budget    string
			days      float64 // of its period
			watch     int     // days
			cost, run int
		}{{"1 per 7d", 7, 28, 2500, 2}, {"1 per 30d", 30, 91, 5000, 1}, {"1 per 90d", 90, 273, 13000, 1}} {
			out = append(out, simulate.Case{
				Group: "the engine, no change, 28 days learned", Name: fmt.Sprintf("%s: %s", f.name, b.budget), Allowed: 1, Cost: b.cost, Runs: b.run,
				Run: func(r *simulate.RNG) simulate.Sample {
					return quietly(r, f, b.budget, b.watch, b.days)
				},
			})
		}
	}
	return out
}

func quietly(r *simulate.RNG, f family, budget string, watch int, days float64) simulate.Sample {
	s := newStand(newModel(fmt.Sprintf("{learn: %dd}", learnDays), budget, "pane: 1m\nwindows: [1h]"))
	w := newWorld(r, f)
	w.play(s, began, (learnDays+watch)*minutesPerDay, nil)
	return simulate.Sample{Pages: s.pages.count, Periods: float64(watch) / days}
}
