package detectors

import "math"

// KSProbability is the two-sided p-value of a two-sample Kolmogorov-Smirnov distance d from n and m values: the tail
// of the one-sample distribution at the effective size round(nm/(n+m)), as scipy's ks_2samp does in its asymptotic
// mode. NaN when a side is empty. With ties or fixed bins it is too large (conservative).
//
// The distribution is computed by the plan of Simard and L'Ecuyer, "Computing the two-sided Kolmogorov-Smirnov
// distribution", J. Stat. Softw. 39 (2011): exact for small sizes (Durbin's matrix by Marsaglia, Tsang and Wang, or
// twice the one-sided tail where both sides cannot be hit), Pelz and Good's expansion for large ones.
func KSProbability(d float64, n, m uint64) float64 {
	if n == 0 || m == 0 || math.IsNaN(d) {
		return math.NaN()
	}
	en := math.Round(float64(n) * float64(m) / (float64(n) + float64(m)))
	return kolmogorovTail(max(en, 1), d)
}

// kolmogorovTail is P(D_n >= x) for the one-sample two-sided statistic of n values.
func kolmogorovTail(n, x float64) float64 {
	t := n * x
	switch nxx := t * x; {
	case x >= 1:
		return 0
	case t <= 0.5:
		return 1
	case t <= 1:
		// Ruben and Gambino: the distribution function is n!/n^n (2t-1)^n.
		lg, _ := math.Lgamma(n + 1)
		return -math.Expm1(lg - n*math.Log(n) + n*math.Log(2*t-1))
	case t >= n-1:
		return min(2*math.Pow(1-x, n), 1)
	case x >= 0.5:
		return min(2*oneSidedTail(n, x), 1)
	case n <= 140 && nxx <= 4:
		return 1 - durbin(int(n), x)
	case n <= 140:
		return min(2*oneSidedTail(n, x), 1)
	case nxx >= 370:
		return 0
	case nxx >= 2.2:
		return min(2*oneSidedTail(n, x), 1)
	case n <= 500 && n*math.Pow(x, 1.5) <= 1.4:
		return 1 - durbin(int(n), x) // here the expansion is only good to 1e-6
	}
	return min(max(1-pelzGood(n, x), 0), 1)
}

// oneSidedTail is P(D_n+ >= x), Smirnov's sum; all its terms are positive.
//
// Above 1000 values the sum is taken over every n/1000th term: its terms are a smooth bump that vanishes at both ends
// where this is used (n x^2 >= 2.2), so the coarser sum agrees to ten digits and does not grow with n. The terms use
// Stirling's formula arranged so that nothing large cancels.
func oneSidedTail(n, x float64) float64 {
	sum := 0.0
	last := math.Floor(n * (1 - x))
	if n <= 1000 {
		lgn, _ := math.Lgamma(n + 1)
		for j := 0.0; j <= last; j++ {
			p, q := x+j/n, 1-x-j/n
			if q <= 0 {
				if j == n {
					sum += math.Pow(p, n-1)
				}
				continue
			}
			a, _ := math.Lgamma(j + 1)
			b, _ := math.Lgamma(n - j + 1)
			sum += math.Exp(lgn - a - b + (j-1)*math.Log(p) + (n-j)*math.Log(q))
		}
		return x * sum
	}
	step := math.Floor(n / 1000)
	stirling := func(k float64) float64 { return 1/(12*k) - 1/(360*k*k*k) }
	for j := step; j <= last; j += step {
		k := n - j
		if n*x >= k {
			break
		}
		e := j*math.Log1p(n*x/j) + k*math.Log1p(-n*x/k) + stirling(n) - stirling(j) - stirling(k)
		sum += math.Exp(e) * math.Sqrt(n/(2*math.Pi*j*k)) / (x + j/n)
	}
	return x * sum * step
}

