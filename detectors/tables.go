package detectors

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// The functions of this file compare two tables of counts over the same bins: ref of the reference, cur of the window
// or sample under test. They take shares p = ref/n and q = cur/m. A side without records makes every result NaN.

// PSI is the population stability index, sum (q-p) ln(q/p) in natural logarithms, with one half added to every count
// on both sides ("add-half"): an empty bin then weighs what half a record would, not what an arbitrary epsilon says.
// It is 0 for equal tables and has no upper bound. Under no change its mean is about PSIExpected, so 0.1 or 0.25 mean
// nothing without n. Source: Yurdakul, Naranjo, "Statistical properties of the population stability index" (2020).
func PSI(ref, cur []uint64) float64 {
	return psi(ref, cur, addHalf)
}

// PSIFloor is the PSI that other tools print: a share below 1e-4 counts as 1e-4, without renormalisation. For
// comparison with their numbers only.
func PSIFloor(ref, cur []uint64) float64 {
	return psi(ref, cur, func(c, n uint64, _ int) float64 { return max(float64(c)/float64(n), 1e-4) })
}

// PSIExpected is what PSI is on average when nothing changed: (K-1)(1/n + 1/m) for K bins.
func PSIExpected(bins int, n, m uint64) float64 {
	if n == 0 || m == 0 {
		return math.NaN()
	}
	return float64(max(bins-1, 0)) * (1/float64(n) + 1/float64(m))
}

func addHalf(c, n uint64, k int) float64 {
	return (float64(c) + 0.5) / (float64(n) + 0.5*float64(k))
}

func psi(ref, cur []uint64, share func(c, n uint64, k int) float64) float64 {
	n, m := total(ref), total(cur)
	if n == 0 || m == 0 {
		return math.NaN()
	}
	sum := 0.0
	for i := range ref {
		p, q := share(ref[i], n, len(ref)), share(cur[i], m, len(ref))
		sum += (q - p) * math.Log(q/p)
	}
	return sum
}

// KL is the Kullback-Leibler divergence of the current from the reference, sum q ln(q/p), natural logarithms, add-half
// on both sides. Not symmetric; 0 and above.
func KL(ref, cur []uint64) float64 {
	n, m := total(ref), total(cur)
	if n == 0 || m == 0 {
		return math.NaN()
	}
	sum := 0.0
	for i := range ref {
		p, q := addHalf(ref[i], n, len(ref)), addHalf(cur[i], m, len(ref))
		sum += q * math.Log(q/p)
	}
	return sum
}

// JS is the Jensen-Shannon distance: the square root of the divergence to the even mixture, logarithms to base 2, no
// smoothing. 0 for equal tables, 1 for disjoint ones. Source: Endres, Schindelin (2003). Tools that use natural
// logarithms print 0.8326 times this.
func JS(ref, cur []uint64) float64 {
	n, m := float64(total(ref)), float64(total(cur))
	if n == 0 || m == 0 {
		return math.NaN()
	}
	sum := 0.0
	for i := range ref {
		p, q := float64(ref[i])/n, float64(cur[i])/m
		sum += jsTerm(p, q)
	}
	return math.Sqrt(min(max(sum, 0), 1))
}

// jsTerm is (p log2(2p/(p+q)) + q log2(2q/(p+q))) / 2. Near p = q the two parts cancel; written with d = (p-q)/(p+q)
// as log1p they keep their digits.
func jsTerm(p, q float64) float64 {
	s := p + q
	switch {
	case s == 0:
		return 0
	case p == 0 || q == 0:
		return s / 2
	}
	d := (p - q) / s
	return s * ((1+d)*math.Log1p(d) + (1-d)*math.Log1p(-d)) / (4 * math.Ln2)
}

// Hellinger is the Hellinger distance sqrt(sum (sqrt p - sqrt q)^2 / 2), 0 to 1, no smoothing. The other common form
// sqrt(1 - sum sqrt(pq)) is equal on paper but loses eight digits near 0.
func Hellinger(ref, cur []uint64) float64 {
	n, m := float64(total(ref)), float64(total(cur))
	if n == 0 || m == 0 {
		return math.NaN()
	}
	sum := 0.0
	for i := range ref {
		d := math.Sqrt(float64(ref[i])/n) - math.Sqrt(float64(cur[i])/m)
		sum += d * d
	}
	return math.Sqrt(min(sum/2, 1))
}

