package rules

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/plumbline-ml/plumbline/internal/alert"
	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// Scenario is one item below scenarios in a rule test: a model file and what happens to the model, instead of hand-written series.
type Scenario struct {
	Name    string         `yaml:"name" json:"name"`
	Model   string         `yaml:"model" json:"model"`     // model file, relative to the test file
	Traffic Traffic        `yaml:"traffic" json:"traffic"` // what is normal
	Faults  []Fault        `yaml:"faults" json:"faults"`   // what goes wrong, and when
	Lasts   model.Duration `yaml:"lasts" json:"lasts"`     // length of the scenario
	Expect  []Expectation  `yaml:"expect" json:"expect"`   // alerts that must fire
	Silent  bool           `yaml:"silent" json:"silent"`   // no alert but those expected may fire
	Seed    uint64         `yaml:"seed" json:"seed"`       // of the random numbers; the same seed gives the same records

	// Every and Reads are for Fixtures, and set by whoever plays the scenario.
	Every time.Duration            `yaml:"-" json:"-"` // how often to publish; 0 means every 15 s
	Reads func(metric string) bool `yaml:"-" json:"-"` // whether anybody looks at a metric; nil means at all of them
}

// Traffic is the undisturbed stream of records.
type Traffic struct {
	PerMinute float64        `yaml:"per_minute" json:"per_minute"` // 0 means what the fixtures think fit
	Learn     model.Duration `yaml:"learn" json:"learn"`           // undisturbed records before the scenario, for the reference
	Swing     float64        `yaml:"swing" json:"swing"`           // night is per_minute × (1 − swing), noon × (1 + swing); 0 means the same rate at all times
	Day       model.Duration `yaml:"day" json:"day"`               // length of a day of traffic; 0 means 24h
	Spam      float64        `yaml:"spam" json:"spam"`             // share of the positive class; 0 means what the fixtures think fit
	Truth     model.Duration `yaml:"truth" json:"truth"`           // how long after a record its truth comes, when the model file reads truths; 0 means the usual

	Nulls map[string]float64 `yaml:"nulls" json:"nulls"` // share of records in which a feature is null when nothing is wrong
}

// Fault is one thing that goes wrong.
type Fault struct {
	Kind    string         `yaml:"kind" json:"kind"`       // one of faultKinds
	Feature string         `yaml:"feature" json:"feature"` // where it has one
	Factor  float64        `yaml:"factor" json:"factor"`   // of unit, replica_skew, rate and volume: 100, 0.5, 2; number of values with turns; share of records, or of spam, with the others. 0 means the usual
	Value   float64        `yaml:"value" json:"value"`     // of default_value
	Class   string         `yaml:"class" json:"class"`     // of rate, class_gone and category_gone
	Delay   model.Duration `yaml:"delay" json:"delay"`     // of delayed, and by how much the clock is wrong with clock_skew
	From    model.Duration `yaml:"from" json:"from"`       // since the start of the scenario
	To      model.Duration `yaml:"to" json:"to"`           // 0 means to the end
}

// Expectation is an alert that a scenario must bring.
type Expectation struct {
	Alert    string            `yaml:"alert" json:"alert"`
	Labels   map[string]string `yaml:"labels" json:"labels"`     // that it must carry among others
	After    model.Duration    `yaml:"after" json:"after"`       // not firing before
	Within   model.Duration    `yaml:"within" json:"within"`     // firing at the latest; 0 means the end
	Resolved model.Duration    `yaml:"resolved" json:"resolved"` // resolved at the latest; 0 means that nobody asks
}

// Fixtures plays scenarios. The agent supplies it, because rules know no monitor. Play calls publish with what the model's engine
// would publish, in ascending time, and evaluate after each publish; start is the time at which the scenario (not the learning before) begins.
type Fixtures interface {
	Play(ctx context.Context, modelFile string, s Scenario, start time.Time, publish func(catalog.Batch) error) error
}

// scenarioStart is a Monday noon: no night, no weekend, no change of clocks nearby.
var scenarioStart = time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)

