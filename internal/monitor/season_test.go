package monitor

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/catalog"
	"github.com/plumbline-ml/plumbline/internal/parse"
)

const weekModel = `
model: m
logs: {include: /l, format: json}
fields: {timestamp: ts}
predictions:
  score: {path: score, kind: probability}
  label: {path: label, positive: spam}
features:
  - {path: size, kind: number}
  - {path: country, kind: category}
reference: {REFERENCE}
pane: 1m
bucket: 5m
`

// week is a classifier whose traffic, share of spam, sizes, countries and missing values breathe with the day and the
// week, and whose share of spam wanders besides, with bursts.
type week struct {
	rng    *rand.Rand
	minute float64 // records per minute at noon on a workday
	sd, ar float64 // of the wander, in log-odds, by 5 minutes
	bursts float64 // per day, each of two buckets
	odds   float64 // of spam, a factor: 1 is normal
	lean   bool    // labels only

	wander float64
	burst  int
}

// traffic and season are 0 at night and 1 at noon; weekends are half as busy and spam is twice as frequent.
func (w *week) day(at time.Time) (traffic, phase float64, weekend bool) {
	hour := float64(at.Hour()) + float64(at.Minute())/60
	phase = (1 - math.Cos(2*math.Pi*hour/24)) / 2
	weekend = at.Weekday() == time.Saturday || at.Weekday() == time.Sunday
	traffic = w.minute * (.05 + .95*phase)
	if weekend {
		traffic /= 2
	}
	return traffic, phase, weekend
}

// records calls f with the records of five minutes.
func (w *week) records(at time.Time, f func(line []byte, at time.Time)) {
	w.wander = w.ar*w.wander + math.Sqrt(1-w.ar*w.ar)*w.sd*w.rng.NormFloat64()
	if w.burst > 0 {
		w.burst--
	} else if w.rng.Float64() < w.bursts/288 {
		w.burst = 2
	}
	traffic, phase, weekend := w.day(at)
	logit := -2.6 + 1.2*(1-phase) + w.wander + math.Log(w.odds)
	if weekend {
		logit += .7
	}
	n := int(traffic*5 + w.rng.Float64())
	extra := 0
	if w.burst > 0 {
		extra = n
	}
	for i := range n + extra {
		t := at.Add(time.Duration(float64(i) / float64(n+extra) * float64(5*time.Minute)))
		label, score := "ham", .4*w.rng.Float64()
		if i >= n || w.rng.Float64() < 1/(1+math.Exp(-logit)) {
			label, score = "spam", .6+.4*w.rng.Float64()
		}
		if w.lean {
			f(fmt.Appendf(nil, `{"ts":%q,"label":%q}`, t.Format(time.RFC3339), label), t)
			continue
		}
		size := fmt.Sprintf(`"size":%.2f,`, 10+phase+w.rng.NormFloat64())
		if w.rng.Float64() < .02+.06*(1-phase) {
			size = ""
		}
		country := "CH"
		if w.rng.Float64() < .2+.3*phase {
			country = "DE"
		}
		f(fmt.Appendf(nil, `{"ts":%q,"score":%.3f,"label":%q,%s"country":%q}`, t.Format(time.RFC3339), score, label, size, country), t)
	}
}

// monday is the beginning of a week in spring, far from any change of the clocks.
var monday = time.Date(2026, 4, 6, 0, 0, 0, 0, time.UTC)

