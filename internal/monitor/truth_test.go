package monitor

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/detectors"
	"github.com/plumbline-ml/plumbline/internal/catalog"
	"github.com/plumbline-ml/plumbline/internal/parse"
)

const truthModel = `model: m
logs: {include: ["*.jsonl"], format: json}
fields: {timestamp: ts, id: id}
predictions:
  score: {path: score, kind: probability}
  label: {path: label, positive: spam}
truth: {path: truth, id: id, within: 2h}
reference: {learn: 3000 records}
windows: [10m, 1h]
`

// judged writes predictions and, some time later, their truth, as records of the same log.
type judged struct {
	h      *harness
	rng    *rand.Rand
	delay  func() time.Duration
	share  float64                     // of predictions that get a truth
	truly  func(score float64) float64 // probability of being spam
	due    []dueTruth
	serial int
}

type dueTruth struct {
	at   time.Time
	line []byte
}

func newJudged(h *harness, seed uint64) *judged {
	j := &judged{h: h, rng: rand.New(rand.NewPCG(seed, 1)), share: 1}
	j.delay = func() time.Duration { return time.Duration(j.rng.IntN(600)) * time.Second }
	j.truly = func(score float64) float64 { return score }
	return j
}

func (j *judged) second(now time.Time, n int) {
	for range n {
		j.serial++
		score := math.Pow(j.rng.Float64(), 2)
		label := map[bool]string{true: "spam", false: "ham"}[score >= .5]
		j.h.line(fmt.Appendf(nil, `{"ts":%q,"id":"req-%d","score":%.4f,"label":%q}`, now.Format(time.RFC3339), j.serial, score, label), now)
		if j.rng.Float64() < j.share {
			truth := map[bool]string{true: "spam", false: "ham"}[j.rng.Float64() < j.truly(score)]
			at := now.Add(j.delay())
			j.due = append(j.due, dueTruth{at, fmt.Appendf(nil, `{"ts":%q,"id":"req-%d","truth":%q}`, at.Format(time.RFC3339), j.serial, truth)})
		}
	}
	kept := j.due[:0]
	for _, d := range j.due {
		if d.at.After(now) {
			kept = append(kept, d)
			continue
		}
		j.h.line(d.line, now)
	}
	j.due = kept
}

func (j *judged) run(from time.Time, lasts time.Duration, perSecond int) time.Time {
	for end := from.Add(lasts); from.Before(end); from = from.Add(time.Second) {
		j.second(from, perSecond)
		j.h.engine.Advance(from)
	}
	return from
}

func TestTruthsThatComeLaterAreJoinedByIDAndGiveRatiosWithIntervals(t *testing.T) {
	h := newHarness(t, mustModel(t, truthModel))
	j := newJudged(h, 1)
	j.run(start, time.Hour, 4)
	s := h.collect()
	joined := value(t, s, "plumbline_truth_records_total|m|matched")
	pending := value(t, s, "plumbline_truth_pending|m")
	if joined+pending != float64(j.serial) || joined < float64(j.serial)*.85 {
		t.Errorf("%v joined and %v waiting of %d", joined, pending, j.serial)
	}
	if v := value(t, s, "plumbline_records_total|m|"); v != float64(j.serial) {
		t.Errorf("%v records, want %d: a truth is no prediction", v, j.serial)
	}
	all := 0.
	for _, o := range []string{"true_positive", "false_positive", "false_negative", "true_negative"} {
		all += value(t, s, "plumbline_confusion_total|m|"+o)
	}
	if all != joined {
		t.Errorf("%v outcomes of %v", all, joined)
	}
	// score = u^2 and P(spam) = score: precision is E[u^2 | u^2 >= .5] = (1-.5^1.5)/3/(1-.5^.5), recall (1-.5^1.5).
	want := map[string]float64{"precision": (1 - math.Pow(.5, 1.5)) / 3 / (1 - math.Sqrt(.5)), "recall": 1 - math.Pow(.5, 1.5)}
	for metric, w := range want {
		key := "plumbline_performance|m|1h|" + metric
		v, lo, hi := value(t, s, key+"|value"), value(t, s, key+"|lower"), value(t, s, key+"|upper")
		if math.Abs(v-w) > .02 || lo > w || hi < w || hi-lo > .06 || lo >= v || hi <= v {
			t.Errorf("%s %v (%v to %v), want %v", metric, v, lo, hi, w)
		}
	}
	if v := value(t, s, "plumbline_performance|m|1h|calibration_error|value"); v > .02 {
		t.Errorf("calibration error %v of scores that are right", v)
	}
	if v := value(t, s, "plumbline_truth_delay_seconds|m|1h|0.5"); v != 512 {
		t.Errorf("median delay %v, want 512 for delays up to 10 minutes in bins of powers of two", v)
	}
	if v := value(t, s, "plumbline_truth_coverage|m|1h"); math.Abs(v-.9) > .06 {
		t.Errorf("coverage %v", v)
	}
	for _, bound := range []string{"lower", "upper"} {
		if _, ok := s["plumbline_performance_estimate|m|1h|precision|"+bound]; !ok {
			t.Errorf("no %s bound of the estimate", bound)
		}
	}
	if got := alarms(s); len(got) != 0 {
		t.Errorf("alarms: %v", got)
	}
}

