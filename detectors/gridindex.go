package detectors

import "math"

// index finds the bin of a number without a full binary search. A monotone function maps a number to one of 2048
// cells; start says how many edges lie in smaller cells, and only the edges inside the number's own cell are compared.
// Because the function is monotone, edges in smaller cells are smaller and edges in larger cells are not, whatever
// rounding does, so the answer is exact for every finite number.
//
// Several functions are tried and the one that spreads the edges best is kept: 1 + |x-center|/scale read as a
// logarithmic number, for some centers and scales (good for data around a center, with any tails), and the bit pattern
// of x (good for positive data over many orders of magnitude, and for denormals). A cell then rarely holds more than
// three edges, and three comparisons without a branch settle it.
type index struct {
	edges  []float64 // the fine edges and a padding of +Inf
	center float64
	inv    float64 // 1/scale
	base   int64   // bits mode: ordered key of the lowest edge
	shift  uint8   // bits mode: how many low bits of the key are dropped
	bits   bool
	start  [cells + 1]uint8
}

const (
	cells        = 2048
	half         = cells / 2
	cellsPerUnit = 7 // 2^7 cells for each doubling of 1+|x-center|/scale
	one          = 1023 << cellsPerUnit
	unrolled     = 3 // edges that are compared without looking at how many the cell holds
)

func newIndex(edges []float64, center, spread float64) *index {
	ix := &index{edges: make([]float64, len(edges), len(edges)+unrolled)}
	copy(ix.edges, edges)
	for range unrolled {
		ix.edges = append(ix.edges, math.Inf(1))
	}
	if len(edges) == 0 {
		return ix
	}
	ix.base = orderedKey(edges[0])
	for span := uint64(orderedKey(edges[len(edges)-1]) - ix.base); span>>ix.shift >= cells; {
		ix.shift++
	}
	ix.bits = true
	best, bestCost := *ix, ix.cost(edges)
	ix.bits = false
	n := len(edges)
	for _, c := range [...]float64{center, edges[n/8], edges[n/4], edges[3*n/4], edges[7*n/8]} {
		for _, scale := range [...]float64{1, 0.25, 0.0625} {
			ix.center = c
			ix.inv = min(max(1/(spread*scale), math.SmallestNonzeroFloat64), math.MaxFloat64)
			if cost := ix.cost(edges); cost < bestCost {
				best, bestCost = *ix, cost
			}
		}
	}
	best.fill(edges)
	return &best
}

// cost is the number of edges that share a cell, squared and summed: edges are quantiles, so a value is as likely to
// fall between any two of them.
func (ix *index) cost(edges []float64) int {
	sum, last, run := 0, -1, 0
	for _, e := range edges {
		c := ix.cell(e)
		if c != last {
			sum += run * run
			last, run = c, 0
		}
		run++
	}
	return sum + run*run
}

// fill builds start for the function that was chosen.
func (ix *index) fill(edges []float64) {
	var count [cells]uint8
	for _, e := range edges {
		count[ix.cell(e)]++
	}
	sum := uint8(0)
	for c, n := range count {
		ix.start[c] = sum
		sum += n
	}
	ix.start[cells] = sum
}

// cell maps a finite number to its cell; monotone.
func (ix *index) cell(x float64) int {
	if ix.bits {
		k := orderedKey(x)
		if k <= ix.base {
			return 0
		}
		return int(min(uint64(k-ix.base)>>(ix.shift&63), cells-1))
	}
	d := x - ix.center
	t := math.Abs(d)*ix.inv + 1
	k := min(int(math.Float64bits(t)>>(52-cellsPerUnit))-one, half-1)
	sign := int(int64(math.Float64bits(d)) >> 63) // -1 below the center
	return half + (k ^ sign)
}

// bin counts the edges smaller than x.
func (ix *index) bin(x float64) int {
	c := ix.cell(x) & (cells - 1)
	i, j := int(ix.start[c]), int(ix.start[c+1])
	for j-i > unrolled {
		m := int(uint(i+j) >> 1)
		if ix.edges[m] < x {
			i = m + 1
		} else {
			j = m
		}
	}
	e := ix.edges[i : i+unrolled : i+unrolled]
	return i + below(e[0], x) + below(e[1], x) + below(e[2], x)
}

// below is 1 when e < x and 0 otherwise, without a branch.
func below(e, x float64) int {
	n := 0
	if e < x {
		n = 1
	}
	return n
}

// orderedKey maps float64 to int64 so that smaller numbers have smaller keys.
func orderedKey(x float64) int64 {
	b := int64(math.Float64bits(x))
	return b ^ int64(uint64(b>>63)>>1)
}

// Bin is the fine bin of a finite x: the number of fine edges smaller than x. -0 and 0 are the same number. For NaN
// the answer is some bin; callers count NaN and infinities as missing.
func (g *Grid) Bin(x float64) int { return g.index.bin(x) }
