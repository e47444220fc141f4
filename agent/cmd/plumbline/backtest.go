package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/plumbline-ml/plumbline/agent/backtest"
	"github.com/plumbline-ml/plumbline/agent/terminal"
)

func init() { register(newBacktest) }

func newBacktest() *cobra.Command {
	var opts backtest.Options
	cmd := &cobra.Command{
		Use:   "backtest --models DIR --logs GLOB",
		Short: "Say what rules would have done over logs that were written already",
		Long: `Runs models, rules and routes over logs in virtual time and at full speed: plain, .gz or .zst, any format that the
agent tails. The times are those in the records. Nothing is sent. A page is a notification that the routes would have sent for
a critical alert; without --routes, one per group of model and cause.`,
		Example: `  plumbline backtest --models models/ --logs '/var/log/app/inference*.gz'
  plumbline backtest --models models/ --rules rules/ --routes routes.yaml --logs app.jsonl --output json`,
		Args: noArgs,
	}
	cmd.Flags().StringSliceVar(&opts.ModelPaths, "models", nil, "folder of model files, or a single one")
	cmd.Flags().StringSliceVar(&opts.Rules, "rules", nil, "folder of rule files, or a single one; default: the shipped packs")
	cmd.Flags().StringVar(&opts.Routes, "routes", "", "Alertmanager configuration")
	cmd.Flags().StringSliceVar(&opts.Logs, "logs", nil, "files or globs")
	cmd.Flags().DurationVar(&opts.Step, "step", 0, "how often rules are evaluated; default: their own interval, or a 24th of the shortest window if that is longer")
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
		for _, p := range append(opts.ModelPaths, opts.Rules...) {
			if _, err := os.Stat(p); err != nil {
				return usage("%s: does not exist or may not be read", p)
			}
		}
		var bar *terminal.Progress
		opts.Progress = func(done, total int64) {
			if bar == nil {
				bar = terminal.NewProgress(cmd.ErrOrStderr(), total, "replaying")
			}
			bar.Set(done)
		}
		began := time.Now()
		r, err := backtest.Run(cmd.Context(), opts)
		bar.Done()
		if err != nil {
			return err
		}
		if asJSON {
			return printJSON(cmd, r)
		}
		out := cmd.OutOrStdout()
		fmt.Fprint(out, r.Head(time.Since(began)))
		style := terminal.StyleFor(out)
		if header, rows := r.PagesTable(); len(rows) > 0 {
			fmt.Fprintln(out)
			if err := terminal.Table(out, style, header, rows); err != nil {
				return err
			}
		}
		if header, rows := r.AlertsTable(); len(rows) > 0 {
			fmt.Fprintln(out)
			return terminal.Table(out, style, header, rows)
		}
		return nil
	}
	return cmd
}
