package simulate

import (
	"math"

	"github.com/plumbline-ml/plumbline/detectors/sequential"
)

// wanderingModel is a model of rates that all wander slowly, each with a season learned for its share of the budget.
func wanderingModel(r *RNG, family RateFamily, streams, reference, watch int) Sample {
	perDay := int(24 * 60 / family.BucketMinutes)
	budget, err := sequential.NewBudget(sequential.BudgetOptions{BucketsPerPeriod: float64(30 * perDay), FalsePages: 1})
	if err != nil {
		panic(err)
	}
	weight := 1 / float64(streams)
	logA := sequential.LogThreshold(float64(30*perDay), 1, weight)
	o := sequential.LearnOptions{
		ReplayOptions: sequential.ReplayOptions{LogA: logA, Weight: weight},
		SeasonOptions: sequential.SeasonOptions{Tol: math.Log(1.1)},
	}
	next := make([]func(float64) Bucket, streams)
	profiles := make([]sequential.SeasonProfile, streams)
	seasons := make([]*sequential.Season, streams)
	rates := make([]sequential.Rate, streams)
	logM := make([]float64, streams)
	ref := make([]sequential.Observation, reference*perDay)
	kappa := 0.
	for i := range streams {
		budget.Add(1)
		next[i] = family.Rates(r)
		for j := range ref {
			b := next[i](0)
			ref[j] = sequential.Observation{Minute: b.Minute, K: b.K, N: b.N}
		}
		learned, err := sequential.LearnSeason(ref, o)
		if err != nil {
			panic(err)
		}
		profiles[i] = learned.Profile
		kappa = sequential.CommonKappa(kappa, learned.Profile.Kappa)
	}
	for i := range streams {
		profiles[i].Kappa = kappa
		if seasons[i], err = sequential.NewSeason(profiles[i], o.SeasonOptions); err != nil {
			panic(err)
		}
		rates[i] = sequential.NewRate(sequential.RateOptions{Varying: true, Cap: sequential.BucketCap(logA)})
	}
	out := Sample{Periods: float64(watch) / 30}
	for range watch * perDay {
		for i := range rates {
			b := next[i](0)
			lo, hi := seasons[i].Interval(b.Minute)
			rates[i].UpdateWithin(b.K, b.N, lo, hi)
			logM[i] = rates[i].LogEvidence()
		}
		if d := budget.Decide(logM); d.Page {
			out.Pages++
			for _, i := range d.Culprits {
				rates[i].Reset()
			}
		}
	}
	return out
}

func wanderingCases() []Case {
	const group = "a model of 20 rates that all wander, no change"
	var out []Case
	for _, f := range seasonalFamilies() {
		if f.SD == 0 {
			continue
		}
		out = append(out, Case{
			Group: group, Name: f.Name, Allowed: 1, Cost: 2500, Runs: 6,
			Run: func(r *RNG) Sample { return wanderingModel(r, f.RateFamily, 20, 28, 90) },
		})
	}
	return out
}
