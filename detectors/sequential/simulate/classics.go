package simulate

import (
	"math"

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

// classicCases count the false alarms of the classics in 10,000 events, and how long they take for a rate of 5 % to
// become 7.5 %. An e-detector with a budget of one false page in 10,000 events stands beside them.
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
			if (c.name[0] == 'D' || c.name[0] == 'E' || c.name[0] == 'H') && c.name != "EWMA" && s.name[:4] != "a ra" {
				continue // they are made for errors: zeros and ones
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
	change := func(r *RNG, alarm func(x float64) bool) Sample {
		for range 3000 {
			alarm(one64(r.Float64() < .05))
		}
		for i := range 20_000 {
			if alarm(one64(r.Float64() < .075)) {
				return Sample{Delay: i + 1}
			}
		}
		return Sample{Delay: Missed}
	}
	const group = "the classics at their defaults, a rate of 5 % becomes 7.5 %"
	for _, c := range classics() {
		out = append(out, Case{
			Group: group, Name: c.name, Unit: "events", Contrast: true, Cost: 5,
			Run: func(r *RNG) Sample {
				d := c.fresh()
				return change(r, func(x float64) bool { return d.Update(x) == classic.Drift })
			},
		})
	}
	return append(out, Case{
		Group: group, Name: "e-detector, 1 in 10,000 events", Unit: "events", Want: 653, Cost: 2,
		Run: func(r *RNG) Sample {
			d := eventRate(.05)
			return change(r, func(x float64) bool {
				d.Update(uint64(x), 1)
				if d.LogEvidence() < math.Log(eventTarget) {
					return false
				}
				d.Reset()
				return true
			})
		},
	})
}
