package detectors

import (
	"math"
	"slices"
)

// weighted is a value and how many records have it.
type weighted struct {
	x float64
	n uint64
}

const (
	maxEdges    = MaxFineBins - 1
	fewRecords  = 20 // statistics of fewer records are rounded before they are kept
	finestShare = 1.0 / 200
)

// newGrid makes a grid from distinct ascending values with counts.
func newGrid(values []weighted, opts GridOptions) (*Grid, error) {
	limit := opts.MaxFine
	if limit == 0 {
		limit = MaxFineBins
	}
	if limit < 64 || limit > MaxFineBins {
		return nil, ErrOption
	}
	var s GridSpec
	for _, v := range values {
		s.Records += v.n
	}
	s.Center = quantile7(values, s.Records, 0.5)
	s.IQR = quantile7(values, s.Records, 0.75) - quantile7(values, s.Records, 0.25)
	if math.IsInf(s.IQR, 0) {
		s.IQR = math.MaxFloat64
	}
	s.SD = deviation(values, s.Records)
	s.Atoms, s.Cuts = ruleB(values, s.Records)
	s.Low, s.High = roundedRange(values, &s)
	s.FineEdges = fineEdges(values, &s, limit-1)
	s.SumEnds = s.sumEnds(s.binMeans(values))
	g := &Grid{spec: s}
	g.derive()
	return g, nil
}

// ruleB finds the atoms and, of the other values, the deciles: as many intervals as their share of the reference is
// tenths, at least one.
func ruleB(values []weighted, n uint64) (atoms, cuts []float64) {
	need := max(2, atomShare*float64(n))
	var rest []weighted
	var restN uint64
	for _, v := range values {
		if float64(v.n) >= need {
			atoms = append(atoms, v.x)
			continue
		}
		rest = append(rest, v)
		restN += v.n
	}
	k := max(1, int(math.Floor(10*float64(restN)/float64(n)+0.5)))
	if restN == 0 {
		return atoms, nil
	}
	for j := 1; j < k; j++ {
		cuts = append(cuts, quantile7(rest, restN, float64(j)/float64(k)))
	}
	slices.Sort(cuts)
	return atoms, slices.Compact(cuts)
}

// quantile7 is the linearly interpolated quantile (Hyndman and Fan's type 7, NumPy's default) of weighted values.
func quantile7(values []weighted, n uint64, q float64) float64 {
	h := q * float64(n-1)
	k := math.Floor(h)
	a, b := atRank(values, uint64(k)), atRank(values, min(uint64(k)+1, n-1))
	return lerp(a, b, h-k)
}

// lerp interpolates from the nearer end, as NumPy does, so that edges agree to the last bit.
func lerp(a, b, t float64) float64 {
	d := b - a
	if math.IsInf(d, 0) {
		return a*(1-t) + b*t
	}
	if t >= 0.5 {
		return b - d*(1-t)
	}
	return a + d*t
}

// atRank is the value of 0-based rank r in the expanded, ascending sample.
func atRank(values []weighted, r uint64) float64 {
	for _, v := range values {
		if r < v.n {
			return v.x
		}
		r -= v.n
	}
	return values[len(values)-1].x
}

// deviation is the standard deviation, divided by n, in two passes.
func deviation(values []weighted, n uint64) float64 {
	var c compensated
	for _, v := range values {
		c.add(v.x * float64(v.n))
	}
	mean := c.sum() / float64(n)
	ss := 0.0
	for _, v := range values {
		d := v.x - mean
		ss += d * d * (float64(v.n) / float64(n))
	}
	if sd := math.Sqrt(ss); !math.IsInf(sd, 0) && !math.IsNaN(sd) {
		return sd
	}
	return math.MaxFloat64
}

// roundedRange bounds the values from outside, so coarsely that the extreme record itself does not show; an extreme
// that many records share is kept as it is.
func roundedRange(values []weighted, s *GridSpec) (low, high float64) {
	first, last := values[0], values[len(values)-1]
	if slices.Contains(s.Atoms, first.x) {
		low = first.x
	} else {
		low = roundTo(first.x, s.spread()/16, math.Floor)
	}
	if slices.Contains(s.Atoms, last.x) {
		high = last.x
	} else {
		high = roundTo(last.x, s.spread()/16, math.Ceil)
	}
	return low, high
}

