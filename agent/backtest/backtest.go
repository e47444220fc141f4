// Package backtest runs models and rules over logs that were written already, in virtual time and at full speed,
// and says what would have fired and whom it would have woken.
//
// It is the live agent with another clock: the same ingest, the same rule groups, the same routes, driven by
// the event time of the records. Nothing is sent, nothing is written. Memory is that of a live agent, plus one
// entry per alert instance that fired, 100,000 at the most.
package backtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/plumbline-ml/plumbline/exporters/alerting"
	"github.com/plumbline-ml/plumbline/internal/alert"
	"github.com/plumbline-ml/plumbline/internal/catalog"
	"github.com/plumbline-ml/plumbline/internal/ingest"
	"github.com/plumbline-ml/plumbline/internal/monitor"
	"github.com/plumbline-ml/plumbline/rules"
)

const maxAlerts = 100_000

// Options say what to run over what.
type Options struct {
	ModelPaths []string                // folders of model files, or single ones
	Rules      []string                // folders or files of rules; empty means the shipped packs
	Routes     string                  // Alertmanager configuration; empty means one page per model and cause
	Logs       []string                // files or globs: plain, .gz, .zst
	Step       time.Duration           // how often rules are evaluated; 0 means at their interval, or a 24th of the shortest window
	Node       string                  // name of the node in alerts; empty means none
	Progress   func(done, total int64) // bytes; nil means nobody looks
	Logger     *slog.Logger            // nil means silence
}

// Result is what happened. Its JSON form is a contract with scripts; all times are event time.
type Result struct {
	Lines   uint64    `json:"lines"`
	Records uint64    `json:"records"`
	Errors  uint64    `json:"errors"` // lines that could not be read as a record
	Ignored uint64    `json:"ignored"`
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	Step    string    `json:"step"` // how often rules were evaluated
	Alerts  []Alert   `json:"alerts"`
	Pages   int       `json:"pages"` // notifications for critical alerts that the routes would have sent, one per opened incident
	Notes   []Page    `json:"notifications"`
}

// Alert is one alert instance from start to end.
type Alert struct {
	Name        string            `json:"alertname"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"starts_at"`
	EndsAt      *time.Time        `json:"ends_at"` // null while it still fires at the end of the log
	key         string
}

// Page is one notification that would have been sent when an incident opened.
type Page struct {
	At       time.Time         `json:"at"`
	Receiver string            `json:"receiver"`
	Group    map[string]string `json:"group"`
	Severity string            `json:"severity"`
	Summary  string            `json:"summary"`
	Alerts   int               `json:"alerts"`
}

// Run replays the logs.
func Run(ctx context.Context, opts Options) (*Result, error) {
	files, err := expand(opts.Logs)
	if err != nil {
		return nil, err
	}
	models, err := load(opts.ModelPaths)
	if err != nil {
		return nil, err
	}
	engine, err := newRules(opts)
	if err != nil {
		return nil, err
	}
	defer engine.Close()
	pages, err := alerting.New(alerting.Options{RoutesFile: opts.Routes, Node: opts.Node, DryRun: true, Logger: opts.Logger, Default: nobody{}})
	if err != nil {
		return nil, err
	}
	defer pages.Close()

	if opts.Step <= 0 {
		opts.Step = step(models, engine.Interval())
	}
	run := &run{rules: engine, pages: pages, open: map[string]int{}, result: &Result{Step: opts.Step.String(), Alerts: []Alert{}, Notes: []Page{}}}
	stats, err := ingest.Replay(ctx, ingest.ReplayOptions{
		Models: models, Files: files, Step: opts.Step, Progress: opts.Progress, Logger: opts.Logger,
		Publish: func(b catalog.Batch) error { return run.publish(ctx, b) },
	})
	if err != nil {
		return nil, err
	}
	r := run.result
	r.Lines, r.Records, r.Errors, r.Ignored, r.From, r.To = stats.Lines, stats.Records, stats.ErrorsTotal(), stats.Ignored, stats.From, stats.Until
	if r.Records == 0 {
		return r, errors.New("no record was read: does the format of a model fit these logs, and do its globs match their names?")
	}
	return r, nil
}

