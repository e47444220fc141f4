package detectors

import "math"

// AddBatch is how many values AddAll takes at the most.
const AddBatch = 64

// AddAll counts up to AddBatch finite values, in their order: the summary is then the same to the last bit as after Add for
// each. touched gets a bit for each bin that was counted, by its number modulo 256. It does not allocate.
//
// Value by value, every feature of a record looks up tables that the features before it have pushed out of the nearest
// cache. Of one feature at a time the tables stay near, and the look-ups of several values run at once.
func (s *NumberSummary) AddAll(g *Grid, xs []float64, touched *[4]uint64) {
	addAll(s, s.Fine, g, xs, touched)
}

// AddAllTo counts into fine instead of s.Fine: half the memory. The caller sees to it that s.N stays below 2^32.
func (s *NumberSummary) AddAllTo(fine []uint32, g *Grid, xs []float64, touched *[4]uint64) {
	addAll(s, fine, g, xs, touched)
}

func addAll[C uint32 | uint64](s *NumberSummary, fine []C, g *Grid, xs []float64, touched *[4]uint64) {
	var cell [AddBatch]uint16
	xs = xs[:min(len(xs), AddBatch)]
	ix := g.index
	if ix.bits {
		for i, x := range xs {
			cell[i&(AddBatch-1)] = uint16(ix.cell(x))
		}
	} else {
		center, inv := ix.center, ix.inv
		for i, x := range xs { // as in cell
			d := x - center
			t := math.Abs(d)*inv + 1
			k := min(int(math.Float64bits(t)>>(52-cellsPerUnit))-one, half-1)
			cell[i&(AddBatch-1)] = uint16(half + (k ^ int(int64(math.Float64bits(d))>>63)))
		}
	}
	wideOf, rounding, wide := &g.wideOf, &g.rounding, &s.Wide
	dev, sq := s.Dev, s.DevSq
	center := g.spec.Center
	for i, x := range xs {
		c := int(cell[i&(AddBatch-1)]) & (cells - 1)
		from, to := int(ix.start[c]), int(ix.start[c+1])
		b := from
		if to-from <= unrolled {
			e := ix.edges[from : from+unrolled : from+unrolled]
			b += below(e[0], x) + below(e[1], x) + below(e[2], x)
		} else {
			b = ix.bin(x)
		}
		fine[b]++
		touched[b>>6&3] |= 1 << (b & 63)
		d, q := g.sums.round(x - center)
		dev += d
		sq += q
		if w := int(wideOf[b&(MaxFineBins-1)]); w < NumWide { // noWide is more
			r := &rounding[w]
			wide[w] += (d + r[0]) - r[1] // as in place
		}
	}
	s.N += uint64(len(xs))
	s.Dev, s.DevSq = dev, sq
}
