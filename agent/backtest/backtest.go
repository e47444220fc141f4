// Package backtest runs models and rules over logs that were written already, in virtual time and at full speed,
// and says what would have fired and whom it would have woken.
//
// It is the live agent with another clock: the same ingest, the same rule groups, the same routes, driven by
// the event time of the records. Nothing is sent, nothing is written. Memory is that of a live agent, plus one
// entry per alert instance that fired and one per notification, 100,000 each at the most and for each of the two
// rules folders of a comparison, plus for a report 512 lines of 1,024 points.
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

	"github.com/plumbline-ml/plumbline/internal/catalog"
	"github.com/plumbline-ml/plumbline/internal/ingest"
	"github.com/plumbline-ml/plumbline/internal/monitor"
)

// Bounds on what is kept per rules folder; what lies beyond is counted.
const (
	maxAlerts = 100_000
	maxPages  = 100_000
)

// Options say what to run over what.
type Options struct {
	ModelPaths []string                // folders of model files, or single ones
	Rules      []string                // folders or files of rules; empty means the shipped packs
	Packs      bool                    // the shipped packs besides Rules, as for a live run
	Diff       []string                // folders or files of other rules to compare with; empty means no comparison
	Routes     string                  // Alertmanager configuration; empty means one page per model and cause
	Logs       []string                // files or globs: plain, .gz, .zst
	Step       time.Duration           // how often rules are evaluated; 0 means at their interval, or a 20th of the shortest window
	Node       string                  // name of the node in alerts; empty means none
	Incidents  []Span                  // when something is known to have been wrong; empty means that nobody knows
	Report     bool                    // keep what WriteHTML draws
	Progress   func(done, total int64) // bytes; nil means nobody looks
	Logger     *slog.Logger            // nil means silence
}

// Result is what happened. Its JSON form is a contract with scripts; all times are event time.
type Result struct {
	Lines     uint64    `json:"lines"`
	Records   uint64    `json:"records"`
	Errors    uint64    `json:"errors"` // lines that could not be read as a record
	Ignored   uint64    `json:"ignored"`
	From      time.Time `json:"from"`
	To        time.Time `json:"to"`
	Step      string    `json:"step"` // how often rules were evaluated
	Verdict             // of the rules; its fields stand beside the others
	Incidents []Span    `json:"incidents"`
	Baselines []Score   `json:"baselines"`      // rules that never and that always fire
	Diff      *Diff     `json:"diff,omitempty"` // only when other rules were given

	timeline *timeline
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
	here, err := newJudge(opts, opts.Rules)
	if err != nil {
		return nil, err
	}
	defer here.close()
	judges, interval := []*judge{here}, here.rules.Interval()
	if len(opts.Diff) > 0 {
		there, err := newJudge(opts, opts.Diff)
		if err != nil {
			return nil, err
		}
		defer there.close()
		judges, interval = append(judges, there), min(interval, there.rules.Interval())
	}
	if opts.Step <= 0 {
		opts.Step = step(models, interval)
	}
	for _, j := range judges {
		j.rules.Stride(opts.Step)
	}
	r := &Result{Step: opts.Step.String(), Incidents: append([]Span{}, opts.Incidents...)}
	if opts.Report {
		r.timeline = newTimeline(models, opts.Step)
	}
	stats, err := ingest.Replay(ctx, ingest.ReplayOptions{
		Models: models, Files: files, Step: opts.Step, Progress: opts.Progress, Logger: opts.Logger, Metrics: wanted(judges, opts.Report),
		Publish: func(b catalog.Batch) error {
			r.timeline.take(b)
			for _, j := range judges {
				if err := j.publish(ctx, b); err != nil {
					return err
				}
			}
			return nil
		},
	})
	if err != nil {
		return nil, err
	}
	r.Lines, r.Records, r.Errors, r.Ignored, r.From, r.To = stats.Lines, stats.Records, stats.ErrorsTotal(), stats.Ignored, stats.From, stats.Until
	log := Span{From: r.From, To: r.To}
	r.Verdict = here.verdict(log, opts.Incidents)
	r.Baselines = baselines(log, opts.Incidents)
	if len(judges) > 1 {
		r.Diff = newDiff(opts.Diff, r.Verdict, judges[1].verdict(log, opts.Incidents), log.To)
	}
	if r.Records == 0 {
		return r, errors.New("no record was read: does the format of a model fit these logs, and do its globs match their names?")
	}
	return r, nil
}

// wanted lists the metrics that any rule or the report reads, so that the replay computes no others.
func wanted(judges []*judge, report bool) []*catalog.Metric {
	list := []*catalog.Metric{}
	for _, m := range catalog.All() {
		reads := func(j *judge) bool { return j.rules.Reads(m.Name) }
		if slices.ContainsFunc(judges, reads) || report && slices.Contains(drawn, m) {
			list = append(list, m)
		}
	}
	return list
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

// step chooses how often rules are evaluated when nobody says: at their own interval, but no more than 20 times in the
// shortest window of any model, because hardly anything that a window says changes faster. With the windows that models have when
// they say nothing, that is every half minute, so that every bucket of evidence is looked at as soon as it closes.
func step(models []*monitor.Model, interval time.Duration) time.Duration {
	shortest := time.Duration(0)
	for _, m := range models {
		for _, w := range m.Windows {
			if shortest == 0 || w < shortest {
				shortest = w
			}
		}
	}
	return max(interval, shortest/20)
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
