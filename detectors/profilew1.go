package detectors

import (
	"math"
	"slices"
)

// wasserstein is the Wasserstein-1 distance, the area between the two distribution functions, from two summaries.
//
// At every edge both functions are known. Inside a bin where one stays above the other, the area follows from the counts and the two
// means. Where they cross, it also depends on how the values lie around their mean: see spreadIn.
func (g *Grid) wasserstein(ref, cur *NumberSummary) float64 {
	if ref.N == 0 || cur.N == 0 {
		return math.NaN()
	}
	n, m := float64(ref.N), float64(cur.N)
	var atP, atQ [MaxFineBins]float64
	g.meansIn(ref, &atP)
	g.meansIn(cur, &atQ)
	step := g.latticeStep(ref, cur, &atQ)
	total := 0.0
	var f, h uint64
	for b := range ref.Fine {
		left := float64(f)/n - float64(h)/m
		f += ref.Fine[b]
		h += cur.Fine[b]
		if g.single(b) {
			continue
		}
		p, q := float64(ref.Fine[b])/n, float64(cur.Fine[b])/m
		lo, up := g.lower(b), g.upper(b)
		mp, mq := atP[b], atQ[b]
		switch {
		case math.IsInf(lo, 0) && math.IsInf(up, 0):
			total += math.Abs(q*(mq-g.spec.Center) - p*(mp-g.spec.Center))
		case math.IsInf(up, 0):
			total += math.Abs(q*(mq-lo) - p*(mp-lo))
		case math.IsInf(lo, 0):
			total += math.Abs(p*(up-mp) - q*(up-mq))
		default:
			w := up - lo
			if p == 0 && q == 0 {
				total += w * math.Abs(left)
				continue
			}
			if left > q || -left > p { // one function stays above the other, whatever either does in the bin
				total += math.Abs(w*left + p*(up-mp) - q*(up-mq))
				continue
			}
			was := spreadIn(unit((mp-lo)/w), p, ref.Fine[b], false)
			is := spreadIn(unit((mq-lo)/w), q, cur.Fine[b], w <= step || q > .02 && q > 8*p || g.stands(ref, cur, b))
			total += w * areaInside(left, was, is)
		}
	}
	return total
}

// meansIn finds the mean of the summary's values in each bin. They are taken to lie where the reference's do; what that leaves open
// of the sum of a group, which is known, is spread over its bins in proportion to how much it could be wrong there. Bins without a
// sum are one more group, whose sum is what the others leave of the whole.
func (g *Grid) meansIn(s *NumberSummary, means *[MaxFineBins]float64) {
	copy(means[:], g.spec.Means)
	var rest [NumWide + 1]float64 // what is open of each group's sum, the last one that of bins without
	copy(rest[:], s.Wide[:])
	rest[NumWide] = s.Dev
	for b, n := range s.Fine {
		if n == 0 {
			continue
		}
		dev := means[b] - g.spec.Center
		w := g.wideOf[b]
		if w == noWide {
			rest[NumWide] -= float64(n) * dev
			continue
		}
		r := &g.groups[w]
		if g.single(b) {
			rest[w] -= float64(n) * r.place(dev)
		} else {
			rest[w] -= float64(n) * (dev - r.point)
		}
	}
	for i := range g.groups {
		rest[NumWide] -= s.Wide[i] // groups of old grids have no point
	}
	for from := 0; from < len(s.Fine); {
		w, to := g.wideOf[from], from+1
		for to < len(s.Fine) && g.wideOf[to] == w {
			to++
		}
		if w != noWide {
			g.push(s, from, to, rest[w], means)
		}
		from = to
	}
	if len(g.spec.SumEnds) == 0 {
		g.push(s, 0, len(s.Fine), rest[NumWide], means)
	}
}

// noPush is a part of a bin's width that is not worth moving a mean.
const noPush = 1e-4

// push moves the means of bins by the same part of their width, until they account for the rest of their sum. No mean leaves its bin:
// what it would have taken beyond is left to the others. In a grid without groups a range of more than one bin is all those without a sum.
func (g *Grid) push(s *NumberSummary, from, to int, rest float64, means *[MaxFineBins]float64) {
	for k := 0; k < to-from && rest != 0; k++ {
		free := 0.0
		for b := from; b < to; b++ {
			if s.Fine[b] > 0 {
				free += float64(s.Fine[b]) * g.room(from, to, b, means[b], rest)
			}
		}
		by, left := rest/free, 0.0
		if free == 0 || math.Abs(by) < noPush {
			return
		}
		for b := from; b < to; b++ {
			if s.Fine[b] == 0 {
				continue
			}
			if room := g.room(from, to, b, means[b], rest); room > 0 {
				want := means[b] + by*room
				means[b] = max(min(want, g.upper(b)), g.lower(b))
				left += float64(s.Fine[b]) * (want - means[b])
			}
		}
		rest = left
	}
}

