package detectors

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestBucketValuesStandForTheirBucketsAndDoNotFollowTheTails(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for name, draw := range map[string]func() float64{
		"normal": r.NormFloat64, "Pareto without a mean": func() float64 { return 1 / (1 - r.Float64()) }, "ties": func() float64 { return float64(r.IntN(4)) },
		"a constant": func() float64 { return 7 }, "far from 0": func() float64 { return 1.7e9 + r.Float64() },
	} {
		xs := make([]float64, 5000)
		for i := range xs {
			xs[i] = draw()
		}
		g := mustGrid(t, xs)
		values, edges := g.BucketValues(), g.CoarseEdges()
		if len(values) != len(edges)+1 || !slices.IsSorted(values) {
			t.Fatalf("%s: %v for edges %v", name, values, edges)
		}
		spread := g.spec.spread()
		for i, v := range values {
			inside := i == 0 && v >= edges[0]-spread && v <= edges[0] || i == len(edges) && v >= edges[i-1] && v <= edges[i-1]+spread ||
				i > 0 && i < len(edges) && v >= edges[i-1] && v <= edges[i]
			if !inside || math.IsInf(v, 0) {
				t.Errorf("%s: bucket %d has the value %v, edges %v", name, i, v, edges)
			}
		}
	}
}
