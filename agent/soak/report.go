package soak

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/plumbline-ml/plumbline/agent/terminal"
)

// Report is what came of a soak.
type Report struct {
	Seed           uint64
	Took, CaughtUp time.Duration
	Events         map[string]int // what was done, by kind
	Skipped        []string       // what could not be done on this machine
	Logs           []Log
	GapBytes       int64
	Scrapes        int
	Regressions    int // times that a counter went backwards
	BeganAgain     int // times that a counter of the agent's own work began again with a new process
	Crashes        int // lives that the agent ended by itself
	Calls, Refused int // at the pager, and of them against its contract
	Growth         []Growth
	Problems       []string // empty means that every oracle holds
}

// Passed says whether every oracle holds.
func (r *Report) Passed() bool { return len(r.Problems) == 0 }

// Print writes the report as tables.
func (r *Report) Print(w io.Writer) error {
	style := terminal.StyleFor(w)
	var rows [][]string
	for _, kind := range slices.Sorted(maps.Keys(r.Events)) {
		rows = append(rows, []string{kind, fmt.Sprint(r.Events[kind])})
	}
	if err := terminal.Table(w, style, []string{"what was done", ">how often"}, rows); err != nil {
		return err
	}
	for _, s := range r.Skipped {
		fmt.Fprintf(w, "skipped: %s\n", s)
	}
	fmt.Fprintln(w)
	rows = nil
	for _, l := range r.Logs {
		sums := "match"
		if len(l.Differences) > 0 {
			sums = "DIFFER"
		}
		rows = append(rows, []string{l.Model, fmt.Sprint(l.Written), fmt.Sprint(l.Counted), fmt.Sprint(l.Lost()), fmt.Sprint(l.Doubled()), fmt.Sprint(l.Exposed), sums})
	}
	if err := terminal.Table(w, style, []string{"log", ">written", ">counted", ">lost", ">doubled", ">exposed", "sums"}, rows); err != nil {
		return err
	}
	fmt.Fprintln(w)
	rows = nil
	for _, g := range r.Growth {
		flat := "flat"
		if !g.Judged {
			flat = "too few samples"
		} else if !g.Flat() {
			flat = "GREW"
		}
		rows = append(rows, []string{g.What, fmt.Sprintf("%.1f", g.First), fmt.Sprintf("%.1f", g.Second), fmt.Sprintf("%.1f", g.Allowed), flat})
	}
	if err := terminal.Table(w, style, []string{"held by the agent", ">first half", ">second half", ">allowed", "verdict"}, rows); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%d gap bytes, %d counter regressions in %d scrapes (%d times a counter of the agent's own work began again), %d crashes, %d calls at the pager (%d refused), caught up after %s\n",
		r.GapBytes, r.Regressions, r.Scrapes, r.BeganAgain, r.Crashes, r.Calls, r.Refused, r.CaughtUp.Round(100*time.Millisecond))
	for _, p := range r.Problems {
		fmt.Fprintln(w, style.Red("FAILED: ")+p)
	}
	verdict := style.Green("PASSED")
	if !r.Passed() {
		verdict = style.Red("FAILED")
	}
	_, err := fmt.Fprintf(w, "%s: seed %d, %s\n", verdict, r.Seed, r.Took.Round(time.Second))
	return err
}

// tailOf gives the last lines of what the agent printed.
func tailOf(file string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	return "  " + strings.Join(lines[max(0, len(lines)-12):], "\n  ")
}