// roundTo rounds x to a multiple of a power of two near unit; x itself when that is out of reach.
func roundTo(x, unit float64, round func(float64) float64) float64 {
	_, e := math.Frexp(unit)
	scaled := math.Ldexp(x, 1-e)
	if math.IsInf(scaled, 0) || e <= -1000 {
		return x
	}
	if r := math.Ldexp(round(scaled), e-1); !math.IsInf(r, 0) {
		return r
	}
	return x
}

// fineEdges refines the coarse bins. The share a bin may hold starts at 1/200 and grows until the edges fit; what is
// left of the limit goes where the position inside a bin matters most.
func fineEdges(values []weighted, s *GridSpec, limit int) []float64 {
	must := slices.Clone(s.Cuts)
	for _, a := range s.Atoms {
		if p := pred(a); !math.IsInf(p, 0) {
			must = append(must, p)
		}
		must = append(must, a)
	}
	slices.Sort(must)
	must = slices.Compact(must)
	edges := cutAt(values, s, must, finestShare)
	if len(edges) > limit {
		lo, hi := finestShare, 1.0
		best := must
		for range 24 {
			mid := (lo + hi) / 2
			if edges = cutAt(values, s, must, mid); len(edges) <= limit {
				best, hi = edges, mid
			} else {
				lo = mid
			}
		}
		edges = best
	}
	return splitWide(values, s, edges, limit)
}

// cutAt cuts between distinct values so that no bin holds more than the share, except single values; those that are
// heavier get a bin of their own, as atoms do. Between two edges that must be, bins are equally heavy. Cuts lie halfway
// between neighbours and are no record's value.
func cutAt(values []weighted, s *GridSpec, must []float64, share float64) []float64 {
	most := share * float64(s.Records)
	edges := slices.Clone(must)
	next := 0
	for i := 0; i < len(values); {
		for next < len(must) && must[next] < values[i].x {
			next++
		}
		if isHeavy(values[i], most) {
			if p := pred(values[i].x); !math.IsInf(p, 0) {
				edges = append(edges, p)
			}
			edges = append(edges, values[i].x)
			i++
			continue
		}
		// A run of light values without an edge between them.
		end, weight := i, 0.0
		for end < len(values) && !isHeavy(values[end], most) && (next == len(must) || values[end].x <= must[next]) {
			weight += float64(values[end].n)
			end++
		}
		each := weight / math.Ceil(weight/most)
		acc, done := 0.0, 1.0
		for ; i < end; i++ {
			w := float64(values[i].n)
			if acc > 0 && acc+w > each*done+0.5 {
				edges = append(edges, between(values[i-1].x, values[i].x))
				done = math.Floor(acc/each) + 1
				if acc+w > each*done+0.5 {
					done++
				}
			}
			acc += w
		}
	}
	slices.Sort(edges)
	return slices.Compact(edges)
}

func isHeavy(v weighted, most float64) bool { return v.n >= 2 && float64(v.n) > most }

// between is a number in [a, b) near the middle: an edge with a on its left and b on its right.
func between(a, b float64) float64 {
	m := a/2 + b/2
	if m < a || m >= b {
		return a
	}
	return m + 0
}

// binMeans fills the mean of the reference in each fine bin, and returns the counts.
func (s *GridSpec) binMeans(values []weighted) []uint64 {
	fine := len(s.FineEdges) + 1
	sum := make([]float64, fine)
	count := make([]uint64, fine)
	for _, v := range values {
		b := countBelow(s.FineEdges, v.x)
		sum[b] += (v.x - s.Center) * float64(v.n)
		count[b] += v.n
	}
	s.Means = make([]float64, fine)
	for b := range fine {
		lo, up := s.bounds(b)
		mean := sum[b] / float64(count[b])
		switch {
		case pred(up) == lo:
			s.Means[b] = up
			continue
		case count[b] == 0 || math.IsInf(mean, 0):
			s.Means[b] = lo/2 + up/2
		case count[b] < fewRecords:
			s.Means[b] = s.Center + roundTo(mean, s.spread()/64, math.Round)
		default:
			s.Means[b] = s.Center + mean
		}
		if b > 0 {
			s.Means[b] = max(s.Means[b], lo)
		}
		if b < fine-1 {
			s.Means[b] = min(s.Means[b], up)
		}
	}
	return count
}

// bounds are the edges of a fine bin, the reference's range standing in where it is open.
func (s *GridSpec) bounds(b int) (lo, up float64) {
	lo, up = s.Low, s.High
	if b > 0 {
		lo = s.FineEdges[b-1]
	}
	if b < len(s.FineEdges) {
		up = s.FineEdges[b]
	}
	return lo, up
}
