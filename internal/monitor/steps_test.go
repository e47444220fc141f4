package monitor

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/detectors/sequential"
	"github.com/plumbline-ml/plumbline/internal/parse"
)

// driftOf is the stream of a column's drift.
func driftOf(t testing.TB, in *Instance, feature string) *stream {
	t.Helper()
	for _, s := range in.evidence.streams {
		if s.feature == feature && s.cause == causeDrift && s.key == "" {
			return s
		}
	}
	t.Fatalf("there is no stream of the drift of %s", feature)
	return nil
}

// learnedWorld is a model that has learned the scenario's world.
func learnedWorld(t testing.TB, seed uint64) (*harness, *world, time.Time) {
	t.Helper()
	h := newHarness(t, mustModel(t, scenarioModel))
	w := &world{rng: rand.New(rand.NewPCG(seed, 9)), spam: .05, constant: "7"}
	now := start
	for range 6100 {
		h.line(w.line(now), now)
		now = now.Add(time.Second / 2)
	}
	h.engine.Advance(now)
	return h, w, now
}

func TestANumberRunsItsBinsAndItsMeanAtHalfTheBudgetEach(t *testing.T) {
	h, _, _ := learnedWorld(t, 3)
	for feature, kinds := range map[string]string{"age": "bins mean", "rep": "bins mean", "score": "bins values", "label": "bins", "country": "bins"} {
		s := driftOf(t, h.in, feature)
		var got []string
		for _, d := range s.detectors {
			switch d.(type) {
			case *setsDetector:
				got = append(got, "bins")
			case *stepsDetector:
				got = append(got, "mean")
			case *meanDetector:
				got = append(got, "values")
			}
		}
		if strings.Join(got, " ") != kinds {
			t.Errorf("%s is watched by %v, want %s", feature, got, kinds)
		}
	}
	// The stream's evidence is the plain average of the two.
	s := driftOf(t, h.in, "age")
	counts := &s.col.bucket
	for i := range counts.counts {
		counts.counts[i] = uint64(20 * (i + 1))
	}
	s.update()
	sets, steps := s.detectors[0].logEvidence(), s.detectors[1].logEvidence()
	if want := math.Log((math.Exp(sets) + math.Exp(steps)) / 2); math.Abs(s.logEvidence()-want) > 1e-12 || math.IsInf(want, 0) {
		t.Errorf("the stream has %v, its halves %v and %v", s.logEvidence(), sets, steps)
	}
}

func TestAMeanIsToldInTheUnitOfTheFeature(t *testing.T) {
	h, w, now := learnedWorld(t, 4)
	w.shift = .3
	s := driftOf(t, h.in, "age")
	for range 3 * 7200 {
		h.line(w.line(now), now)
		now = now.Add(time.Second / 2)
		h.engine.Advance(now)
		if s.alarm != nil {
			break
		}
	}
	if s.alarm == nil {
		t.Fatal("a shift of .3 deviations was not noticed in three hours")
	}
	mean := s.alarm.told[0]
	if mean.what != stepsWhat || math.Abs(mean.expected-10) > .1 || mean.seen < 10.15 || mean.seen > 10.5 {
		t.Errorf("told %+v, want the mean of age: 10, and about 10.3 now", mean)
	}
	if b := s.alarm.bounds[0]; !b.known || b.lo > 10.3 || b.hi < 10.25 {
		t.Errorf("the interval is %+v", b)
	}
	value(t, h.collect(), "plumbline_alarm_seen|m|age|drift|"+stepsWhat)
}

// A state from before numbers had a mean goes on: its evidence and its alarm are kept.
func TestStateFromBeforeNumbersHadAMeanIsTakenOver(t *testing.T) {
	h, w, now := learnedWorld(t, 5)
	w.shift = 2
	s := driftOf(t, h.in, "age")
	for range 7200 {
		h.line(w.line(now), now)
		now = now.Add(time.Second / 2)
		h.engine.Advance(now)
		if s.alarm != nil {
			break
		}
	}
	if s.alarm == nil {
		t.Fatal("no alarm")
	}
	old := *s
	old.detectors = s.detectors[:1]
	s.alarm.by = 0
	var e encoder
	old.encode(&e)
	next, _, _ := learnedWorld(t, 5)
	got := driftOf(t, next.in, "age")
	if err := got.decode(&stateDecoder{buf: bytes.Clone(e.buf)}); err != nil {
		t.Fatal(err)
	}
	if got.alarm == nil || got.alarm.raised != s.alarm.raised || got.detectors[0].logEvidence() != s.detectors[0].logEvidence() {
		t.Errorf("restored %+v, want %+v", got.alarm, s.alarm)
	}
}

