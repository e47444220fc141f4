package detectors

import "math"

// index finds the bin of a number without a full binary search. A monotone function maps a number to one of 1024
// cells; start says how many edges lie in smaller cells, and only the edges inside the number's own cell are compared.
// Because the function is monotone, edges in smaller cells are smaller and edges in larger cells are not, whatever
// rounding does, so the answer is exact for every finite number.
//
// Two functions are tried and the one with fewer expected comparisons is kept: 1 + |x-center|/spread read as a
// logarithmic number (good for data around a center, with any tails), and the bit pattern of x (good for positive data
// over many orders of magnitude, and for denormals).
type index struct {
	edges  []float64
	center float64
	inv    float64 // 1/spread
	base   int64   // bits mode: ordered key of the lowest edge
	shift  uint8   // bits mode: how many low bits of the key are dropped
	bits   bool
	start  [cells + 1]uint8
}

const (
	cells        = 1024
	half         = cells / 2
	cellsPerUnit = 6 // 2^6 cells for each doubling of 1+|x-center|/spread
	one          = 1023 << cellsPerUnit
)

func newIndex(edges []float64, center, spread float64) index {
	ix := index{edges: edges, center: center, inv: 1 / spread}
	if math.IsInf(ix.inv, 0) {
		ix.inv = math.MaxFloat64
	}
	if ix.inv == 0 {
		ix.inv = math.SmallestNonzeroFloat64
	}
	if len(edges) == 0 {
		return ix
	}
	ix.base = orderedKey(edges[0])
	for span := uint64(orderedKey(edges[len(edges)-1]) - ix.base); span>>ix.shift >= cells; {
		ix.shift++
	}
	plain := ix.fill()
	ix.bits = true
	if ix.fill() >= plain {
		ix.bits = false
		ix.fill()
	}
	return ix
}

// fill builds start for the current mode and returns the cost: the number of edges that share a cell, squared and
// summed, because edges are quantiles and a value is as likely to fall between any two of them.
func (ix *index) fill() int {
	var count [cells]int
	for _, e := range ix.edges {
		count[ix.cell(e)]++
	}
	cost, sum := 0, 0
	for c, n := range count {
		ix.start[c] = uint8(sum)
		sum += n
		cost += n * n
	}
	ix.start[cells] = uint8(sum)
	return cost
}

// cell maps a finite number to its cell; monotone.
func (ix *index) cell(x float64) int {
	if ix.bits {
		k := orderedKey(x)
		if k <= ix.base {
			return 0
		}
		return int(min(uint64(k-ix.base)>>ix.shift, cells-1))
	}
	d := x - ix.center
	t := math.Abs(d)*ix.inv + 1
	k := min(int(math.Float64bits(t)>>(52-cellsPerUnit))-one, half-1)
	sign := int(int64(math.Float64bits(d)) >> 63) // -1 below the center
	return half + (k ^ sign)
}

// bin counts the edges smaller than x.
func (ix *index) bin(x float64) int {
	c := ix.cell(x)
	i, j := int(ix.start[c]), int(ix.start[c+1])
	edges := ix.edges
	for j-i > 4 {
		m := int(uint(i+j) >> 1)
		if edges[m] < x {
			i = m + 1
		} else {
			j = m
		}
	}
	for i < j && edges[i] < x {
		i++
	}
	return i
}

// orderedKey maps float64 to int64 so that smaller numbers have smaller keys.
func orderedKey(x float64) int64 {
	b := int64(math.Float64bits(x))
	return b ^ int64(uint64(b>>63)>>1)
}

// Bin is the fine bin of a finite x: the number of fine edges smaller than x. -0 and 0 are the same number. For NaN
// the answer is some bin; callers count NaN and infinities as missing.
func (g *Grid) Bin(x float64) int { return g.index.bin(x) }
