package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/plumbline-ml/plumbline/agent"
)

func init() { register(newRules) }

func newRules() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "Check rule files, and run their unit tests",
		Args:  cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return unknownCommand(cmd, args[0])
		},
	}
	cmd.AddCommand(newRulesCheck(), newRulesTest())
	return cmd
}

func newRulesCheck() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check PATH...",
		Short: "Look for mistakes in rule files, and say what to write instead",
		Long: `Reads Prometheus rule files (or folders of them) and names every mistake with file, line and column. Errors keep a file from
being loaded and end with code 1; warnings do not, unless --strict is given.`,
		Example: "  plumbline rules check rules/",
		Args:    cobra.ArbitraryArgs,
	}
	strict := cmd.Flags().Bool("strict", false, "let warnings end with code 1, too")
	form := output(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		asJSON, err := form()
		if err != nil {
			return err
		}
		if len(args) == 0 {
			return usage("name a rule file or a folder of them")
		}
		problems, failed := agent.CheckRules(args)
		switch {
		case asJSON && problems == nil:
			err = printJSON(cmd, []agent.RuleProblem{})
		case asJSON:
			err = printJSON(cmd, problems)
		case len(problems) == 0:
			fmt.Fprintln(cmd.OutOrStdout(), "no problem found")
		default:
			err = agent.RenderRuleProblems(cmd.OutOrStdout(), problems)
		}
		if err == nil && (failed || *strict && len(problems) > 0) {
			return errFound
		}
		return err
	}
	return cmd
}

func newRulesTest() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "test PATH...",
		Short:   "Run unit tests of rules, in promtool's format",
		Long:    `Runs test files (or folders of them) as promtool does: the same files pass and fail in both.`,
		Example: "  plumbline rules test rules/tests/\n  plumbline rules test --run 'stale' rules/tests/staleness.yaml",
		Args:    cobra.ArbitraryArgs,
	}
	run := cmd.Flags().String("run", "", "run only the tests whose name matches this regular expression")
	form := output(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		asJSON, err := form()
		if err != nil {
			return err
		}
		if len(args) == 0 {
			return usage("name a test file or a folder of them")
		}
		report, err := agent.TestRules(cmd.Context(), args, *run)
		if err != nil {
			return err
		}
		if asJSON {
			err = printJSON(cmd, report)
		} else {
			err = report.Render(cmd.OutOrStdout())
		}
		if err == nil && !report.OK() {
			return errFound
		}
		return err
	}
	return cmd
}
