package simulate

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/plumbline-ml/plumbline/detectors/sequential"
)

// The product's own setting: a model of a hundred streams shares one false page in 30 days, buckets are minutes, 20
// requests a second arrive, and the reference is four weeks of that. Tolerances are the defaults of a model file.

const (
	productStreams   = 100
	productPerBucket = 1200
	productBuckets   = 30 * 24 * 60
	productReference = 28 * 24 * 60 * productPerBucket
)

// The tolerances that a model file has when it says nothing: a class and the mean of a probability by odds; bins and categories, what is
// missing and what is unseen by shares of all records.
const (
	ToleranceOdds         = 1.10
	ToleranceDistribution = .02
	ToleranceShare        = .01
	ToleranceUnseen       = ToleranceShare / 2
)

var (
	productLogA = sequential.LogThreshold(productBuckets, 1, 1./productStreams)
	productTol  = math.Log(ToleranceOdds)
)

// world is a detector, and how to give it one bucket: level 0 is as the reference, 1 is changed.
type world struct {
	d    Evidence
	feed func(level float64)
}

func shareWorld(before, after float64) func(*RNG) world {
	return func(r *RNG) world {
		profile := sequential.SeasonProfile{Calendar: "flat", K: []uint64{r.Binomial(productReference, before)}, N: []uint64{productReference}, Days: 28}
		season, err := sequential.NewSeason(profile, sequential.SeasonOptions{Tol: productTol})
		if err != nil {
			panic(err)
		}
		lo, hi := season.Interval(0)
		d := sequential.NewRate(sequential.RateOptions{Lo: lo, Hi: hi, Cap: sequential.BucketCap(productLogA)})
		return world{&d, func(level float64) {
			n := r.Poisson(productPerBucket)
			d.Update(r.Binomial(n, before+level*(after-before)), n)
		}}
	}
}

// riseWorld watches a share for a rise above what is tolerated of it: missing or unseen values.
func riseWorld(before, after, tolerance float64) func(*RNG) world {
	return func(r *RNG) world {
		const n = 1_000_000
		_, hi := sequential.ClopperPearson(r.Binomial(n, before), n, .05/productStreams)
		d := sequential.NewRate(sequential.RateOptions{Hi: hi + tolerance, Cap: sequential.BucketCap(productLogA)})
		return world{&d, func(level float64) {
			n := r.Poisson(productPerBucket)
			d.Update(r.Binomial(n, before+level*(after-before)), n)
		}}
	}
}

func binsWorld(before, after []float64) func(*RNG) world {
	return func(r *RNG) world {
		b := newBinned(r, before, 1_000_000, sequential.SetsOptions{
			Alpha: .05 / productStreams, Ordered: true, Tol: ToleranceDistribution, Cap: sequential.BucketCap(productLogA),
		})
		mix := make([]float64, len(before))
		return world{b.d, func(level float64) {
			for i := range mix {
				mix[i] = before[i] + level*(after[i]-before[i])
			}
			b.feed(r.Poisson(productPerBucket), mix)
		}}
	}
}

// meanWorld has scores Beta(2,8), whose mean moves by so many standard deviations, and tolerates so much of the odds of the mean.
func meanWorld(move, tolerance float64) func(*RNG) world {
	return func(r *RNG) world {
		base := distuv.Beta{Alpha: 2, Beta: 8}
		mean, sd := base.Mean(), base.StdDev()
		const n = 1_000_000
		season, err := sequential.NewMeanSeason(sequential.MeanProfile{
			Calendar: "flat", N: []uint64{n}, Sum: []float64{n * mean}, SumSq: []float64{n * (sd*sd + mean*mean)}, Days: 28,
		}, sequential.SeasonOptions{Odds: math.Log(tolerance)})
		if err != nil {
			panic(err)
		}
		lo, hi := season.Interval(0)
		d := sequential.NewMean(sequential.MeanOptions{Lo: lo, Hi: hi, Cap: sequential.BucketCap(productLogA)})
		return world{&d, func(level float64) {
			var s sequential.Sums
			m := mean + level*move*sd
			for range r.Poisson(productPerBucket) {
				d.Increments(r.Beta(10*m, 10*(1-m)), &s)
			}
			d.Update(&s)
		}}
	}
}

