// Command cmd simulates the sequential detectors, alone and inside the engine, and prints what they promise beside what they do: false pages against
// the budget, and delays against the published ones. It ends with status 1 when a line of the table misses what it
// promises: when its verdict is BROKEN, or undecided after all of its replications; with 2 when it was called wrongly, and with 3 when
// there was no time for all replications. The same seed and the same number of replications give the same table.
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
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/plumbline-ml/plumbline/agent/detection"
	"github.com/plumbline-ml/plumbline/detectors/sequential/simulate"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	// What lives is a few megabytes an engine, and each replication makes much garbage: collecting it a quarter as often saves a tenth of the time.
	debug.SetGCPercent(400)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

type options struct {
	budget   time.Duration
	seed     uint64
	scale    float64
	only     string
	skip     string
	output   string
	data     string
	docs     string
	from     string
	parallel int
}

// table is a run, as -output json writes it and -from reads it.
type table struct {
	Seed       uint64  `json:"seed"`
	Scale      float64 `json:"scale"`
	Seconds    float64 `json:"seconds"`
	CPUSeconds float64 `json:"cpu_seconds"`
	Cases      []line  `json:"cases"`
}

func run(ctx context.Context, args []string, out, errs io.Writer) int {
	var o options
	flags := flag.NewFlagSet("detection", flag.ContinueOnError)
	flags.SetOutput(errs)
	flags.DurationVar(&o.budget, "budget", time.Hour, "stop starting replications after this time")
	flags.Uint64Var(&o.seed, "seed", 1, "seed of the whole table")
	flags.Float64Var(&o.scale, "scale", 1, "how many replications, as a multiple of the usual number")
	flags.StringVar(&o.only, "run", "", "only cases whose group or name contains this")
	flags.StringVar(&o.skip, "skip", "", "leave out cases whose group or name contains this")
	flags.StringVar(&o.docs, "docs", "", "also write the tables into this page, between the comments that mark their place")
	flags.StringVar(&o.from, "from", "", "run nothing: show what -output json wrote into this file")
	flags.IntVar(&o.parallel, "parallel", 1, "replications at the same time")
	flags.StringVar(&o.output, "output", "text", "text or json")
	flags.StringVar(&o.data, "data", sharedData(), "folder of the real logs; without it their cases are left out")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if flags.NArg() > 0 || o.output != "text" && o.output != "json" || !(o.scale > 0) || o.parallel < 1 {
		fmt.Fprintln(errs, "want no arguments, -output text or json, -scale above 0, and -parallel of 1 or more; see -help")
		return 2
	}
	var t table
	complete, verdict := true, simulate.Kept
	if o.from != "" {
		data, err := os.ReadFile(o.from)
		if err == nil {
			err = json.Unmarshal(data, &t)
		}
		if err != nil {
			fmt.Fprintln(errs, "read a run:", err)
			return 2
		}
		if slices.ContainsFunc(t.Cases, func(l line) bool { return l.Verdict == simulate.Broken.String() }) {
			verdict = simulate.Broken
		}
	} else {
		cases := slices.DeleteFunc(slices.Concat(simulate.All(), detection.Cases(o.data)), func(c simulate.Case) bool {
			id := c.Group + " " + c.Name
			return o.only != "" && !strings.Contains(id, o.only) || o.skip != "" && strings.Contains(id, o.skip)
		})
		started, before := time.Now(), processorTime()
		tallies, done := work(ctx, cases, o, errs)
		complete = done
		t = table{Seed: o.seed, Scale: o.scale, Seconds: time.Since(started).Seconds(), CPUSeconds: (processorTime() - before).Seconds()}
		t.Cases, verdict = judge(cases, tallies)
	}
	if err := write(out, &o, &t); err != nil {
		fmt.Fprintln(errs, err)
		return 1
	}
	switch {
	case verdict == simulate.Broken || verdict == simulate.Undecided && complete:
		return 1
	case !complete:
		fmt.Fprintf(errs, "the table is not complete: %s were too short; see -budget, -parallel and -run\n", o.budget)
		return 3
	}
	return 0
}

