package detection

import (
	"time"

	"github.com/plumbline-ml/plumbline/detectors/sequential/simulate"
)

// aimed are attacks at the evidence itself: few clients who pretend to be many, and a change that is too slow for a reference that
// follows.
func aimed() []simulate.Case {
	const group = adversaryGroup
	out := []simulate.Case{
		{
			Group: group, Name: "three clients send half of all for 3 h, every record is a fact", Unit: "minutes", Limit: 10, Cost: 200, Runs: 5,
			Run: func(r *simulate.RNG) simulate.Sample {
				s, delay := clientBurst(r, labelModel, 3, func(s *stand) bool { return s.pages.count > 0 })
				if s.pages.count == 0 {
					delay = simulate.Missed
				}
				return simulate.Sample{Delay: delay}
			},
		},
		{
			Group: group, Name: "one client sends half of all for 3 h, with fields.client: a page", Unit: "minutes", Silent: true, Cost: 400, Runs: 5,
			Run: func(r *simulate.RNG) simulate.Sample { return clientPages(r, 1) },
		},
		{
			Group: group, Name: "three clients send half of all for 3 h, with fields.client: a page", Unit: "minutes", Silent: true, Cost: 400, Runs: 5,
			Run: func(r *simulate.RNG) simulate.Sample { return clientPages(r, 3) },
		},
		{
			Group: group, Name: "three clients send half of all for 3 h, with fields.client: the ticket", Unit: "minutes", Limit: 10, Cost: 200, Runs: 5,
			Run: func(r *simulate.RNG) simulate.Sample {
				s, delay := clientBurst(r, clientModel, 3, func(s *stand) bool { return s.pages.tickets["abuse"] })
				if !s.pages.tickets["abuse"] || s.pages.count > 0 {
					delay = simulate.Missed
				}
				return simulate.Sample{Delay: delay}
			},
		},
		{
			// The rolling reference follows within a week's worth of the change, which is within its tolerance, so it is
			// the anchor that pages: from odds times 1.21 on, on the twentieth day.
			Group: group, Name: "odds rise by 1 % a day, rolling reference of 14 days", Unit: "days", Limit: 30, Cost: 2500, Runs: 5,
			Run: poison,
		},
	}
	return append(out, hugeCases()...)
}

// clientBurst plays three hours in which few clients send as much as all others, until done says so, and then an hour without them.
func clientBurst(r *simulate.RNG, text string, senders int, done func(s *stand) bool) (*stand, int) {
	s := newStand(newModel(text, changeLearn, changeBudget, changeWindows))
	w := newWorld(r, family{})
	now := w.play(s, began, learnFor+60+r.IntN(30), nil)
	if s.pages.count > 0 || len(s.pages.tickets) > 0 {
		return s, simulate.Missed
	}
	w.senders = senders
	end := w.play(s, now, 180, func(int) bool { return !done(s) })
	w.senders = 0
	w.play(s, end, 60, nil)
	return s, int(end.Sub(now) / time.Minute)
}

func clientPages(r *simulate.RNG, senders int) simulate.Sample {
	s, _ := clientBurst(r, clientModel, senders, func(*stand) bool { return false })
	if s.pages.count > 0 {
		return simulate.Sample{Delay: 1}
	}
	return simulate.Sample{Delay: simulate.Missed}
}

// poison raises the odds by 1 % a day, after three weeks in which nothing happens.
func poison(r *simulate.RNG) simulate.Sample {
	s := newStand(newModel(labelModel, "{rolling: 14d}", changeBudget, calmLines))
	w := calmWorld(r, family{}, .05)
	now := w.play(s, began, 21*stepsPerDay, nil)
	if s.pages.count > 0 {
		return simulate.Sample{Delay: simulate.Missed}
	}
	odds := 1.
	end := w.play(s, now, 60*stepsPerDay, func(step int) bool {
		if step%stepsPerDay == 0 {
			odds *= 1.01
			w.spam = simulate.Odds(.05, odds)
		}
		return s.pages.count == 0
	})
	if s.pages.count == 0 {
		return simulate.Sample{Delay: simulate.Missed}
	}
	return simulate.Sample{Delay: int((end.Sub(now) + 24*time.Hour - 1) / (24 * time.Hour))}
}

// hugeCases have a million records in each bucket of a minute: what is below the tolerance of the model file pages nobody however sure
// it is, and what is above it does.
func hugeCases() []simulate.Case {
	const group = "the engine, a million records a bucket, default tolerances"
	huge := func(name, text string, limit float64, apply func(w *world)) simulate.Case {
		return simulate.Case{
			Group: group, Name: name, Unit: "minutes", Silent: limit == 0, Limit: limit, Cost: 4500, Runs: 1,
			Run: func(r *simulate.RNG) simulate.Sample {
				s := newStand(newModel(text, "{learn: 2000000 records, page_while_learning: true}", changeBudget, "windows: [10m, 1h]"))
				w := newWorld(r, family{})
				w.perSec, w.ahead = 1e6/60, true
				now := w.play(s, began, 5, nil)
				return simulate.Sample{Delay: bucketsUntil(s, w, now, 30, func() { apply(w) })}
			},
		}
	}
	odds := func(factor float64) func(w *world) {
		return func(w *world) { w.spam = simulate.Odds(.05, factor) }
	}
	shift := func(sd float64) func(w *world) { return func(w *world) { w.shift = sd } }
	return []simulate.Case{
		huge("a class of 5 %, odds times 1.05", labelModel, 0, odds(1.05)),
		huge("a class of 5 %, odds times 1.2", labelModel, 10, odds(1.2)),
		huge("a number, shift .04 sd: 1.6 % of all moves past the median", numberModel, 0, shift(.04)),
		huge("a number, shift .1 sd: 4 % of all moves past the median", numberModel, 10, shift(.1)),
	}
}
