package detection

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/plumbline-ml/plumbline/detectors/sequential/simulate"
	"github.com/plumbline-ml/plumbline/internal/monitor"
	"github.com/plumbline-ml/plumbline/internal/parse"
)

// A model of many features on many nodes, one of which is wrong now and then: 50 features and the score, 10 segments, 5
// nodes that answer and are watched independently of each other, each with an engine of its own and the same file as reference.
const (
	wideFeatures = 50
	wideSegments = 10
	wideNodes    = 5
	wideRecords  = 60 // of a node in a bucket, by day
)

// wideFamily is how they behave: the hardest that comes with the nights of the promise.
var wideFamily = family{season: .6, ar: .9, sd: .1, night: .05}

// wideModel is the model's file in dir, with a reference beside it.
func wideModel(dir, budget string) *monitor.Model {
	var b strings.Builder
	fmt.Fprintf(&b, `
model: m
logs: {include: /l, format: json}
fields: {timestamp: ts}
predictions:
  score: {path: score, kind: probability}
  label: {path: label, positive: spam}
features:
`)
	for i := range wideFeatures {
		kind := "number"
		if i%5 == 4 {
			kind = "category"
		}
		fmt.Fprintf(&b, "  - {path: f%d, kind: %s}\n", i, kind)
	}
	fmt.Fprintf(&b, "segments: [{path: tenant, top: %d}]\nreference: {file: reference.json}\nfalse_pages: %s\nvolume: reference\n%s\n", wideSegments, budget, calmLines)
	m, err := monitor.ParseModel(filepath.Join(dir, "model.yaml"), []byte(b.String()))
	if err != nil {
		panic(err)
	}
	return m
}

// wideWorld draws the records of one node.
type wideWorld struct {
	*world
	slots []int // of score, label, tenant and the features, in the record
	names [5][]byte
	parts [wideSegments][]byte
}

func newWideWorld(r *simulate.RNG, plan *parse.Plan) *wideWorld {
	w := &wideWorld{world: calmWorld(r, wideFamily, .05)}
	w.perSec = wideRecords / calmStep.Seconds()
	paths := []string{"score", "label", "tenant"}
	for i := range wideFeatures {
		paths = append(paths, "f"+strconv.Itoa(i))
	}
	w.slots = make([]int, len(paths))
	for at, slot := range plan.Slots() {
		for i, p := range paths {
			if p == slot.Path {
				w.slots[i] = at
			}
		}
	}
	for i := range w.names {
		w.names[i] = []byte("c" + strconv.Itoa(i))
	}
	for i := range w.parts {
		w.parts[i] = []byte("t" + strconv.Itoa(i))
	}
	return w
}

// record makes the next record. Of five features two are normal, one of them with the season and the wander; one has ties,
// one is a constant with some values missing, and one a category that goes with the season.
func (w *wideWorld) record(rec *parse.Record) {
	r, v := w.r, rec.Values
	positive := int(b2f(r.Float64() < w.positive))
	v[w.slots[0]] = parse.Value{Kind: parse.Number, Num: .6*float64(positive) + .4*r.Float64()}
	v[w.slots[1]] = parse.Value{Kind: parse.String, Str: labels[positive]}
	v[w.slots[2]] = parse.Value{Kind: parse.String, Str: w.parts[r.IntN(wideSegments)]}
	for i, at := range w.slots[3:] {
		x := parse.Value{Kind: parse.Number}
		switch i % 5 {
		case 0:
			x.Num = r.NormFloat64()
		case 1:
			x.Num = math.Exp(r.NormFloat64() + w.drift/2)
		case 2:
			x.Num = w.tied()
		case 3:
			if x.Num = 7; r.IntN(50) == 0 {
				x = parse.Value{Kind: parse.Null}
			}
		default:
			name := 0
			if r.Float64() > w.home {
				name = 1 + r.IntN(len(w.names)-1)
			}
			x = parse.Value{Kind: parse.String, Str: w.names[name]}
		}
		v[at] = x
	}
}

func b2f(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// days hands the records of so many days to take, in order of time, and calls tick after each step.
func (w *wideWorld) days(from time.Time, days int, rec *parse.Record, take func(), tick func(now time.Time)) time.Time {
	now := from
	for range days * stepsPerDay {
		n := w.next(now)
		for i := range n {
			rec.Time = now.Add(time.Duration(i) * w.step / time.Duration(n)).UnixNano()
			w.record(rec)
			take()
		}
		now = now.Add(w.step)
		tick(now)
	}
	return now
}

// wideReference writes what `plumbline reference build` makes of four weeks of a node. They are drawn twice because they
// are read twice.
func wideReference(dir string, seed uint64) {
	m := wideModel(dir, "1 per 30d")
	b, err := monitor.NewReferenceBuilder(m)
	if err != nil {
		panic(err)
	}
	rec := parse.Record{Values: make([]parse.Value, len(b.Plan().Slots()))}
	read := func(plan *parse.Plan, take func(*parse.Record)) {
		newWideWorld(simulate.NewRNG(seed, 0), plan).days(began, learnDays, &rec, func() { take(&rec) }, func(time.Time) {})
	}
	read(b.Plan(), b.Observe)
	ref, err := b.Reference()
	if err != nil {
		panic(err)
	}
	s, err := b.Seasons(ref)
	if err != nil {
		panic(err)
	}
	read(s.Plan(), s.Observe)
	if err := s.Finish(); err != nil {
		panic(err)
	}
	data, err := ref.Encode()
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "reference.json"), data, 0o600)
	}
	if err != nil {
		panic(err)
	}
}

// wideCases count the pages of all nodes against the budget of one.
func wideCases() []simulate.Case {
	var out []simulate.Case
	for _, b := range []struct {
		text       string
		days       float64
		watch      int
		cost, runs int
	}{{"1 per 7d", 7, 30, 30_000, 1}, {"1 per 30d", 30, 45, 42_000, 2}, {"1 per 90d", 90, 100, 80_000, 4}} {
		out = append(out, simulate.Case{
			Group: "the engine, no change, 50 features, 10 segments, pages of 5 nodes together, nights of 5 % of the traffic", Name: b.text, Allowed: 1, Cost: b.cost, Runs: b.runs,
			Run: func(r *simulate.RNG) simulate.Sample {
				dir, err := os.MkdirTemp("", "plumbline-detection-")
				if err != nil {
					panic(err)
				}
				defer os.RemoveAll(dir)
				wideReference(dir, r.Uint64())
				out := simulate.Sample{Periods: float64(b.watch) / b.days}
				for range wideNodes {
					s := newStand(wideModel(dir, b.text))
					w := newWideWorld(simulate.NewRNG(r.Uint64(), 0), s.in.Plan())
					w.days(began.AddDate(0, 0, learnDays), b.watch, &s.rec, func() { s.in.Observe(&s.rec, s.in.Plan().Slots(), time.Time{}) }, s.look)
					out.Pages += s.pages.count
				}
				return out
			},
		})
	}
	return out
}
