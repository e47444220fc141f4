package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plumbline-ml/plumbline/agent"
	"github.com/plumbline-ml/plumbline/agent/backtest"
	"github.com/plumbline-ml/plumbline/agent/terminal"
)

func init() { register(newBacktest) }

func newBacktest() *cobra.Command {
	var opts backtest.Options
	var incidents []string
	var report string
	cmd := &cobra.Command{
		Use:   "backtest --models DIR --logs GLOB",
		Short: "Say what rules would have done over logs that were written already",
		Long: `Runs models, rules and routes over logs in virtual time and at full speed: plain, .gz or .zst, any format that the
agent tails. The times are those in the records. Nothing is sent. A page is a notification that the routes would have sent for
a critical alert; without --routes, one per group of model and cause. Beside the rules stand two dummies, one that never
and one that always fires: rules that do not beat both know nothing.`,
		Example: `  plumbline backtest --models models/ --logs '/var/log/app/inference*.gz'
  plumbline backtest --models models/ --rules rules/ --routes routes.yaml --logs app.jsonl --output json
  plumbline backtest --models models/ --rules rules/ --diff new-rules/ --logs app.jsonl --incident 2026-11-02/2026-11-04`,
		Args: noArgs,
	}
	cmd.Flags().StringSliceVar(&opts.ModelPaths, "models", nil, "folder of model files, or a single one")
	cmd.Flags().StringSliceVar(&opts.Rules, "rules", nil, "folder of rule files, or a single one, in place of the shipped packs")
	cmd.Flags().BoolVar(&opts.Packs, "packs", false, "evaluate the shipped packs besides --rules")
	cmd.Flags().StringVar(&opts.Routes, "routes", "", "Alertmanager configuration")
	cmd.Flags().StringSliceVar(&opts.Logs, "logs", nil, "files or globs")
	cmd.Flags().DurationVar(&opts.Step, "step", 0, "how often rules are evaluated; default: their own interval, or a 20th of the shortest window if that is longer")
	cmd.Flags().StringSliceVar(&opts.Diff, "diff", nil, "folder of other rule files, or a single one: say what only one of the two does")
	cmd.Flags().StringSliceVar(&incidents, "incident", nil, "FROM/TO when something is known to have been wrong; may be repeated")
	cmd.Flags().StringVar(&report, "html", "", "file to write a report to: one page with pictures, without anything from elsewhere")
	form := output(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		asJSON, err := form()
		if err != nil {
			return err
		}
		switch {
		case len(opts.ModelPaths) == 0:
			return usage("--models is missing: name a folder of model files")
		case len(opts.Logs) == 0:
			return usage("--logs is missing: name a file or a glob")
		case opts.Step < 0:
			return usage("--step %s: want a positive duration such as 1m", opts.Step)
		}
		if opts.Incidents, err = parseSpans(incidents); err != nil {
			return err
		}
		for _, p := range slices.Concat(opts.ModelPaths, opts.Rules, opts.Diff) {
			if _, err := os.Stat(p); err != nil {
				return usage("%s: does not exist or may not be read", p)
			}
		}
		opts.Report = report != ""
		var bar *terminal.Progress
		opts.Progress = func(done, total int64) {
			if bar == nil {
				bar = terminal.NewProgress(cmd.ErrOrStderr(), total, "replaying")
			}
			bar.Set(done)
		}
		agent.TuneBatch()
		began := time.Now()
		r, err := backtest.Run(cmd.Context(), opts)
		bar.Done()
		if err != nil {
			return err
		}
		if report != "" {
			if err := writeReport(report, r); err != nil {
				return err
			}
		}
		if asJSON {
			return printJSON(cmd, r)
		}
		return printBacktest(cmd.OutOrStdout(), r, time.Since(began))
	}
	return cmd
}

// printBacktest shows a result to a person.
func printBacktest(out io.Writer, r *backtest.Result, took time.Duration) error {
	fmt.Fprint(out, r.Head(took))
	if r.Diff != nil {
		fmt.Fprintln(out, r.Diff.Sentence())
	}
	style := terminal.StyleFor(out)
	table := func(header []string, rows [][]string) error {
		if len(rows) == 0 {
			return nil
		}
		fmt.Fprintln(out)
		return terminal.Table(out, style, header, rows)
	}
	for _, t := range []func() ([]string, [][]string){r.CausesTable, r.PagesTable, r.AlertsTable, r.ScoresTable} {
		if err := table(t()); err != nil {
			return err
		}
	}
	fmt.Fprintln(out, style.Dim(r.ScoresNote()))
	if r.Diff != nil {
		for _, s := range r.Diff.Sections() {
			fmt.Fprintf(out, "\n%s\n", style.Bold(s.Title))
			if err := terminal.Table(out, style, s.Header, s.Rows); err != nil {
				return err
			}
		}
	}
	return nil
}

func writeReport(path string, r *backtest.Result) error {
	f, err := os.Create(path)
	if err != nil {
		return usage("--html: %v", err)
	}
	return errors.Join(r.WriteHTML(f), f.Close())
}

// parseSpans reads FROM/TO, each a date or an RFC 3339 time.
func parseSpans(texts []string) ([]backtest.Span, error) {
	var spans []backtest.Span
	for _, text := range texts {
		from, to, _ := strings.Cut(text, "/")
		a, errA := parseMoment(from)
		b, errB := parseMoment(to)
		if errA != nil || errB != nil || !a.Before(b) {
			return nil, usage("--incident %s: want two times with a slash between, the earlier first, such as 2026-11-02/2026-11-04 or 2026-11-02T08:00:00Z/2026-11-02T09:30:00Z", text)
		}
		spans = append(spans, backtest.Span{From: a, To: b})
	}
	return spans, nil
}

func parseMoment(text string) (time.Time, error) {
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return t, nil
	}
	return time.Parse(time.RFC3339, text)
}
