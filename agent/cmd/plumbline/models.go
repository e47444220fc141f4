package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/plumbline-ml/plumbline/agent"
)

func init() { register(newModels) }

func newModels() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "models",
		Short: "Write a first model file from a log",
		Args:  cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return unknownCommand(cmd, args[0])
		},
	}
	cmd.AddCommand(newModelsInit())
	return cmd
}

func newModelsInit() *cobra.Command {
	var name, format, out string
	cmd := &cobra.Command{
		Use:   "init LOG...",
		Short: "Look at logs and write a model file for them",
		Long: `Looks at up to 5,000 lines of the files or globs, recognises their format, and writes a model file that says what it took for
the event time, the score, the label, the version and the features. Without --out it prints the file.`,
		Example: "  plumbline models init --out models/spam.yaml '/var/log/app/*.jsonl'",
		Args:    cobra.ArbitraryArgs,
	}
	cmd.Flags().StringVar(&name, "name", "", "of the model; default: from the name of the log")
	cmd.Flags().StringVar(&format, "format", "", "of the lines; default: recognised")
	cmd.Flags().StringVar(&out, "out", "", "file to write; one that is there already is not touched")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usage("name a log or a glob, for example '/var/log/app/*.jsonl'")
		}
		text, err := agent.InitModel(cmd.Context(), args, name, format)
		if err != nil {
			return err
		}
		if out == "" {
			_, err = cmd.OutOrStdout().Write(text)
			return err
		}
		f, err := os.OpenFile(out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, fs.ErrExist) {
			return usage("--out %s: is there already; name another file, or remove it first", out)
		}
		if err != nil {
			return err
		}
		if _, err := f.Write(text); err != nil {
			return errors.Join(err, f.Close())
		}
		if err := f.Close(); err != nil {
			return err
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s written; read it, then: plumbline check --models %s\n", out, out)
		return err
	}
	return cmd
}
