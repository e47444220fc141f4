package compare

import (
	"maps"
	"math"
	"slices"

	"github.com/plumbline-ml/plumbline/detectors"
)

// compareNumbers hands missing values over as NaN: they are a bin of their own in the statistics over bins and left
// out of the others.
func compareNumbers(ref []float64, missingRef uint64, cur []float64, missingCur uint64) Statistics {
	s := detectors.CompareNumbers(withMissing(ref, missingRef), withMissing(cur, missingCur))
	return maps.Collect(s.All())
}

func withMissing(values []float64, missing uint64) []float64 {
	out := slices.Grow(slices.Clone(values), int(missing))
	for range missing {
		out = append(out, math.NaN())
	}
	return out
}

// compareCategories lines both sides up over the union of their categories, missing being the last one.
func compareCategories(ref map[string]uint64, missingRef uint64, cur map[string]uint64, missingCur uint64) Statistics {
	names := slices.Sorted(maps.Keys(ref))
	for _, name := range slices.Sorted(maps.Keys(cur)) {
		if _, both := ref[name]; !both {
			names = append(names, name)
		}
	}
	p, q := make([]uint64, 0, len(names)+1), make([]uint64, 0, len(names)+1)
	for _, name := range names {
		p, q = append(p, ref[name]), append(q, cur[name])
	}
	s := detectors.CompareCategories(append(p, missingRef), append(q, missingCur))
	return maps.Collect(s.All())
}