// write prints the table as it was asked for.
func write(out io.Writer, o *options, t *table) error {
	if o.docs != "" {
		if err := updateDocs(o.docs, t); err != nil {
			return err
		}
	}
	if o.output == "json" {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(t)
	}
	show(out, t.Cases)
	fmt.Fprintf(out, "\nseed %d, scale %g, %s, %s of processor time, %d at a time\n", t.Seed, t.Scale,
		duration(t.Seconds), duration(t.CPUSeconds), o.parallel)
	return nil
}

func duration(seconds float64) time.Duration {
	return time.Duration(seconds * float64(time.Second)).Round(time.Second)
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
func work(ctx context.Context, cases []simulate.Case, o options, errs io.Writer) (tallies []simulate.Tally, complete bool) {
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
	for range o.parallel {
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
	tallies = make([]simulate.Tally, len(cases))
	for i, s := range samples {
		if s != nil {
			tallies[tasks[i].which].Add(*s)
		}
	}
	return tallies, done == len(tasks)
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
	Ratio    float64 `json:"delay_of_published,omitempty"`
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
			if c.Want > 0 && l.Delay < simulate.Missed {
				l.Ratio = float64(l.Delay) / c.Want
			}
		}
		if l.Verdict = v.String(); c.Contrast {
			l.Verdict = "contrast"
		}
		if v == simulate.Undecided && t.Runs < c.Runs {
			v = simulate.Kept // too few replications were asked for, or there was no time: nothing is claimed
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
	const wide = 70
	for _, l := range lines {
		if l.Group != group {
			group = l.Group
			fmt.Fprintf(out, "\n%s\n", group)
			if l.Allowed > 0 {
				fmt.Fprintf(out, "  %-*s %5s %14s %10s %8s\n", wide, "", "runs", "pages/period", "95% upper", "allowed")
			} else {
				fmt.Fprintf(out, "  %-*s %5s %14s %10s %8s %8s\n", wide, "", "runs", "median delay", "published", "ratio", "limit")
			}
		}
		fmt.Fprintf(out, "  %-*s %5d ", wide, l.Name, l.Runs)
		switch {
		case l.Allowed > 0:
			fmt.Fprintf(out, "%14.2f %10.2f %8.3g  ", float64(l.Pages)/max(l.Periods, 1e-9), l.Upper, l.Allowed)
		case l.Delay >= simulate.Missed:
			fmt.Fprintf(out, "%14s %10s %8s %8s  ", "never", number(l.Want), "-", number(l.Limit))
		default:
			fmt.Fprintf(out, "%14s %10s %8s %8s  ", fmt.Sprintf("%d %s", l.Delay, l.Unit), number(l.Want), ratio(l.Ratio), number(l.Limit))
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

// ratio is a delay as a multiple of the published one.
func ratio(x float64) string {
	if x == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", x)
}

// bar shows progress: on a terminal as a bar, elsewhere a line each half a minute.
type bar struct {
	out      io.Writer
	terminal bool
	total    int
	last     time.Time
}

func newBar(out io.Writer, total int) *bar {
	f, ok := out.(*os.File)
	return &bar{out: out, total: total, last: time.Now(), terminal: ok && term.IsTerminal(int(f.Fd()))}
}

func (b *bar) show(done int) {
	every := 30 * time.Second
	if b.terminal {
		every = 100 * time.Millisecond
	}
	if time.Since(b.last) < every {
		return
	}
	b.last = time.Now()
	if !b.terminal {
		fmt.Fprintf(b.out, "%d of %d replications\n", done, b.total)
		return
	}
	const width = 40
	full := width * done / b.total
	fmt.Fprintf(b.out, "\r[%s%s] %d of %d replications", strings.Repeat("=", full), strings.Repeat(" ", width-full), done, b.total)
}

func (b *bar) clear() {
	if b.terminal {
		fmt.Fprint(b.out, "\r\x1b[K")
	}
}

// processorTime is what this process has used so far.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
