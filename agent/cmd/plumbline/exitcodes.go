package main

import "github.com/spf13/cobra"

func init() { register(newExitCodes) }

func newExitCodes() *cobra.Command {
	return &cobra.Command{
		Use:   "exit-codes",
		Short: "What the exit codes mean",
		Long: `Every command ends with one of these codes:

  0  It did what it was asked to. For "run": it was told to stop and stopped cleanly.
  1  It failed while working, or found what it looks for: "check" and "rules check" found a problem,
     "rules test" has a failing test, "demo" did not see its story happen. What and where is printed.
  2  The command line was wrong: an unknown command or flag, a value that cannot be, a file that a flag
     names and that is not there. Nothing was started.

A second Ctrl-C ends the process at once with the system's own code (130 in most shells).`,
	}
}
