package sequential

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

const monday = 4 * minutesPerDay // 1970-01-05

func TestSlotsFollowTheWeek(t *testing.T) {
	for _, c := range []struct {
		cal    Calendar
		minute int64
		want   int
	}{
		{Flat, 123456, 0},
		{Daily, monday, 0},
		{Daily, monday + 29, 0},
		{Daily, monday + 30, 1},
		{Daily, monday - 1, 47},
		{Workweek, monday + 4*minutesPerDay, 0},      // Friday
		{Workweek, monday + 5*minutesPerDay, 48},     // Saturday
		{Workweek, monday + 7*minutesPerDay - 1, 95}, // Sunday
		{Weekly, monday, 0},
		{Weekly, monday - 1, 335},
		{Weekly, -1, 3*48 - 1}, // the day before the epoch was a Wednesday
		{Weekly, monday + 7000*minutesPerDay, 0},
	} {
		if got := c.cal.Slot(c.minute); got != c.want {
			t.Errorf("%s: minute %d is in slot %d, want %d", c.cal, c.minute, got, c.want)
		}
	}
	for cal := Flat; cal <= Weekly; cal++ {
		if back, err := ParseCalendar(cal.String()); err != nil || back != cal {
			t.Errorf("%s reads back as %s, %v", cal, back, err)
		}
		for slot := range cal.Slots() {
			n := 0
			cal.neighbours(slot, func(j int) {
				if n++; j < 0 || j >= cal.Slots() {
					t.Fatalf("%s: slot %d has neighbour %d", cal, slot, j)
				}
			})
		}
	}
	if _, err := ParseCalendar("lunar"); !errors.Is(err, ErrCalendar) {
		t.Errorf("lunar: %v", err)
	}
}

// observe draws a reference of so many days in five-minute buckets.
func observe(seed uint64, days int, perBucket float64, logOdds func(minute int64, r *rand.Rand) float64) []Observation {
	src := rand.NewPCG(seed, 1)
	r := rand.New(src)
	var out []Observation
	for i := range days * 288 {
		minute := int64(monday + 5*i)
		n := distuv.Poisson{Lambda: perBucket, Src: src}.Rand()
		k := 0.
		if n > 0 {
			k = distuv.Binomial{N: n, P: expit(logOdds(minute, r)), Src: src}.Rand()
		}
		out = append(out, Observation{Minute: minute, K: uint64(k), N: uint64(n)})
	}
	return out
}

func daytime(minute int64) float64 {
	return math.Sin(2 * math.Pi * float64(minute%minutesPerDay) / minutesPerDay)
}

