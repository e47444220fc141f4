package simulate

import (
	"github.com/plumbline-ml/plumbline/detectors/sequential"
)

// adversarialCases are people who know that they are watched.
func adversarialCases() []Case {
	const group = "adversaries"
	edges := deciles()
	normal := shifted(0).Shares(edges)
	return []Case{
		{
			Group: group, Name: "shift of .5 sd, and a value of 1e6 in every bucket", Unit: "minutes", Limit: 10, Cost: 3,
			Run: func(r *RNG) Sample {
				after := shifted(.5).Shares(edges)
				b := newBinned(r, normal, 1_000_000, sequential.SetsOptions{
					Alpha: .05 / productStreams, Ordered: true, Tol: ToleranceDistribution, Cap: sequential.BucketCap(productLogA),
				})
				return Sample{Delay: Delay(b.d, productLogA, 60, 600, func(_ int, changed bool) {
					shares := normal
					if changed {
						shares = after
					}
					r.Multinomial(b.counts, productPerBucket, shares)
					b.counts[len(b.counts)-1]++
					b.d.Update(b.counts)
				})}
			},
		},
		{
			Group: group, Name: "three clients send half of all for 3 h, raw", Unit: "minutes", Limit: 10, Cost: 20,
			Run: func(r *RNG) Sample { return campaign(r, 0) },
		},
		{
			Group: group, Name: "the same, one record a client and bucket counts", Unit: "minutes", Silent: true, Cost: 20,
			Run: func(r *RNG) Sample { return campaign(r, 1) },
		},
		{
			Group: group, Name: "odds rise by 1 % a day, against an anchor", Unit: "days", Limit: 18, Cost: 5,
			Run: func(r *RNG) Sample { return poisoning(r, false) },
		},
		{
			Group: group, Name: "odds rise by 1 % a day, against the last week", Unit: "days", Contrast: true, Cost: 5,
			Run: func(r *RNG) Sample { return poisoning(r, true) },
		},
	}
}

// campaign is 180 minutes in which three clients send as much as all others, all of it positive. With a limit, that
// many records of a client count in a bucket.
func campaign(r *RNG, limit int) Sample {
	w := shareWorld(.02, .02)(r)
	d := w.d.(*sequential.Rate)
	keys, err := sequential.NewKeyCap(4096, max(1, limit))
	if err != nil {
		panic(err)
	}
	senders := [3]uint64{r.Uint64(), r.Uint64(), r.Uint64()}
	return Sample{Delay: Delay(d, productLogA, 60, 180, func(_ int, changed bool) {
		keys.Reset()
		var k, n uint64
		count := func(client uint64, positive bool) {
			if limit == 0 || keys.Count(client) {
				n++
				k += one(positive)
			}
		}
		for range productPerBucket {
			count(r.Uint64(), r.Float64() < .02)
		}
		if changed {
			for i := range productPerBucket {
				count(senders[i%3], true)
			}
		}
		d.Update(k, n)
	})}
}

// poisoning moves the odds by 1 % a day, for 90 days of five-minute buckets. The rolling reference is the last week,
// renewed every day.
func poisoning(r *RNG, rolling bool) Sample {
	const p, perBucket, perDay = .05, 6000, 288
	logA := sequential.LogThreshold(perDay*30, 1, 1./productStreams)
	d := sequential.NewRate(sequential.RateOptions{Varying: true, Cap: sequential.BucketCap(logA)})
	rate, odds := p, 1.
	reference := func(days uint64) *sequential.Season {
		n := days * perDay * perBucket
		s, err := sequential.NewSeason(sequential.SeasonProfile{
			Calendar: "flat", K: []uint64{r.Binomial(n, rate)}, N: []uint64{n}, Days: 28,
		}, sequential.SeasonOptions{Tol: productTol})
		if err != nil {
			panic(err)
		}
		return s
	}
	season := reference(28)
	for day := 1; day <= 90; day++ {
		if rolling {
			// The average of the last week is about the rate of four days ago.
			rate = Odds(p, odds/1.04)
			season = reference(7)
		}
		lo, hi := season.Interval(0)
		odds *= 1.01
		rate = Odds(p, odds)
		for range perDay {
			d.UpdateWithin(r.Binomial(perBucket, rate), perBucket, lo, hi)
			if d.LogEvidence() >= logA {
				return Sample{Delay: day}
			}
		}
	}
	return Sample{Delay: Missed}
}
