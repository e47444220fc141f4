package simulate

import (
	"math"

	"github.com/plumbline-ml/plumbline/detectors/sequential"
)

// The distribution and the mean of a number that breathes with the day and wanders, judged by a learned season.

// Wander is how the mean of a number moves while nothing has changed, in its own standard deviations.
type Wander struct {
	Name   string
	Season float64 // amplitude over the day
	AR, SD float64 // per bucket of five minutes
}

func wanders() []Wander {
	return []Wander{
		{Name: "still"},
		{Name: "day and night", Season: .3},
		{Name: "AR .9 sd .1", Season: .3, AR: .9, SD: .1},
		{Name: "AR .98 sd .1", Season: .3, AR: .98, SD: .1},
		{Name: "AR .98 sd .2", AR: .98, SD: .2},
	}
}

const learnedPerDay = 288

// means returns the generator of the mean, bucket by bucket, and its minute.
func (w Wander) means(r *RNG) func() (minute int64, mean float64) {
	minute := int64(4 * 24 * 60)
	state := r.NormFloat64() * w.SD
	return func() (int64, float64) {
		state = w.AR*state + math.Sqrt(1-w.AR*w.AR)*w.SD*r.NormFloat64()
		at := minute
		minute += 5
		return at, state + w.Season*math.Sin(2*math.Pi*float64(at%(24*60))/(24*60))
	}
}

// binsAndMean are what a number is watched by: its bins and the mean of them, at half of the budget each.
type binsAndMean struct {
	sets  *sequential.Sets
	steps sequential.Steps
}

func (d *binsAndMean) LogEvidence() float64 {
	return sequential.LogAverage([]float64{d.sets.LogEvidence(), d.steps.LogEvidence()}, nil)
}

func (d *binsAndMean) Reset() {
	d.sets.Reset()
	d.steps.Reset()
}

// decileScores are the values that stand for the deciles of a bell curve, from 0 to 1.
var decileScores = []float64{0, .1736, .2744, .3562, .4322, .5678, .6438, .7256, .8264, 1}

// setsRun learns the bins of the number and their mean over 28 days, watches 60 days, and then shifts the number.
func (w Wander) setsRun(r *RNG, shift float64, watch int) Sample {
	logA := sequential.LogThreshold(learnedPerDay*30, 1, 1)
	edges := deciles()
	next := w.means(r)
	shares := func(mean float64) []float64 { return shifted(mean).Shares(edges) }
	total := make([]uint64, len(edges)+1)
	ref := make([]sequential.CountsObservation, 28*learnedPerDay)
	for i := range ref {
		minute, mean := next()
		ref[i] = sequential.CountsObservation{Minute: minute, Counts: make([]uint64, len(total))}
		r.Multinomial(ref[i].Counts, r.Poisson(100), shares(mean))
		for j, c := range ref[i].Counts {
			total[j] += c
		}
	}
	o := sequential.SetsOptions{Alpha: .05, Ordered: true, Tol: ToleranceDistribution, Cap: sequential.BucketCap(logA), Varying: true}
	learned, err := sequential.LearnSets(ref, o, sequential.ReplayOptions{LogA: logA})
	if err != nil {
		panic(err)
	}
	so := sequential.StepsOptions{Z: 4, Tol: .02, Cap: o.Cap, Varying: true}
	wander, _, err := sequential.LearnSteps(ref, decileScores, so, learned.Profile.Calendar, sequential.ReplayOptions{LogA: logA})
	if err != nil {
		panic(err)
	}
	wander.Kappa = sequential.CommonKappa(wander.Kappa, learned.Profile.Kappa)
	learned.Profile.Kappa = wander.Kappa
	season, err := sequential.NewSetsSeason(learned.Profile)
	if err != nil {
		panic(err)
	}
	sets, err := sequential.NewSets(total, o)
	if err != nil {
		panic(err)
	}
	steps, err := sequential.NewSteps(decileScores, total, so)
	if err != nil {
		panic(err)
	}
	d := &binsAndMean{sets, steps}
	slot, counts := -1, make([]uint64, len(total))
	feed := func(shift float64) {
		minute, mean := next()
		if s := season.Slot(minute); s != slot {
			slot = s
			season.Retune(d.sets, slot)
			season.RetuneSteps(&d.steps, slot, wander.Slack())
		}
		r.Multinomial(counts, r.Poisson(100), shares(mean+shift))
		d.sets.Update(counts)
		d.steps.Update(counts)
	}
	out := Sample{Periods: float64(watch) / 30}
	out.Pages = FalsePages(d, logA, watch*learnedPerDay, func(int) { feed(0) })
	if shift > 0 {
		d.Reset()
		out.Delay = Delay(d, logA, learnedPerDay+r.IntN(learnedPerDay), 10*learnedPerDay, func(_ int, changed bool) { feed(shift * one64(changed)) })
	}
	return out
}

