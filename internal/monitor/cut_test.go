package monitor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/catalog"
	"github.com/plumbline-ml/plumbline/internal/parse"
	"github.com/plumbline-ml/plumbline/internal/simulator"
)

const cutModel = `model: m
logs: {include: ["*.jsonl"], format: json}
fields: {timestamp: ts, replica: replica}
predictions:
  score: {path: score, kind: probability}
  label: {path: label, positive: spam}
features: [{path: f.*, name: "*"}]
segments: [{path: country, top: 5, values: [LI]}]
reference: {learn: 3000 records, page_while_learning: true}
windows: [10m, 1h]
`

// cutTraffic writes records of one second.
type cutTraffic struct {
	rng   *rand.Rand
	spam  func(country, replica string) float64
	f     func(replica string) float64
	names func() string // of countries
}

func (t *cutTraffic) line(at time.Time) []byte {
	country := t.names()
	replica := fmt.Sprintf("r%d", t.rng.IntN(4)+1)
	label, score := "ham", t.rng.Float64()*.5
	if t.rng.Float64() < t.spam(country, replica) {
		label, score = "spam", .5+t.rng.Float64()*.5
	}
	f := t.rng.NormFloat64()
	if t.f != nil {
		f += t.f(replica)
	}
	return fmt.Appendf(nil, `{"ts":%q,"replica":%q,"country":%q,"score":%.4f,"label":%q,"f":{"x":%.3f}}`, at.Format(time.RFC3339Nano), replica, country, score, label, f)
}

func newTraffic(seed uint64) *cutTraffic {
	t := &cutTraffic{rng: rand.New(rand.NewPCG(seed, 1))}
	t.spam = func(string, string) float64 { return .1 }
	t.names = func() string { return []string{"CH", "CH", "CH", "DE", "DE", "FR", "AT"}[t.rng.IntN(7)] }
	return t
}

// run feeds some time of traffic, perSecond records a second.
func (t *cutTraffic) run(h *harness, from time.Time, lasts time.Duration, perSecond int) time.Time {
	for end := from.Add(lasts); from.Before(end); from = from.Add(time.Second) {
		for range perSecond {
			h.line(t.line(from), from)
		}
		h.engine.Advance(from)
	}
	return from
}

// alarms lists the segments in alarm by cause.
func alarms(samples map[string]catalog.Sample) (out []string) {
	for _, s := range samples {
		if s.Metric == catalog.Alarm && s.Value == 1 {
			out = append(out, strings.TrimSpace(s.Labels[1]+" "+s.Labels[2]+" "+s.Labels[3]))
		}
	}
	slices.Sort(out)
	return out
}

// partsAddUp checks that the parts of every cut sum up to the records of the model, in all.
func partsAddUp(t testing.TB, samples map[string]catalog.Sample) {
	t.Helper()
	all, parts, classes := 0., map[string]float64{}, map[string]float64{}
	label := 0.
	for _, s := range samples {
		switch s.Metric {
		case catalog.Records:
			all += s.Value
		case catalog.SegmentRecords:
			parts[s.Labels[1]] += s.Value
		case catalog.SegmentClass:
			classes[s.Labels[1]] += s.Value
		case catalog.FeatureCategory:
			if s.Labels[1] == "label" {
				label += s.Value
			}
		}
	}
	for by, n := range parts {
		if n != all {
			t.Errorf("the parts by %s have %v records, the model %v", by, n, all)
		}
	}
	for by, n := range classes {
		if n != label {
			t.Errorf("the parts by %s have %v classes, the label %v", by, n, label)
		}
	}
	if len(parts) == 0 {
		t.Error("there are no parts")
	}
}

func TestASegmentThatDriftsIsNamedAndTheOthersAreNot(t *testing.T) {
	h := newHarness(t, mustModel(t, cutModel))
	w := newTraffic(1)
	at := w.run(h, start, 25*time.Minute, 5)
	at = w.run(h, at, 30*time.Minute, 5) // the segments learn
	if got := alarms(h.collect()); len(got) != 0 {
		t.Fatalf("alarms without a change: %v", got)
	}
	w.spam = func(country, _ string) float64 {
		switch country {
		case "FR":
			return .5
		case "DE": // so that the whole stays as it was
			return 0
		}
		return .1
	}
	w.run(h, at, 40*time.Minute, 5)
	s := h.collect()
	partsAddUp(t, s)
	got := alarms(s)
	if !slices.Contains(got, "label segment country=FR") || slices.Contains(got, "label segment country=CH") || slices.Contains(got, "label segment country=AT") {
		t.Errorf("alarms: %v", got)
	}
	expected, seen := value(t, s, "plumbline_alarm_expected|m|label|segment|country=FR|share of spam"), value(t, s, "plumbline_alarm_seen|m|label|segment|country=FR|share of spam")
	if math.Abs(expected-.1) > .05 || math.Abs(seen-.5) > .12 {
		t.Errorf("expected %v, seen %v", expected, seen)
	}
	if _, ok := s["plumbline_alarm|m|label|segment|country=LI"]; !ok {
		t.Error("a value that stands in the model file has no stream")
	}
}

