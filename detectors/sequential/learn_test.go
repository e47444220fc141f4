package sequential

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

// histogramDay draws buckets of a normal variable whose mean moves with the day and wanders slowly.
func histogramDays(seed uint64, days int, perBucket int, season, wander float64) []CountsObservation {
	r := rand.New(rand.NewPCG(seed, 2))
	state := 0.
	edges := []float64{-1, -.5, 0, .5, 1}
	var out []CountsObservation
	for i := range days * 288 {
		minute := int64(monday + 5*i)
		state = .98*state + math.Sqrt(1-.98*.98)*wander*r.NormFloat64()
		mean := season*daytime(minute) + state
		b := CountsObservation{Minute: minute, Counts: make([]uint64, len(edges)+2)}
		for range perBucket {
			if r.Float64() < .02 {
				b.Counts[len(edges)+1]++ // missing
				continue
			}
			x, bin := mean+r.NormFloat64(), 0
			for bin < len(edges) && x > edges[bin] {
				bin++
			}
			b.Counts[bin]++
		}
		out = append(out, b)
	}
	return out
}

func setsOptions(logA float64) SetsOptions {
	return SetsOptions{Alpha: .001, Ordered: true, Extra: 1, Cap: BucketCap(logA), Slack: math.Log(1.1), Varying: true}
}

func TestSeasonalSetsStaySilentOverTheDayAndNoticeAShift(t *testing.T) {
	logA := LogThreshold(8640, 1, .1)
	ref := histogramDays(1, 28, 60, .5, 0)
	l, err := LearnSets(ref, setsOptions(logA), ReplayOptions{LogA: logA, Weight: .1})
	if err != nil {
		t.Fatal(err)
	}
	if l.Profile.Calendar != "daily" || l.Profile.Kappa != 0 || !l.Stable || l.Dropped > 3 {
		t.Fatalf("learned %s, kappa %v, stable %v, dropped %d", l.Profile.Calendar, l.Profile.Kappa, l.Stable, l.Dropped)
	}
	season, err := NewSetsSeason(l.Profile)
	if err != nil {
		t.Fatal(err)
	}
	total := make([]uint64, len(ref[0].Counts))
	for _, b := range ref {
		for bin, c := range b.Counts {
			total[bin] += c
		}
	}
	fed := func(d *Sets, tuned bool, b CountsObservation) {
		if tuned {
			season.Retune(d, season.Slot(b.Minute))
		}
		d.Update(b.Counts)
	}
	seasonal, flat := mustSets(t, total, setsOptions(logA)), mustSets(t, total, setsOptions(logA))
	pages := [2]int{}
	for _, b := range histogramDays(2, 20, 60, .5, 0) {
		for which, d := range []*Sets{seasonal, flat} {
			if fed(d, which == 0, b); d.LogEvidence() >= logA {
				pages[which]++
				d.Reset()
			}
		}
	}
	if pages[0] != 0 || pages[1] < 10 {
		t.Errorf("%d pages with the season, %d without: want none, and one or more a day", pages[0], pages[1])
	}
	noticed := 0
	for _, b := range histogramDays(3, 1, 60, .5, 0) {
		// Half a standard deviation up: everything moves one bin.
		copy(b.Counts[1:6], b.Counts[:5])
		b.Counts[0] = 0
		noticed++
		if fed(seasonal, true, b); seasonal.LogEvidence() >= logA {
			break
		}
	}
	if noticed > 12 {
		t.Errorf("a shift of half a deviation took %d buckets", noticed)
	}
	if n := testing.AllocsPerRun(20, func() { season.Retune(seasonal, 3) }); n != 0 {
		t.Errorf("%v allocations in a retune", n)
	}
}

func TestWanderingSetsGetSlack(t *testing.T) {
	logA := LogThreshold(8640, 1, 1)
	l, err := LearnSets(histogramDays(4, 28, 200, 0, .15), setsOptions(logA), ReplayOptions{LogA: logA})
	if err != nil {
		t.Fatal(err)
	}
	if l.Profile.Kappa == 0 || l.Profile.Slack() < .1 || l.Profile.Slack() > 1 || !l.Stable {
		t.Errorf("sigma %v, kappa %v, stable %v", l.Profile.Sigma, l.Profile.Kappa, l.Stable)
	}
}

func meanDays(seed uint64, days int, perBucket float64, season, wander float64) []MeanObservation {
	r := rand.New(rand.NewPCG(seed, 3))
	state := 0.
	var out []MeanObservation
	for i := range days * 288 {
		minute := int64(monday + 5*i)
		state = .98*state + math.Sqrt(1-.98*.98)*wander*r.NormFloat64()
		b := MeanObservation{Minute: minute, N: uint64(perBucket)}
		for range b.N {
			// The mean of u*u*u is a quarter.
			u := r.Float64()
			x := min(1, max(0, u*u*u+season*daytime(minute)*u+state*u))
			b.Sum += x
			b.SumSq += x * x
		}
		out = append(out, b)
	}
	return out
}

