package detectors

import (
	"cmp"
	"math"
	"slices"
)

// Where the values lie inside the bins, a Wasserstein distance needs to know. One sum for each bin would tell, and be half of what a
// feature holds. So neighbouring bins share one: a group's sum and its counts leave little open, because a group that takes in many
// bins is narrow or light, and the bins that weigh most have one of their own.

// group is what a sum of values is made of: each of them less a point of the group, rounded to a part of its width. Sums are then
// small whole numbers of quanta, however far from the center the group lies, and do not show what a single record said.
type group struct {
	shift, magic float64 // a number is rounded by adding the first and taking the second away again
	point        float64 // relative to the center
	exp          int     // the quantum is 2^exp
}

// How fine a sum is.
const (
	groupBits   = 7  // the quantum is no more than 1/128 of the group's width,
	binBits     = 4  // and 1/16 of half of its bins' widths: a group may reach from the middle far into a tail
	openBits    = 8  // and of an open group's, which is at least half a spread
	anchorBits  = 40 // nor does the point have more quanta than this many bits, so that it adds exactly
	oldWideBits = 7  // the quantum of all sums was this part of the spread before there were groups
)

func newGroup(point float64, exp int) group {
	m := magic(exp)
	q := math.Ldexp(1, clampExp(exp))
	point = math.Round(point/q) * q
	if math.IsNaN(point) || math.IsInf(point, 0) {
		point = 0
	}
	return group{shift: m - point, magic: m, point: point, exp: clampExp(exp)}
}

// place is what a deviation from the center adds to the sum of its group.
func (r *group) place(dev float64) float64 { return (dev + r.shift) - r.magic }

// deriveSums says which sum each bin adds to. It is a function of the spec alone, and must stay the one it is: the sums in reference
// files and in state follow it.
func (g *Grid) deriveSums() {
	for b := range g.wideOf {
		g.wideOf[b] = noWide
	}
	defer func() {
		for i, r := range g.groups {
			g.rounding[i] = [2]float64{r.shift, r.magic}
		}
	}()
	if len(g.spec.SumEnds) == 0 {
		g.deriveOldSums()
		return
	}
	g.groups = make([]group, 0, len(g.spec.SumEnds))
	first := 0
	for i, last := range g.spec.SumEnds {
		for b := first; b <= last; b++ {
			g.wideOf[b] = uint8(i)
		}
		g.groups = append(g.groups, g.groupOf(first, last))
		first = last + 1
	}
}

// groupOf measures a group of bins.
func (g *Grid) groupOf(first, last int) group {
	s := &g.spec
	lo, up := g.lower(first), g.upper(last)
	width, bits := up/2-lo/2, groupBits-1 // halves: the difference of two float64 may overflow
	point := lo/2 + up/2
	if math.IsInf(lo, 0) || math.IsInf(up, 0) {
		bits = openBits - 1
		switch {
		case first == last && math.IsInf(lo, 0) && math.IsInf(up, 0):
			point, width = s.Center, s.High/2-s.Low/2
		case math.IsInf(lo, 0):
			point, width = up, up/2-s.Low/2
		default:
			point, width = lo, s.High/2-lo/2
		}
		width = max(width, s.spread()/4)
	}
	point -= s.Center
	_, e := math.Frexp(width)
	exp := e - 1 - bits
	if w := g.medianHalf(first, last); w > 0 {
		_, e = math.Frexp(w)
		exp = min(exp, e-binBits) // w is at least 2^(e-1), the bin twice as wide
	}
	_, far := math.Frexp(point)
	if point == 0 {
		far = math.MinInt32
	}
	return newGroup(point, max(exp, far-anchorBits, g.sums.fineExp))
}

// medianHalf is half of the width that half of the bins do not reach; 0 when all of them are open or hold one value only.
func (g *Grid) medianHalf(first, last int) float64 {
	var widths []float64
	for b := first; b <= last; b++ {
		if lo, up := g.lower(b), g.upper(b); !g.single(b) && !math.IsInf(lo, 0) && !math.IsInf(up, 0) {
			widths = append(widths, up/2-lo/2)
		}
	}
	if len(widths) == 0 {
		return 0
	}
	slices.Sort(widths)
	return widths[len(widths)/2]
}

// deriveOldSums picks the bins that keep a sum in a grid from before there were groups: the open ones and the widest others.
func (g *Grid) deriveOldSums() {
	fine := g.Fine()
	order := make([]int, fine)
	for b := range order {
		order[b] = b
	}
	width := func(b int) float64 {
		if g.single(b) {
			return 0
		}
		return g.upper(b)/2 - g.lower(b)/2
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(width(b), width(a)) })
	_, e := math.Frexp(g.spec.spread())
	g.groups = make([]group, 0, oldWide)
	for i, b := range order[:min(oldWide, fine)] {
		g.groups = append(g.groups, newGroup(0, e-oldWideBits))
		if width(b) > 0 {
			g.wideOf[b] = uint8(i)
		}
	}
}

// sumEnds makes the groups from the reference's count of each bin: as even as can be in width times the root of the share, a quarter
// of the neighbours' included as in splitWide. The open bins are groups of their own: where nothing bounds the values, a mean is all
// there is.
func (s *GridSpec) sumEnds(counts []uint64) []int {
	last := len(counts) - 1
	near := make([]float64, 0, len(counts))
	pieces := make([]piece, len(counts))
	for b, n := range counts {
		pieces[b].n = n
	}
	near = neighbours(near, pieces)
	cost := make([]float64, len(counts))
	high := 0.0
	for b, n := range counts {
		if lo, up := s.bounds(b); pred(up) > lo {
			cost[b] = (up/2 - lo/2) * math.Sqrt(float64(n)+near[b]/4)
		}
		high += cost[b]
	}
	ends := func(most float64) (out []int) {
		sum := 0.0
		for b, c := range cost {
			if b > 0 && (b == 1 || b == last || sum+c > most) {
				out = append(out, b-1)
				sum = 0
			}
			sum += c
		}
		return append(out, last)
	}
	low := 0.0
	for range 60 {
		if mid := low/2 + high/2; len(ends(mid)) <= NumWide {
			high = mid
		} else {
			low = mid
		}
	}
	return ends(high)
}
