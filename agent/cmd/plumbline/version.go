package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/plumbline-ml/plumbline/agent"
)

func init() { register(newVersion) }

func newVersion() *cobra.Command {
	cmd := &cobra.Command{Use: "version", Short: "Print the version", Args: noArgs}
	form := output(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		asJSON, err := form()
		if err != nil {
			return err
		}
		if asJSON {
			return printJSON(cmd, map[string]string{
				"version": agent.Version(), "collector": agent.CollectorVersion(), "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH,
			})
		}
		fmt.Fprintf(cmd.OutOrStdout(), "plumbline %s (OpenTelemetry Collector %s, %s, %s/%s)\n",
			agent.Version(), agent.CollectorVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
		return nil
	}
	return cmd
}
