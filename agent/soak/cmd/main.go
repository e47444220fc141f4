// Command cmd soaks a plumbline binary: it runs the agent under seeded chaos and checks that every line is counted exactly
// once. It prints its seed first and a table at the end, and ends with status 1 when an oracle fails and 2 when it
// was called wrongly or could not run.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/plumbline-ml/plumbline/agent/soak"
	"github.com/plumbline-ml/plumbline/agent/terminal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends what the first did not
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, out, errs io.Writer) int {
	var opts soak.Options
	flags := flag.NewFlagSet("soak", flag.ContinueOnError)
	flags.SetOutput(errs)
	binary := flags.String("binary", "bin/plumbline", "the agent to soak; make build makes it")
	flags.Uint64Var(&opts.Seed, "seed", 0, "seed of the chaos; 0 takes one from the clock")
	flags.DurationVar(&opts.Duration, "duration", 10*time.Minute, "how long the chaos goes on")
	flags.IntVar(&opts.Rate, "rate", 3000, "lines a second over all logs")
	flags.StringVar(&opts.Dir, "dir", "", "where the temporary folder is made (default the system's place)")
	flags.BoolVar(&opts.Keep, "keep", false, "leave the folder with logs, state and the agent's output behind")
	flags.StringVar(&opts.LogLevel, "agent-log-level", "", "what the agent says: debug tells what becomes of every file; read it with -keep in agent.log (default warn)")
	logs := flags.String("logs", "", "only these logs, with commas between: rename, kubelet, copytruncate, race")
	verbose := flags.Bool("v", false, "say every event")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if flags.NArg() > 0 || opts.Duration <= 0 || opts.Rate < 100 {
		fmt.Fprintln(errs, "want no arguments, -duration above 0 and -rate of at least 100; see -help")
		return 2
	}
	if *logs != "" {
		opts.Logs = strings.Split(*logs, ",")
	}
	path, err := filepath.Abs(*binary)
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		fmt.Fprintf(errs, "-binary: %v; make build makes it\n", err)
		return 2
	}
	opts.Command = func(p soak.Place) *exec.Cmd { return exec.Command(path, p.Args()...) }
	if opts.Seed == 0 {
		opts.Seed = uint64(time.Now().UnixNano()) % 1_000_000
	}
	if *verbose {
		opts.Logger = slog.New(slog.NewTextHandler(errs, nil))
	}
	fmt.Fprintf(out, "seed %d: %s of chaos at %d lines/s; the same seed does the same things in the same order\n", opts.Seed, opts.Duration, opts.Rate)
	opts.Tick = progress(out, opts.Duration)
	report, err := soak.Run(ctx, opts)
	if terminal.Is(out) {
		fmt.Fprint(out, "\r\x1b[K")
	}
	if err != nil {
		fmt.Fprintln(errs, err)
		return 2
	}
	fmt.Fprintln(out)
	if err := report.Print(out); err != nil {
		fmt.Fprintln(errs, err)
		return 2
	}
	if !report.Passed() {
		return 1
	}
	return 0
}

// progress rewrites one line of a terminal, and says something once a minute to everything else.
func progress(out io.Writer, duration time.Duration) func(time.Duration, string) {
	said := time.Duration(0)
	return func(elapsed time.Duration, line string) {
		line = fmt.Sprintf("%s of %s: %s", elapsed.Round(time.Second), duration, line)
		if terminal.Is(out) {
			fmt.Fprintf(out, "\r\x1b[K%s", line)
		} else if elapsed-said >= time.Minute {
			said = elapsed
			fmt.Fprintln(out, line)
		}
	}
}
