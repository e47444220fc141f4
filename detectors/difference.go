package detectors

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Difference is how much larger something is in one group than in another.
type Difference struct {
	Value        float64
	Lower, Upper float64 // the interval with probability 1 - alpha
	P            float64 // two-sided, of no difference; for one look at the data, not for many
}

// ProportionDifference is k1/n1 - k2/n2 with Newcombe's interval from the two Wilson intervals (his method 10) and the p-value of the
// pooled z-test. NaN when a group is empty.
func ProportionDifference(k1, n1, k2, n2 uint64, alpha float64) Difference {
	if n1 == 0 || n2 == 0 || k1 > n1 || k2 > n2 {
		return Difference{math.NaN(), math.NaN(), math.NaN(), math.NaN()}
	}
	m, n := float64(n1), float64(n2)
	p1, p2 := float64(k1)/m, float64(k2)/n
	l1, u1 := Wilson(k1, n1, alpha)
	l2, u2 := Wilson(k2, n2, alpha)
	d := Difference{Value: p1 - p2, P: 1}
	d.Lower, d.Upper = d.Value-math.Hypot(p1-l1, u2-p2), d.Value+math.Hypot(u1-p1, p2-l2)
	if pooled := float64(k1+k2) / (m + n); pooled > 0 && pooled < 1 {
		d.P = math.Erfc(math.Abs(d.Value) / math.Sqrt(pooled*(1-pooled)*(1/m+1/n)) / math.Sqrt2)
	}
	return d
}

// Moments are those of a group: how many values, their mean, and their variance divided by n - 1.
type Moments struct {
	N              uint64
	Mean, Variance float64
}

// MeanDifference is the difference of two means with Welch's interval and p-value. NaN with fewer than two values on a side.
func MeanDifference(a, b Moments, alpha float64) Difference {
	if a.N < 2 || b.N < 2 {
		return Difference{math.NaN(), math.NaN(), math.NaN(), math.NaN()}
	}
	m, n := float64(a.N), float64(b.N)
	d := Difference{Value: a.Mean - b.Mean}
	_, d.P = welch(a.Mean, a.Variance, m, b.Mean, b.Variance, n)
	x, y := a.Variance/m, b.Variance/n
	if x+y == 0 {
		d.Lower, d.Upper = d.Value, d.Value
		return d
	}
	dof := (x + y) * (x + y) / (x*x/(m-1) + y*y/(n-1))
	half := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: dof}.Quantile(1-alpha/2) * math.Sqrt(x+y)
	d.Lower, d.Upper = d.Value-half, d.Value+half
	return d
}