// room is how much a mean may take of a push: the width of its bin, or nothing at its end.
func (g *Grid) room(from, to, b int, mean, push float64) float64 {
	lo, up := g.lower(b), g.upper(b)
	switch {
	case g.single(b) || push > 0 && mean >= up || push < 0 && mean <= lo:
		return 0
	case to-from > 1 && len(g.spec.SumEnds) == 0 && g.wideOf[b] != noWide:
		return 0
	case math.IsInf(up-lo, 0):
		return g.spec.spread()
	}
	return up - lo
}

func unit(x float64) float64 { return max(0, min(x, 1)) }

// rise is how a distribution function rises inside a bin of width one: by half of the mass around each of two places, evenly over as
// much to both sides.
type rise struct {
	mass, low, high, half float64

	noise float64 // variance around that, where the mass is that of values which lie as by chance
}

// few is from how many values on they are taken to lie as by chance.
const few = 3

// spreadIn says how a mass of n values is taken to lie around its mean: evenly over the widest interval that the bin has room for, but one
// value, or many that are thought to be the same, at their mean, and a few at two places.
func spreadIn(mean, mass float64, n uint64, same bool) rise {
	room := min(mean, 1-mean)
	switch {
	case n <= 1 || same:
		return rise{mass, mean, mean, 0, 0}
	case n < few:
		return rise{mass, mean - room/2, mean + room/2, 0, 0}
	}
	// A Brownian bridge whose mean is known.
	return rise{mass, mean, mean, room, mass * mass / (12 * float64(n))}
}

// at is the height at x; a value that lies at its place alone counts there unless before is set.
func (r *rise) at(x float64, before bool) float64 {
	return r.mass / 2 * (ramp(x, r.low, r.half, before) + ramp(x, r.high, r.half, before))
}

// areaInside is the area between two distribution functions over a bin of width one that differ by left at its lower edge. Near where
// they cross, the chance that is in both makes it larger than that between two straight lines.
func areaInside(left float64, was, is rise) float64 {
	at := [...]float64{0, was.low - was.half, was.low + was.half, was.high - was.half, was.high + was.half,
		is.low - is.half, is.low + is.half, is.high - is.half, is.high + is.half, 1}
	slices.Sort(at[:])
	sum := 0.0
	for i := range len(at) - 1 {
		x, y := at[i], at[i+1]
		if x == y {
			continue
		}
		dx := left + was.at(x, false) - is.at(x, false)
		dy := left + was.at(y, true) - is.at(y, true)
		if noise := was.noise + is.noise; noise > 0 && min(dx*dx, dy*dy) < 16*noise || noise > 0 && dx*dy < 0 {
			sum += (y - x) * meanAbs(dx, dy, math.Sqrt(noise))
		} else if dx*dy >= 0 {
			sum += (y - x) * math.Abs(dx+dy) / 2
		} else {
			l, r := math.Abs(dx), math.Abs(dy)
			sum += (y - x) * (l*l + r*r) / (2 * (l + r))
		}
	}
	return sum
}

// meanAbs is the mean of the absolute value of a normal variable with this deviation, whose own mean goes evenly from a to b.
func meanAbs(a, b, deviation float64) float64 {
	// The antiderivative of the mean of |x| over the mean.
	h := func(x float64) float64 {
		z := x / deviation
		return deviation * deviation / 2 * ((z*z+1)*math.Erf(z/math.Sqrt2) + z*math.Sqrt(2/math.Pi)*math.Exp(-z*z/2))
	}
	if math.Abs(b-a) < deviation/1e3 {
		z := (a + b) / 2 / deviation
		return deviation * (math.Sqrt(2/math.Pi)*math.Exp(-z*z/2) + z*math.Erf(z/math.Sqrt2))
	}
	return (h(b) - h(a)) / (b - a)
}

// ramp is the share below x of a mass that is spread evenly over mean-h to mean+h; a point mass (h = 0) counts at its
// place unless before is set.
func ramp(x, mean, h float64, before bool) float64 {
	switch {
	case x < mean-h || before && x <= mean-h:
		return 0
	case x >= mean+h:
		return 1
	}
	return (x - mean + h) / (2 * h)
}
