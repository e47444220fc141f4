package detection

import (
	"time"

	"github.com/plumbline-ml/plumbline/detectors/sequential/simulate"
	"github.com/plumbline-ml/plumbline/internal/catalog"
)

const adversaryGroup = "the engine, adversaries and broken machines"

// adversaryCases are people who know that they are watched, and machines that misbehave.
func adversaryCases() []simulate.Case {
	const group = adversaryGroup
	shift := change{apply: func(w *world, l float64) { w.shift, w.outliers = .5*l, true }, what: "normal/drift"}
	silent := func(name string, run func(r *simulate.RNG) bool) simulate.Case {
		return simulate.Case{
			Group: group, Name: name, Unit: "minutes", Silent: true, Cost: 500, Runs: 5,
			Run: func(r *simulate.RNG) simulate.Sample {
				if run(r) {
					return simulate.Sample{Delay: simulate.Missed}
				}
				return simulate.Sample{Delay: 1}
			},
		}
	}
	return append(aimed(), []simulate.Case{
		{
			Group: group, Name: "shift of .5 sd, and one value of 1e6 in every 200", Unit: "minutes", Limit: 10, Cost: 500, Runs: 9,
			Run: func(r *simulate.RNG) simulate.Sample {
				return shift.run(r)
			},
		},
		silent("one value of 1e6 in every 200, and nothing else", func(r *simulate.RNG) bool {
			s, w, now := settled(r, change{}, changeWindows)
			w.outliers = true
			w.play(s, now, changeWithin, nil)
			return s.pages.count == 0
		}),
		silent("odds times 1.05", func(r *simulate.RNG) bool {
			s, w, now := settled(r, change{}, changeWindows)
			w.spam = simulate.Odds(.05, 1.05)
			w.play(s, now, changeWithin, nil)
			return s.pages.count == 0
		}),
		silent("a flood of NaN for four minutes", func(r *simulate.RNG) bool {
			s, w, now := settled(r, change{}, changeWindows)
			w.play(s, now, 60, func(m int) bool {
				w.nan = 0
				if m >= 10 && m < 14 {
					w.nan = 1
				}
				return true
			})
			return s.pages.count == 0
		}),
		{
			Group: group, Name: "a flood of NaN that stays, told as missing and as nothing else", Unit: "minutes", Limit: 10, Cost: 500, Runs: 5,
			Run: func(r *simulate.RNG) simulate.Sample {
				c := change{apply: func(w *world, l float64) { w.nan = l }, what: "normal/missing"}
				s, w, now := settled(r, c, changeWindows)
				delay := c.delay(s, w, now)
				w.play(s, now.Add(time.Duration(min(delay, changeWithin))*time.Minute), 60, nil)
				if len(s.pages.what) != 1 {
					return simulate.Sample{Delay: simulate.Missed}
				}
				return simulate.Sample{Delay: delay}
			},
		},
		silent("every record twice", func(r *simulate.RNG) bool {
			s, w, now := settled(r, change{}, changeWindows)
			w.twice = true
			w.play(s, now, changeWithin, nil)
			return s.pages.count == 0
		}),
		silent("a tenth comes ten minutes late, and all of that has moved", late),
		silent("a clock that jumps ahead by an hour and back", jump),
		silent("a restart in the middle of evidence pages in the same minute", func(r *simulate.RNG) bool {
			seed := r.Uint64()
			without := restarted(seed, false)
			return !without.IsZero() && without.Equal(restarted(seed, true))
		}),
	}...)
}

// late mixes records of long ago into the present: they belong to the totals, not to the evidence.
func late(r *simulate.RNG) bool {
	s, w, now := settled(r, change{}, changeWindows)
	before := s.total(catalog.RecordsLate)
	sent := 0
	w.play(s, now, 60, func(m int) bool {
		if m < 20 {
			return true
		}
		w.shift, w.spam = 2, .5
		for i := range 120 {
			w.fill(s)
			s.observe(now.Add(time.Duration(m-10)*time.Minute+time.Duration(i)*time.Second/3), time.Time{})
			sent++
		}
		w.shift, w.spam = 0, .05
		return true
	})
	return s.pages.count == 0 && s.total(catalog.RecordsLate)-before == float64(sent)
}

// jump sets the clock of a tenth of the records ahead by an hour, for ten minutes; arrival says what is true.
func jump(r *simulate.RNG) bool {
	s, w, now := settled(r, change{}, changeWindows)
	future := 0
	for m := range 90 {
		for i := range int(60 * w.perSec) {
			arrival := now.Add(time.Duration(i) * time.Second / time.Duration(w.perSec))
			at := arrival
			if m >= 10 && m < 20 && i%10 == 0 {
				at = arrival.Add(time.Hour)
				future++
			}
			w.fill(s)
			s.observe(at, arrival)
		}
		now = now.Add(time.Minute)
		s.look(now)
	}
	return s.pages.count == 0 && s.total(catalog.RecordsFuture) == float64(future)
}

// restarted is when a change is paged with, or without, a restart of the engine every minute.
func restarted(seed uint64, restarts bool) time.Time {
	c := change{apply: func(w *world, l float64) { w.spam = .05 + .02*l }}
	s, w, now := settled(simulate.NewRNG(seed, 0), c, changeWindows)
	w.play(s, now, changeWithin, func(int) bool {
		c.apply(w, 1)
		if restarts {
			s.restart()
		}
		return s.pages.count == 0
	})
	return s.pages.first
}
