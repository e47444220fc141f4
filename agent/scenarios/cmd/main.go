// Command cmd plays the table of scenarios and prints it: what went wrong, who was paged, when, and what the page said. It ends
// with status 1 when a row is not as expected, and 2 when it was called wrongly. The same seed gives the same table.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"github.com/plumbline-ml/plumbline/agent/scenarios"
	"github.com/plumbline-ml/plumbline/agent/terminal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, out, errs io.Writer) int {
	flags := flag.NewFlagSet("scenarios", flag.ContinueOnError)
	flags.SetOutput(errs)
	seed := flags.Uint64("seed", scenarios.DefaultSeed, "seed of the whole table; the list of known misses is that of the default")
	short := flags.Bool("short", false, "each fault once and its twin on top of day and night, as in CI")
	only := flags.String("run", "", "only rows whose name contains this")
	pages := flags.Bool("pages", false, "print the whole text of each page below the table")
	output := flags.String("output", "text", "text or json")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if flags.NArg() > 0 || *output != "text" && *output != "json" {
		fmt.Fprintln(errs, "want no arguments, and -output text or json; see -help")
		return 2
	}
	rows := scenarios.Rows()
	if *short {
		rows = scenarios.ShortRows()
	}
	rows = slices.DeleteFunc(rows, func(r scenarios.Row) bool { return !strings.Contains(r.Key(), *only) })
	if len(rows) == 0 {
		fmt.Fprintf(errs, "-run %s: no row has this in its name\n", *only)
		return 2
	}
	began := time.Now()
	progress := terminal.NewProgress(errs, int64(len(rows)), "scenarios")
	outcomes, err := scenarios.Play(ctx, rows, *seed, func(n int) { progress.Set(int64(n)) })
	progress.Done()
	if err != nil {
		fmt.Fprintln(errs, "Error:", err)
		return 1
	}
	if *output == "json" {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		if err := enc.Encode(outcomes); err != nil {
			fmt.Fprintln(errs, "Error:", err)
			return 1
		}
	} else {
		if err := scenarios.Render(out, outcomes, *pages); err != nil {
			fmt.Fprintln(errs, "Error:", err)
			return 1
		}
		fmt.Fprintf(errs, "%d scenarios of %s in %s, seed %d\n", len(rows), scenarios.Lasts, time.Since(began).Round(100*time.Millisecond), *seed)
	}
	if slices.ContainsFunc(outcomes, func(o scenarios.Outcome) bool { return !o.OK() }) {
		return 1
	}
	return 0
}
