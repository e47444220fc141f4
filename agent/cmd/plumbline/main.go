// Command plumbline is the agent: it reads flags, owns the signals and the exit code, and prints for people or, with
// --output json, for programs. Everything else is in package agent.
//
// Each command is one file here, which registers itself; it holds no logic beyond flags and printing.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	// The first signal asks the command to end; from then on signals have their own effect again, so that a second
	// Ctrl-C ends what does not end by itself.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run executes one command line and gives the exit code.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	cmd, err := root.ExecuteContextC(ctx)
	return report(cmd, err, errOut)
}
