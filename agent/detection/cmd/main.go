// Command cmd simulates the sequential detectors, alone and inside the engine, and prints what they promise beside what they do: false pages against
// the budget, and delays against the published ones. It ends with status 1 when a line of the table misses what it
// promises: when its verdict is BROKEN, or undecided after all of its replications. It ends with 2 when it
// was called wrongly. The same seed and the same number of replications give the same table.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/plumbline-ml/plumbline/agent/detection"
	"github.com/plumbline-ml/plumbline/detectors/sequential/simulate"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

type options struct {
	budget time.Duration
	seed   uint64
	scale  float64
	only   string
	output string
	data   string
}

func run(ctx context.Context, args []string, out, errs io.Writer) int {
	var o options
	flags := flag.NewFlagSet("detection", flag.ContinueOnError)
	flags.SetOutput(errs)
	flags.DurationVar(&o.budget, "budget", 5*time.Minute, "stop starting replications after this time")
	flags.Uint64Var(&o.seed, "seed", 1, "seed of the whole table")
	flags.Float64Var(&o.scale, "scale", 1, "how many replications, as a multiple of the usual number")
	flags.StringVar(&o.only, "run", "", "only cases whose group or name contains this")
	flags.StringVar(&o.output, "output", "text", "text or json")
	flags.StringVar(&o.data, "data", sharedData(), "folder of the real logs; without it their cases are left out")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if flags.NArg() > 0 || o.output != "text" && o.output != "json" || !(o.scale > 0) {
		fmt.Fprintln(errs, "want no arguments, -output text or json, and -scale above 0; see -help")
		return 2
	}
	cases := slices.Concat(simulate.All(), detection.Cases(o.data))
	if o.only != "" {
		cases = slices.DeleteFunc(cases, func(c simulate.Case) bool { return !strings.Contains(c.Group+" "+c.Name, o.only) })
	}
	started := time.Now()
	tallies := work(ctx, cases, o, errs)
	lines, verdict := judge(cases, tallies)
	if o.output == "json" {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		if err := e.Encode(map[string]any{"seed": o.seed, "seconds": time.Since(started).Seconds(), "cases": lines}); err != nil {
			fmt.Fprintln(errs, err)
			return 1
		}
	} else {
		show(out, lines)
		fmt.Fprintf(out, "\nseed %d, scale %g, %s of a budget of %s on %d processors\n", o.seed, o.scale, time.Since(started).Round(time.Second), o.budget, runtime.GOMAXPROCS(0))
	}
	if verdict != simulate.Kept {
		return 1
	}
	return 0
}

// sharedData is where the shared test data is: PLUMBLINE_SHARED, or a folder named "shared" beside the repository.
func sharedData() string {
	root := os.Getenv("PLUMBLINE_SHARED")
	if root == "" {
		root = filepath.Join("..", "shared")
	}
	if _, err := os.Stat(filepath.Join(root, "data")); err != nil {
		return ""
	}
	return filepath.Join(root, "data")
}

// task is one replication of one case.
type task struct{ which, replication int }