// course is how a change comes and goes: its level after so many minutes.
type course func(minute int) float64

func abrupt(int) float64 { return 1 }

func ramp(minutes int) course {
	return func(m int) float64 { return min(1, float64(m+1)/float64(minutes)) }
}

func transient(minutes int) course { return func(m int) float64 { return one64(m < minutes) } }

func one64(b bool) float64 { return float64(one(b)) }

func productCases() []Case {
	edges := deciles()
	normal := shifted(0).Shares(edges)
	var out []Case
	add := func(name string, limit float64, c course, cost int, build func(*RNG) world) {
		out = append(out, Case{
			Group: "20 requests a second, minutes, one of 100 streams", Name: name, Unit: "minutes", Limit: limit, Cost: cost,
			Run: func(r *RNG) Sample {
				w := build(r)
				before := 60 + r.IntN(60)
				return Sample{Delay: Delay(w.d, productLogA, before, 600, func(b int, changed bool) {
					level := 0.
					if changed {
						level = c(b - before)
					}
					w.feed(level)
				})}
			},
		})
	}
	add("positive rate 2 % to 4 %", 10, abrupt, 1, shareWorld(.02, .04))
	add("positive rate 2 % to nothing", 10, abrupt, 1, shareWorld(.02, 0))
	add("positive rate 2 % to 4 % over an hour", 60, ramp(60), 1, shareWorld(.02, .04))
	add("positive rate 2 % to 4 % for 20 minutes only", 20, transient(20), 1, shareWorld(.02, .04))
	for _, odds := range []float64{1.25, 1.5, 2, 4} {
		limit := map[float64]float64{1.25: 60, 1.5: 20, 2: 10, 4: 10}[odds]
		add(fmt.Sprintf("rate 5 %%, odds times %g", odds), limit, abrupt, 1, shareWorld(.05, Odds(.05, odds)))
	}
	add("frozen: repeats 5 % to all", 10, abrupt, 1, shareWorld(.05, 1))
	add("unseen category 1 %", 15, abrupt, 1, riseWorld(0, .01, ToleranceUnseen))
	add("missing 2 % to 10 %", 10, abrupt, 1, riseWorld(.02, .10, ToleranceShare))
	for _, s := range []struct {
		shape Shape
		limit float64
	}{{shifted(.1), 60}, {shifted(.2), 12}, {shifted(.5), 10}, {scaled(1.2), 12}, {bump(.05), 12}, {bimodal(), 16}} {
		add("number: "+s.shape.Name, s.limit, abrupt, 3, binsWorld(normal, s.shape.Shares(edges)))
	}
	// A tenth of a deviation is 7.6 % of the odds of this mean, and nothing to the tolerance of a model file that says nothing else.
	add("mean of a score: 0.1 sd, tolerance 1.05", 60, abrupt, 40, meanWorld(.1, 1.05))
	add("mean of a score: 0.2 sd", 15, abrupt, 40, meanWorld(.2, ToleranceOdds))
	add("mean of a score: 0.5 sd", 10, abrupt, 40, meanWorld(.5, ToleranceOdds))
	out = append(out, belowTolerance())
	return append(out, adversarialCases()...)
}

// belowTolerance is a huge sample and a shift that nobody asked to be woken for.
func belowTolerance() Case {
	return Case{
		Group: "below the tolerance", Name: "odds times 1.05 at a million records a bucket", Unit: "minutes", Silent: true, Cost: 3,
		Run: func(r *RNG) Sample {
			const p, perBucket = .05, 1_000_000
			reference := uint64(28 * 24 * 60 * perBucket)
			season, err := sequential.NewSeason(sequential.SeasonProfile{
				Calendar: "flat", K: []uint64{r.Binomial(reference, p)}, N: []uint64{reference}, Days: 28,
			}, sequential.SeasonOptions{Tol: productTol})
			if err != nil {
				panic(err)
			}
			lo, hi := season.Interval(0)
			d := sequential.NewRate(sequential.RateOptions{Lo: lo, Hi: hi, Cap: sequential.BucketCap(productLogA)})
			return Sample{Delay: FirstAlarm(&d, productLogA, 10_000, func(int) { d.Update(r.Binomial(perBucket, Odds(p, 1.05)), perBucket) })}
		},
	}
}
