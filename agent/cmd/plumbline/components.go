package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/plumbline-ml/plumbline/agent"
)

func init() { register(newComponents) }

func newComponents() *cobra.Command {
	cmd := &cobra.Command{Use: "components", Short: "List the Collector components that are compiled in", Args: noArgs}
	form := output(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		asJSON, err := form()
		if err != nil {
			return err
		}
		list, err := agent.Components()
		if err != nil {
			return err
		}
		if asJSON {
			return printJSON(cmd, list)
		}
		w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "KIND\tNAME\tFROM\tSTABILITY")
		for _, c := range list {
			from := "stock"
			if c.Ours {
				from = "plumbline"
			}
			var levels []string
			for _, signal := range slices.Sorted(maps.Keys(c.Stability)) {
				levels = append(levels, signal+": "+strings.ToLower(c.Stability[signal]))
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", c.Kind, c.Name, from, strings.Join(levels, ", "))
		}
		return w.Flush()
	}
	return cmd
}
