package sequential

import (
	"math"
	"slices"
	"testing"
)

func TestLogAverage(t *testing.T) {
	inf := math.Inf(-1)
	for _, c := range []struct {
		name    string
		logM    []float64
		weights []float64
		want    float64
	}{
		{"no streams", nil, nil, inf},
		{"nothing bet yet", []float64{inf, inf}, nil, inf},
		{"equal", []float64{3, 3, 3}, nil, 3},
		{"one of four", []float64{inf, 9, inf, inf}, nil, 9 - math.Log(4)},
		{"weights are normalised", []float64{math.Log(2), math.Log(8)}, []float64{2, 4}, math.Log(6)},
		{"a weight of zero is no stream", []float64{1, 500}, []float64{1, 0}, 1},
		{"no overflow", []float64{690, 690}, nil, 690},
		{"not a number is nothing", []float64{math.NaN(), 2}, nil, 2 - math.Log(2)},
	} {
		if got := LogAverage(c.logM, c.weights); got != c.want && math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestEBHWithWeights(t *testing.T) {
	logA := math.Log(100)
	// Three streams: A*F/k = 300, 150, 100.
	logM := []float64{math.Log(160), math.Log(20), math.Log(170)}
	if got := EBH(logM, logA); !slices.Equal(got, []int{2, 0}) {
		t.Errorf("named %v, want 2 and 0", got)
	}
	// With the larger share of the budget the second stream alone is enough.
	if got := EBHWeighted([]float64{math.Log(10), math.Log(130), 0}, []float64{.1, .8, .1}, logA); !slices.Equal(got, []int{1}) {
		t.Errorf("named %v, want 1", got)
	}
	if got := EBH([]float64{1, math.NaN(), math.Inf(-1)}, logA); got != nil {
		t.Errorf("named %v, want none", got)
	}
}

func TestLogThreshold(t *testing.T) {
	for _, c := range []struct {
		buckets, pages, weight, want float64
	}{
		{8640, 1, 1, 9.064157},
		{8640, 1, 1. / 200, 9.064157 + math.Log(200)},
		{43200, 2, .5, math.Log(43200)},
		{10, 1000, 1, 1}, // never below 1
		{0, 1, 1, math.Inf(1)},
		{8640, 0, 1, math.Inf(1)},
		{8640, 1, math.NaN(), math.Inf(1)},
	} {
		if got := LogThreshold(c.buckets, c.pages, c.weight); got != c.want && math.Abs(got-c.want) > 1e-6 {
			t.Errorf("LogThreshold(%v, %v, %v) = %v, want %v", c.buckets, c.pages, c.weight, got, c.want)
		}
	}
	if got := LogThresholdForProbability(8640, .05, 1); math.Abs(got-math.Log(8640*20)) > 1e-9 {
		t.Errorf("5 %% per period: %v", got)
	}
}
