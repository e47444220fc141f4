package simulate

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/plumbline-ml/plumbline/detectors/sequential"
)

// The cases of detectors.md 4.4: a numeric feature in the deciles of its reference.

// Shape is a distribution, by the probability of being at most x.
type Shape struct {
	Name string
	CDF  func(x float64) float64
}

func phi(x float64) float64 { return distuv.UnitNormal.CDF(x) }

func shifted(d float64) Shape {
	return Shape{fmt.Sprintf("shift %g sd", d), func(x float64) float64 { return phi(x - d) }}
}

func scaled(s float64) Shape {
	return Shape{fmt.Sprintf("scale %g", s), func(x float64) float64 { return phi(x / s) }}
}

func bump(share float64) Shape {
	return Shape{fmt.Sprintf("%g %% at +4 sd", 100*share), func(x float64) float64 { return (1-share)*phi(x) + share*phi((x-4)/.2) }}
}

// bimodal has the mean and the variance of a standard normal: two humps at +-.8.
func bimodal() Shape {
	sd := math.Sqrt(1 - .8*.8)
	return Shape{"bimodal, same mean and variance", func(x float64) float64 { return (phi((x-.8)/sd) + phi((x+.8)/sd)) / 2 }}
}

// deciles are the edges of ten bins that hold a tenth of a standard normal each.
func deciles() []float64 {
	var edges []float64
	for i := 1; i < 10; i++ {
		edges = append(edges, distuv.UnitNormal.Quantile(float64(i)/10))
	}
	return edges
}

// Shares returns the probability of each bin.
func (s Shape) Shares(edges []float64) []float64 {
	out, before := make([]float64, len(edges)+1), 0.
	for i, e := range edges {
		p := s.CDF(e)
		out[i], before = p-before, p
	}
	out[len(edges)] = 1 - before
	return out
}

// binned is a detector of bins in a world where their shares are these.
type binned struct {
	d      *sequential.Sets
	r      *RNG
	shares []float64
	counts []uint64
}

// newBinned draws a reference of nRef records (0: the shares are known) and builds the detector.
func newBinned(r *RNG, shares []float64, nRef uint64, o sequential.SetsOptions) *binned {
	b := &binned{r: r, shares: shares, counts: make([]uint64, len(shares))}
	ref := make([]uint64, len(shares))
	if nRef > 0 {
		r.Multinomial(ref, nRef, shares)
	} else {
		for i, p := range shares {
			ref[i] = uint64(math.Round(p * 1e15))
		}
		o.Exact = true
	}
	var err error
	if b.d, err = sequential.NewSets(ref, o); err != nil {
		panic(err) // the options are constants of this package
	}
	return b
}

func (b *binned) feed(n uint64, shares []float64) {
	b.r.Multinomial(b.counts, n, shares)
	b.d.Update(b.counts)
}

func setCases() []Case {
	const perDay, days = 288, 30
	logA := sequential.LogThreshold(perDay*days, 1, 1)
	o := sequential.SetsOptions{Alpha: .05 / 200, Ordered: true}
	edges := deciles()
	none := shifted(0).Shares(edges)
	var out []Case
	for _, c := range []struct {
		name   string
		nRef   uint64
		plugIn bool
		want   []float64
	}{
		{"known reference", 0, false, []float64{25, 8, 2, 10, 13, 1}},
		{"reference of 100,000", 100_000, false, []float64{38, 10, 2, 14, 16, 2}},
		{"reference of 20,000", 20_000, false, []float64{68, 13, 2, 18, 21, 2}},
		{"reference of 5,000", 5_000, false, []float64{310, 20, 2, 36, 40, 2}},
		{"reference of 20,000, plug-in", 20_000, true, nil},
	} {
		c := c
		o := o
		o.Exact = c.plugIn
		out = append(out, Case{
			Group: "bins, 100 records a bucket, no change", Name: c.name, Allowed: 1, Contrast: c.plugIn, Cost: 70,
			Run: func(r *RNG) Sample {
				b := newBinned(r, none, c.nRef, o)
				pages := FalsePages(b.d, logA, 2*perDay*days, func(int) { b.feed(100, none) })
				return Sample{Pages: pages, Periods: 2}
			},
		})
		for i, shape := range []Shape{shifted(.1), shifted(.2), shifted(.5), scaled(1.2), bump(.05), bump(.20)} {
			if c.want == nil {
				continue
			}
			after := shape.Shares(edges)
			out = append(out, Case{
				Group: "bins, 100 records a bucket, " + c.name, Name: shape.Name, Want: c.want[i], Unit: "buckets", Cost: 5,
				// A bucket is the least there is: 2 may become 3.
				Limit: max(1.25*c.want[i], c.want[i]+1),
				Run: func(r *RNG) Sample {
					b := newBinned(r, none, c.nRef, o)
					return Sample{Delay: Delay(b.d, logA, 200+r.IntN(50), 3000, func(_ int, changed bool) {
						if changed {
							b.feed(100, after)
						} else {
							b.feed(100, none)
						}
					})}
				},
			})
		}
	}
	for i, shape := range []Shape{shifted(.1), shifted(.2), shifted(.5), shifted(2), scaled(1.3), bump(.05), bimodal()} {
		after := shape.Shares(edges)
		want := []float64{1900, 600, 150, 50, 450, 1100, 1025}[i]
		out = append(out, Case{
			Group: NumberChange, Name: shape.Name, Want: want, Unit: "records", Cost: 3, Limit: max(1.25*want, want+50),
			Run: func(r *RNG) Sample {
				b := newBinned(r, none, 0, o)
				d := Delay(b.d, math.Log(100_000./50), 100+r.IntN(50), 1000, func(_ int, changed bool) {
					if changed {
						b.feed(50, after)
					} else {
						b.feed(50, none)
					}
				})
				if d < Missed {
					d *= 50
				}
				return Sample{Delay: d}
			},
		})
	}
	return out
}
