package simulate

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// The full table takes minutes (make detection). Here a few replications of the cheap cases must not be outside
// their promise, and contrasts must be what they are.
func TestASmallTableKeepsItsPromises(t *testing.T) {
	if testing.Short() {
		t.Skip("simulation")
	}
	spent := 0
	for _, c := range All() {
		if c.Cost > 150 || strings.HasPrefix(c.Group, ClassicsChange) {
			continue
		}
		runs := max(1, min(c.Runs, 100/max(1, c.Cost)))
		if c.MaxDelay() > 0 || c.Silent {
			runs = max(3, min(runs, 5))
		}
		spent += runs * c.Cost
		var tally Tally
		for i := range runs {
			tally.Add(c.Run(c.RNG(1, i)))
		}
		if v := c.Judge(&tally); v == Broken {
			t.Errorf("%s: %s: %d pages in %.1f periods, delays %v, at most %v %s", c.Group, c.Name, tally.Pages, tally.Periods, tally.Delays, c.MaxDelay(), c.Unit)
		}
		if c.Contrast && strings.HasPrefix(c.Name, "PSI above .1") && tally.PerPeriod() < 100 {
			t.Errorf("%s: only %v false pages", c.Name, tally.PerPeriod())
		}
	}
	if spent > 20_000 {
		t.Errorf("the small table costs %d ms", spent)
	}
}

func TestAReplicationIsAPureFunctionOfItsSeed(t *testing.T) {
	for _, c := range All() {
		if c.Cost > 60 {
			continue
		}
		if a, b := c.Run(c.RNG(7, 3)), c.Run(c.RNG(7, 3)); a != b {
			t.Errorf("%s: %s: %+v, then %+v", c.Group, c.Name, a, b)
		}
	}
}

func TestCasesHaveNamesOfTheirOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range All() {
		id := c.Group + "/" + c.Name
		if seen[id] || c.Group == "" || c.Name == "" {
			t.Errorf("%q is not a name of its own", id)
		}
		seen[id] = true
		if c.Allowed == 0 && c.MaxDelay() == 0 && !c.Silent && !c.Contrast {
			t.Errorf("%s promises nothing", id)
		}
	}
}

func TestGarwoodsBounds(t *testing.T) {
	// scipy 1.10.1: chi2.ppf(.95, 2*(k+1))/2 and chi2.ppf(.05, 2*k)/2.
	for _, c := range []struct {
		k            int
		lower, upper float64
	}{{0, 0, 2.995732273553991}, {1, 0.0512932943875505, 4.743864518390577}, {10, 5.4254056972, 16.9622191914}} {
		if lo, hi := GarwoodLower(c.k, .95), GarwoodUpper(c.k, .95); math.Abs(lo-c.lower) > 1e-6 || math.Abs(hi-c.upper) > 1e-6 {
			t.Errorf("%d events: %v..%v, want %v..%v", c.k, lo, hi, c.lower, c.upper)
		}
	}
}

func TestJudging(t *testing.T) {
	budget := Case{Allowed: 1}
	delay := Case{Want: 10}
	silent := Case{Silent: true}
	for _, c := range []struct {
		name  string
		c     Case
		tally Tally
		want  Verdict
	}{
		{"nothing yet", budget, Tally{Runs: 1, Periods: 1}, Undecided},
		{"no page in three periods", budget, Tally{Runs: 3, Periods: 3}, Kept},
		{"a page a period", budget, Tally{Runs: 9, Periods: 200, Pages: 200}, Kept},
		{"three pages a period", budget, Tally{Runs: 9, Periods: 9, Pages: 27}, Broken},
		{"contrast", Case{Allowed: 1, Contrast: true}, Tally{Runs: 9, Periods: 9, Pages: 27}, Kept},
		{"in time", delay, Tally{Runs: 3, Delays: []int{9, 12, 40}}, Kept},
		{"late, few runs", delay, Tally{Runs: 3, Delays: []int{9, 14, 40}}, Undecided},
		{"late", delay, Tally{Runs: 100, Delays: slices.Repeat([]int{14}, 100)}, Broken},
		{"silent", silent, Tally{Runs: 1, Delays: []int{Missed}}, Kept},
		{"not silent", silent, Tally{Runs: 2, Delays: []int{Missed, 17}}, Broken},
	} {
		if got := c.c.Judge(&c.tally); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestBinomialsHaveTheirMeanAndVariance(t *testing.T) {
	r := NewRNG(1, 1)
	for _, c := range []struct {
		n uint64
		p float64
	}{{10, .3}, {100, .05}, {100, .95}, {1000, .5}, {100_000, .001}, {100_000, .3}} {
		var sum, sq float64
		const draws = 4000
		for range draws {
			k := float64(r.Binomial(c.n, c.p))
			sum += k
			sq += k * k
		}
		mean, want, v := sum/draws, float64(c.n)*c.p, float64(c.n)*c.p*(1-c.p)
		if math.Abs(mean-want) > 5*math.Sqrt(v/draws) || math.Abs((sq/draws-mean*mean)/v-1) > .15 {
			t.Errorf("%d, %v: mean %v, variance %v, want %v, %v", c.n, c.p, mean, sq/draws-mean*mean, want, v)
		}
	}
}
