package detectors

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// MissingReason says why a record has no usable number. The order is part of the encoding.
type MissingReason uint8

// The reasons, as the metric plumbline_feature_missing_total names them.
const (
	MissingAbsent MissingReason = iota // the field is not there
	MissingNull                        // an explicit null
	MissingEmpty                       // an empty string
	MissingNaN                         // not a number
	MissingInf                         // plus or minus infinity
	MissingType                        // something else than a number
	NumMissingReasons
)

var missingNames = [NumMissingReasons]string{"absent", "null", "empty", "nan", "inf", "type"}

// String is the reason as a label value.
func (r MissingReason) String() string {
	if r < NumMissingReasons {
		return missingNames[r]
	}
	return "unknown"
}

// NumberSummary is the mergeable profile of a numeric feature over a window or over the reference: counts in the
// fine bins of a Grid and sums. Memory: 8 bytes a bin and 360 bytes.
//
// Sums are kept relative to the center of the grid and rounded to a fixed power of two (2^-26 of the reference's
// spread), so that additions are exact and a merge in any order gives the same bits up to about 10^7 records whose
// typical distance from the center is the spread; beyond that they are as good as float64 sums.
type NumberSummary struct {
	Fine    []uint64                  // counts per fine bin
	N       uint64                    // finite values, the sum of Fine
	Dev     float64                   // sum of x - Center
	DevSq   float64                   // sum of (x - Center)^2
	Wide    [NumWide]float64          // sums of x less a point of its group of bins, coarsely rounded
	Missing [NumMissingReasons]uint64 // records without a number, by reason
	Repeats uint64                    // values equal to the one before; counted by the caller
}

// NewSummary makes an empty summary for the grid.
func (g *Grid) NewSummary() *NumberSummary {
	return &NumberSummary{Fine: make([]uint64, g.Fine())}
}

// Summarize profiles a sample in one go: NaN and infinities are counted as missing.
func (g *Grid) Summarize(values []float64) *NumberSummary {
	s := g.NewSummary()
	for _, x := range values {
		switch {
		case math.IsNaN(x):
			s.Missing[MissingNaN]++
		case math.IsInf(x, 0):
			s.Missing[MissingInf]++
		default:
			s.Add(g, x)
		}
	}
	return s
}

// Add counts one finite value and returns its fine bin. It does not allocate.
func (s *NumberSummary) Add(g *Grid, x float64) int {
	b := g.index.bin(x)
	s.Fine[b]++
	s.N++
	dev, sq := g.sums.round(x - g.spec.Center)
	s.Dev += dev
	s.DevSq += sq
	if w := g.wideOf[b]; w != noWide {
		s.Wide[w] += g.groups[w].place(dev)
	}
	return b
}

// AddMany counts n records of one finite value, as a sketch or a table of frequencies gives them.
func (s *NumberSummary) AddMany(g *Grid, x float64, n uint64) {
	b := g.index.bin(x)
	s.Fine[b] += n
	s.N += n
	dev, sq := g.sums.round(x - g.spec.Center)
	s.Dev += dev * float64(n)
	s.DevSq += sq * float64(n)
	if w := g.wideOf[b]; w != noWide {
		s.Wide[w] += g.groups[w].place(dev) * float64(n)
	}
}

// MissingTotal is the number of records without a number.
func (s *NumberSummary) MissingTotal() uint64 {
	var n uint64
	for _, m := range s.Missing {
		n += m
	}
	return n
}

// Mean is the mean of the finite values; NaN without any.
func (s *NumberSummary) Mean(g *Grid) float64 {
	if s.N == 0 {
		return math.NaN()
	}
	return g.spec.Center + s.Dev/float64(s.N)
}

// SD is the standard deviation (divided by n) of the finite values; NaN without any.
func (s *NumberSummary) SD() float64 {
	if s.N == 0 {
		return math.NaN()
	}
	n := float64(s.N)
	m := s.Dev / n
	return math.Sqrt(max(0, s.DevSq/n-m*m))
}