func TestADropOfRecallPagesAndItsReturnEndsTheAlarm(t *testing.T) {
	h := newHarness(t, mustModel(t, truthModel))
	j := newJudged(h, 2)
	at := j.run(start, time.Hour, 4)
	// Spam with low scores: a new campaign that the model does not know.
	j.truly = func(score float64) float64 { return max(score, .35) }
	at = j.run(at, 50*time.Minute, 4)
	s := h.collect()
	got := slices.DeleteFunc(alarms(s), func(a string) bool { return !strings.Contains(a, "performance") })
	if !slices.Contains(got, "recall performance") {
		t.Fatalf("alarms: %v", got)
	}
	if e, v := value(t, s, "plumbline_alarm_expected|m|recall|performance|recall"), value(t, s, "plumbline_alarm_seen|m|recall|performance|recall"); e < .6 || v > .5 {
		t.Errorf("expected %v, seen %v", e, v)
	}
	// The estimate cannot see it, and that is said.
	if value(t, s, "plumbline_performance_disagreement|m|1h|recall") != 1 {
		t.Error("estimate and truth are said to agree")
	}
	if est, v := value(t, s, "plumbline_performance_estimate|m|1h|recall|value"), value(t, s, "plumbline_performance|m|1h|recall|value"); est-v < .1 {
		t.Errorf("estimated %v, true %v", est, v)
	}
	j.truly = func(score float64) float64 { return score }
	j.run(at, 2*time.Hour, 4)
	s = h.collect()
	if got := alarms(s); len(got) != 0 {
		t.Errorf("two hours after the return: %v", got)
	}
	if value(t, s, "plumbline_performance_disagreement|m|1h|recall") != 0 {
		t.Error("estimate and truth are said to disagree after the return")
	}
}

func TestPerformanceThatStaysRaisesNothing(t *testing.T) {
	h := newHarness(t, mustModel(t, truthModel))
	j := newJudged(h, 3)
	j.share = .3
	n := 0
	j.truly = func(score float64) float64 {
		n++
		return min(1, score*(1+.03*math.Sin(float64(n)/5000)))
	}
	j.run(start, 8*time.Hour, 4)
	s := h.collect()
	if got := alarms(s); len(got) != 0 {
		t.Errorf("alarms: %v", got)
	}
	for _, m := range []string{"precision", "recall"} {
		if value(t, s, "plumbline_performance_disagreement|m|1h|"+m) != 0 {
			t.Errorf("%s: estimate and truth are said to disagree", m)
		}
	}
}

func TestPredictionsWaitBoundedAndWhatIsGivenUpIsCounted(t *testing.T) {
	h := newHarness(t, mustModel(t, strings.Replace(truthModel, "within: 2h", "within: 20m, max_pending: 1000", 1)))
	j := newJudged(h, 4)
	j.share = 0
	at := j.run(start, 10*time.Minute, 4)
	s := h.collect()
	if p, d := value(t, s, "plumbline_truth_pending|m"), value(t, s, "plumbline_truth_records_total|m|dropped"); p != 1000 || d != float64(j.serial)-1000 {
		t.Errorf("%v wait, %v were dropped, of %d", p, d, j.serial)
	}
	at = at.Add(30 * time.Minute)
	at = j.run(at, 3*time.Minute, 1)
	s = h.collect()
	// Those that came before the first bucket of the new time was closed had to make room.
	if e, d := value(t, s, "plumbline_truth_records_total|m|expired"), value(t, s, "plumbline_truth_records_total|m|dropped"); e+d != 600*4 || e < 800 {
		t.Errorf("%v expired and %v were dropped, of 2,400", e, d)
	}
	// A truth nobody asked for, one without id, one that is none, one id twice, and one that comes before its prediction.
	for _, line := range []string{`"id":"nobody","truth":"spam"`, `"truth":"ham"`, `"id":"x","truth":{"a":1}`, `"id":"twice","score":0.1,"label":"ham"`, `"id":"twice","score":0.1,"label":"ham"`,
		`"id":"first","truth":"spam"`, `"id":"first","score":0.9,"label":"spam"`, `"score":0.9,"label":"spam"`} {
		h.line([]byte(`{"ts":"`+at.Format(time.RFC3339)+`",`+line+`}`), at)
	}
	h.engine.Advance(at)
	j.run(at.Add(time.Hour), 3*time.Minute, 1)
	s = h.collect()
	for result, want := range map[string]float64{"matched": 1, "unmatched": 1, "no_id": 2, "unreadable": 1, "duplicate": 1} {
		if v := value(t, s, "plumbline_truth_records_total|m|"+result); v != want {
			t.Errorf("%s: %v, want %v", result, v, want)
		}
	}
}

