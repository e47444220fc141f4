package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/plumbline-ml/plumbline/agent"
)

func init() { register(newConfig) }

func newConfig() *cobra.Command {
	return &cobra.Command{
		Use:   "config",
		Short: "Print the built-in Collector configuration, to start one of your own from",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprint(cmd.OutOrStdout(), agent.DefaultConfig())
			return err
		},
	}
}
