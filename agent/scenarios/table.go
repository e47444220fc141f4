package scenarios

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/common/model"

	"github.com/plumbline-ml/plumbline/exporters/alerting"
	"github.com/plumbline-ml/plumbline/internal/alert"
	"github.com/plumbline-ml/plumbline/internal/catalog"
	"github.com/plumbline-ml/plumbline/rules"
)

// When the fault of a row begins and ends, and when the row does.
const (
	faultFrom = 20 * time.Minute
	faultTo   = 80 * time.Minute
	Lasts     = 2 * time.Hour // of every row
)

// Rows in season: from the night at their beginning, traffic grows two and a half times in the two hours of a row, and a
// week holds 21 days, so that an hour of the week is always the same part of a day.
const (
	swing = .6
	day   = 8 * time.Hour
)

// rowEvery is how often rules are evaluated.
const rowEvery = 30 * time.Second

// onsetError is by how much a page may be wrong about when it began.
const onsetError = 5 * time.Minute

// start is a Monday noon.
var start = time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)

// Row is one scenario of the table.
type Row struct {
	Name   string // of the scenario
	Season bool   // on top of day and night
	Fault  rules.Fault
	Also   []rules.Fault // that go on with it
	Of     string        // which of the models; empty means the usual one
	Learn  time.Duration // of undisturbed traffic before it, for what no reference file knows
	Long   bool          // left out of the short form, where another row or a rule test stands for it
	Twin   bool          // looks like the fault and is none: must stay silent
	Cause  string        // of the page that must come; empty when none may come
	Says   []string      // what the page must say
	Tells  []string      // alerts that must be there and page nobody
	Shows  time.Duration // after the fault began, when it can first be seen; the page must tell that time
}

// Page is one notification for a critical alert. Times count from the start of the scenario.
type Page struct {
	At       time.Duration     `json:"at"`
	Resolved time.Duration     `json:"resolved"` // negative while it is open
	Cause    string            `json:"cause"`
	Alert    string            `json:"alert"`
	Summary  string            `json:"summary"`
	Text     string            `json:"text"` // the annotations of each alert
	Group    map[string]string `json:"group"`
	key      string
}

// Outcome is what came of a row.
type Outcome struct {
	Row     Row
	Pages   []Page
	Tickets []string // alerts of severity warning, and those of severity info that the row asks for
	Wrong   []string // how it differs from what must be; empty means not at all
	Missed  Miss     // what is known to be wrong; zero when nothing is
}

// OK says whether the outcome is as expected: right, or wrong in the one way that Misses says.
func (o Outcome) OK() bool {
	if o.Missed == (Miss{}) {
		return len(o.Wrong) == 0
	}
	return len(o.Wrong) == 1 && strings.HasPrefix(o.Wrong[0], o.Missed.Wrong)
}