func TestTruthsFindTheirPredictionsOverRestartsOnceAndNoIDIsKept(t *testing.T) {
	play := func(restart func(second int) bool) (map[string]catalog.Sample, store) {
		h := newHarness(t, mustModel(t, strings.Replace(truthModel, "within: 2h", "within: 20m, max_pending: 2000", 1)))
		j := newJudged(h, 5)
		j.share = .7
		st := store{}
		at := start
		for second := range 5400 {
			if second == 3000 {
				j.truly = func(score float64) float64 { return max(score, .5) }
			}
			j.second(at, 3)
			at = at.Add(time.Second)
			h.engine.Advance(at)
			st.commit(h.engine)
			if restart(second) {
				h.restart(st)
			}
		}
		return h.collect(), st
	}
	want, st := play(func(int) bool { return false })
	rng := rand.New(rand.NewPCG(1, 2))
	got, _ := play(func(second int) bool { return second > 1100 && rng.IntN(60) == 0 || second == 5399 })
	compareSamples(t, got, want)
	if a := alarms(want); !slices.Contains(a, "recall performance") {
		t.Errorf("the scenario raised too little: %v", a)
	}
	size := 0
	for name, data := range st {
		if strings.Contains(string(data), "req-") {
			t.Errorf("%q holds an id", name)
		}
		if strings.Contains(name, "truth/waiting") {
			size += len(data)
		}
	}
	if size > 2000*20+4*(pendingBlockSize*16+300) {
		t.Errorf("the pending predictions take %d bytes of state", size)
	}
}

func TestARecordThatCarriesItsTruthNeedsNoID(t *testing.T) {
	m := mustModel(t, strings.NewReplacer(", id: id}", "}", "id: id, within: 2h", "positive: 1").Replace(truthModel))
	h := newHarness(t, m)
	rng := rand.New(rand.NewPCG(6, 1))
	for i := range 3000 {
		score := rng.Float64()
		truth := b2int(rng.Float64() < score)
		at := start.Add(time.Duration(i) * time.Second)
		h.line(fmt.Appendf(nil, `{"ts":%q,"score":%.3f,"label":%q,"truth":%d}`, at.Format(time.RFC3339), score, map[bool]string{true: "spam", false: "ham"}[score >= .5], truth), at)
	}
	h.engine.Flush()
	s := h.collect()
	if v := value(t, s, "plumbline_truth_records_total|m|in_record"); v != 3000 {
		t.Errorf("%v joined", v)
	}
	if v := value(t, s, "plumbline_performance|m|1h|precision|value"); math.Abs(v-.75) > .05 {
		t.Errorf("precision %v", v)
	}
	if _, ok := s["plumbline_truth_pending|m"]; ok {
		t.Error("nothing can wait without an id")
	}
}

func TestTheTruthOfAnotherLogNeverMovesTimeOn(t *testing.T) {
	m := mustModel(t, strings.Replace(truthModel, "truth: {path: truth, id: id, within: 2h}", `truth: {path: class, id: ref, timestamp: at, logs: {include: ["labels/*.csv"], format: csv, columns: [at, ref, class]}, within: 2h}`, 1))
	h := newHarness(t, m)
	plan, err := m.TruthPlan()
	if err != nil {
		t.Fatal(err)
	}
	p := plan.NewParser()
	var rec parse.Record
	for i := range 100 {
		at := start.Add(time.Duration(i) * time.Second)
		h.line(fmt.Appendf(nil, `{"ts":%q,"id":"r%d","score":0.9,"label":"spam"}`, at.Format(time.RFC3339), i), at)
		late := start.Add(24 * time.Hour)
		if r := p.Line(fmt.Appendf(nil, "%s,r%d,%s", late.Format(time.RFC3339), i, []string{"spam", "ham"}[i%2]), int64(i), &rec); r.Status != parse.Complete {
			t.Fatal(r)
		}
		h.in.ObserveTruth(&rec, at)
	}
	h.engine.Advance(start.Add(100 * time.Second))
	if h.in.newest > start.Add(100*time.Second).UnixNano() {
		t.Error("a truth has moved event time on")
	}
	s := h.collect()
	if tp, fp := value(t, s, "plumbline_confusion_total|m|true_positive"), value(t, s, "plumbline_confusion_total|m|false_positive"); tp != 50 || fp != 50 {
		t.Errorf("%v true, %v false positives", tp, fp)
	}
	if v := value(t, s, "plumbline_records_late_total|m"); v != 0 {
		t.Errorf("%v late records", v)
	}
}

