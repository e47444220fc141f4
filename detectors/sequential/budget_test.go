package sequential

import (
	"errors"
	"math"
	"slices"
	"testing"
)

func budgetOf(t *testing.T, o BudgetOptions, weights ...float64) *Budget {
	t.Helper()
	b, err := NewBudget(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range weights {
		b.Add(w)
	}
	return b
}

func TestBudgetPagesOnTheAverageAndNamesTheGuilty(t *testing.T) {
	monthly := BudgetOptions{BucketsPerPeriod: 8640, FalsePages: 1}
	inf := math.Inf(-1)
	for _, c := range []struct {
		name     string
		weights  []float64
		excess   []float64 // log evidence above ln A
		page     bool
		culprits []int
	}{
		{"no streams", nil, nil, false, nil},
		{"nothing bet yet", []float64{1, 1}, []float64{inf, inf}, false, nil},
		{"one stream at its own threshold", []float64{1, 1, 1, 1}, []float64{inf, math.Log(4), inf, inf}, true, []int{1}},
		{"one stream just below it", []float64{1, 1, 1, 1}, []float64{inf, math.Log(3.9), inf, inf}, false, nil},
		{"three together", []float64{1, 1, 1, 1}, []float64{math.Log(1.4), math.Log(1.4), inf, math.Log(1.4)}, true, []int{0, 1, 3}},
		{"a large one names the smaller ones too", []float64{1, 1, 1, 1}, []float64{math.Log(2.1), 5, inf, -3}, true, []int{1, 0}},
		{"weights", []float64{9, 1}, []float64{math.Log(1.2), inf}, true, []int{0}},
		{"a weight of zero never pages", []float64{1, 0}, []float64{inf, 600}, false, nil},
	} {
		b := budgetOf(t, monthly, c.weights...)
		logM := make([]float64, len(c.excess))
		for i := range logM {
			logM[i] = b.LogA() + c.excess[i]
		}
		d := b.Decide(logM)
		if d.Page != c.page || !slices.Equal(sorted(d.Culprits), sorted(c.culprits)) {
			t.Errorf("%s: page %v, culprits %v, want %v %v", c.name, d.Page, d.Culprits, c.page, c.culprits)
		}
		if c.page != (d.LogEvidence >= b.LogA()-1e-9) {
			t.Errorf("%s: average %v of %v", c.name, d.LogEvidence, b.LogA())
		}
	}
}

func sorted(xs []int) []int { s := slices.Clone(xs); slices.Sort(s); return s }

func TestBudgetAgreesWithLogAverageAndEBH(t *testing.T) {
	b := budgetOf(t, BudgetOptions{BucketsPerPeriod: 100, FalsePages: 1})
	g := lcg(8)
	logM, weights := make([]float64, 60), make([]float64, 60)
	for i := range logM {
		weights[i] = g.float() + .1
		b.Add(weights[i])
	}
	for range 500 {
		for i := range logM {
			logM[i] = 12*g.float()*g.float() - 2
		}
		d := b.Decide(logM)
		if want := LogAverage(logM, weights); math.Abs(d.LogEvidence-want) > 1e-9 {
			t.Fatalf("average %v, want %v", d.LogEvidence, want)
		}
		named := EBHWeighted(logM, weights, b.LogA())
		if d.Page && len(d.Culprits) < len(named) {
			t.Fatalf("culprits %v, e-BH names %v", d.Culprits, named)
		}
		for i := 1; i < len(d.Culprits); i++ {
			a, c := d.Culprits[i-1], d.Culprits[i]
			if logM[a]+math.Log(weights[a]) < logM[c]+math.Log(weights[c]) {
				t.Fatalf("culprits %v are not in order", d.Culprits)
			}
		}
		if d.Page { // the culprits' own evidence must pay for the page
			paid := 0.
			for _, i := range d.Culprits {
				paid += weights[i] / b.total * math.Exp(logM[i])
			}
			if math.Log(paid) < b.LogA()-1e-9 {
				t.Fatalf("culprits have %v of %v", math.Log(paid), b.LogA())
			}
		}
	}
	if n := testing.AllocsPerRun(100, func() { b.Decide(logM) }); n != 0 {
		t.Errorf("%v allocations in a decision", n)
	}
}

func TestBudgetByProbabilityIsTheStricterOne(t *testing.T) {
	mean := budgetOf(t, BudgetOptions{BucketsPerPeriod: 43200, FalsePages: 1}, 1)
	prob := budgetOf(t, BudgetOptions{BucketsPerPeriod: 43200, FalsePages: 1, Probability: .05}, 1)
	if got := prob.LogA() - mean.LogA(); math.Abs(got-math.Log(20)) > 1e-12 {
		t.Errorf("5 %% asks for %v more than 1 page", got)
	}
	if got := mean.StreamLogA(0); got != mean.LogA() {
		t.Errorf("the only stream's threshold is %v", got)
	}
	for _, o := range []BudgetOptions{{}, {BucketsPerPeriod: 10}, {FalsePages: 1}, {BucketsPerPeriod: math.Inf(1), FalsePages: 1}, {BucketsPerPeriod: 10, FalsePages: math.NaN()}} {
		if _, err := NewBudget(o); !errors.Is(err, ErrBudget) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func TestSilenceAfter(t *testing.T) {
	// 20 requests a second by day, 1 by night, 30 days, one false page: ln(20*2592000)/1 = 17.8 s.
	if got := SilenceAfter(1, 20, 30*86400, 1, 0); math.Abs(got-17.764) > .001 {
		t.Errorf("%v seconds", got)
	}
	if got := SilenceAfter(1, 20, 30*86400, 1, 60); got != 120 {
		t.Errorf("%v seconds with a gap of a minute in the reference", got)
	}
	if got := SilenceAfter(0, 20, 30*86400, 1, 60); !math.IsInf(got, 1) {
		t.Errorf("%v for a stream that may stand still", got)
	}
}