// load reads the model files of every path.
func load(paths []string) ([]*monitor.Model, error) {
	var models []*monitor.Model
	for _, path := range paths {
		if isDir(path) {
			found, err := monitor.LoadModels(path)
			if err != nil {
				return nil, err
			}
			models = append(models, found...)
			continue
		}
		m, err := monitor.LoadModel(path)
		if err != nil {
			return nil, err
		}
		models = append(models, m)
	}
	if len(models) == 0 {
		return nil, fmt.Errorf("%s: no model file (*.yaml) there", strings.Join(paths, ", "))
	}
	return models, nil
}

// step chooses how often rules are evaluated when nobody says: at their own interval, but no more than 24 times in the
// shortest window of any model, because nothing that a window says changes faster than its slots.
func step(models []*monitor.Model, interval time.Duration) time.Duration {
	shortest := time.Duration(0)
	for _, m := range models {
		for _, w := range m.Windows {
			if shortest == 0 || w < shortest {
				shortest = w
			}
		}
	}
	return max(interval, shortest/24)
}

func newRules(opts Options) (*rules.Engine, error) {
	o := rules.Options{Packs: len(opts.Rules) == 0, Logger: opts.Logger, Resend: 24 * time.Hour, ResolvedResend: -1} // nobody is told again in a backtest, so texts need not be made again
	if opts.Node != "" {
		o.ExternalLabels = map[string]string{alert.LabelNode: opts.Node}
	}
	for _, path := range opts.Rules {
		if isDir(path) {
			o.Dirs = append(o.Dirs, path)
		} else {
			o.Files = append(o.Files, path)
		}
	}
	return rules.New(o)
}

// run carries the state of one replay.
type run struct {
	rules  *rules.Engine
	pages  *alerting.Dispatcher
	open   map[string]int // alert key → index into result.Alerts while it fires
	result *Result
}

// publish is called with every batch, in order of event time.
func (r *run) publish(ctx context.Context, b catalog.Batch) error {
	if err := r.rules.Append(b); err != nil {
		return err
	}
	alerts, err := r.rules.Eval(ctx, b.Time)
	if err != nil {
		return err
	}
	for _, a := range alerts {
		r.record(a)
	}
	if err := r.pages.Process(b.Time, alerts); err != nil {
		return err
	}
	for _, n := range r.pages.Tick(b.Time) {
		if n.Action != alerting.Trigger {
			continue
		}
		page := Page{At: n.At, Receiver: n.Receiver, Group: n.GroupLabels, Severity: n.Severity(), Summary: n.Summary(), Alerts: len(n.Alerts)}
		r.result.Notes = append(r.result.Notes, page)
		if page.Severity == alert.SeverityCritical {
			r.result.Pages++
		}
	}
	return nil
}

func (r *run) record(a alert.Alert) {
	key := a.Key()
	i, known := r.open[key]
	switch {
	case a.State == alert.Firing && known:
		r.result.Alerts[i].Annotations = a.Annotations
	case a.State == alert.Firing && len(r.result.Alerts) < maxAlerts:
		r.open[key] = len(r.result.Alerts)
		r.result.Alerts = append(r.result.Alerts, Alert{Name: a.Name(), Labels: a.Labels, Annotations: a.Annotations, StartsAt: a.StartsAt, key: key})
	case a.State == alert.Resolved && known:
		ends := a.EndsAt
		r.result.Alerts[i].EndsAt = &ends
		delete(r.open, key)
	}
}

// expand lists the files that the globs match, each once, in order of name.
func expand(globs []string) ([]string, error) {
	var files []string
	for _, g := range globs {
		found, err := filepath.Glob(g)
		if err != nil {
			return nil, fmt.Errorf("--logs %s: %w", g, err)
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("--logs %s matches no file", g)
		}
		files = append(files, found...)
	}
	slices.SortFunc(files, cmp.Compare[string])
	return slices.Compact(files), nil
}

// nobody takes what the built-in routes would send.
type nobody struct{}

func (nobody) Name() string { return "nobody" }

func (nobody) Send(context.Context, alerting.Notification) (alerting.RetryAdvice, error) {
	return alerting.RetryAdvice{}, nil
}
