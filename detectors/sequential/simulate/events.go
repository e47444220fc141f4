package simulate

import (
	"fmt"
	"math"

	"github.com/plumbline-ml/plumbline/detectors/sequential"
)

// The cases of detectors.md 4.2 and 4.3: one event a bucket, so that delays are in events.

// bernoulliAlternatives are those of the e-SR mixture in golden_edetector.json.
var bernoulliAlternatives = []float64{1.15, 1.3, 1.5, 2, 3, 5, 10, 1 / 1.15, 1 / 1.3, 1 / 1.5, 1. / 2, 1. / 3, 1. / 5, 1. / 10}

// Groups of cases that are event by event, or nearly, beside which the classics stand.
const (
	EventsQuiet  = "rate, event by event, no change"
	EventsChange = "rate .05, event by event, change"
	NumberChange = "bins, 50 records a bucket, known reference"
)

// eventTarget is the expected number of events between false alarms.
const eventTarget = 10_000

func eventRate(p0 float64) *sequential.Rate {
	var alternatives []float64
	for _, f := range bernoulliAlternatives {
		if q := p0 * f; q < 1 {
			alternatives = append(alternatives, q)
		}
	}
	d := sequential.NewRate(sequential.RateOptions{Lo: p0, Hi: p0, Alternatives: alternatives})
	return &d
}

func eventCases() []Case {
	logA := math.Log(eventTarget)
	var out []Case
	for _, p0 := range []float64{.001, .01, .05, .3, .5} {
		out = append(out, Case{
			Group: EventsQuiet, Name: fmt.Sprintf("rate %g", p0), Allowed: 1, Cost: 5,
			Run: func(r *RNG) Sample {
				d := eventRate(p0)
				const events = 5 * eventTarget
				pages := FalsePages(d, logA, events, func(int) { d.Update(one(r.Float64() < p0), 1) })
				return Sample{Pages: pages, Periods: events / eventTarget}
			},
		})
	}
	for _, c := range []struct{ p1, want float64 }{{.055, 4116}, {.0625, 1404}, {.075, 653}, {.10, 217}, {.20, 48}, {.03, 638}} {
		out = append(out, Case{
			Group: EventsChange, Name: fmt.Sprintf("to %g", c.p1), Want: c.want, Unit: "events", Cost: 1,
			Run: func(r *RNG) Sample {
				d := eventRate(.05)
				return Sample{Delay: Delay(d, logA, 3000, 20_000, func(_ int, changed bool) {
					p := .05
					if changed {
						p = c.p1
					}
					d.Update(one(r.Float64() < p), 1)
				})}
			},
		})
	}
	for _, c := range []struct{ mean, want float64 }{{.21, 868}, {.22, 332}, {.25, 77}, {.30, 30}, {.50, 11}, {.18, 307}, {.15, 103}} {
		out = append(out, Case{
			Group: "mean of Beta(2,8), event by event, change", Name: fmt.Sprintf("to %g", c.mean), Want: c.want, Unit: "events", Cost: 3,
			Run: func(r *RNG) Sample {
				d, feed := betaMean(r)
				return Sample{Delay: Delay(d, logA, 3000, 20_000, func(_ int, changed bool) {
					mean := .2
					if changed {
						mean = c.mean
					}
					feed(mean)
				})}
			},
		})
	}
	out = append(out, Case{
		Group: "mean of Beta(2,8), event by event, no change", Name: "known mean", Allowed: 1, Cost: 15,
		Run: func(r *RNG) Sample {
			d, feed := betaMean(r)
			const events = 3 * eventTarget
			return Sample{Pages: FalsePages(d, logA, events, func(int) { feed(.2) }), Periods: events / eventTarget}
		},
	})
	return out
}

func betaMean(r *RNG) (*sequential.Mean, func(mean float64)) {
	d := sequential.NewMean(sequential.MeanOptions{Lo: .2, Hi: .2})
	return &d, func(mean float64) {
		var s sequential.Sums
		d.Increments(r.Beta(10*mean, 10*(1-mean)), &s)
		d.Update(&s)
	}
}

func one(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