func TestSeasonalMeansStaySilentOverTheDay(t *testing.T) {
	o := LearnMeanOptions{SeasonOptions: SeasonOptions{Tol: .005}, ReplayOptions: ReplayOptions{LogA: LogThreshold(8640, 1, 1)}}
	for _, c := range []struct {
		name           string
		season, wander float64
		calendar       string
		minKappa       float64
	}{{"still", 0, 0, "flat", 0}, {"day and night", .1, 0, "daily", 0}, {"wander", 0, .1, "", .5}} {
		l, err := LearnMean(meanDays(1, 28, 100, c.season, c.wander), o)
		if err != nil {
			t.Fatal(err)
		}
		if c.calendar != "" && l.Profile.Calendar != c.calendar || l.Profile.Kappa < c.minKappa || c.minKappa == 0 && l.Profile.Kappa > 0 || !l.Stable || l.Dropped > 5 {
			t.Errorf("%s: learned %s, sigma %v, kappa %v, stable %v, dropped %d", c.name, l.Profile.Calendar, l.Profile.Sigma, l.Profile.Kappa, l.Stable, l.Dropped)
		}
		s, err := NewMeanSeason(l.Profile, o.SeasonOptions)
		if err != nil {
			t.Fatal(err)
		}
		d := NewMean(MeanOptions{Varying: true, Cap: BucketCap(o.LogA)})
		pages := 0
		for _, b := range meanDays(2, 28, 100, c.season, c.wander) {
			lo, hi := s.Interval(s.Slot(b.Minute))
			if e := s.Expected(s.Slot(b.Minute)); !(lo < e && e < hi) {
				t.Fatalf("%s: %v..%v around %v", c.name, lo, hi, e)
			}
			d.Retune(lo, hi)
			sums := d.bets.approximate(moments{float64(b.N), b.Sum, b.SumSq})
			d.Update(&sums)
			if d.LogEvidence() >= o.LogA {
				pages++
				d.Reset()
			}
		}
		if pages > 1 {
			t.Errorf("%s: %d pages in 28 days", c.name, pages)
		}
	}
}

func TestMomentsApproximateTheSumsOfABucket(t *testing.T) {
	b := NewMeanBets(MeanOptions{Lo: .24, Hi: .26})
	var s Sums
	g := lcg(6)
	for range 1000 {
		x := g.float()
		b.Increments(x*x*x, &s)
	}
	a := b.approximate(moments{float64(s.N), s.Sum, s.SumSq})
	for _, i := range []int{0, 1, 2, 5, 6, 7} { // small and middling bets; the largest are off by more
		if got, want := a.log(i), s.log(i); math.Abs(got-want) > .15*math.Abs(want)+.3 {
			t.Errorf("bet %d: %v, exact %v", i, got, want)
		}
	}
}

func TestLearnersRefuseWhatIsNoReference(t *testing.T) {
	good := ReplayOptions{LogA: 9}
	for name, ref := range map[string][]CountsObservation{
		"nothing": nil, "empty": {{Counts: []uint64{0, 0}}}, "bins": {{Counts: []uint64{1}}, {Counts: []uint64{1, 2}}},
	} {
		if _, err := LearnSets(ref, SetsOptions{Alpha: .05}, good); err == nil {
			t.Errorf("sets: %s was learned from", name)
		}
	}
	if _, err := LearnSets([]CountsObservation{{Counts: []uint64{1, 2}}}, SetsOptions{Alpha: .05}, ReplayOptions{}); !errors.Is(err, ErrBudget) {
		t.Errorf("without a threshold: %v", err)
	}
	for name, ref := range map[string][]MeanObservation{
		"nothing": nil, "empty": {{}}, "beyond": {{N: 1, Sum: 2, SumSq: 1}}, "squares": {{N: 2, Sum: 1, SumSq: 1.5}}, "nan": {{N: 2, Sum: math.NaN()}},
	} {
		if _, err := LearnMean(ref, LearnMeanOptions{ReplayOptions: good}); err == nil {
			t.Errorf("mean: %s was learned from", name)
		}
	}
	for name, p := range map[string]SetsProfile{
		"calendar": {Calendar: "x"}, "slots": {Calendar: "daily"}, "kappa": {Calendar: "flat", Counts: [][]uint64{{1}}, Kappa: -1},
	} {
		if _, err := NewSetsSeason(p); err == nil {
			t.Errorf("sets profile with bad %s was accepted", name)
		}
	}
	for name, p := range map[string]MeanProfile{
		"calendar": {Calendar: "x"}, "slots": {Calendar: "daily"}, "sum": {Calendar: "flat", N: []uint64{1}, Sum: []float64{2}, SumSq: []float64{1}},
	} {
		if _, err := NewMeanSeason(p, SeasonOptions{}); err == nil {
			t.Errorf("mean profile with bad %s was accepted", name)
		}
	}
}

// TestABudgetOfMuchMoreTimeThanTheReferenceHasMoreSlack: four weeks cannot vouch for one page in three months. Simulated, a model that wanders with AR(.98)
// spent 9 pages in 6 periods without it and 4 with it (make detection).
func TestABudgetOfMuchMoreTimeThanTheReferenceHasMoreSlack(t *testing.T) {
	ref := histogramDays(3, 28, 60, 0, .15)
	rates := make([]Observation, len(ref))
	for i, b := range ref {
		for _, c := range b.Counts {
			rates[i].N += c
		}
		rates[i].Minute, rates[i].K = b.Minute, b.Counts[0]
	}
	kappa := func(days float64) float64 {
		l, err := LearnSeason(rates, LearnOptions{
			SeasonOptions: SeasonOptions{Tol: math.Log(1.1)}, ReplayOptions: ReplayOptions{LogA: LogThreshold(288*days, 1, 1)},
		})
		if err != nil {
			t.Fatal(err)
		}
		return l.Profile.Kappa
	}
	// Above 28 days the replay has the same limit.
	month := kappa(30)
	for _, days := range []float64{31, 55, 57, 90, 365} {
		want := month
		if days > 56 {
			want += kappaStep
		}
		if got := kappa(days); got != want {
			t.Errorf("a page in %v days: kappa %v, want %v", days, got, want)
		}
	}
}