// The reference's labels calibrate the estimate: scores that are twice the probability give the right estimate with them.
func TestTheLabelsOfAReferenceCalibrateTheEstimateAndSetWhatIsExpected(t *testing.T) {
	text := strings.NewReplacer(", id: id}", "}", "id: id, within: 2h", "threshold: 0.5").Replace(truthModel)
	b, err := NewReferenceBuilder(mustModel(t, text))
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(7, 1))
	line := func(i int, truth bool) []byte {
		score := rng.Float64()
		out := fmt.Appendf(nil, `{"ts":%q,"score":%.4f,"label":%q`, start.Add(time.Duration(i)*time.Second).Format(time.RFC3339), score, map[bool]string{true: "spam", false: "ham"}[score >= .5])
		if truth {
			out = fmt.Appendf(out, `,"truth":%q`, map[bool]string{true: "spam", false: "ham"}[rng.Float64() < score/2])
		}
		return append(out, '}')
	}
	h := &harness{t: t, parser: b.Plan().NewParser()}
	for i := range 20_000 {
		h.parser.Line(line(i, true), 0, &h.rec)
		b.Observe(&h.rec)
	}
	ref, err := b.Reference()
	if err != nil {
		t.Fatal(err)
	}
	data, err := ref.Encode()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "ref.json"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := ParseModel(filepath.Join(dir, "m.yaml"), []byte(strings.Replace(text, "learn: 3000 records", "file: ref.json", 1)))
	if err != nil {
		t.Fatal(err)
	}
	live := newHarness(t, m)
	for i := range 3000 {
		live.line(line(i, false), start.Add(time.Duration(i)*time.Second))
	}
	live.engine.Flush()
	s := live.collect()
	if v := value(t, s, "plumbline_performance_estimate_calibrated|m"); v != 1 {
		t.Errorf("calibrated: %v", v)
	}
	// P(spam | score >= .5) = .375 with scores that are twice the probability.
	for _, key := range []string{"plumbline_performance_estimate|m|1h|precision|value", "plumbline_performance_expected|m|precision"} {
		if v := value(t, s, key); math.Abs(v-.375) > .02 {
			t.Errorf("%s is %v, want .375", key, v)
		}
	}
	if v := value(t, s, "plumbline_performance_reference_records|m"); v != 20_000 {
		t.Errorf("%v labelled records in the reference", v)
	}
}

// Coverage of the published intervals, over 400 samples of known truth.
func TestIntervalsOfPerformanceCoverTheTruth(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 1))
	const runs, n = 400, 300
	covered := map[string]int{}
	for range runs {
		tally := newTruthTally(50)
		for range n {
			score := rng.Float64()
			y, b := b2int(rng.Float64() < score*.8), int(score*50)
			class := b2int(score >= .5)
			tally.truly[class][y][b]++
			tally.scores[class][b] += score
		}
		m := tally.confusion()
		r := ratios(m)[1]
		if lo, hi := detectors.Wilson(r[0], r[1], .05); lo <= .6 && .6 <= hi { // E[.8 s | s >= .5]
			covered["precision"]++
		}
		if _, lo, hi, ok := f1(m); ok {
			// TP = .3, FP = .2, FN = .1 of all records.
			if want := 2 * .3 / (2*.3 + .2 + .1); lo <= want && want <= hi {
				covered["f1"]++
			}
		}
		if _, lo, hi, ok := tally.calibrationError(); ok && lo <= .1 && hi >= .1 { // E[.2 s], and more by chance
			covered["calibration error"]++
		}
	}
	if c := covered["precision"]; c < 370 || c > 392 {
		t.Errorf("precision was covered %d times of 400", c)
	}
	if c := covered["f1"]; c < 370 {
		t.Errorf("F1 was covered %d times of 400", c)
	}
	t.Log(covered)
}