func TestWhenThePredictionDriftsEverywhereItsSegmentsDoNotPageAsWell(t *testing.T) {
	h := newHarness(t, mustModel(t, cutModel))
	w := newTraffic(2)
	at := w.run(h, start, 55*time.Minute, 5)
	w.spam = func(string, string) float64 { return .4 }
	w.run(h, at, 30*time.Minute, 5)
	got := alarms(h.collect())
	if !slices.Contains(got, "label drift") || slices.ContainsFunc(got, func(a string) bool { return strings.Contains(a, "segment") || strings.Contains(a, "replica") }) {
		t.Errorf("alarms: %v", got)
	}
}

// A million different values within a minute: what is needed stays bounded, every sum exact, and the ten values
// that matter are named although junk had taken all places first.
func TestAMillionDifferentValuesStayWithinTheBudgetAndTenHeavyHittersSurvive(t *testing.T) {
	m := mustModel(t, strings.NewReplacer("top: 5", "top: 20", "max_series: 1", "").Replace(cutModel)+"max_series: 600\n")
	h := newHarness(t, m)
	rec := parse.Record{Values: make([]parse.Value, len(h.in.Plan().Slots()))}
	at := h.in.at
	text := func(s string) parse.Value { return parse.Value{Kind: parse.String, Str: []byte(s)} }
	junk := make([]byte, 0, 32)
	observe := func(country []byte, i int) {
		rec.Time = start.Add(time.Duration(i) * 60 * time.Microsecond).UnixNano()
		rec.Values[at.segments[0]] = parse.Value{Kind: parse.String, Str: country}
		rec.Values[at.score] = parse.Value{Kind: parse.Number, Num: float64(i%100) / 100}
		rec.Values[at.label] = text([]string{"ham", "spam"}[i%10/9])
		h.in.Observe(&rec, h.in.Plan().Slots(), time.Time{})
	}
	// First a hundred junk values, seen often enough to have names.
	for i := range 2500 {
		observe(fmt.Appendf(junk[:0], "early-%d", i%100), i)
	}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const n = 1_100_000
	for i := range n {
		if i%11 == 0 {
			observe(fmt.Appendf(junk[:0], "honest-%d", i/11%10), i)
		} else {
			observe(fmt.Appendf(junk[:0], "junk-%d", i), i)
		}
		if i%10_000 == 0 {
			h.engine.Advance(time.Unix(0, rec.Time))
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8<<20 {
		t.Errorf("a million values took %d bytes", grown)
	}
	s := h.collect()
	partsAddUp(t, s)
	series := 0
	for _, x := range s {
		if i := slices.Index(x.Metric.Labels, "segment"); i >= 0 && x.Labels[i] != "" {
			if series++; x.Hist != nil {
				series += len(x.Hist.Counts) + 1
			}
		}
	}
	if series > 600 {
		t.Errorf("%d series, 600 allowed", series)
	}
	if v := value(t, s, "plumbline_segment_series|m"); v > 600 || int(v) < series {
		t.Errorf("%v series are said, %d counted", v, series)
	}
	for i := range 10 {
		key := fmt.Sprintf("plumbline_segment_records_total|m|country|country=honest-%d", i)
		if v := value(t, s, key); v < 9000 {
			t.Errorf("%s: %v of 10,000", key, v)
		}
	}
	if v := value(t, s, "plumbline_segment_distinct_values|m|country"); math.Abs(v/1_000_110-1) > .06 {
		t.Errorf("%v different values, want about 1,000,110", v)
	}
	if v := value(t, s, "plumbline_series_dropped_total|m|segment"); v == 0 {
		t.Error("that the limit was reached is not counted")
	}
}

func TestAValueSeenFewerThanTwentyTimesAppearsNowhere(t *testing.T) {
	for _, hash := range []bool{false, true} {
		dir := t.TempDir()
		text := cutModel
		if hash {
			text = strings.Replace(text, "top: 5", "top: 5, hash: key", 1)
			if err := os.WriteFile(filepath.Join(dir, "key"), []byte("0123456789abcdef0123456789abcdef\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		m, err := ParseModel(filepath.Join(dir, "m.yaml"), []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		h := newHarness(t, m)
		w := newTraffic(6)
		names := []string{"rare-secret"}
		w.names = func() string { return names[0] }
		w.run(h, start, 19*time.Second, 1)
		names[0] = "frequent-secret"
		w.run(h, start, 30*time.Second, 1)
		st := store{}
		st.commit(h.engine)
		all := &bytes.Buffer{}
		for _, data := range st {
			all.Write(data)
		}
		samples, err := json.Marshal(h.collect())
		if err != nil {
			t.Fatal(err)
		}
		for _, where := range []string{all.String(), string(samples)} {
			if strings.Contains(where, "rare-secret") {
				t.Error("a rare value stands in the state or in a metric")
			}
			if strings.Contains(where, "frequent-secret") == hash {
				t.Errorf("hash %v: the frequent value is there: %v", hash, !hash)
			}
		}
		if !hash {
			continue
		}
		key := ""
		for k, x := range h.collect() {
			if strings.Contains(k, "segment_records") && strings.Contains(k, "country=h:") && x.Value > 0 {
				key = k
			}
		}
		h.restart(st)
		w.run(h, start, 5*time.Second, 1)
		if v := value(t, h.collect(), key); v != 16 {
			t.Errorf("%s after a restart: %v, want 16", key, v)
		}
	}
}

func TestSegmentsAndReplicasGoOnOverRestarts(t *testing.T) {
	play := func(restart func(second int) bool) map[string]catalog.Sample {
		h := newHarness(t, mustModel(t, cutModel))
		w := newTraffic(7)
		w.names = func() string { return fmt.Sprintf("c%d", int(w.rng.ExpFloat64()*8)) }
		st := store{}
		at := start
		for second := range 5400 {
			if second == 3600 {
				w.spam = func(country, replica string) float64 {
					return map[bool]float64{true: .5, false: .05}[country == "c0"]
				}
				w.f = func(replica string) float64 { return map[bool]float64{true: 1}[replica == "r1"] }
			}
			for range 5 {
				at := at.Add(-time.Duration(w.rng.IntN(40)) * time.Second)
				h.line(w.line(at), at.Add(40*time.Second))
			}
			at = at.Add(time.Second)
			h.engine.Advance(at)
			st.commit(h.engine)
			if restart(second) {
				h.restart(st)
			}
		}
		return h.collect()
	}
	want := play(func(int) bool { return false })
	rng := rand.New(rand.NewPCG(1, 2))
	compareSamples(t, play(func(second int) bool { return second > 700 && rng.IntN(60) == 0 || second == 5399 }), want)
	partsAddUp(t, want)
	if got := alarms(want); !slices.Contains(got, "replica replica=r1") || !slices.ContainsFunc(got, func(a string) bool { return strings.Contains(a, "country=c0") }) {
		t.Errorf("the scenario raised too little to show anything: %v", got)
	}
}

func TestAReferenceKnowsItsSegments(t *testing.T) {
	b, err := NewReferenceBuilder(mustModel(t, cutModel))
	if err != nil {
		t.Fatal(err)
	}
	w := newTraffic(8)
	w.spam = func(country, _ string) float64 { return map[string]float64{"FR": .5, "CH": .1}[country] }
	h := &harness{t: t, parser: b.Plan().NewParser()}
	for i := range 8000 {
		h.parser.Line(w.line(start.Add(time.Duration(i)*time.Second)), 0, &h.rec)
		b.Observe(&h.rec)
	}
	ref, err := b.Reference()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	data, err := ref.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "ref.json"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := ParseModel(filepath.Join(dir, "m.yaml"), []byte(strings.Replace(cutModel, "learn: 3000 records, page_while_learning: true", "file: ref.json", 1)))
	if err != nil {
		t.Fatal(err)
	}
	live := newHarness(t, m)
	at := w.run(live, start, 20*time.Minute, 5)
	if got := alarms(live.collect()); len(got) != 0 {
		t.Errorf("a segment with a high rate of its own is in alarm: %v", got)
	}
	w.spam = func(country, _ string) float64 { return map[string]float64{"FR": .1, "CH": .22}[country] }
	w.run(live, at, 30*time.Minute, 5)
	if got := alarms(live.collect()); !slices.Contains(got, "label segment country=FR") {
		t.Errorf("alarms: %v", got)
	}
}

func BenchmarkObserveWithSegmentsAndReplicas(b *testing.B) {
	for _, cut := range []bool{false, true} {
		b.Run(fmt.Sprint("cut=", cut), func(b *testing.B) {
			text := strings.Replace(spamModel, "learn: 5000 records", "learn: 2000 records", 1)
			if cut {
				text = strings.Replace(text, "fields: {", "fields: {replica: replica, ", 1) + "segments: [{path: features.geo}]\n"
			}
			h := newHarness(b, mustModel(b, text))
			sim := simulator.New(simulator.Options{Seed: 1, Replicas: 4})
			for i := range 3000 {
				line := sim.AppendRecord(nil, start.Add(time.Duration(i)*10*time.Millisecond))
				h.line(line, start.Add(time.Duration(i)*10*time.Millisecond))
			}
			b.ReportAllocs()
			for b.Loop() {
				h.in.Observe(&h.rec, h.in.Plan().Slots(), start.Add(30*time.Second))
			}
		})
	}
}