// work runs the replications until they are done, the time is up or somebody interrupts. All cases advance together,
// so that a short run has something to say about each.
func work(ctx context.Context, cases []simulate.Case, o options, errs io.Writer) []simulate.Tally {
	var tasks []task
	runs := make([]int, len(cases))
	for i, c := range cases {
		runs[i] = max(1, int(float64(c.Runs)*o.scale))
		for r := range runs[i] {
			tasks = append(tasks, task{i, r})
		}
	}
	slices.SortStableFunc(tasks, func(a, b task) int {
		return (a.replication+1)*runs[b.which] - (b.replication+1)*runs[a.which]
	})
	ctx, cancel := context.WithTimeout(ctx, o.budget)
	defer cancel()
	samples := make([]*simulate.Sample, len(tasks))
	var mu sync.Mutex // guards next and done
	next, done := 0, 0
	bar := newBar(errs, len(tasks))
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for ctx.Err() == nil {
				mu.Lock()
				i := next
				next++
				mu.Unlock()
				if i >= len(tasks) {
					return
				}
				c := &cases[tasks[i].which]
				s := c.Run(c.RNG(o.seed, tasks[i].replication))
				mu.Lock()
				samples[i] = &s
				done++
				bar.show(done)
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	bar.clear()
	tallies := make([]simulate.Tally, len(cases))
	for i, s := range samples {
		if s != nil {
			tallies[tasks[i].which].Add(*s)
		}
	}
	return tallies
}

// line is one line of the table, and of the JSON.
type line struct {
	Group    string  `json:"group"`
	Name     string  `json:"name"`
	Runs     int     `json:"runs"`
	Pages    int     `json:"false_pages"`
	Periods  float64 `json:"periods"`
	Upper    float64 `json:"upper_95,omitempty"`
	Allowed  float64 `json:"allowed,omitempty"`
	Delay    int     `json:"median_delay,omitempty"`
	Missed   int     `json:"missed"`
	Unit     string  `json:"unit,omitempty"`
	Want     float64 `json:"published,omitempty"`
	Limit    float64 `json:"limit,omitempty"`
	Silent   bool    `json:"must_be_silent,omitempty"`
	Contrast bool    `json:"contrast,omitempty"`
	Verdict  string  `json:"verdict"`
}

func judge(cases []simulate.Case, tallies []simulate.Tally) ([]line, simulate.Verdict) {
	var lines []line
	worst := simulate.Kept
	for i := range cases {
		c, t := &cases[i], &tallies[i]
		l := line{
			Group: c.Group, Name: c.Name, Runs: t.Runs, Pages: t.Pages, Periods: t.Periods, Allowed: c.Allowed,
			Unit: c.Unit, Want: c.Want, Limit: c.MaxDelay(), Silent: c.Silent, Contrast: c.Contrast,
		}
		v := simulate.Undecided
		if t.Runs > 0 {
			v = c.Judge(t)
		}
		if c.Allowed > 0 && t.Periods > 0 {
			l.Upper = t.Upper()
		}
		if len(t.Delays) > 0 {
			l.Delay, l.Missed = simulate.Median(t.Delays), t.Runs-t.Alarmed()
		}
		if l.Verdict = v.String(); c.Contrast {
			l.Verdict = "contrast"
		}
		if v == simulate.Undecided && t.Runs < c.Runs {
			v = simulate.Kept // too few replications were asked for, or there was no time: nothing is claimed, and nothing missed
		}
		worst = max(worst, v)
		lines = append(lines, l)
	}
	return lines, worst
}

func show(out io.Writer, lines []line) {
	// Lines of one group stand together, where the first of them was.
	first := map[string]int{}
	for i, l := range lines {
		if _, ok := first[l.Group]; !ok {
			first[l.Group] = i
		}
	}
	lines = slices.Clone(lines)
	slices.SortStableFunc(lines, func(a, b line) int { return first[a.Group] - first[b.Group] })
	group := ""
	for _, l := range lines {
		if l.Group != group {
			group = l.Group
			fmt.Fprintf(out, "\n%s\n", group)
			if l.Allowed > 0 {
				fmt.Fprintf(out, "  %-58s %5s %14s %10s %8s\n", "", "runs", "pages/period", "95% upper", "allowed")
			} else {
				fmt.Fprintf(out, "  %-58s %5s %14s %10s %8s\n", "", "runs", "median delay", "published", "limit")
			}
		}
		fmt.Fprintf(out, "  %-58s %5d ", l.Name, l.Runs)
		switch {
		case l.Allowed > 0:
			fmt.Fprintf(out, "%14.2f %10.2f %8.3g  ", float64(l.Pages)/max(l.Periods, 1e-9), l.Upper, l.Allowed)
		case l.Delay >= simulate.Missed:
			fmt.Fprintf(out, "%14s %10s %8s  ", "never", number(l.Want), number(l.Limit))
		default:
			fmt.Fprintf(out, "%14s %10s %8s  ", fmt.Sprintf("%d %s", l.Delay, l.Unit), number(l.Want), number(l.Limit))
		}
		fmt.Fprint(out, l.Verdict)
		if l.Missed > 0 && !l.Silent {
			fmt.Fprintf(out, ", %d missed", l.Missed)
		}
		fmt.Fprintln(out)
	}
}

func number(x float64) string {
	if x == 0 {
		return "-"
	}
	return fmt.Sprintf("%.4g", x)
}

// bar shows progress on a terminal, and nothing elsewhere.
type bar struct {
	out   io.Writer
	total int
	last  time.Time
}

func newBar(out io.Writer, total int) *bar {
	if f, ok := out.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
		return &bar{}
	}
	return &bar{out: out, total: total}
}

func (b *bar) show(done int) {
	if b.out == nil || time.Since(b.last) < 100*time.Millisecond {
		return
	}
	b.last = time.Now()
	const width = 40
	full := width * done / b.total
	fmt.Fprintf(b.out, "\r[%s%s] %d of %d replications", strings.Repeat("=", full), strings.Repeat(" ", width-full), done, b.total)
}

func (b *bar) clear() {
	if b.out != nil {
		fmt.Fprint(b.out, "\r\x1b[K")
	}
}
