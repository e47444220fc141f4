package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/plumbline-ml/plumbline/agent/reference"
	"github.com/plumbline-ml/plumbline/agent/terminal"
)

func init() { register(newReference) }

func newReference() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "reference",
		Short: "Build a reference (what is normal) from files, show one, or accept what is new",
		Args:  cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return unknownCommand(cmd, args[0])
		},
	}
	cmd.AddCommand(newReferenceBuild(), newReferenceShow(), newReferenceAccept())
	return cmd
}

func newReferenceBuild() *cobra.Command {
	var opts reference.Options
	var out, from, until string
	cmd := &cobra.Command{
		Use:   "build --model FILE --out FILE LOG...",
		Short: "Build a reference from logs, CSV or JSON lines",
		Long: `Reads files in the format that the model file names (plain, .gz or .zst) and writes what is normal as JSON: counts per bin and
per category, never a record. Name the result in the model file: reference: {file: ...}.`,
		Example: `  plumbline reference build --model models/spam.yaml --out references/spam-v12.json train.csv
  plumbline reference build --model models/spam.yaml --from 2026-08-01 --until 2026-09-01 --out august.json 'logs/*.gz'`,
		Args: cobra.ArbitraryArgs,
	}
	cmd.Flags().StringVar(&opts.Model, "model", "", "model file: the format and the fields")
	cmd.Flags().StringVar(&out, "out", "", "file to write; it is replaced only when the new one is complete")
	cmd.Flags().StringVar(&from, "from", "", "event time of the first record that counts: a date or RFC 3339")
	cmd.Flags().StringVar(&until, "until", "", "event time before which records count")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case opts.Model == "":
			return usage("--model is missing: name the model file that says which fields to read")
		case out == "":
			return usage("--out is missing: name the file to write")
		case len(args) == 0:
			return usage("no files given: name the logs to read after the flags")
		}
		var err error
		if opts.From, err = moment("--from", from); err != nil {
			return err
		}
		if opts.Until, err = moment("--until", until); err != nil {
			return err
		}
		opts.Files = args
		var bar *terminal.Progress
		opts.Progress = func(done, total int64) {
			if bar == nil {
				bar = terminal.NewProgress(cmd.ErrOrStderr(), total, "reading")
			}
			bar.Set(done)
		}
		b, err := reference.Build(cmd.Context(), opts)
		bar.Done()
		if err != nil {
			return err
		}
		if err := replaceFile(out, b.JSON); err != nil {
			return err
		}
		span := ""
		if !b.From.IsZero() {
			span = fmt.Sprintf(", %s to %s", b.From.Format(time.RFC3339), b.Until.Format(time.RFC3339))
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s: %d records%s, %d predictions and features", out, b.Records, span, b.Columns)
		if b.Errors > 0 {
			fmt.Fprintf(cmd.OutOrStdout(), "; %d of %d lines could not be read", b.Errors, b.Lines)
		}
		fmt.Fprintln(cmd.OutOrStdout())
		return nil
	}
	return cmd
}

func newReferenceShow() *cobra.Command {
	cmd := &cobra.Command{Use: "show FILE", Short: "Show what is in a reference file", Args: cobra.ArbitraryArgs}
	form := output(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		asJSON, err := form()
		if err != nil {
			return err
		}
		if len(args) != 1 {
			return usage("name one reference file, got %d", len(args))
		}
		ref, err := reference.Read(args[0])
		if err != nil {
			return err
		}
		if asJSON {
			return printJSON(cmd, ref)
		}
		out := cmd.OutOrStdout()
		fmt.Fprintf(out, "reference of model %s: %d records", ref.Model, ref.Records)
		if ref.From != nil {
			fmt.Fprintf(out, ", %s to %s", ref.From.Format(time.RFC3339), ref.Until.Format(time.RFC3339))
		}
		fmt.Fprint(out, "\n\n")
		header, rows := reference.Table(ref)
		if err := terminal.Table(out, terminal.StyleFor(out), header, rows); err != nil {
			return err
		}
		sensitivity, err := reference.Sensitivity(ref, args[0])
		if err != nil || len(sensitivity) == 0 {
			return err
		}
		fmt.Fprintf(out, "\nWhat would page within an hour, at the %.0f records an hour of the reference and with the defaults of a model file:\n\n", sensitivity[0].PerHour)
		header, rows = reference.SensitivityTable(sensitivity)
		return terminal.Table(out, terminal.StyleFor(out), header, rows)
	}
	return cmd
}

// moment reads a date or a time.
func moment(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usage("%s %s: want a date such as 2026-08-01 or a time such as 2026-08-01T12:00:00Z", flag, text)
}

// replaceFile writes a file whole or not at all.
func replaceFile(path string, data []byte) error {
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, data, 0o644); err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		os.Remove(tmp)
		return err
	}
	return nil
}
