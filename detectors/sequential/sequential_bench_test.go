package sequential

import "testing"

func BenchmarkSetsUpdate(b *testing.B) {
	ref := []uint64{2000, 2000, 2000, 2000, 2000, 2000, 2000, 2000, 2000, 2000, 2000, 2000}
	s, err := NewSets(ref, SetsOptions{Alpha: .05 / 200, Tol: .01, Cap: 2, Ordered: true})
	if err != nil {
		b.Fatal(err)
	}
	counts := [][]uint64{
		{9, 11, 8, 7, 12, 9, 10, 11, 9, 10, 8, 11}, {12, 7, 9, 10, 8, 11, 10, 6, 12, 9, 9, 10},
		{6, 13, 9, 8, 10, 10, 8, 11, 12, 7, 9, 12}, {10, 9, 11, 7, 8, 9, 13, 12, 8, 9, 10, 9},
	}
	b.ReportMetric(float64(s.Components()), "components")
	i := 0
	for b.Loop() {
		s.Update(counts[i&3])
		i++
	}
}

func BenchmarkSetsLogEvidence(b *testing.B) {
	s, _ := NewSets([]uint64{2000, 2000, 2000}, SetsOptions{Alpha: .05, Ordered: true})
	s.Update([]uint64{1, 2, 3})
	for b.Loop() {
		s.LogEvidence()
	}
}

func BenchmarkRateUpdate(b *testing.B) {
	r := NewRate(RateOptions{Lo: .04, Hi: .06, Cap: 2})
	for b.Loop() {
		r.Update(5, 100)
	}
}

func BenchmarkRateUpdateWithin(b *testing.B) {
	r := NewRate(RateOptions{Varying: true, Cap: 2})
	for b.Loop() {
		r.UpdateWithin(5, 100, .04, .06)
	}
}

func BenchmarkMeanIncrements(b *testing.B) {
	m := NewMean(MeanOptions{Lo: .2, Hi: .22, Cap: 2})
	var s Sums
	x := [8]float64{.1, .2, .05, .6, .3, .01, .9, .2}
	i := 0
	for b.Loop() {
		m.Increments(x[i&7], &s)
		i++
	}
}