func learnOrFail(t *testing.T, ref []Observation, o LearnOptions) Learned {
	t.Helper()
	if o.LogA == 0 {
		o.LogA = LogThreshold(8640, 1, 1)
	}
	o.Tol = math.Log(1.1)
	l, err := LearnSeason(ref, o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestTheCalendarIsTheOneThatPredictsBest(t *testing.T) {
	weekend := func(minute int64) bool { return (minute/minutesPerDay+epochDay)%7 >= 5 }
	tuesday := func(minute int64) bool { return (minute/minutesPerDay+epochDay)%7 == 1 }
	for _, c := range []struct {
		want  string
		shape func(minute int64, _ *rand.Rand) float64
	}{
		{"flat", func(int64, *rand.Rand) float64 { return -3 }},
		{"daily", func(m int64, _ *rand.Rand) float64 { return -3 + .5*daytime(m) }},
		{"workweek", func(m int64, _ *rand.Rand) float64 {
			if weekend(m) {
				return -3.5 + .5*daytime(m)
			}
			return -3 + .5*daytime(m)
		}},
		{"weekly", func(m int64, _ *rand.Rand) float64 {
			if tuesday(m) {
				return -2
			}
			return -3 + .5*daytime(m)
		}},
	} {
		l := learnOrFail(t, observe(3, 28, 200, c.shape), LearnOptions{})
		if l.Profile.Calendar != c.want || l.Profile.Kappa != 0 || !l.Stable || l.Profile.Days != 28 {
			t.Errorf("%s: learned %s, kappa %v, %v days", c.want, l.Profile.Calendar, l.Profile.Kappa, l.Profile.Days)
		}
	}
}

func TestWanderIsMeasuredAndGivenSlack(t *testing.T) {
	state := 0.
	wander := func(_ int64, r *rand.Rand) float64 {
		state = .98*state + math.Sqrt(1-.98*.98)*.3*r.NormFloat64()
		return -3 + state
	}
	l := learnOrFail(t, observe(5, 28, 400, wander), LearnOptions{})
	if math.Abs(l.Profile.Sigma-.3) > .06 {
		t.Errorf("sigma %v, want about .3", l.Profile.Sigma)
	}
	if l.Profile.Kappa < 1 || !l.Stable || l.Peak >= LogThreshold(8640, 1, 1)-replayMargin {
		t.Errorf("kappa %v, peak %v, stable %v", l.Profile.Kappa, l.Peak, l.Stable)
	}
	// A stream with a two-hundredth of the budget must not come near the whole budget's threshold either.
	share := learnOrFail(t, observe(5, 28, 400, wander), LearnOptions{ReplayOptions: ReplayOptions{LogA: LogThreshold(8640, 1, 1./200), Weight: 1. / 200}})
	if share.Profile.Kappa < l.Profile.Kappa {
		t.Errorf("a smaller share got less slack: %v, %v", share.Profile.Kappa, l.Profile.Kappa)
	}
}

func TestOutliersAndLabelledIncidentsAreNotPartOfTheReference(t *testing.T) {
	ref := observe(7, 28, 200, func(int64, *rand.Rand) float64 { return -3 })
	clean := learnOrFail(t, ref, LearnOptions{})
	if clean.Dropped > 2 {
		t.Errorf("%d buckets of a clean reference dropped", clean.Dropped)
	}
	for i := 4000; i < 4030; i++ {
		ref[i].K = ref[i].N / 2 // an attack of two and a half hours
	}
	for i := 6000; i < 6288; i++ {
		ref[i].K, ref[i].Drop = ref[i].N*15/100, true // a day that somebody labelled
	}
	l := learnOrFail(t, ref, LearnOptions{})
	if l.Dropped < 318 || l.Dropped > 322 {
		t.Errorf("%d buckets dropped, want the 30 of the attack and the 288 of the day", l.Dropped)
	}
	rate := func(p SeasonProfile) float64 {
		var k, n uint64
		for i := range p.K {
			k, n = k+p.K[i], n+p.N[i]
		}
		return float64(k) / float64(n)
	}
	if a, b := rate(clean.Profile), rate(l.Profile); math.Abs(a-b) > .0005 {
		t.Errorf("rate %v, without the incidents %v", b, a)
	}
}

func TestAWanderingRateIsNotAllOutliers(t *testing.T) {
	state := 0.
	ref := observe(9, 28, 20_000, func(_ int64, r *rand.Rand) float64 {
		state = .98*state + math.Sqrt(1-.98*.98)*.3*r.NormFloat64()
		return -3 + state
	})
	if l := learnOrFail(t, ref, LearnOptions{}); l.Dropped > len(ref)/100 {
		t.Errorf("%d of %d buckets dropped", l.Dropped, len(ref))
	}
}

func TestAYoungSeasonHasHalfASigmaMore(t *testing.T) {
	flat := func(int64, *rand.Rand) float64 { return -3 }
	for _, c := range []struct {
		days  int
		want  Maturity
		kappa float64
	}{{1, Learning, 0}, {7, Learning, 0}, {14, Young, .5}, {28, Ready, 0}} {
		l := learnOrFail(t, observe(11, c.days, 200, flat), LearnOptions{})
		s, err := NewSeason(l.Profile, SeasonOptions{Tol: math.Log(1.1)})
		if err != nil {
			t.Fatal(err)
		}
		if s.Maturity() != c.want || l.Profile.Kappa != c.kappa {
			t.Errorf("%d days: %s, kappa %v, want %s, %v", c.days, s.Maturity(), l.Profile.Kappa, c.want, c.kappa)
		}
	}
}

func TestTheSeasonsIntervalHoldsTheTruthAndTheTolerance(t *testing.T) {
	shape := func(m int64, _ *rand.Rand) float64 { return -3 + .5*daytime(m) }
	l := learnOrFail(t, observe(13, 28, 200, shape), LearnOptions{})
	s, err := NewSeason(l.Profile, SeasonOptions{Tol: math.Log(1.1)})
	if err != nil {
		t.Fatal(err)
	}
	for m := int64(monday); m < monday+7*minutesPerDay; m += 5 {
		lo, hi := s.Interval(m)
		p := expit(shape(m, nil))
		if !(lo < p && p < hi) || !(hi > expit(logit(s.Expected(m))+math.Log(1.1))) {
			t.Fatalf("minute %d: %v..%v around %v, truth %v", m, lo, hi, s.Expected(m), p)
		}
		if logit(hi)-logit(lo) > .8 {
			t.Fatalf("minute %d: %v..%v is too wide to notice anything", m, lo, hi)
		}
	}
}

func TestARareSeasonUsesExactBounds(t *testing.T) {
	p := SeasonProfile{Calendar: "flat", K: []uint64{0}, N: []uint64{100_000}, Days: 28}
	s, err := NewSeason(p, SeasonOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if lo, hi := s.Interval(0); lo != 0 || hi < 7e-5 || hi > 1e-4 {
		t.Errorf("none of 100,000: %v..%v", lo, hi)
	}
	p.N[0], p.K[0] = 0, 0
	if s, err = NewSeason(p, SeasonOptions{}); err != nil {
		t.Fatal(err)
	}
	if lo, hi := s.Interval(0); lo != 0 || hi != 1 {
		t.Errorf("no records: %v..%v", lo, hi)
	}
}

func TestSeasonsRefuseWhatIsNone(t *testing.T) {
	ok := SeasonProfile{Calendar: "flat", K: []uint64{1}, N: []uint64{2}}
	for name, change := range map[string]func(*SeasonProfile, *SeasonOptions){
		"too few slots":   func(p *SeasonProfile, _ *SeasonOptions) { p.Calendar = "daily" },
		"more than all":   func(p *SeasonProfile, _ *SeasonOptions) { p.K = []uint64{3} },
		"sigma below 0":   func(p *SeasonProfile, _ *SeasonOptions) { p.Sigma = -1 },
		"kappa not a one": func(p *SeasonProfile, _ *SeasonOptions) { p.Kappa = math.NaN() },
		"tolerance":       func(_ *SeasonProfile, o *SeasonOptions) { o.Tol = math.NaN() },
	} {
		p, o := ok, SeasonOptions{}
		change(&p, &o)
		if _, err := NewSeason(p, o); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	good := LearnOptions{ReplayOptions: ReplayOptions{LogA: 9}}
	for name, ref := range map[string][]Observation{
		"nothing":       nil,
		"empty buckets": {{Minute: 1}, {Minute: 2}},
		"all labelled":  {{Minute: 1, K: 1, N: 2, Drop: true}},
		"out of order":  {{Minute: 2, K: 1, N: 2}, {Minute: 1, K: 1, N: 2}},
		"more than all": {{Minute: 2, K: 3, N: 2}},
	} {
		if _, err := LearnSeason(ref, good); err == nil {
			t.Errorf("%s was learned from", name)
		}
	}
}
