package agent

import (
	"context"
	"errors"
	"fmt"
	"os"

	"go.opentelemetry.io/collector/otelcol"

	"github.com/plumbline-ml/plumbline/exporters/alerting"
	"github.com/plumbline-ml/plumbline/internal/monitor"
	"github.com/plumbline-ml/plumbline/rules"
)

// Finding is one thing that is wrong in a file that a user wrote.
type Finding struct {
	Kind     string `json:"kind"` // config, model, rules or routes
	File     string `json:"file"`
	Line     int    `json:"line"`   // from 1; 0 when the file as a whole is meant
	Column   int    `json:"column"` // from 1
	Severity string `json:"severity"`
	Message  string `json:"message"`
	Expected string `json:"expected,omitempty"`
	Fix      string `json:"fix,omitempty"`
}

// Severities of a finding. Only errors keep an agent from starting or a file from being loaded.
const (
	Error   = "error"
	Warning = "warning"
)

// String is file:line:column: severity: message; expected …; fix.
func (f Finding) String() string {
	s := f.File
	if f.Line > 0 {
		s += fmt.Sprintf(":%d:%d", f.Line, f.Column)
	}
	s += ": " + f.Severity + ": " + f.Message
	if f.Expected != "" {
		s += "; expected " + f.Expected
	}
	if f.Fix != "" {
		s += "; " + f.Fix
	}
	return s
}

// CheckReport is what Check looked at and what it found.
type CheckReport struct {
	Configs  []string  `json:"configs"` // Collector configurations; empty means the built-in one
	Models   int       `json:"models"`  // model files that are good
	Rules    []string  `json:"rules"`   // files and folders of rules
	Routes   string    `json:"routes"`
	Findings []Finding `json:"findings"`

	// Sensitivity is the smallest change that each stream of the models with a reference file can page on.
	Sensitivity []monitor.Sensitivity `json:"sensitivity"`
}

// OK is true when no finding is an error.
func (r *CheckReport) OK() bool {
	for _, f := range r.Findings {
		if f.Severity == Error {
			return false
		}
	}
	return true
}

// Check reads everything that Run would read with the same options, and starts nothing. The error is for what keeps
// it from looking; what it finds is in the report.
func Check(ctx context.Context, opts Options) (*CheckReport, error) {
	if opts.State == "" {
		opts.State = varState // only a name here: nothing is written
	}
	s, err := settle(opts)
	if err != nil {
		return nil, err
	}
	if len(s.Config) == 0 && len(s.Models) == 0 && len(s.Rules) == 0 && s.Routes == "" && len(s.Logs) == 0 {
		return nil, usage("nothing to check; give --config, --models, --rules or --routes")
	}
	report := &CheckReport{Configs: s.Config, Rules: s.Rules, Routes: s.Routes, Findings: []Finding{}, Sensitivity: []monitor.Sensitivity{}}
	report.models(s.Models)
	if len(s.Rules) > 0 {
		report.rules(s.Rules)
	}
	if s.Routes != "" {
		report.routes(s.Routes)
	}
	if len(s.Config) > 0 || len(s.Models) > 0 || len(s.Logs) > 0 {
		if err := report.config(ctx, s); err != nil {
			return nil, err
		}
	}
	return report, nil
}

func (r *CheckReport) add(f Finding) { r.Findings = append(r.Findings, f) }

func (r *CheckReport) models(paths []string) {
	for _, path := range paths {
		var models []*monitor.Model
		var err error
		if info, statErr := os.Stat(path); statErr == nil && info.IsDir() {
			models, err = monitor.LoadModels(path)
		} else {
			var m *monitor.Model
			if m, err = monitor.LoadModel(path); err == nil {
				models = []*monitor.Model{m}
			}
		}
		for _, p := range monitor.Problems(err) {
			message := p.Text
			if p.Key != "" {
				message = p.Key + ": " + p.Text
			}
			r.add(Finding{Kind: "model", File: p.File, Line: p.Line, Column: p.Column, Severity: Error, Message: message, Expected: p.Expected, Fix: p.Fix})
		}
		if err != nil && len(monitor.Problems(err)) == 0 {
			r.add(Finding{Kind: "model", File: path, Severity: Error, Message: err.Error()})
		}
		if err == nil && len(models) == 0 {
			r.add(Finding{Kind: "model", File: path, Severity: Warning, Message: "there is no model file in this folder", Fix: "add one; the agent waits for it"})
		}
		r.Models += len(models)
		// A reference file that is missing or damaged keeps a model from starting as much as a bad key does.
		for _, m := range models {
			e, err := monitor.NewEngine(monitor.EngineOptions{Models: []*monitor.Model{m}})
			if err != nil {
				r.add(Finding{Kind: "model", File: m.File, Severity: Error, Message: err.Error()})
				continue
			}
			r.Sensitivity = append(r.Sensitivity, e.Sensitivities()...)
		}
	}
}

func (r *CheckReport) rules(paths []string) {
	for _, p := range rules.Check(paths) {
		r.add(Finding{Kind: "rules", File: p.File, Line: p.Line, Column: p.Column, Severity: p.Severity, Message: p.Message, Expected: p.Expected, Fix: p.Fix})
	}
}

func (r *CheckReport) routes(path string) {
	d, err := alerting.New(alerting.Options{RoutesFile: path, DryRun: true})
	if err == nil {
		err = d.Close()
	}
	if err == nil {
		return
	}
	f := Finding{Kind: "routes", File: path, Severity: Error, Message: err.Error()}
	var at *alerting.ConfigError
	if errors.As(err, &at) {
		f.Line, f.Column, f.Message, f.Fix = at.Line, at.Column, at.Problem, at.Fix
	}
	r.add(f)
}

// config loads the Collector's configuration as Run does, and builds the pipelines without starting them.
func (r *CheckReport) config(ctx context.Context, s settled) error {
	files := sourcesOf(s.Config)
	for _, f := range files {
		if f.syntax != nil {
			r.add(*f.syntax)
			return nil // everything else that could be said would follow from this
		}
	}
	private, err := newSockets()
	if err != nil {
		return err
	}
	collector, err := otelcol.NewCollector(s.collector(private, hooks{metrics: new(collectorMetrics)}))
	if err == nil {
		err = collector.DryRun(ctx)
	}
	if err != nil {
		for _, f := range placed(err.Error(), files) {
			r.add(f)
		}
	}
	return private.remove()
}
