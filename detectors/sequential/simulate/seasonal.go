package simulate

import (
	"fmt"
	"math"

	"github.com/plumbline-ml/plumbline/detectors/sequential"
)

// The cases of detectors.md 4.6: a season is learned from some weeks of a rate, then the rate is watched for months
// without a change, then its odds change.

// seasonal says how one of these cases is run.
type seasonal struct {
	family    RateFamily
	reference int // days
	watch     int // days
	budget    float64
	perDays   float64
	odds      float64 // of the change; 0 is none
}

func (s seasonal) run(r *RNG) Sample {
	perDay := int(24 * 60 / s.family.BucketMinutes)
	logA := sequential.LogThreshold(float64(perDay)*s.perDays, s.budget, 1)
	next := s.family.Rates(r)
	ref := make([]sequential.Observation, s.reference*perDay)
	for i := range ref {
		b := next(0)
		ref[i] = sequential.Observation{Minute: b.Minute, K: b.K, N: b.N}
	}
	o := sequential.LearnOptions{
		ReplayOptions: sequential.ReplayOptions{LogA: logA},
		SeasonOptions: sequential.SeasonOptions{Tol: math.Log(1.1)},
	}
	learned, err := sequential.LearnSeason(ref, o)
	if err != nil {
		panic(err) // a simulated reference has records
	}
	season, err := sequential.NewSeason(learned.Profile, o.SeasonOptions)
	if err != nil {
		panic(err)
	}
	d := sequential.NewRate(sequential.RateOptions{Varying: true, Cap: sequential.BucketCap(logA)})
	feed := func(shift float64) {
		b := next(shift)
		lo, hi := season.Interval(b.Minute)
		d.UpdateWithin(b.K, b.N, lo, hi)
	}
	out := Sample{Periods: float64(s.watch) / s.perDays}
	out.Pages = FalsePages(&d, logA, s.watch*perDay, func(int) { feed(0) })
	if s.odds > 0 {
		d.Reset()
		// A day and some before the change, so that it comes at any time of the day.
		out.Delay = Delay(&d, logA, perDay+r.IntN(perDay), 10*perDay, func(_ int, changed bool) {
			if changed {
				feed(math.Log(s.odds))
			} else {
				feed(0)
			}
		})
	}
	return out
}

// seasonalFamily is a family of detectors.md 4.6 with the median delays, in buckets, of the recommended detector for
// odds times 1.5, 2 and 4.
type seasonalFamily struct {
	RateFamily
	want [3]float64
}

func seasonalFamilies() []seasonalFamily {
	base := RateFamily{Rate: .05, PerBucket: 200, BucketMinutes: 5}
	with := func(name string, want [3]float64, f func(*RateFamily)) seasonalFamily {
		c := base
		c.Name = name
		f(&c)
		return seasonalFamily{c, want}
	}
	return []seasonalFamily{
		with("iid", [3]float64{27, 8, 6}, func(f *RateFamily) {}),
		with("season", [3]float64{24, 8, 6}, func(f *RateFamily) { f.Season = true }),
		with("AR .9 sd .1", [3]float64{29, 9, 6}, func(f *RateFamily) { f.Season, f.AR, f.SD = true, .9, .1 }),
		with("AR .98 sd .15", [3]float64{107, 16, 6}, func(f *RateFamily) { f.Season, f.AR, f.SD = true, .98, .15 }),
		with("AR .98 sd .30", [3]float64{572, 146, 8}, func(f *RateFamily) { f.Season, f.AR, f.SD = true, .98, .30 }),
		with("season and bursts", [3]float64{32, 8, 6}, func(f *RateFamily) { f.Season, f.Bursts = true, 1 }),
		with("AR .98 sd .15 and bursts", [3]float64{140, 18, 6}, func(f *RateFamily) { f.Season, f.AR, f.SD, f.Bursts = true, .98, .15, 1 }),
		with("overdispersed, sd .3", [3]float64{}, func(f *RateFamily) { f.Season, f.Scatter = true, .3 }),
		with("nights with 5 % of the traffic", [3]float64{}, func(f *RateFamily) { f.Season, f.Night = true, .05 }),
	}
}

func seasonalCases() []Case {
	var out []Case
	for _, f := range seasonalFamilies() {
		s := seasonal{family: f.RateFamily, reference: 28, watch: 90, budget: 1, perDays: 30}
		out = append(out, Case{
			Group: "rate with a learned season, 28 days, no change", Name: f.Name, Allowed: 1, Cost: 120, Run: s.run,
		})
		young := s
		young.reference = 14
		out = append(out, Case{
			Group: "rate with a learned season, 14 days, no change", Name: f.Name, Allowed: 1, Cost: 90, Run: young.run,
		})
		for i, odds := range []float64{1.5, 2, 4} {
			if f.want[i] == 0 {
				continue
			}
			changed := s
			changed.watch, changed.odds = 0, odds
			out = append(out, Case{
				Group: fmt.Sprintf("rate with a learned season, odds times %g", odds), Name: f.Name, Want: f.want[i], Unit: "buckets",
				Limit: max(1.25*f.want[i], f.want[i]+1), Cost: 90, Run: changed.run,
			})
		}
	}
	for _, rate := range []float64{.001, .01, .05, .3, .5} {
		for _, days := range []float64{7, 30, 90} {
			f := RateFamily{Rate: rate, PerBucket: 200, BucketMinutes: 5, Season: true, Night: .05, AR: .9, SD: .1}
			s := seasonal{family: f, reference: 28, watch: 90, budget: 1, perDays: days}
			out = append(out, Case{
				Group: "rate with a learned season, any base rate and budget", Name: fmt.Sprintf("rate %g, 1 per %g days", rate, days), Allowed: 1, Cost: 120, Run: s.run,
			})
		}
	}
	return out
}
