package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/plumbline-ml/plumbline/agent/detection"
	"github.com/plumbline-ml/plumbline/detectors/sequential/simulate"
	"github.com/plumbline-ml/plumbline/internal/testkit"
)

func call(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(context.Background(), args, &o, &e)
	return code, o.String(), e.String()
}

func TestASmallTableIsPrinted(t *testing.T) {
	code, out, errs := call(t, "-run", "to 0.2", "-scale", ".1", "-seed", "3")
	if code != 0 || errs != "" {
		t.Fatalf("status %d: %s", code, errs)
	}
	for _, want := range []string{"rate .05, event by event, change", "to 0.2 ", "published", "48", "seed 3"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in the table:\n%s", want, out)
		}
	}
}

func TestTheSameSeedGivesTheSameNumbers(t *testing.T) {
	numbers := func() any {
		code, out, _ := call(t, "-run", "event by event, change", "-scale", ".05", "-output", "json")
		var v struct{ Cases any }
		if err := json.Unmarshal([]byte(out), &v); err != nil || code != 0 {
			t.Fatalf("status %d: %v", code, err)
		}
		again, err := json.Marshal(v.Cases)
		if err != nil {
			t.Fatal(err)
		}
		return string(again)
	}
	if a, b := numbers(), numbers(); a != b {
		t.Errorf("%v\nand then\n%v", a, b)
	}
}

func TestWithoutTimeNothingIsClaimed(t *testing.T) {
	code, out, errs := call(t, "-run", "known mean", "-budget", "1ns")
	if code != 3 || !strings.Contains(out, "undecided") || !strings.Contains(errs, "not complete") {
		t.Errorf("status %d:\n%s%s", code, out, errs)
	}
}

func TestARunCanBeShownAgainAndWrittenIntoAPage(t *testing.T) {
	dir := t.TempDir()
	run, page := filepath.Join(dir, "run.json"), filepath.Join(dir, "page.md")
	_, out, _ := call(t, "-run", "to 0.2", "-scale", ".1", "-output", "json")
	if err := os.WriteFile(run, []byte(out), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := call(t, "-from", run, "-docs", page); code != 1 || errs == "" {
		t.Errorf("a page that is not there: status %d, %q", code, errs)
	}
	for _, text := range []string{"no marks", docsBegin + " only one"} {
		if err := os.WriteFile(page, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, _, errs := call(t, "-from", run, "-docs", page); code != 1 || !strings.Contains(errs, docsEnd) {
			t.Errorf("%q: status %d, %q", text, code, errs)
		}
	}
	if err := os.WriteFile(page, []byte("before\n"+docsBegin+"\nold\n"+docsEnd+"\nafter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time must change nothing
		if code, out, errs := call(t, "-from", run, "-docs", page); code != 0 || errs != "" || !strings.Contains(out, "to 0.2 ") {
			t.Fatalf("status %d: %q", code, errs)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"before\n" + docsBegin, docsEnd + "\nafter\n", "**" + simulate.EventsChange + "**", "\n| to 0.2", " | 48 | "} {
		if !strings.Contains(string(got), want) {
			t.Errorf("the page has no %q:\n%s", want, got)
		}
	}
	if strings.Contains(string(got), "old") {
		t.Error("the old tables are still there")
	}
}

// The page shows a run of the cases that there are: one that was renamed, added or taken away asks for another run.
func TestThePageHasEveryCase(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(testkit.RepoRoot(t), "docs", "evidence.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), docsBegin)
	tables, _, ok := strings.Cut(rest, docsEnd)
	if !ok {
		t.Fatal(errMarks)
	}
	names := map[string]int{}
	for _, l := range strings.Split(tables, "\n") {
		if cells := strings.Split(l, " | "); len(cells) > 4 && strings.HasPrefix(l, "| ") {
			names[strings.TrimPrefix(strings.TrimPrefix(cells[0], "| "), "*for contrast:* ")]++
		}
	}
	for _, c := range slices.Concat(simulate.All(), detection.Cases("")) {
		if strings.HasPrefix(c.Group, classicsGroup) {
			continue
		}
		if names[c.Name]--; names[c.Name] < 0 || !strings.Contains(tables, "\n**"+c.Group+"**\n") {
			t.Errorf("%s: %s: is not in the tables; run `make detection DOCS=docs/evidence.md`", c.Group, c.Name)
		}
	}
	if strings.Contains(tables, "(**") {
		t.Error("a line of the tables misses its promise")
	}
}

func TestWrongCallsAreRefused(t *testing.T) {
	for _, args := range [][]string{{"-nonsense"}, {"extra"}, {"-output", "xml"}, {"-scale", "0"}} {
		if code, out, errs := call(t, args...); code != 2 || out != "" || errs == "" {
			t.Errorf("%v: status %d, %q, %q", args, code, out, errs)
		}
	}
}