// TVD is the total variation distance, half the sum of |p - q|: the largest difference of the probability of any set
// of bins. 0 to 1.
func TVD(ref, cur []uint64) float64 {
	n, m := float64(total(ref)), float64(total(cur))
	if n == 0 || m == 0 {
		return math.NaN()
	}
	sum := 0.0
	for i := range ref {
		sum += math.Abs(float64(ref[i])/n - float64(cur[i])/m)
	}
	return min(sum/2, 1)
}

// LInf is the largest |p - q| of a single bin. 0 to 1.
func LInf(ref, cur []uint64) float64 {
	n, m := float64(total(ref)), float64(total(cur))
	if n == 0 || m == 0 {
		return math.NaN()
	}
	worst := 0.0
	for i := range ref {
		worst = max(worst, math.Abs(float64(ref[i])/n-float64(cur[i])/m))
	}
	return worst
}

// Table is the result of a test of homogeneity on a 2 x K table of counts.
type Table struct {
	Statistic float64 // chi-square, or G
	P         float64 // upper tail of the chi-square distribution with DoF degrees of freedom
	DoF       int     // bins that are not empty on both sides, less one
	CramersV  float64 // sqrt(chi-square / records): 0 to 1, does not grow with the number of records
}

// ChiSquare tests whether both rows come from one distribution: Pearson's chi-square of the 2 x K contingency table.
// Bins that are empty on both sides are dropped. The reference is a sample like the other one, never treated as exact:
// the goodness-of-fit form that some tools use calls a quarter to nine tenths of unchanged windows drifted. yates
// subtracts one half from every deviation when K = 2. With one bin, or an empty side, P is 1 (NaN for an empty side).
func ChiSquare(ref, cur []uint64, yates bool) Table {
	return contingency(ref, cur, func(o, e float64, k int) float64 {
		d := math.Abs(o - e)
		if yates && k == 2 {
			d -= min(0.5, d)
		}
		return d * d / e
	})
}

// GTest is the likelihood-ratio form of ChiSquare: 2 sum o ln(o/e).
func GTest(ref, cur []uint64) Table {
	return contingency(ref, cur, func(o, e float64, _ int) float64 {
		if o == 0 {
			return 0
		}
		return 2 * o * math.Log(o/e)
	})
}

func contingency(ref, cur []uint64, term func(o, e float64, k int) float64) Table {
	n, m := float64(total(ref)), float64(total(cur))
	if n == 0 || m == 0 {
		return Table{math.NaN(), math.NaN(), 0, math.NaN()}
	}
	k := 0
	for i := range ref {
		if ref[i]+cur[i] > 0 {
			k++
		}
	}
	t := Table{P: 1, DoF: k - 1}
	if k < 2 {
		return t
	}
	for i := range ref {
		col := float64(ref[i]) + float64(cur[i])
		if col == 0 {
			continue
		}
		t.Statistic += term(float64(ref[i]), col*n/(n+m), k) + term(float64(cur[i]), col*m/(n+m), k)
	}
	t.Statistic = max(t.Statistic, 0)
	t.P = chiSquareTail(t.Statistic, float64(t.DoF))
	t.CramersV = math.Sqrt(min(t.Statistic/(n+m), 1))
	return t
}

// chiSquareTail is P(X >= x) for a chi-square variable.
func chiSquareTail(x, dof float64) float64 {
	return distuv.ChiSquared{K: dof}.Survival(x)
}

// TwoProportions is the pooled two-sided z test for k1 of n1 against k2 of n2. z is positive when the first share is
// larger. A pooled share of 0 or 1 says nothing: z 0, p 1. An empty side: NaN.
func TwoProportions(k1, n1, k2, n2 uint64) (z, p float64) {
	if n1 == 0 || n2 == 0 {
		return math.NaN(), math.NaN()
	}
	pool := (float64(k1) + float64(k2)) / (float64(n1) + float64(n2))
	se := math.Sqrt(pool * (1 - pool) * (1/float64(n1) + 1/float64(n2)))
	if se == 0 {
		return 0, 1
	}
	z = (float64(k1)/float64(n1) - float64(k2)/float64(n2)) / se
	return z, math.Erfc(math.Abs(z) / math.Sqrt2)
}

func total(counts []uint64) uint64 {
	var n uint64
	for _, c := range counts {
		n += c
	}
	return n
}