// durbin is the distribution function P(D_n < x) by Durbin's matrix, as n products of a row with it.
func durbin(n int, x float64) float64 {
	k := int(float64(n)*x) + 1
	size := 2*k - 1
	h := float64(k) - float64(n)*x
	// Row i, column j holds 1/(i-j+1)! up to the superdiagonal; the first column and the last row differ.
	inverse := make([]float64, size+2)
	inverse[0] = 1
	for i := 1; i < len(inverse); i++ {
		inverse[i] = inverse[i-1] / float64(i)
	}
	mat := make([]float64, size*size)
	for i := range size {
		for j := 0; j <= min(i+1, size-1); j++ {
			mat[i*size+j] = inverse[i-j+1]
		}
	}
	for i := range size {
		mat[i*size] -= math.Pow(h, float64(i+1)) * inverse[i+1]
	}
	for j := 1; j < size; j++ {
		mat[(size-1)*size+j] -= math.Pow(h, float64(size-j)) * inverse[size-j]
	}
	corner := 1 - 2*math.Pow(h, float64(size))
	if 2*h-1 > 0 {
		corner += math.Pow(2*h-1, float64(size))
	}
	mat[(size-1)*size] = corner * inverse[size]
	row, next := make([]float64, size), make([]float64, size)
	row[k-1] = 1
	for i := 1; i <= n; i++ {
		clear(next)
		scale := float64(i) / float64(n)
		for r, v := range row {
			if v == 0 {
				continue
			}
			v *= scale
			for c := 0; c <= min(r+1, size-1); c++ {
				next[c] += v * mat[r*size+c]
			}
		}
		row, next = next, row
	}
	return min(max(row[k-1], 0), 1)
}

// pelzGood is the expansion of the distribution function in powers of 1/sqrt(n) by Pelz and Good (1976), four terms;
// its error falls with the square of n and is 2e-6 at 141 (scipy takes the same terms).
func pelzGood(n, x float64) float64 {
	z := math.Sqrt(n) * x
	z2 := z * z
	z4, z6 := z2*z2, z2*z2*z2
	z8 := z4 * z4
	var k0, k1, k2, k3 float64
	for k := 8.0; k >= 0; k-- { // smallest terms first
		a := math.Pi * (k + 0.5)
		a2 := a * a
		e := math.Exp(-a2 / (2 * z2))
		k0 += e
		k1 += (a2 - z2) * e
		k2 += (6*z6 + 2*z4 + (2*z4-5*z2)*a2 + (1-2*z2)*a2*a2) * e
		k3 += (-30*z6 - 90*z8 + (135*z4-96*z6)*a2 + (212*z4-60*z2)*a2*a2 + (5-30*z2)*a2*a2*a2) * e
	}
	var j2, j3 float64
	for k := 8.0; k >= 1; k-- {
		b := math.Pi * k
		b2 := b * b
		e := math.Exp(-b2 / (2 * z2))
		j2 += b2 * e
		j3 += (3*b2*z2 - b2*b2) * e
	}
	// The sums run over positive and negative k; both halves are equal.
	c := 2 * math.Sqrt(math.Pi/2)
	sum := c * k0 / z
	sum += c * k1 / (6 * z4) / math.Sqrt(n)
	sum += c * (k2/(72*z4*z2*z) - j2/(36*z2*z)) / n
	sum += c * (k3/(6480*z8*z2) + j3/(216*z6)) / (n * math.Sqrt(n))
	return min(max(sum, 0), 1)
}

// KSExactProbability is the exact two-sided p-value P(D >= d) of the two-sample statistic for continuous data, by
// counting lattice paths (Hodges 1958). Every step adds positive numbers, so small values keep their digits. It takes
// n*m steps and min(n, m) memory: meant for small samples.
func KSExactProbability(d float64, n, m uint64) float64 {
	if n == 0 || m == 0 || math.IsNaN(d) {
		return math.NaN()
	}
	if n < m {
		n, m = m, n
	}
	limit := int64(math.Round(d * float64(n) * float64(m)))
	outside := func(i, j uint64) bool {
		gap := int64(i*m) - int64(j*n)
		return gap >= limit || -gap >= limit
	}
	// row[j] is the share of the paths from the origin to (i, j) that have been outside.
	row := make([]float64, m+1)
	for i := uint64(0); i <= n; i++ {
		for j := uint64(0); j <= m; j++ {
			switch {
			case outside(i, j):
				row[j] = 1
			case i == 0 && j == 0:
				row[j] = 0
			case i == 0:
				row[j] = row[j-1]
			case j == 0:
			default:
				row[j] = (row[j]*float64(i) + row[j-1]*float64(j)) / float64(i+j)
			}
		}
	}
	return row[m]
}
