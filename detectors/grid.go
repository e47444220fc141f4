package detectors

import (
	"fmt"
	"math"
	"slices"
)

// MaxFineBins is the largest number of fine bins a Grid may have; a bin index therefore fits in a byte.
const MaxFineBins = 256

// NumWide is how many sums of values a summary keeps at the most, each over a group of neighbouring fine bins: what tells a
// Wasserstein distance where inside the bins the values lie. See gridsums.go.
const NumWide = 36

// noWide marks a fine bin that no sum is kept of.
const noWide = 0xff

// atomShare is the share of the reference from which on a single value gets a bin of its own (rule B).
const atomShare = 0.05

// GridOptions tunes NewGrid. The zero value is what the product uses.
type GridOptions struct {
	// MaxFine bounds the number of fine bins, 64 to 256; 0 means 256.
	MaxFine int
}

// Grid is the immutable set of bins of one numeric feature, made from its reference.
//
// Coarse bins are what people see: rule B. A value that holds at least 5 % of the reference is an atom and has a bin
// of its own; the other values are cut at their deciles (as many cuts as their share of the reference deserves). Both
// ends are open. Fine bins refine the coarse ones: none of them holds more than about 1/200 of the reference unless it
// holds a single value, so a Kolmogorov-Smirnov distance read off fine bins is within 0.005 of the exact one. All bins
// are right-closed: a value equal to an edge belongs to the bin below it; the bin of an atom a is (pred(a), a] with
// pred the next smaller float64.
//
// Memory: at most 255 edges, 256 means, an index of 2 KiB, three tables of a byte a bin and 32 groups, 8 KiB in all.
type Grid struct {
	spec GridSpec

	coarseOf []uint8   // fine -> coarse
	coarse   int       // number of coarse bins
	hist     []float64 // upper edges of the histogram for people: cuts, atoms and their predecessors
	histOf   []uint8   // fine -> histogram bucket
	groups   []group   // what each sum is rounded to
	singles  [MaxFineBins / 64]uint64
	wideOf   [MaxFineBins]uint8  // fine -> index of its sum, or noWide
	rounding [NumWide][2]float64 // shift and magic of the groups, for AddAll

	index *index
	sums  rounder
}

// GridSpec is a Grid in plain values, for files that people read. It holds quantiles, frequent values and means of
// bins, no value of a single record (means of bins with fewer than 20 records are rounded to 1/64 of the IQR).
type GridSpec struct {
	// FineEdges are the ascending upper edges of all fine bins but the last, which is open.
	FineEdges []float64 `json:"fine_edges"`
	// Cuts are rule B's quantile edges, each of them also a fine edge.
	Cuts []float64 `json:"cuts"`
	// Atoms are the values with a bin of their own, ascending; each and its predecessor are fine edges.
	Atoms []float64 `json:"atoms"`
	// Means is the mean of the reference in each fine bin; the middle of the bin where the reference has nothing.
	Means []float64 `json:"means"`
	// SumEnds are the last fine bins of the groups that have a sum each, ascending; every bin is in one of them. Without it the
	// grid is one from before there were groups, see deriveSums.
	SumEnds []int `json:"sum_ends,omitempty"`
	// Center is the reference's median, IQR its interquartile range, SD its standard deviation (divided by n).
	Center float64 `json:"center"`
	IQR    float64 `json:"iqr"`
	SD     float64 `json:"sd"`
	// Low and High bound the reference, rounded outwards to about 1/16 of its spread.
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	// Records is how many finite values the reference had.
	Records uint64 `json:"records"`
}

// NewGrid makes the bins of a numeric feature from its reference. The values must be finite (missing ones are
// counted apart, see NumberSummary); their order does not matter and the slice is not changed. It needs O(n) memory
// while it runs; use Sketch where the reference does not fit.
func NewGrid(reference []float64, opts GridOptions) (*Grid, error) {
	if len(reference) == 0 {
		return nil, fmt.Errorf("make bins: %w", ErrEmpty)
	}
	sorted := slices.Clone(reference)
	for i, x := range sorted {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, fmt.Errorf("make bins: %w", ErrNotFinite)
		}
		sorted[i] = x + 0 // -0 becomes +0
	}
	slices.Sort(sorted)
	return newGrid(distinct(sorted), opts)
}

// GridFromSpec rebuilds a Grid from a file. Everything is checked; an error says which field is wrong.
func GridFromSpec(spec GridSpec) (*Grid, error) {
	if err := spec.validate(); err != nil {
		return nil, fmt.Errorf("read bins: %w", err)
	}
	spec.FineEdges = slices.Clone(spec.FineEdges)
	spec.Cuts = slices.Clone(spec.Cuts)
	spec.Atoms = slices.Clone(spec.Atoms)
	spec.Means = slices.Clone(spec.Means)
	spec.SumEnds = slices.Clone(spec.SumEnds)
	g := &Grid{spec: spec}
	g.derive()
	return g, nil
}

