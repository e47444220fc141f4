package simulate

import (
	"fmt"
	"math"

	"github.com/plumbline-ml/plumbline/detectors/sequential"
)

// A whole model: 50 features in 10 segments on 5 nodes, with nights of 5 % of the traffic, one budget.
const (
	modelFeatures = 50
	modelSegments = 10
	modelNodes    = 5   // their counts add, so a stream draws the sum of five Poisson numbers at once
	modelBuckets  = 288 // a day
)

// model is the detectors of one model and their budget.
type model struct {
	r       *RNG
	streams []*binned
	budget  *sequential.Budget
	logM    []float64
}

func newModel(r *RNG, days float64) *model {
	m := &model{r: r}
	var err error
	if m.budget, err = sequential.NewBudget(sequential.BudgetOptions{BucketsPerPeriod: modelBuckets * days, FalsePages: 1}); err != nil {
		panic(err)
	}
	const streams = modelFeatures * modelSegments
	shares := make([]float64, 10)
	for i := range shares {
		shares[i] = .1
	}
	logA := sequential.LogThreshold(modelBuckets*days, 1, 1./streams)
	for range streams {
		m.budget.Add(1)
		m.streams = append(m.streams, newBinned(r, shares, 20_000, sequential.SetsOptions{
			Alpha: .05 / streams, Ordered: true, Tol: ToleranceDistribution, Cap: sequential.BucketCap(logA),
		}))
	}
	m.logM = make([]float64, streams)
	return m
}

// step gives every stream one bucket: the sum of the nodes' counts.
func (m *model) step(bucket int, changed func(stream int) []float64) sequential.Decision {
	day := .5 - .5*math.Cos(2*math.Pi*float64(bucket%modelBuckets)/modelBuckets)
	const perNode = 20
	mean := modelNodes * perNode * (.05 + .95*day)
	for i, s := range m.streams {
		shares := s.shares
		if after := changed(i); after != nil {
			shares = after
		}
		s.feed(m.r.Poisson(mean), shares)
		m.logM[i] = s.d.LogEvidence()
	}
	return m.budget.Decide(m.logM)
}

func modelCases() []Case {
	nothing := func(int) []float64 { return nil }
	var out []Case
	for _, days := range []float64{7, 30, 90} {
		out = append(out, Case{
			Group: "a model of 500 streams on 5 nodes, no change", Name: fmt.Sprintf("1 per %g days", days), Allowed: 1, Cost: 13_000,
			// Without a single page, two periods are needed for an upper bound of 1.5.
			Runs: max(1, int(days/14)),
			Run: func(r *RNG) Sample {
				m := newModel(r, days)
				out := Sample{Periods: 30 / days}
				for b := range 30 * modelBuckets {
					if d := m.step(b, nothing); d.Page {
						out.Pages++
						for _, i := range d.Culprits {
							m.streams[i].d.Reset()
						}
					}
				}
				return out
			},
		})
	}
	return append(out, Case{
		Group: "a model of 500 streams on 5 nodes, change", Name: "one feature moves .5 sd in all segments", Unit: "buckets", Limit: 15, Cost: 300,
		Run: func(r *RNG) Sample {
			m := newModel(r, 30)
			after := shifted(.5).Shares(deciles())
			noon := modelBuckets / 2
			for b := range 20 {
				m.step(noon+b, nothing)
			}
			for b := range 200 {
				d := m.step(noon+20+b, func(stream int) []float64 {
					if stream%modelFeatures == 7 {
						return after
					}
					return nil
				})
				if d.Page {
					for _, i := range d.Culprits {
						if i%modelFeatures != 7 {
							return Sample{Delay: Missed} // a page that blames the wrong feature is none
						}
					}
					return Sample{Delay: b + 1}
				}
			}
			return Sample{Delay: Missed}
		},
	})
}
