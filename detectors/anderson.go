package detectors

import (
	"math"
	"slices"
)

// AndersonDarling is the normalised k-sample Anderson-Darling statistic of Scholz and Stephens (1987): about 0 on
// average when all samples come from one distribution, in units of its standard deviation. midrank chooses their
// equation 7 (ties share their rank), otherwise the right-continuous equation 6. NaN when a sample is empty, when all
// values are equal, or with fewer than four values in all.
func AndersonDarling(midrank bool, samples ...[]float64) float64 {
	k := len(samples)
	var all []float64
	sorted := make([][]float64, k)
	for i, s := range samples {
		if len(s) == 0 {
			return math.NaN()
		}
		sorted[i], _ = finiteSorted(s)
		all = append(all, sorted[i]...)
	}
	slices.Sort(all)
	total := float64(len(all))
	if k < 2 || len(all) < 4 || all[0] == all[len(all)-1] {
		return math.NaN()
	}
	a2 := 0.0
	for _, s := range sorted {
		n, seen, pos, inner := float64(len(s)), 0.0, 0, 0.0
		for i := 0; i < len(all); {
			j := i
			for j < len(all) && all[j] == all[i] {
				j++
			}
			mine := 0
			for pos+mine < len(s) && s[pos+mine] == all[i] {
				mine++
			}
			l := float64(j - i)
			below, mineBelow := seen+l, float64(pos+mine)
			if midrank {
				below, mineBelow = seen+l/2, float64(pos)+float64(mine)/2
			}
			d := total*mineBelow - below*n
			w := below * (total - below)
			if midrank {
				w -= total * l / 4
			}
			if w > 0 {
				inner += l / total * d * d / w
			}
			seen += l
			pos += mine
			i = j
		}
		a2 += inner / n
	}
	if midrank {
		a2 *= (total - 1) / total
	}
	return (a2 - float64(k-1)) / math.Sqrt(andersonVariance(sorted, total))
}

// andersonVariance is the variance of the statistic under no change, the equation after 3 in the paper.
func andersonVariance(samples [][]float64, total float64) float64 {
	k := float64(len(samples))
	inverse := 0.0
	for _, s := range samples {
		inverse += 1 / float64(len(s))
	}
	h, g, partial := 0.0, 0.0, 0.0
	for i := 1.0; i < total; i++ {
		h += 1 / i
	}
	for i := 1.0; i < total-1; i++ { // partial runs over 1/(N-1), 1/(N-2), ..., 1/2
		partial += 1 / (total - i)
		g += partial / (i + 1)
	}
	a := (4*g-6)*(k-1) + (10-6*g)*inverse
	b := (2*g-4)*k*k + 8*h*k + (2*g-14*h-4)*inverse - 8*h + 4*g - 6
	c := (6*h+2*g-2)*k*k + (4*h-4*g+6)*k + (2*h-6)*inverse + 4*h
	d := (2*h+6)*k*k - 4*h*k
	return (a*total*total*total + b*total*total + c*total + d) / ((total - 1) * (total - 2) * (total - 3))
}

// AndersonDarlingP is the approximate p-value of the statistic for k samples: a parabola through the logarithms of
// the significance levels of Scholz and Stephens' table. The table ends at 0.001 and 0.25; so does the answer.
func AndersonDarlingP(statistic float64, k int) float64 {
	levels := [...]float64{0.25, 0.1, 0.05, 0.025, 0.01, 0.005, 0.001}
	b0 := [...]float64{0.675, 1.281, 1.645, 1.96, 2.326, 2.573, 3.085}
	b1 := [...]float64{-0.245, 0.25, 0.678, 1.149, 1.822, 2.364, 3.615}
	b2 := [...]float64{-0.105, -0.305, -0.362, -0.391, -0.396, -0.345, -0.154}
	m := float64(k - 1)
	if math.IsNaN(statistic) || m < 1 {
		return math.NaN()
	}
	// Normal equations of the least-squares parabola.
	var s [5]float64
	var t [3]float64
	first, last := 0.0, 0.0
	for i := range levels {
		x, y := b0[i]+b1[i]/math.Sqrt(m)+b2[i]/m, math.Log(levels[i])
		if i == 0 {
			first = x
		}
		last = x
		for e, pow := 0, 1.0; e < 5; e, pow = e+1, pow*x {
			s[e] += pow
			if e < 3 {
				t[e] += pow * y
			}
		}
	}
	switch {
	case statistic < first:
		return levels[0]
	case statistic > last:
		return levels[len(levels)-1]
	}
	det := func(a, b, c, d, e, f, g, h, i float64) float64 {
		return a*(e*i-f*h) - b*(d*i-f*g) + c*(d*h-e*g)
	}
	all := det(s[0], s[1], s[2], s[1], s[2], s[3], s[2], s[3], s[4])
	c0 := det(t[0], s[1], s[2], t[1], s[2], s[3], t[2], s[3], s[4]) / all
	c1 := det(s[0], t[0], s[2], s[1], t[1], s[3], s[2], t[2], s[4]) / all
	c2 := det(s[0], s[1], t[0], s[1], s[2], t[1], s[2], s[3], t[2]) / all
	return math.Exp(c0 + statistic*(c1+statistic*c2))
}
