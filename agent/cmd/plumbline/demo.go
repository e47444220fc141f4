package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/plumbline-ml/plumbline/agent/demo"
)

func init() { register(newDemo) }

func newDemo() *cobra.Command {
	var opts demo.Options
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show a model that drifts and a feature that goes stale: both paged once, both resolved",
		Long: `Starts a simulated spam classifier, the agent beside it with short windows, and a stand-in for PagerDuty that
checks every event against the published contract. Everything else is real. It takes under three minutes, listens on
loopback only, leaves nothing behind, and ends with code 0 only if everything happened that should and nothing else.`,
		Args: noArgs,
	}
	cmd.Flags().StringVar(&opts.Listen, "listen", "", "HOST:PORT of /metrics while the demo runs; default is a free port on loopback")
	cmd.Flags().BoolVar(&opts.Keep, "keep", false, "leave the temporary folder behind")
	cmd.Flags().Uint64Var(&opts.Seed, "seed", 1, "of the simulated mail")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		opts.Out = cmd.OutOrStdout()
		err := demo.Run(cmd.Context(), opts)
		if errors.Is(err, context.Canceled) {
			fmt.Fprintln(cmd.OutOrStdout(), "\nstopped; everything was cleaned up")
			return errFound
		}
		return err
	}
	return cmd
}