// Merge adds o, which must belong to the same grid. On error s is unchanged.
func (s *NumberSummary) Merge(o *NumberSummary) error {
	if len(s.Fine) != len(o.Fine) {
		return fmt.Errorf("merge summaries of %d and %d bins: %w", len(s.Fine), len(o.Fine), ErrShape)
	}
	for b, c := range o.Fine {
		s.Fine[b] += c
	}
	s.N += o.N
	s.Dev += o.Dev
	s.DevSq += o.DevSq
	for i, v := range o.Wide {
		s.Wide[i] += v
	}
	for i, m := range o.Missing {
		s.Missing[i] += m
	}
	s.Repeats += o.Repeats
	return nil
}

// Reset empties the summary and keeps its memory.
func (s *NumberSummary) Reset() {
	clear(s.Fine)
	*s = NumberSummary{Fine: s.Fine}
}

// Clone is a deep copy.
func (s *NumberSummary) Clone() *NumberSummary {
	c := *s
	c.Fine = slices.Clone(s.Fine)
	return &c
}

// CoarseCounts adds the fine counts up into rule B bins.
func (g *Grid) CoarseCounts(fine []uint64) []uint64 {
	out := make([]uint64, g.coarse)
	for b, c := range fine {
		out[g.coarseOf[b]] += c
	}
	return out
}

// HistCounts adds the fine counts up into the buckets of the histogram for people (len(CoarseEdges())+1).
func (g *Grid) HistCounts(fine []uint64) []uint64 {
	out := make([]uint64, len(g.hist)+1)
	for b, c := range fine {
		out[g.histOf[b]] += c
	}
	return out
}

const summaryVersion = 2

// oldWide is how many sums there were in version 1, which did not say it.
const oldWide = 24

// AppendBinary appends the encoding of the summary: a version byte, counts as variable-length integers, the number of sums,
// sums as float64.
func (s *NumberSummary) AppendBinary(out []byte) ([]byte, error) {
	out = append(out, summaryVersion)
	out = binary.AppendUvarint(out, uint64(len(s.Fine)))
	out = AppendCounts(out, s.Fine)
	out = appendFloat(appendFloat(out, s.Dev), s.DevSq)
	out = append(out, NumWide)
	for _, v := range s.Wide {
		out = appendFloat(out, v)
	}
	out = AppendCounts(out, s.Missing[:])
	return binary.AppendUvarint(out, s.Repeats), nil
}

// MarshalBinary encodes the summary.
func (s *NumberSummary) MarshalBinary() ([]byte, error) { return s.AppendBinary(nil) }

// UnmarshalBinary decodes what MarshalBinary wrote; on error s is unchanged.
func (s *NumberSummary) UnmarshalBinary(data []byte) error {
	d := decoder{buf: data}
	version := d.byte()
	if version != 1 && version != summaryVersion {
		return fmt.Errorf("read summary: version %d: %w", version, ErrCodec)
	}
	var t NumberSummary
	fine := d.uvarint()
	if fine < 1 || fine > MaxFineBins {
		return fmt.Errorf("read summary: %w", ErrCodec)
	}
	t.Fine = make([]uint64, fine)
	decodeCounts(&d, t.Fine)
	t.Dev, t.DevSq = d.float(), d.float()
	wide := oldWide
	if version > 1 {
		wide = int(d.byte())
	}
	if wide > NumWide {
		return fmt.Errorf("read summary: %w", ErrCodec)
	}
	for i := range wide {
		t.Wide[i] = d.float()
	}
	decodeCounts(&d, t.Missing[:])
	t.Repeats = d.uvarint()
	if err := d.end(); err != nil {
		return fmt.Errorf("read summary: %w", err)
	}
	for _, v := range append([]float64{t.Dev, t.DevSq}, t.Wide[:]...) {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("read summary: %w", ErrCodec)
		}
	}
	for _, c := range t.Fine {
		if t.N+c < t.N {
			return fmt.Errorf("read summary: %w", ErrCodec)
		}
		t.N += c
	}
	*s = t
	return nil
}