// Spec returns the grid in plain values.
func (g *Grid) Spec() GridSpec {
	s := g.spec
	s.FineEdges = slices.Clone(s.FineEdges)
	s.Cuts = slices.Clone(s.Cuts)
	s.Atoms = slices.Clone(s.Atoms)
	s.Means = slices.Clone(s.Means)
	s.SumEnds = slices.Clone(s.SumEnds)
	return s
}

// Fine is the number of fine bins, 1 to 256.
func (g *Grid) Fine() int { return len(g.spec.FineEdges) + 1 }

// Coarse is the number of rule B bins: atoms first, then the intervals between the cuts.
func (g *Grid) Coarse() int { return g.coarse }

// CoarseOf is the rule B bin that a fine bin is part of.
func (g *Grid) CoarseOf(fine int) int { return int(g.coarseOf[fine]) }

// FineEdges are the right-closed upper edges of the fine bins; the last bin is open. Do not modify.
func (g *Grid) FineEdges() []float64 { return g.spec.FineEdges }

// SumEnds are the last fine bins of the groups that have a sum each; none in a grid from before there were groups. Do not modify.
func (g *Grid) SumEnds() []int { return g.spec.SumEnds }

// CoarseEdges are ascending upper edges for a histogram whose buckets are unions of fine bins, right-closed: the cuts,
// the atoms and their predecessors. Unlike rule B's bins, which may have an atom in the middle, these are intervals.
// Do not modify.
func (g *Grid) CoarseEdges() []float64 { return g.hist }

// HistBucketOf is the bucket, 0 to len(CoarseEdges()), that a fine bin is part of.
func (g *Grid) HistBucketOf(fine int) int { return int(g.histOf[fine]) }

// Atoms are the values with a bin of their own, ascending. Do not modify.
func (g *Grid) Atoms() []float64 { return g.spec.Atoms }

// Center is the median of the reference; sums are kept relative to it.
func (g *Grid) Center() float64 { return g.spec.Center }

// IQR is the interquartile range of the reference, 0 when half of it is one value.
func (g *Grid) IQR() float64 { return g.spec.IQR }

// SD is the standard deviation of the reference (divided by n).
func (g *Grid) SD() float64 { return g.spec.SD }

// Range bounds the reference, rounded outwards to about 1/16 of its spread so that no single value shows.
func (g *Grid) Range() (low, high float64) { return g.spec.Low, g.spec.High }

// lower is the open lower edge of a fine bin.
func (g *Grid) lower(fine int) float64 {
	if fine == 0 {
		return math.Inf(-1)
	}
	return g.spec.FineEdges[fine-1]
}

// upper is the closed upper edge of a fine bin.
func (g *Grid) upper(fine int) float64 {
	if fine == len(g.spec.FineEdges) {
		return math.Inf(1)
	}
	return g.spec.FineEdges[fine]
}

// single says whether a fine bin can hold one value only.
func (g *Grid) single(fine int) bool { return g.singles[fine>>6]>>(fine&63)&1 == 1 }

// derive fills what follows from the spec.
func (g *Grid) derive() {
	s := &g.spec
	fine := len(s.FineEdges) + 1
	isAtom := make(map[float64]int, len(s.Atoms))
	for i, a := range s.Atoms {
		isAtom[a] = i
	}
	g.hist = slices.Clone(s.Cuts)
	for _, a := range s.Atoms {
		if p := pred(a); !math.IsInf(p, 0) {
			g.hist = append(g.hist, p)
		}
		g.hist = append(g.hist, a)
	}
	slices.Sort(g.hist)
	g.hist = slices.Compact(g.hist)

	g.coarse = len(s.Atoms) + len(s.Cuts) + 1
	g.coarseOf = make([]uint8, fine)
	g.histOf = make([]uint8, fine)
	for b := range fine {
		lo, up := g.lower(b), g.upper(b)
		if pred(up) == lo {
			g.singles[b>>6] |= 1 << (b & 63)
		}
		if a, ok := isAtom[up]; ok && pred(up) == lo {
			g.coarseOf[b] = uint8(a)
		} else {
			g.coarseOf[b] = uint8(len(s.Atoms) + countBelow(s.Cuts, up))
		}
		g.histOf[b] = uint8(countBelow(g.hist, up))
	}
	g.sums = newRounder(s.spread())
	g.deriveSums()
	g.index = newIndex(s.FineEdges, s.Center, s.spread())
	s.FineEdges = g.index.edges[: fine-1 : fine-1] // one copy for both
}

// spread is a positive length typical of the reference: its IQR, or its SD, or its magnitude.
func (s *GridSpec) spread() float64 {
	for _, v := range []float64{s.IQR, s.SD, s.High/2 - s.Low/2, math.Abs(s.Center)} {
		if v > 0 && !math.IsInf(v, 0) {
			return v
		}
	}
	return 1
}

// pred is the next smaller float64; -Inf below the smallest finite one.
func pred(x float64) float64 { return math.Nextafter(x, math.Inf(-1)) }

// countBelow is how many of the ascending edges are smaller than x.
func countBelow(edges []float64, x float64) int {
	i, _ := slices.BinarySearch(edges, x)
	return i
}