// buildWeeks writes a reference of so many days and returns the model that names it.
func buildWeeks(t testing.TB, w *week, days int, season string) *Model {
	t.Helper()
	b, err := NewReferenceBuilder(mustModel(t, strings.Replace(weekModel, "REFERENCE", "learn: 28d", 1)))
	if err != nil {
		t.Fatal(err)
	}
	var lines [][]byte
	for at := monday; at.Before(monday.AddDate(0, 0, days)); at = at.Add(5 * time.Minute) {
		w.records(at, func(line []byte, _ time.Time) { lines = append(lines, line) })
	}
	feed := func(p *parse.Parser, observe func(*parse.Record)) {
		take := newFeeder(t, p, observe)
		for _, l := range lines {
			take(l)
		}
	}
	feed(b.Plan().NewParser(), b.Observe)
	ref, err := b.Reference()
	if err != nil {
		t.Fatal(err)
	}
	if b.Seasonal() {
		s, err := b.Seasons(ref)
		if err != nil {
			t.Fatal(err)
		}
		feed(s.Plan().NewParser(), s.Observe)
		if err := s.Finish(); err != nil {
			t.Fatal(err)
		}
	}
	data, err := ref.Encode()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "ref.json"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := ParseModel(filepath.Join(dir, "m.yaml"), []byte(strings.Replace(weekModel, "REFERENCE", "file: ref.json"+season, 1)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// newFeeder returns what hands over a line as a record.
func newFeeder(t testing.TB, p *parse.Parser, observe func(*parse.Record)) func(line []byte) {
	var rec parse.Record
	n := int64(0)
	return func(line []byte) {
		if p.Line(line, n, &rec).Status != parse.Complete {
			t.Fatal("a line was not a record")
		}
		n++
		observe(&rec)
	}
}

// run feeds days of records from a day on and returns the pages by the day on which they came.
func (w *week) run(h *harness, from, days int) (pages []string) {
	known := map[*alarm]bool{}
	for at := monday.AddDate(0, 0, from); at.Before(monday.AddDate(0, 0, from+days)); at = at.Add(5 * time.Minute) {
		w.records(at, func(line []byte, t time.Time) { h.line(line, t) })
		h.engine.Advance(at.Add(5 * time.Minute))
		for _, s := range h.in.evidence.streams {
			if s.alarm != nil && !known[s.alarm] {
				known[s.alarm] = true
				what := s.feature + "/" + s.cause
				if s.alarm.ticket {
					what += " (ticket)"
				}
				pages = append(pages, fmt.Sprintf("%s on day %.2f", what, at.Sub(monday).Hours()/24))
			}
		}
	}
	return pages
}

func TestAClassShareThatBreathesWithTheWeekDoesNotPage(t *testing.T) {
	w := &week{rng: rand.New(rand.NewPCG(7, 1)), minute: 8, sd: .1, ar: .9, bursts: .2, odds: 1}
	m := buildWeeks(t, w, 28, "")
	h := newHarness(t, m)
	for _, c := range h.in.cols {
		if c.season == nil {
			t.Fatalf("the reference of %s knows no season", c.name)
		}
		s := c.season.unpack()
		t.Logf("%s: %.1f days, bins %s sigma %.3f kappa %.1f, missing %s, left out %d", c.name, s.Days, s.Bins.Calendar, s.Bins.Sigma, s.Bins.Kappa, s.Missing.Calendar, s.Dropped)
	}
	if pages := w.run(h, 28, 28); len(pages) > 0 {
		t.Errorf("four weeks like the four before: %v", pages)
	}
	w.odds = 2
	pages := w.run(h, 56, 2)
	if len(pages) == 0 || !strings.HasPrefix(pages[0], "label/drift on day 56.") && !strings.HasPrefix(pages[0], "score/drift on day 56.") {
		t.Errorf("odds doubled on day 56: %v", pages)
	}
	t.Log(pages)
	w.odds = 1
	w.run(h, 58, 2)
	for _, s := range h.in.evidence.streams {
		if s.alarm != nil {
			t.Errorf("%s/%s is in alarm two days after the end", s.feature, s.cause)
		}
	}

	// The twin: the same reference without seasons is wrong every day.
	flat, err := ParseModel(m.File, []byte(strings.Replace(weekModel, "REFERENCE", "file: ref.json, season: none", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if pages := w.run(newHarness(t, flat), 60, 7); !slices.ContainsFunc(pages, func(p string) bool { return strings.HasPrefix(p, "label/drift") }) {
		t.Errorf("against one profile for all hours the label should alarm: %v", pages)
	}
}

// state is the model's state as it is published.
func (h *harness) state(model string) string {
	s := h.collect()
	for _, state := range []string{stateLearning, stateYoung, stateReady} {
		if s["plumbline_model_state|"+model+"|"+state].Value == 1 {
			return state
		}
	}
	return ""
}

func TestALearnedReferenceOpensTicketsForTwoWeeksAndIsReadyAfterFour(t *testing.T) {
	w := &week{rng: rand.New(rand.NewPCG(8, 1)), minute: 8, sd: .05, ar: .9, odds: 1}
	// The incident of the fourth day is known to whoever wrote the model file.
	h := newHarness(t, mustModel(t, strings.Replace(weekModel, "REFERENCE", "learn: 28d, exclude: [{from: 2026-04-09T00:00:00Z, until: 2026-04-10T00:00:00Z}]", 1)))
	w.run(h, 0, 1)
	if h.state("m") != stateLearning || len(h.in.cols[1].streams) > 0 {
		t.Fatalf("after a day: %s, %d streams of the label", h.state("m"), len(h.in.cols[1].streams))
	}
	var tickets []string
	tickets = append(tickets, w.run(h, 1, 2)...)
	w.odds = 4
	tickets = append(tickets, w.run(h, 3, 1)...)
	w.odds = 1
	tickets = append(tickets, w.run(h, 4, 10)...)
	if len(tickets) == 0 {
		t.Error("odds times 4 opened no ticket")
	}
	for _, p := range tickets {
		if !strings.Contains(p, "(ticket)") {
			t.Errorf("%s woke somebody although the model is learning", p)
		}
	}
	if v := value(t, h.collect(), "plumbline_budget_spent|m"); v != 0 {
		t.Errorf("tickets spent %v of the page budget", v)
	}
	pages := w.run(h, 14, 14)
	if got := h.state("m"); got != stateYoung {
		t.Errorf("in the third and fourth week: %s", got)
	}
	pages = append(pages, w.run(h, 28, 7)...)
	if got := h.state("m"); got != stateReady {
		t.Errorf("after four weeks: %s", got)
	}
	for _, p := range pages {
		if !strings.Contains(p, "(ticket)") {
			t.Errorf("nothing had changed: %s", p)
		}
	}
	label := h.in.cols[1]
	s := label.season.unpack()
	if label.grow != nil || s.Bins.Calendar == "flat" || s.Days < 28 {
		t.Errorf("the label's season: %s, %v days, still growing %v", s.Bins.Calendar, s.Days, label.grow != nil)
	}
	var spam, all uint64
	for _, c := range s.Bins.Counts {
		for i, n := range c {
			if all += n; label.base.categories[i] == "spam" {
				spam += n
			}
		}
	}
	t.Logf("share of spam learned: %.4f of %d records; left out %d half hours; tickets %v", share(spam, all), all, s.Dropped, tickets)
	t.Logf("%s, sigma %.3f, kappa %.1f, model's kappa %.1f", s.Bins.Calendar, s.Bins.Sigma, s.Bins.Kappa, label.seasonKappa)
	w.odds = 2
	if pages := w.run(h, 35, 1); len(pages) == 0 || strings.Contains(pages[0], "(ticket)") {
		t.Errorf("odds doubled on day 35: %v", pages)
	}
}

func TestAReferenceDoesNotLearnFromAnOpenIncident(t *testing.T) {
	learn := func(incident bool) float64 {
		w := &week{rng: rand.New(rand.NewPCG(9, 1)), minute: 8, ar: .9, odds: 1}
		h := newHarness(t, mustModel(t, strings.Replace(weekModel, "REFERENCE", "learn: 18d", 1)))
		w.run(h, 0, 15)
		if incident {
			w.odds = 5
		}
		w.run(h, 15, 1)
		w.odds = 1
		w.run(h, 16, 3)
		label := h.in.cols[1]
		if label.grow != nil {
			t.Fatal("the reference is not whole after 19 days")
		}
		var spam, all uint64
		for _, c := range label.season.unpack().Bins.Counts {
			for i, n := range c {
				if all += n; label.base.categories[i] == "spam" {
					spam += n
				}
			}
		}
		return share(spam, all)
	}
	clean, dirty := learn(false), learn(true)
	// A day of five times the odds would be worth a sixth more.
	if dirty > 1.05*clean {
		t.Errorf("share of spam learned: %.4f without the incident, %.4f with it", clean, dirty)
	}
	t.Logf("%.4f without the incident, %.4f with it", clean, dirty)
}

func TestSlowPoisoningPagesAgainstTheAnchor(t *testing.T) {
	w := &week{rng: rand.New(rand.NewPCG(10, 1)), minute: 24, ar: .9, odds: 1, lean: true}
	h := newHarness(t, mustModel(t, `
model: m
logs: {include: /l, format: json}
fields: {timestamp: ts}
predictions: {label: {path: label, positive: spam}}
reference: {rolling: 14d}
pane: 5m
bucket: 5m
`))
	quiet := w.run(h, 0, 21)
	for _, p := range quiet {
		if !strings.Contains(p, "(ticket)") {
			t.Errorf("before the poisoning: %s", p)
		}
	}
	label := h.in.cols[0]
	if label.anchor == nil {
		t.Fatal("there is no anchor after three weeks")
	}
	s := label.season.unpack()
	t.Logf("%s, sigma %.3f, kappa %.1f, model's kappa %.1f", s.Bins.Calendar, s.Bins.Sigma, s.Bins.Kappa, label.seasonKappa)
	day, pages := 21, []string(nil)
	for ; day < 80 && len(pages) == 0; day++ {
		w.odds *= 1.01
		pages = w.run(h, day, 1)
	}
	if len(pages) == 0 {
		t.Fatalf("the odds of spam grew by 1 %% a day to %.2f times and nobody was told", w.odds)
	}
	t.Logf("noticed at %.2f times the odds: %v", w.odds, pages)
	for _, s := range h.in.evidence.streams {
		if s.alarm == nil || s.cause != causeDrift {
			continue
		}
		d, ok := s.detectors[s.alarm.by].(*setsDetector)
		if !ok || !d.fixed {
			t.Errorf("%s was noticed by the rolling reference itself, which had time to follow", s.feature)
		}
	}
}

func TestAGrowingReferenceGoesOnOverRestarts(t *testing.T) {
	play := func(reference string, days int, restart func(step int) bool) (map[string]catalog.Sample, []byte) {
		// There are bursts, so that a restart in the middle of a half hour must not forget its parts.
		w := &week{rng: rand.New(rand.NewPCG(11, 1)), minute: 12, sd: .05, ar: .9, bursts: 6, odds: 1}
		h := newHarness(t, mustModel(t, strings.Replace(weekModel, "REFERENCE", reference, 1)))
		s := store{}
		step := 0
		for at := monday; at.Before(monday.AddDate(0, 0, days)); at = at.Add(5 * time.Minute) {
			if day := at.Sub(monday).Hours() / 24; day > 5 && day < 6 {
				w.odds = 4
			} else {
				w.odds = 1
			}
			w.records(at, func(line []byte, t time.Time) { h.line(line, t) })
			h.engine.Advance(at.Add(5 * time.Minute))
			if at.Before(monday.AddDate(0, 0, 3)) {
				continue // while bins settle a restart rounds
			}
			s.commit(h.engine)
			if step++; restart(step) {
				h.restart(s)
			}
		}
		label := h.in.cols[1]
		learned := label.season.data
		if label.grow != nil {
			learned = append(slices.Clone(learned), label.grow.packed...)
		}
		return h.collect(), learned
	}
	for reference, days := range map[string]int{"learn: 14d": 15, "rolling: 2d": 8} {
		want, learned := play(reference, days, func(int) bool { return false })
		got, again := play(reference, days, func(step int) bool { return step%211 == 0 })
		compareSamples(t, got, want)
		if !bytes.Equal(learned, again) {
			t.Errorf("%s: with restarts something else was learned", reference)
		}
	}
}