func TestASeasonKeepsHowTheMeanWandersAndOlderOnesHaveABound(t *testing.T) {
	bins := &sequential.SetsProfile{Calendar: "flat", Counts: [][]uint64{{10, 20, 30, 40}}, Sigma: .2, Kappa: 1.5, Days: 28}
	s := &season{Days: 28, Bins: bins}
	older := s.pack()
	back, err := decodeSeason(older.data)
	if err != nil || back.Steps != nil {
		t.Fatalf("%+v, %v", back, err)
	}
	s.Steps = &sequential.StepsWander{Sigma: .03, Kappa: 2}
	back, err = decodeSeason(s.pack().data)
	if err != nil || back.Steps == nil || *back.Steps != *s.Steps {
		t.Fatalf("%+v, %v", back, err)
	}
	if s.kappa() != 2 || s.pack().kappa != 2 {
		t.Errorf("kappa is %v", s.kappa())
	}
	if err := s.valid(4); err != nil {
		t.Error(err)
	}
	s.Steps.Sigma = math.NaN()
	if s.valid(4) == nil {
		t.Error("a wander that is no number is taken")
	}
	if w := bins.BoundSteps(); w.Slack() != bins.Slack()/4 {
		t.Errorf("bound %v of %v", w.Slack(), bins.Slack())
	}
	moved := (&season{Bins: bins, Steps: &sequential.StepsWander{Sigma: 1}}).moveTo(minutes{0, 30}, &bucketColumn{counts: []uint64{1, 2, 3, 4}, present: 10}, false)
	if moved.Steps == nil {
		t.Error("an accepted reference forgets how the mean wanders")
	}
}

// A score that grows is not watched for three days, and then by all that it was in them: its mean, too.
func TestTheMeanOfAScoreIsKnownWhenARollingReferenceBeginsToWatch(t *testing.T) {
	m := newMails(t, strings.NewReplacer("learn: 20000 records", "rolling: 3d", ", client: sender", "").Replace(clientFeaturesModel))
	for range 76 * 360 {
		m.post(m.rng.IntN(20000), normal(m.rng))
		m.now = m.now.Add(10 * time.Second)
		m.h.engine.Advance(m.now)
	}
	if c := m.h.in.score; !c.watched || c.season.unpack().Mean == nil {
		t.Fatalf("watched %v, %+v", c.watched, c.season.unpack())
	}
	for cause, n := range m.h.in.evidence.raised {
		if n > 0 {
			t.Errorf("%d alarms for %s before anything happened", n, cause)
		}
	}
	// Without a mean in the season nothing is bet on.
	d := m.h.in.evidence.mean
	d.reseason(&seasons{})
	d.reset()
	p := &pane{bets: *d.betsAt(0)}
	for range 100 {
		p.bets.Increments(.9, &p.sums)
	}
	d.resetSums()
	d.fill(p)
	d.update(nil)
	if l := d.logEvidence(); !math.IsInf(l, -1) {
		t.Errorf("evidence of %v against nothing", l)
	}
}

// The engine finds a shift of the mean no later than it did with the bins alone, at .1 and .2 deviations.
func TestTheEngineFindsAShiftOfTheMeanNoLaterThanByItsBinsAlone(t *testing.T) {
	model := "model: m\nlogs: {include: /l, format: json}\nreference: {learn: 100000 records, page_while_learning: true}\nvolume: off\nfeatures: [{path: x, kind: number}]\n"
	delay := func(seed uint64, shift float64, alone bool) int {
		h := newHarness(t, mustModel(t, model))
		r := rand.New(rand.NewPCG(seed, 3))
		rec := parse.Record{Values: make([]parse.Value, 1)}
		now := start.UnixNano()
		observe := func(shift float64) {
			rec.Values[0] = parse.Value{Kind: parse.Number, Num: shift + r.NormFloat64()}
			rec.WrapperTime = now
			h.in.Observe(&rec, h.in.Plan().Slots(), time.Unix(0, now))
			now += int64(time.Second) / 20 // 1,200 a minute
		}
		for range 102_000 {
			observe(0)
		}
		s := driftOf(t, h.in, "x")
		if alone {
			s.detectors = s.detectors[:1]
		}
		for bucket := 1; bucket <= 120; bucket++ {
			for range 1200 {
				observe(shift)
			}
			h.engine.Advance(time.Unix(0, now))
			if s.alarm != nil {
				return bucket
			}
		}
		return 1000
	}
	for _, shift := range []float64{.1, .2} {
		var alone, both []int
		for seed := range uint64(5) {
			alone, both = append(alone, delay(seed, shift, true)), append(both, delay(seed, shift, false))
		}
		slices.Sort(alone)
		slices.Sort(both)
		t.Logf("a shift of %v: %v minutes with the bins alone, %v with the mean", shift, alone, both)
		if both[2] > alone[2] {
			t.Errorf("a shift of %v is found after %d minutes instead of %d", shift, both[2], alone[2])
		}
	}
}
