package simulate

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/plumbline-ml/plumbline/detectors/sequential"
)

// conventionCases are what people page on today, on data in which nothing changes: a month of a feature in ten bins
// with 100 records in five minutes, against a reference of 20,000. They are a contrast, and promise nothing.
func conventionCases() []Case {
	const group = "what is usual, no change"
	window := func(name string, buckets int, alarm func(ref, cur []uint64) bool) Case {
		return Case{
			Group: group, Name: name, Allowed: 1, Contrast: true, Cost: 20, Runs: 10,
			Run: func(r *RNG) Sample {
				shares := shifted(0).Shares(deciles())
				ref, cur := make([]uint64, len(shares)), make([]uint64, len(shares))
				r.Multinomial(ref, 20_000, shares)
				out := Sample{Periods: 1}
				for range 30 * learnedPerDay / buckets {
					r.Multinomial(cur, uint64(100*buckets), shares)
					out.Pages += int(one(alarm(ref, cur)))
				}
				return out
			},
		}
	}
	return []Case{
		window("PSI above .1 in five minutes", 1, func(ref, cur []uint64) bool { return psi(ref, cur) > .1 }),
		window("PSI above .25 in five minutes", 1, func(ref, cur []uint64) bool { return psi(ref, cur) > .25 }),
		window("Kolmogorov-Smirnov p below .05 in an hour", 12, func(ref, cur []uint64) bool { return binnedKSP(ref, cur) < .05 }),
		window("chi-square p below .05 in an hour", 12, func(ref, cur []uint64) bool { return chiSquareP(ref, cur) < .05 }),
		{
			Group: group, Name: "a rate 3 sigma off its seasonal bucket", Allowed: 1, Contrast: true, Cost: 10, Runs: 10,
			Run: func(r *RNG) Sample {
				next := (RateFamily{Rate: .05, PerBucket: 200, BucketMinutes: 5, AR: .9, SD: .1}).Rates(r)
				out := Sample{Periods: 1}
				for range 30 * learnedPerDay {
					b := next(0)
					n := float64(b.N)
					out.Pages += int(one(math.Abs(float64(b.K)-.05*n) > 3*math.Sqrt(n*.05*.95)))
				}
				return out
			},
		},
		{
			Group: group, Name: "an e-detector per feature, 200 features, a budget each", Allowed: 1, Contrast: true, Cost: 1500, Runs: 4,
			Run: func(r *RNG) Sample {
				logA := sequential.LogThreshold(30*learnedPerDay, 1, 1)
				out := Sample{Periods: 1}
				for range 200 {
					d := sequential.NewRate(sequential.RateOptions{Lo: .05, Hi: .05})
					out.Pages += FalsePages(&d, logA, 30*learnedPerDay, func(int) { d.Update(r.Binomial(200, .05), 200) })
				}
				return out
			},
		},
	}
}

func totals(ref, cur []uint64) (n, m float64) {
	for i := range ref {
		n += float64(ref[i])
		m += float64(cur[i])
	}
	return n, m
}

func psi(ref, cur []uint64) (sum float64) {
	n, m := totals(ref, cur)
	k := float64(len(ref))
	for i := range ref {
		p, q := (float64(ref[i])+.5)/(n+.5*k), (float64(cur[i])+.5)/(m+.5*k)
		sum += (q - p) * math.Log(q/p)
	}
	return sum
}

func chiSquareP(ref, cur []uint64) float64 {
	n, m := totals(ref, cur)
	sum := 0.
	for i := range ref {
		both := float64(ref[i] + cur[i])
		if both == 0 {
			continue
		}
		a, b := both*n/(n+m), both*m/(n+m)
		sum += (float64(ref[i])-a)*(float64(ref[i])-a)/a + (float64(cur[i])-b)*(float64(cur[i])-b)/b
	}
	return distuv.ChiSquared{K: float64(len(ref) - 1)}.Survival(sum)
}

// binnedKSP is the asymptotic p-value of the largest gap between the distribution functions at the bins' edges.
func binnedKSP(ref, cur []uint64) float64 {
	n, m := totals(ref, cur)
	var a, b, gap float64
	for i := range ref {
		a += float64(ref[i]) / n
		b += float64(cur[i]) / m
		gap = max(gap, math.Abs(a-b))
	}
	x := gap * math.Sqrt(n*m/(n+m))
	if x < .3 {
		return 1
	}
	p := 0.
	for k := 1.; k < 50; k++ {
		sign := 2.
		if math.Mod(k, 2) == 0 {
			sign = -2
		}
		p += sign * math.Exp(-2*k*k*x*x)
	}
	return min(1, max(0, p))
}
