package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/plumbline-ml/plumbline/agent"
)

// commands is filled by the init functions of the files of this folder, and by nothing else. A new command is one
// new file that calls register from its init.
var commands []func() *cobra.Command

func register(command func() *cobra.Command) { commands = append(commands, command) }

// Exit codes. They are a contract: "plumbline help exit-codes" says the same.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// errFound ends a command that worked and found something wrong: the findings are printed already.
var errFound = errors.New("problems were found")

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "plumbline",
		Short: "Watches machine-learning models in production and pages when they lean",
		Long: `Plumbline reads the inference logs that model servers write, notices when predictions, features or
their freshness lean away from what they should be, and pages a person only when that matters.

Start with:  plumbline demo                        a model drifts, is paged, and recovers
             plumbline run --logs 'app/*.jsonl'    watch a log without writing any file`,
		SilenceErrors: true, // report prints them
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return unknownCommand(cmd, args[0])
		},
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetFlagErrorFunc(unknownFlag)
	for _, command := range commands {
		root.AddCommand(command())
	}
	return root
}

// usageError is what a user can correct on the command line.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func usage(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// report prints an error and gives the exit code.
func report(cmd *cobra.Command, err error, out io.Writer) int {
	var mine *usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errFound):
		return exitFailed
	case errors.As(err, &mine) || errors.Is(err, agent.ErrUsage):
		fmt.Fprintf(out, "plumbline: %v\n", err)
		fmt.Fprintf(out, "See: %s --help\n", cmd.CommandPath())
		return exitUsage
	}
	fmt.Fprintf(out, "plumbline: %v\n", err)
	return exitFailed
}

func unknownCommand(cmd *cobra.Command, name string) error {
	var names []string
	for _, c := range cmd.Commands() {
		if !c.Hidden && c.Runnable() {
			names = append(names, c.Name())
		}
	}
	if near := nearest(name, names); near != "" {
		return usage("unknown command %q; did you mean %q?", name, near)
	}
	return usage("unknown command %q; there are %s", name, strings.Join(names, ", "))
}

// unknownFlag turns what pflag says into a usage error with a suggestion.
func unknownFlag(cmd *cobra.Command, err error) error {
	text := err.Error()
	if name, ok := strings.CutPrefix(text, "unknown flag: --"); ok {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if near := nearest(name, names); near != "" {
			text += "; did you mean --" + near + "?"
		}
	}
	return usage("%s", text)
}

// noArgs refuses arguments that a command does not take.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("%s takes no arguments, got %q; flags start with --", cmd.CommandPath(), args[0])
	}
	return nil
}

// output adds --output to a command and gives the chosen form.
func output(cmd *cobra.Command) func() (asJSON bool, err error) {
	form := cmd.Flags().StringP("output", "o", "table", "form of the output: table or json")
	return func() (bool, error) {
		if *form != "table" && *form != "json" {
			return false, usage("--output %s: want table or json", *form)
		}
		return *form == "json", nil
	}
}

func printJSON(cmd *cobra.Command, v any) error {
	enc := json.NewEncoder(cmd.OutOrStdout())
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// nearest is the name that differs from word by the fewest typing slips, if these are few; a prefix counts as near.
func nearest(word string, names []string) string {
	best, found := 3, ""
	for _, n := range names {
		d := slips(word, n)
		if len(word) > 2 && strings.HasPrefix(n, word) {
			d = min(d, 1)
		}
		if d < best {
			best, found = d, n
		}
	}
	return found
}

// slips counts insertions, deletions and replacements between two words.
func slips(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := slices.Clone(row)
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(before[j+1]+1, row[j]+1, before[j]+cost)
		}
	}
	return row[len(b)]
}