// meanRun is the same with the mean of the number, squeezed into [0,1].
func (w Wander) meanRun(r *RNG, watch int) Sample {
	logA := sequential.LogThreshold(learnedPerDay*30, 1, 1)
	next := w.means(r)
	draw := func(mean float64) float64 { return phi(mean + r.NormFloat64()) }
	ref := make([]sequential.MeanObservation, 28*learnedPerDay)
	for i := range ref {
		minute, mean := next()
		o := sequential.MeanObservation{Minute: minute, N: r.Poisson(30)}
		for range o.N {
			x := draw(mean)
			o.Sum += x
			o.SumSq += x * x
		}
		ref[i] = o
	}
	o := sequential.LearnMeanOptions{SeasonOptions: sequential.SeasonOptions{Tol: .01}, ReplayOptions: sequential.ReplayOptions{LogA: logA}}
	learned, err := sequential.LearnMean(ref, o)
	if err != nil {
		panic(err)
	}
	season, err := sequential.NewMeanSeason(learned.Profile, o.SeasonOptions)
	if err != nil {
		panic(err)
	}
	d := sequential.NewMean(sequential.MeanOptions{Varying: true, Cap: sequential.BucketCap(logA)})
	return Sample{Periods: float64(watch) / 30, Pages: FalsePages(&d, logA, watch*learnedPerDay, func(int) {
		minute, mean := next()
		d.Retune(season.Interval(season.Slot(minute)))
		var s sequential.Sums
		for range r.Poisson(30) {
			d.Increments(draw(mean), &s)
		}
		d.Update(&s)
	})}
}

func learnedCases() []Case {
	var out []Case
	for _, w := range wanders() {
		// A shift of .5 sd is hard to tell from a wander of .2 sd that lasts for hours.
		limit := 40.
		if w.SD > .1 {
			limit = 200
		}
		out = append(out, Case{
			Group: "bins with a learned season, no change", Name: w.Name, Allowed: 1, Cost: 500, Runs: 20,
			Run: func(r *RNG) Sample { return w.setsRun(r, 0, 60) },
		}, Case{
			Group: "mean with a learned season, no change", Name: w.Name, Allowed: 1, Cost: 500, Runs: 20,
			Run: func(r *RNG) Sample { return w.meanRun(r, 60) },
		}, Case{
			Group: "bins with a learned season, shift .5 sd", Name: w.Name, Unit: "buckets", Limit: limit, Cost: 300, Runs: 20,
			Run: func(r *RNG) Sample { return w.setsRun(r, .5, 0) },
		})
	}
	// A constant, and a number of few values: nothing to bet on, and bins of very different sizes.
	for _, c := range []struct {
		name   string
		shares []float64
	}{{"a constant", []float64{1}}, {"ties", []float64{.6, .05, .3, .04, .01}}, {"a rare value", []float64{.9995, .0005}}} {
		out = append(out, Case{
			Group: "bins, 100 records a bucket, no change", Name: c.name, Allowed: 1, Cost: 50,
			Run: func(r *RNG) Sample {
				logA := sequential.LogThreshold(learnedPerDay*30, 1, 1)
				b := newBinned(r, c.shares, 20_000, sequential.SetsOptions{Alpha: .05 / 200, Ordered: true, Cap: sequential.BucketCap(logA)})
				return Sample{Periods: 2, Pages: FalsePages(b.d, logA, 60*learnedPerDay, func(int) { b.feed(100, c.shares) })}
			},
		})
	}
	return out
}
