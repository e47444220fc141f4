package detectors

import (
	"math"
	"slices"
)

// pooled is one distinct value of two samples together, with how often each has it.
type pooled struct {
	x    float64
	a, b uint64
}

// pair is two samples, pooled and sorted; every exact statistic is one walk over it.
type pair struct {
	pool []pooled
	n, m uint64
}

// newPair pools two sorted samples.
func newPair(ref, cur []float64) pair {
	p := pair{pool: make([]pooled, 0, len(ref)+len(cur)), n: uint64(len(ref)), m: uint64(len(cur))}
	i, j := 0, 0
	for i < len(ref) || j < len(cur) {
		var v pooled
		if j == len(cur) || i < len(ref) && ref[i] <= cur[j] {
			v.x = ref[i]
		} else {
			v.x = cur[j]
		}
		for i < len(ref) && ref[i] == v.x {
			i++
			v.a++
		}
		for j < len(cur) && cur[j] == v.x {
			j++
			v.b++
		}
		p.pool = append(p.pool, v)
	}
	return p
}

// finiteSorted copies the finite values in ascending order and counts the others, which are taken as missing.
func finiteSorted(values []float64) (sorted []float64, missing uint64) {
	sorted = make([]float64, 0, len(values))
	for _, x := range values {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			missing++
			continue
		}
		sorted = append(sorted, x+0)
	}
	slices.Sort(sorted)
	return sorted, missing
}

func (p *pair) empty() bool { return p.n == 0 || p.m == 0 }

// ks is the largest difference of the two empirical distribution functions.
func (p *pair) ks() float64 {
	if p.empty() {
		return math.NaN()
	}
	var i, j uint64
	worst := 0.0
	for _, v := range p.pool {
		i += v.a
		j += v.b
		worst = max(worst, math.Abs(float64(i)/float64(p.n)-float64(j)/float64(p.m)))
	}
	return worst
}

// distances are the area between the distribution functions (Wasserstein-1) and sqrt(2 area of its square) (energy).
func (p *pair) distances() (w1, energy float64) {
	if p.empty() {
		return math.NaN(), math.NaN()
	}
	var i, j uint64
	square := 0.0
	for k := 0; k+1 < len(p.pool); k++ {
		i += p.pool[k].a
		j += p.pool[k].b
		d := math.Abs(float64(i)/float64(p.n) - float64(j)/float64(p.m))
		gap := p.pool[k+1].x - p.pool[k].x
		w1 += d * gap
		square += d * d * gap
	}
	return w1, math.Sqrt(2 * square)
}

// cvm is the two-sample Cramer-von Mises statistic T with midranks, and its p-value from the limiting distribution.
// Source: Anderson (1962); Conover (1999).
func (p *pair) cvm() (t, pValue float64) {
	if p.empty() {
		return math.NaN(), math.NaN()
	}
	n, m := float64(p.n), float64(p.m)
	var i, j uint64
	ux, uy := 0.0, 0.0
	for _, v := range p.pool {
		rank := float64(i+j) + float64(v.a+v.b+1)/2
		for range v.a {
			i++
			ux += (rank - float64(i)) * (rank - float64(i))
		}
		for range v.b {
			j++
			uy += (rank - float64(j)) * (rank - float64(j))
		}
	}
	all, k := n+m, n*m
	t = (n*ux+m*uy)/(k*all) - (4*k-1)/(6*all)
	mean := (1 + 1/all) / 6
	variance := (all + 1) * (4*k*all - 3*(n*n+m*m) - 2*k) / (45 * all * all * 4 * k)
	scaled := 1.0/6 + (t-mean)/math.Sqrt(45*variance)
	if !(scaled >= 0.003) {
		return t, 1
	}
	return t, min(max(1-cvmLimit(scaled), 0), 1)
}

// cvmLimit is the limiting distribution function of the Cramer-von Mises statistic, summed until a term is below 1e-7
// as scipy does: one minus it is good to about 1e-7, so a p-value below that says "below 1e-7" and no more.
func cvmLimit(x float64) float64 {
	sum := 0.0
	for k := 0.0; ; k++ {
		g1, _ := math.Lgamma(k + 0.5)
		g2, _ := math.Lgamma(k + 1)
		y := 4*k + 1
		q := y * y / (16 * x)
		z := math.Exp(g1-g2) / (math.Pow(math.Pi, 1.5) * math.Sqrt(x)) * math.Sqrt(y) * math.Exp(-2*q) * besselKQuarter(q)
		sum += z
		if math.Abs(z) < 1e-7 {
			return sum
		}
	}
}

// besselKQuarter is exp(x) times the modified Bessel function of the second kind of order 1/4, from its integral
// exp(-x (cosh t - 1)) cosh(t/4) over t > 0 by the trapezoidal rule, which converges faster than any power here.
func besselKQuarter(x float64) float64 {
	const h = 1.0 / 8
	sum := 0.5
	for t := h; ; t += h {
		s := math.Sinh(t / 2)
		e := 2 * x * s * s // x (cosh t - 1)
		if e > 45 {
			return sum * h
		}
		sum += math.Exp(-e) * math.Cosh(t/4)
	}
}

// mannWhitney is the statistic U of the first sample and the two-sided p-value by the normal approximation with tie
// and continuity correction. It asks whether one sample tends to be larger; it is blind to changes of spread.
func (p *pair) mannWhitney() (u, pValue float64) {
	if p.empty() {
		return math.NaN(), math.NaN()
	}
	n, m := float64(p.n), float64(p.m)
	seen, ranks, ties := 0.0, 0.0, 0.0
	for _, v := range p.pool {
		t := float64(v.a + v.b)
		ranks += float64(v.a) * (seen + (t+1)/2)
		ties += t*t*t - t
		seen += t
	}
	u = ranks - n*(n+1)/2
	all := n + m
	sd := math.Sqrt(n * m / 12 * ((all + 1) - ties/(all*(all-1))))
	z := (max(u, n*m-u) - n*m/2 - 0.5) / sd
	if !(z > 0) {
		return u, 1
	}
	return u, min(math.Erfc(z/math.Sqrt2), 1)
}

// moments are the mean and the unbiased variance. The mean is summed with a carry (Neumaier), so that it is the
// nearest float64 even where the values are large and their spread is small.
func moments(values []float64) (mean, variance float64) {
	n := float64(len(values))
	var s compensated
	for _, x := range values {
		s.add(x)
	}
	mean = s.sum() / n
	ss := 0.0
	for _, x := range values {
		d := x - mean
		ss += d * d
	}
	return mean, ss / (n - 1)
}

// compensated is a sum that keeps what rounding would lose.
type compensated struct{ high, low float64 }

func (c *compensated) add(x float64) {
	t := c.high + x
	if math.Abs(c.high) >= math.Abs(x) {
		c.low += (c.high - t) + x
	} else {
		c.low += (x - t) + c.high
	}
	c.high = t
}

func (c *compensated) sum() float64 { return c.high + c.low }