// Play plays rows and returns their outcomes in the same order. seed is that of the whole table. done, if not nil, is told how many are ready.
func Play(ctx context.Context, rows []Row, seed uint64, done func(n int)) ([]Outcome, error) {
	dir, err := os.MkdirTemp("", "plumbline-scenarios-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	files, err := writeModels(dir, rows, seed)
	if err != nil {
		return nil, err
	}
	out, errs := make([]Outcome, len(rows)), make([]error, len(rows))
	var wg sync.WaitGroup
	var mu sync.Mutex
	next, ready := 0, 0
	for range min(runtime.GOMAXPROCS(0), len(rows)) {
		wg.Go(func() {
			for {
				mu.Lock()
				i := next
				next++
				mu.Unlock()
				if i >= len(rows) {
					return
				}
				out[i], errs[i] = rows[i].play(ctx, files[modelKey{rows[i].Of, rows[i].Season}], seed)
				mu.Lock()
				ready++
				if done != nil {
					done(ready)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return out, errors.Join(errs...)
}

// scenario is the row as the fixtures play it.
func (r Row) scenario(seed uint64) rules.Scenario {
	s := rules.Scenario{Name: r.Name, Seed: seed, Lasts: model.Duration(Lasts), Every: rowEvery}
	if r.Season {
		s.Traffic = rules.Traffic{Swing: swing, Day: model.Duration(day)}
	}
	s.Traffic.Learn = model.Duration(r.Learn)
	v := models[r.Of]
	s.Traffic.Spam, s.Traffic.Nulls = v.spam, v.nulls
	for _, f := range append([]rules.Fault{r.Fault}, r.Also...) {
		if f.Kind != "" {
			f.From = model.Duration(faultFrom)
			f.To = cmp.Or(f.To, model.Duration(faultTo))
			s.Faults = append(s.Faults, f)
		}
	}
	return s
}

// play runs one row through the packs and the built-in routes.
func (r Row) play(ctx context.Context, file string, seed uint64) (Outcome, error) {
	out := Outcome{Row: r, Missed: Misses[r.Name]}
	engine, err := rules.New(rules.Options{Packs: true, Interval: rowEvery, Resend: 24 * time.Hour, ResolvedResend: -1})
	if err != nil {
		return out, err
	}
	defer engine.Close()
	routes, err := alerting.New(alerting.Options{DryRun: true, Default: nobody{}})
	if err != nil {
		return out, err
	}
	defer routes.Close()
	s := r.scenario(seed)
	s.Reads = engine.Reads
	tickets := map[string]bool{}
	err = Fixtures{}.Play(ctx, file, s, start, func(b catalog.Batch) error {
		if err := engine.Append(b); err != nil {
			return err
		}
		alerts, err := engine.Eval(ctx, b.Time)
		if err != nil {
			return err
		}
		for _, a := range alerts {
			if a.State == alert.Firing && !tickets[a.Name()] && (a.Severity() == alert.SeverityWarning || slices.Contains(r.Tells, a.Name())) {
				tickets[a.Name()] = true
				out.Tickets = append(out.Tickets, a.Name())
			}
		}
		if err := routes.Process(b.Time, alerts); err != nil {
			return err
		}
		for _, n := range routes.Tick(b.Time) {
			out.note(n, b.Time.Sub(start))
		}
		return nil
	})
	out.judge()
	return out, err
}

// note takes a notification.
func (o *Outcome) note(n alerting.Notification, at time.Duration) {
	if n.Action == alerting.Resolve {
		for i := range o.Pages {
			if o.Pages[i].key == n.Key && o.Pages[i].Resolved < 0 {
				o.Pages[i].Resolved = at
			}
		}
		return
	}
	var text strings.Builder
	for _, a := range n.Alerts {
		for _, name := range slices.Sorted(maps.Keys(a.Annotations)) {
			fmt.Fprintf(&text, "%s: %s\n", name, a.Annotations[name])
		}
	}
	for i := range o.Pages {
		if o.Pages[i].key == n.Key && o.Pages[i].Resolved < 0 {
			o.Pages[i].Text += text.String()
			return
		}
	}
	if n.Action == alerting.Trigger && n.Severity() == alert.SeverityCritical {
		lead := n.Leading()
		o.Pages = append(o.Pages, Page{At: at, Resolved: -1, Cause: lead.Labels[alert.LabelCause], Alert: lead.Name(), Summary: n.Summary(), Text: text.String(), Group: n.GroupLabels, key: n.Key})
	}
}

// judge compares with what must be.
func (o *Outcome) judge() {
	wrong := func(format string, args ...any) { o.Wrong = append(o.Wrong, fmt.Sprintf(format, args...)) }
	var hit *Page
	for i := range o.Pages {
		p := &o.Pages[i]
		switch {
		case p.Cause != o.Row.Cause:
			wrong("paged for %s after %s", p.Cause, p.At-faultFrom)
		case p.At < faultFrom:
			wrong("paged at %s, before the fault", p.At)
		case hit != nil:
			wrong("paged again for %s at %s", p.Cause, p.At)
		default:
			hit = p
		}
	}
	for _, name := range o.Row.Tells {
		if !slices.Contains(o.Tickets, name) {
			wrong("%s was not told", name)
		}
	}
	if o.Row.Cause == "" {
		return
	}
	if hit == nil {
		wrong("nobody was paged for %s", o.Row.Cause)
		return
	}
	for _, want := range o.Row.Says {
		if !strings.Contains(hit.Text, want) {
			wrong("the page does not say %q", want)
		}
	}
	if !lastGood.MatchString(hit.Text) {
		wrong("the page does not say when it was last good")
	}
	if at, told := hit.onset(); told && (at-faultFrom-o.Row.Shows).Abs() > onsetError {
		wrong("the page is off by %s about when it began", at-faultFrom-o.Row.Shows)
	}
	if hit.Resolved < 0 {
		wrong("not resolved %s after the fault ended", Lasts-faultTo)
	} else if hit.Resolved < faultTo {
		wrong("resolved at %s, while the fault went on", hit.Resolved)
	}
}

var onsetText = regexp.MustCompile(`onset: (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC`)

// lastGood is how pages say when all was still well.
var lastGood = regexp.MustCompile(`(?m)^(last[_ ]good|last good value|last usable value|last fresh value|last positive|newest record): |answers most requests since `)

// onset is when the page says that it began, if it says so.
func (p *Page) onset() (time.Duration, bool) {
	m := onsetText.FindStringSubmatch(p.Text)
	if m == nil {
		return 0, false
	}
	at, err := time.Parse(time.DateTime, m[1])
	return at.Sub(start), err == nil
}

// nobody takes what the built-in routes would send.
type nobody struct{}

func (nobody) Name() string { return "nobody" }

func (nobody) Send(context.Context, alerting.Notification) (alerting.RetryAdvice, error) {
	return alerting.RetryAdvice{}, nil
}