// run plays one scenario through the engine that the agent uses.
func (s *Scenario) run(ctx context.Context, path string, f *testFile, fix Fixtures) TestReport {
	out := TestReport{Name: s.Name, Failures: []TestFailure{}}
	fail := func(what string, at time.Duration, format string, args ...any) {
		out.Failures = append(out.Failures, TestFailure{What: what, EvalTime: model.Duration(at).String(), Message: fmt.Sprintf(format, args...)})
	}
	if err := s.validate(); err != nil {
		fail("scenario", 0, "%v", err)
		return out
	}
	if fix == nil {
		fail("scenario", 0, "scenarios need a monitor; run them with plumbline rules test")
		return out
	}
	e, err := New(Options{Files: f.RuleFiles, Interval: time.Duration(f.EvaluationInterval), ResolvedResend: -1, Resend: 24 * time.Hour,
		ExternalLabels: map[string]string{alert.LabelNode: "scenario"}})
	if err != nil {
		fail("rules", 0, "%v", err)
		return out
	}
	type spell struct {
		a        alert.Alert
		from, to time.Duration
	}
	open, all := map[string]*spell{}, []*spell{}
	modelFile := s.Model
	if !filepath.IsAbs(modelFile) {
		modelFile = filepath.Join(filepath.Dir(path), modelFile)
	}
	play := *s
	play.Every, play.Reads = time.Duration(f.EvaluationInterval), e.Reads
	err = fix.Play(ctx, modelFile, play, scenarioStart, func(b catalog.Batch) error {
		if err := e.Append(b); err != nil {
			return err
		}
		alerts, err := e.Eval(ctx, b.Time)
		at := b.Time.Sub(scenarioStart)
		for _, a := range alerts {
			switch x := open[a.Key()]; {
			case a.State == alert.Firing && x == nil:
				x = &spell{a: a, from: at, to: -1}
				open[a.Key()], all = x, append(all, x)
			case a.State == alert.Resolved && x != nil:
				x.to = at
				delete(open, a.Key())
			}
		}
		return err
	})
	if err != nil {
		fail("scenario", 0, "%v", err)
		return out
	}
	claimed, explained := map[*spell]bool{}, map[*spell]bool{}
	for _, want := range s.Expect {
		meant := func(x *spell) bool {
			return x.a.Name() == want.Alert && (len(want.Labels) == 0 || includes(x.a.Labels, want.Labels))
		}
		for _, x := range all {
			explained[x] = explained[x] || meant(x)
		}
		i := slices.IndexFunc(all, func(x *spell) bool { return meant(x) && !claimed[x] })
		if i < 0 {
			fail(want.Alert, time.Duration(want.Within), "did not fire")
			continue
		}
		x := all[i]
		claimed[x] = true
		if x.from < time.Duration(want.After) {
			fail(want.Alert, x.from, "fired too early: want not before %s", want.After)
		}
		if want.Within > 0 && x.from > time.Duration(want.Within) {
			fail(want.Alert, x.from, "fired too late: want within %s", want.Within)
		}
		if want.Resolved > 0 && (x.to < 0 || x.to > time.Duration(want.Resolved)) {
			fail(want.Alert, max(x.to, 0), "not resolved by %s", want.Resolved)
		}
	}
	if s.Silent || len(s.Expect) == 0 {
		for _, x := range all {
			if !explained[x] && x.a.Severity() != alert.SeverityInfo {
				fail(x.a.Name(), x.from, "fired, and nobody expected it: %s", showMap(x.a.Labels))
			}
		}
	}
	return out
}

// faultKinds are the faults that fixtures know: what may go wrong with the input of a model.
var faultKinds = []string{"null_burst", "missing", "frozen", "unit", "new_category", "rate", "class_gone", "replica_skew", "delayed", "stale", "volume", "silence", "default_value", "type", "category_gone", "version",
	"nan", "turns", "held", "out_of_range", "cardinality", "appears", "segment_rate", "clock_skew", "concept", "truth_stops", "not_called", "unreadable", "pod_gone", "agent_behind"}

// validate checks what the YAML decoder cannot.
func (s *Scenario) validate() error {
	if s.Model == "" {
		return errors.New("model: want the path of a model file")
	}
	if s.Traffic.Swing < 0 || s.Traffic.Swing >= 1 {
		return fmt.Errorf("traffic.swing: %g: want 0 (no day and night) up to below 1", s.Traffic.Swing)
	}
	if s.Traffic.PerMinute < 0 || s.Traffic.PerMinute > 60_000 {
		return fmt.Errorf("traffic.per_minute: %g: want 0 (the usual) up to 60000", s.Traffic.PerMinute)
	}
	if s.Lasts <= 0 {
		return errors.New("lasts: want the length of the scenario, for instance 2h")
	}
	for i, f := range s.Faults {
		if !slices.Contains(faultKinds, f.Kind) {
			fix := ""
			if near := closest(f.Kind, slices.Clone(faultKinds)); near != "" {
				fix = "; write " + near
			}
			return fmt.Errorf("faults[%d]: there is no kind %q: want one of %s%s", i, f.Kind, strings.Join(faultKinds, ", "), fix)
		}
		if f.To != 0 && f.To <= f.From {
			return fmt.Errorf("faults[%d]: it ends (to: %s) before it begins (from: %s)", i, f.To, f.From)
		}
	}
	for i, e := range s.Expect {
		if e.Alert == "" {
			return fmt.Errorf("expect[%d]: want the name of an alert", i)
		}
	}
	return nil
}
