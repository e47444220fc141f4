package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/plumbline-ml/plumbline/agent"
	"github.com/plumbline-ml/plumbline/agent/reference"
)

func init() { register(newCheck) }

func newCheck() *cobra.Command {
	var opts agent.Options
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check configuration, models, rules and routes without starting anything",
		Long: `Reads every file that "run" would read with the same flags, and names each mistake with file, line and column. Ends with
code 1 when one of them would keep the agent from starting, or a changed file from being loaded.`,
		Example: `  plumbline check --models models/ --rules rules/ --routes routes.yaml
  plumbline check --config plumbline.yaml --output json`,
		Args: noArgs,
	}
	fileFlags(cmd, &opts)
	form := output(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		asJSON, err := form()
		if err != nil {
			return err
		}
		report, err := agent.Check(cmd.Context(), opts)
		if err != nil {
			return err
		}
		if asJSON {
			if err := printJSON(cmd, report); err != nil {
				return err
			}
		} else {
			for _, f := range report.Findings {
				fmt.Fprintln(cmd.OutOrStdout(), f)
			}
			for _, line := range reference.SensitivityLines(report.Sensitivity) {
				fmt.Fprintln(cmd.OutOrStdout(), line)
			}
			if report.OK() {
				fmt.Fprintf(cmd.OutOrStdout(), "ok: %s\n", checked(report))
			}
		}
		if !report.OK() {
			return errFound
		}
		return nil
	}
	return cmd
}

// checked says what was looked at.
func checked(r *agent.CheckReport) string {
	text := fmt.Sprintf("%d models", r.Models)
	if r.Models == 1 {
		text = "1 model"
	}
	if len(r.Rules) > 0 {
		text += ", the rules"
	}
	if r.Routes != "" {
		text += ", the routes"
	}
	if len(r.Configs) > 0 {
		text += ", the configuration"
	}
	return text
}
