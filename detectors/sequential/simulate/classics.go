package simulate

import (
	"fmt"
	"math"
	"strings"

	"github.com/plumbline-ml/plumbline/detectors/classic"
)

// must unwraps a constructor whose options are constants of this package.
func must[T any](d T, err error) T {
	if err != nil {
		panic(err)
	}
	return d
}

// classics are the detectors that people ask for by name, at their defaults.
func classics() []struct {
	name  string
	fresh func() classic.Detector
} {
	return []struct {
		name  string
		fresh func() classic.Detector
	}{
		{"ADWIN", func() classic.Detector { return must(classic.NewADWIN(classic.ADWINOptions{})) }},
		{"Page-Hinkley", func() classic.Detector { return must(classic.NewPageHinkley(classic.PageHinkleyOptions{})) }},
		{"CUSUM", func() classic.Detector { return must(classic.NewCUSUM(classic.CUSUMOptions{})) }},
		{"EWMA", func() classic.Detector { return must(classic.NewEWMA(classic.EWMAOptions{})) }},
		{"KSWIN", func() classic.Detector { return must(classic.NewKSWIN(classic.KSWINOptions{})) }},
		{"DDM", func() classic.Detector { return must(classic.NewDDM(classic.DDMOptions{})) }},
		{"EDDM", func() classic.Detector { return must(classic.NewEDDM(classic.EDDMOptions{})) }},
		{"HDDM_A", func() classic.Detector { return must(classic.NewHDDMA(classic.HDDMOptions{})) }},
		{"HDDM_W", func() classic.Detector { return must(classic.NewHDDMW(classic.HDDMOptions{})) }},
	}
}

// classicCases count the false alarms of the classics in 10,000 events, and how long they take for the changes that e-detectors
// are given event by event.
func classicCases() []Case {
	const events = 10 * eventTarget
	bernoulli := func(p float64) func(*RNG) func() float64 {
		return func(r *RNG) func() float64 { return func() float64 { return one64(r.Float64() < p) } }
	}
	streams := []struct {
		name string
		make func(*RNG) func() float64
	}{
		{"a rate of 5 %", bernoulli(.05)},
		{"a rate of 30 %", bernoulli(.3)},
		{"a standard normal number", func(r *RNG) func() float64 { return r.NormFloat64 }},
		{"AR .7", func(r *RNG) func() float64 {
			x := r.NormFloat64()
			return func() float64 {
				x = .7*x + math.Sqrt(1-.7*.7)*r.NormFloat64()
				return x
			}
		}},
	}
	var out []Case
	for _, s := range streams {
		for _, c := range classics() {
			if forErrors(c.name) && s.name[:4] != "a ra" {
				continue
			}
			out = append(out, Case{
				Group: "the classics at their defaults, no change, per 10,000 events: " + s.name, Name: c.name, Allowed: 1, Contrast: true, Cost: 40, Runs: 6,
				Run: func(r *RNG) Sample {
					d, next := c.fresh(), s.make(r)
					out := Sample{Periods: events / eventTarget}
					for range events {
						out.Pages += int(one(d.Update(next()) == classic.Drift))
					}
					return out
				},
			})
		}
	}
	return append(out, classicChanges()...)
}

// ClassicsChange begins the names of the groups in which the classics watch a change of the event-by-event cases.
const ClassicsChange = "the classics at their defaults: "

// classicChanges are the changes of the published tables, one event after another, watched by the classics.
func classicChanges() []Case {
	type stream func(r *RNG, changed bool) float64
	bernoulli := func(p1 float64) stream {
		return func(r *RNG, changed bool) float64 {
			p := .05
			if changed {
				p = p1
			}
			return one64(r.Float64() < p)
		}
	}
	normal := func(after func(r *RNG) float64) stream {
		return func(r *RNG, changed bool) float64 {
			if changed {
				return after(r)
			}
			return r.NormFloat64()
		}
	}
	var changes []struct {
		name   string
		events bool // zeros and ones
		next   stream
	}
	add := func(name string, events bool, next stream) {
		changes = append(changes, struct {
			name   string
			events bool
			next   stream
		}{name, events, next})
	}
	for _, p1 := range []float64{.055, .0625, .075, .10, .20, .03} {
		add(fmt.Sprintf("rate .05, to %g", p1), true, bernoulli(p1))
	}
	for _, d := range []float64{.1, .2, .5, 2} {
		add(fmt.Sprintf("shift %g sd", d), false, normal(func(r *RNG) float64 { return r.NormFloat64() + d }))
	}
	add("scale 1.3", false, normal(func(r *RNG) float64 { return 1.3 * r.NormFloat64() }))
	add("5 % at +4 sd", false, normal(func(r *RNG) float64 {
		if r.Float64() < .05 {
			return 4 + .2*r.NormFloat64()
		}
		return r.NormFloat64()
	}))
	add("bimodal, same mean and variance", false, normal(func(r *RNG) float64 { return .6*r.NormFloat64() + .8*float64(1-2*r.IntN(2)) }))
	var out []Case
	for _, change := range changes {
		for _, c := range classics() {
			if forErrors(c.name) && !change.events {
				continue
			}
			out = append(out, Case{
				Group: ClassicsChange + change.name, Name: c.name, Unit: "events", Contrast: true, Cost: 8, Runs: 20,
				Run: func(r *RNG) Sample {
					d := c.fresh()
					for range 3000 {
						d.Update(change.next(r, false))
					}
					for i := range 20_000 {
						if d.Update(change.next(r, true)) == classic.Drift {
							return Sample{Delay: i + 1}
						}
					}
					return Sample{Delay: Missed}
				},
			})
		}
	}
	return out
}

// forErrors says whether a detector is made for errors: zeros and ones.
func forErrors(name string) bool { return strings.Contains(name, "DDM") }
