package simulate

import "math"

// RateFamily is a way in which a rate behaves while nothing has changed.
type RateFamily struct {
	Name   string
	Rate   float64 // the overall rate
	Season bool    // day, night and weekend in the rate
	AR, SD float64 // log-odds wander: first-order autoregression per bucket, and its standard deviation
	// Scatter makes buckets overdispersed: the standard deviation of the log-odds from bucket to bucket.
	Scatter float64
	// Bursts per day, at least four hours apart: one to four buckets in which the odds are 4 to 20 times their own.
	Bursts float64
	// PerBucket is the mean number of records, Night the factor at night.
	PerBucket, Night float64
	BucketMinutes    int64
}

// Bucket is one simulated bucket.
type Bucket struct {
	Minute int64
	K, N   uint64
}

// Rates returns the generator of the family: buckets in order of time, each with log-odds moved by shift.
func (f RateFamily) Rates(r *RNG) func(shift float64) Bucket {
	minute := int64(4 * 24 * 60) // a Monday
	wander := r.NormFloat64() * f.SD
	burst, quiet := 0, int64(0)
	burstSize := 0.
	return func(shift float64) Bucket {
		b := Bucket{Minute: minute}
		hour := float64(minute%(24*60)) / 60
		weekend := (minute/(24*60)+3)%7 >= 5
		day := .5 - .5*math.Cos(2*math.Pi*(hour-3)/24) // 0 at 3 in the night, 1 at 15
		l := Logit(f.Rate) + shift
		if f.Season {
			l += .6 * (day - .5)
			if weekend {
				l -= .4
			}
		}
		if f.SD > 0 {
			wander = f.AR*wander + math.Sqrt(1-f.AR*f.AR)*f.SD*r.NormFloat64()
			l += wander
		}
		if f.Scatter > 0 {
			l += f.Scatter * r.NormFloat64()
		}
		if f.Bursts > 0 {
			if quiet++; burst == 0 && quiet*f.BucketMinutes >= 4*60 && r.Float64() < f.Bursts*float64(f.BucketMinutes)/(24*60) {
				burst = 1 + r.IntN(4)
				burstSize = math.Log(4) + r.Float64()*math.Log(5)
			}
			if burst > 0 {
				l += burstSize
				burst--
				quiet = 0
			}
		}
		traffic := f.PerBucket
		if f.Night > 0 {
			traffic *= f.Night + (1-f.Night)*day
		}
		b.N = r.Poisson(traffic)
		b.K = r.Binomial(b.N, Expit(l))
		minute += f.BucketMinutes
		return b
	}
}
