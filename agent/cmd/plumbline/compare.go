package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/plumbline-ml/plumbline/agent/compare"
	"github.com/plumbline-ml/plumbline/agent/terminal"
)

func init() { register(newCompare) }

func newCompare() *cobra.Command {
	var opts compare.Options
	cmd := &cobra.Command{
		Use:   "compare --reference FILE --current FILE",
		Short: "Say how two files of inference records differ",
		Long: `Compares two tables column by column: CSV with a header line, JSON lines or Parquet, also gzip or zstd.
Bins are fixed by the reference, missing values are a bin of their own, and every number agrees with scipy.`,
		Example: `  plumbline compare --reference train.csv --current yesterday.csv
  plumbline compare --reference train.parquet --current app.jsonl.gz --model models/spam.yaml --output json`,
		Args: noArgs,
	}
	cmd.Flags().StringVar(&opts.Reference, "reference", "", "file that says what is normal")
	cmd.Flags().StringVar(&opts.Current, "current", "", "file to compare with it")
	cmd.Flags().StringVar(&opts.Model, "model", "", "model file that says which columns matter and what they are")
	form := output(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		asJSON, err := form()
		if err != nil {
			return err
		}
		total := int64(0)
		for _, f := range []struct{ flag, path string }{{"--reference", opts.Reference}, {"--current", opts.Current}} {
			if f.path == "" {
				return usage("%s is missing: name a CSV, JSON lines or Parquet file", f.flag)
			}
			info, err := os.Stat(f.path)
			if err != nil {
				return usage("%s %s: does not exist or may not be read", f.flag, f.path)
			}
			total += info.Size()
		}
		bar := terminal.NewProgress(cmd.ErrOrStderr(), total, "reading")
		opts.Progress = bar.Set
		r, err := compare.Run(cmd.Context(), opts)
		bar.Done()
		if err != nil {
			return err
		}
		if asJSON {
			return r.WriteJSON(cmd.OutOrStdout())
		}
		out := cmd.OutOrStdout()
		header, rows := r.Table()
		if err := terminal.Table(out, terminal.StyleFor(out), header, rows); err != nil {
			return err
		}
		_, err = fmt.Fprint(out, "\n", r.Notes())
		return err
	}
	return cmd
}
