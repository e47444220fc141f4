package detectors

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Limits of Fourier.
const (
	MaxFourierDims     = 4096
	MaxFourierFeatures = 1024
)

// FourierOptions describes the features; all nodes that merge sums must use the same.
type FourierOptions struct {
	// Center and Scale standardise each dimension before anything else: the reference's median and IQR, say. Both have
	// one entry per dimension; a scale of 0 counts as 1.
	Center, Scale []float64
	// Bandwidth is the width of the Gaussian kernel in standardised units; 0 = the square root of the number of
	// dimensions, the usual distance of two points.
	Bandwidth float64
	// Features is how many random features there are, 2 to 1024; 0 = 64.
	Features int
	// Seed draws the frequencies, for instance from a hash of the reference.
	Seed uint64
}

// Fourier compares vectors (all numeric features together, an embedding) by the maximum mean discrepancy with a
// Gaussian kernel, through random Fourier features (Rahimi, Recht 2007; Gretton et al. 2012): a vector becomes bounded
// numbers whose means are compared, so that what is kept is a sum that merges. It sees changes of the joint
// distribution (a correlation that broke) which no single column shows; which dimension changed it does not say.
//
// Each feature lies in [0, 1] and is a bounded score that evidence can be collected on (sequential.Mean). Immutable.
// Memory: dimensions times half the features float64s, 2 MiB for 512 dimensions and 1024 features.
type Fourier struct {
	center, inverse []float64
	freq            []float64 // one row of len(center) per pair of features
	pairs           int
}

// FourierSums are the mergeable sums of a set of vectors.
type FourierSums struct {
	N   uint64
	Sum []float64 // of each feature
}

// NewFourier draws the features.
func NewFourier(o FourierOptions) (*Fourier, error) {
	d := len(o.Center)
	if o.Features == 0 {
		o.Features = 64
	}
	if d < 1 || d > MaxFourierDims || len(o.Scale) != d || o.Features < 2 || o.Features > MaxFourierFeatures || o.Bandwidth < 0 {
		return nil, fmt.Errorf("draw random features: %w: %d centers, %d scales, %d features, bandwidth %v", ErrOption, d, len(o.Scale), o.Features, o.Bandwidth)
	}
	if o.Bandwidth == 0 {
		o.Bandwidth = math.Sqrt(float64(d))
	}
	f := &Fourier{pairs: o.Features / 2, center: make([]float64, d), inverse: make([]float64, d)}
	for i := range d {
		c, s := o.Center[i], o.Scale[i]
		if s == 0 {
			s = 1
		}
		if math.IsNaN(c) || math.IsInf(c, 0) || !(s > 0) || math.IsInf(s, 0) {
			return nil, fmt.Errorf("draw random features: %w", ErrNotFinite)
		}
		f.center[i], f.inverse[i] = c, 1/s
	}
	// Box and Muller on a generator that is specified to the bit: every version on every machine draws the same.
	source := rand.NewPCG(o.Seed, 0x706c756d62)
	uniform := func() float64 { return (float64(source.Uint64()>>11) + 0.5) / (1 << 53) }
	f.freq = make([]float64, f.pairs*d)
	for i := range f.freq {
		f.freq[i] = math.Sqrt(-2*math.Log(uniform())) * math.Cos(2*math.Pi*uniform()) / o.Bandwidth
	}
	return f, nil
}

// Features is how many features a vector has.
func (f *Fourier) Features() int { return 2 * f.pairs }

// NewSums makes empty sums.
func (f *Fourier) NewSums() *FourierSums { return &FourierSums{Sum: make([]float64, 2*f.pairs)} }

// Map fills dst (Features() long) with the features of a vector, each in [0, 1]. NaN and infinities count as the center
// of their dimension. dst and x must have their lengths; it does not allocate.
func (f *Fourier) Map(dst, x []float64) {
	d := len(f.center)
	x = x[:d]
	for p := range f.pairs {
		dot := 0.0
		for i, w := range f.freq[p*d : (p+1)*d] {
			if z := (x[i] - f.center[i]) * f.inverse[i]; z-z == 0 { // false for NaN and infinities
				dot += w * z
			}
		}
		sin, cos := math.Sincos(dot)
		dst[2*p], dst[2*p+1] = (1+cos)/2, (1+sin)/2
	}
}

// Add counts a vector. scratch must be Features() long; nil allocates.
func (s *FourierSums) Add(f *Fourier, x, scratch []float64) {
	if scratch == nil {
		scratch = make([]float64, f.Features())
	}
	f.Map(scratch, x)
	s.N++
	for i, v := range scratch[:len(s.Sum)] {
		s.Sum[i] += v
	}
}

// Merge adds sums of the same features. On error s is unchanged.
func (s *FourierSums) Merge(o *FourierSums) error {
	if len(s.Sum) != len(o.Sum) {
		return fmt.Errorf("merge sums of random features: %w", ErrShape)
	}
	s.N += o.N
	for i, v := range o.Sum {
		s.Sum[i] += v
	}
	return nil
}

// MMD is the squared maximum mean discrepancy of two sets of vectors, debiased: about 0 on average under no change
// (single values may be negative), at most 2. expected is the bias that was taken off, what the plain estimate would
// show under no change; a discrepancy of several times that is a change. NaN when a side has fewer than two vectors.
func MMD(ref, cur *FourierSums) (mmd, expected float64) {
	if ref.N < 2 || cur.N < 2 || len(ref.Sum) != len(cur.Sum) {
		return math.NaN(), math.NaN()
	}
	n, m := float64(ref.N), float64(cur.N)
	distance, sizeRef, sizeCur := 0.0, 0.0, 0.0
	for i := range ref.Sum {
		a, b := 2*ref.Sum[i]/n-1, 2*cur.Sum[i]/m-1 // back to cos and sin
		distance += (a - b) * (a - b)
		sizeRef += a * a
		sizeCur += b * b
	}
	pairs := float64(len(ref.Sum) / 2) // cos^2 + sin^2 = 1 for each pair
	distance, sizeRef, sizeCur = distance/pairs, sizeRef/pairs, sizeCur/pairs
	// The variance of the mean vector: what n independent vectors of length one leave.
	expected = (1-sizeRef)/(n-1) + (1-sizeCur)/(m-1)
	return distance - expected, expected
}
