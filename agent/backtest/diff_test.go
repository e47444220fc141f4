package backtest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const countingModel = `
model: m
logs: {include: ["**/*.jsonl"], format: json}
fields: {timestamp: ts}
features:
  - {path: x, kind: number}
reference: {learn: 100 records}
windows: [10m]
lateness: 1s
`

// Records come every second in the first half hour and in the last ten minutes; for twenty minutes there are hardly any.
func gapLog(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	start := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	for i := range 3600 {
		if i >= 1800 && i < 3000 && i%60 != 0 {
			continue
		}
		fmt.Fprintf(&b, `{"ts":%q,"x":%d}`+"\n", start.Add(time.Duration(i)*time.Second).Format(time.RFC3339), i%7)
	}
	path := filepath.Join(t.TempDir(), "m.jsonl")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func ruleFile(t *testing.T, rules ...string) string {
	t.Helper()
	dir := t.TempDir()
	text := "groups:\n- name: g\n  interval: 15s\n  rules:\n" + strings.Join(rules, "")
	if err := os.WriteFile(filepath.Join(dir, "r.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func windowRule(name, severity, condition string) string {
	return fmt.Sprintf(`  - alert: %s
    expr: plumbline_window_records{window="10m"} %s
    labels: {severity: %s, cause: volume}
    annotations: {summary: "%s of {{ $labels.model }}", description: "{{ $value }} records"}
`, name, condition, severity, name)
}

func TestEachPageSaysWhenItBeganAndWhenItWouldHaveResolved(t *testing.T) {
	r, err := Run(context.Background(), Options{
		ModelPaths: []string{modelFile(t, countingModel)}, Logs: []string{gapLog(t)}, Step: 15 * time.Second,
		Rules: []string{ruleFile(t, windowRule("Few", "critical", "< 200"), windowRule("Half", "warning", "< 400"))},
	})
	if err != nil {
		t.Fatal(err)
	}
	var pages []Page
	for _, p := range r.Notes {
		if p.PagedAt != nil {
			pages = append(pages, p)
		}
	}
	// Few fires from the start until the window has 200 records, and again in the gap: 10 minutes with 600, of which
	// more than 400 have left by 8:37 and their pane has closed a minute later.
	if r.Pages != 2 || len(pages) != 2 || len(r.ByCause) != 1 || r.ByCause[0].Cause != "volume" || r.ByCause[0].Pages != 2 {
		t.Fatalf("%d pages, by cause %+v: %+v", r.Pages, r.ByCause, r.Notes)
	}
	second := pages[1]
	if !strings.HasPrefix(second.Summary, "Few of m") || !strings.HasSuffix(second.Description, " records") || second.Key == "" {
		t.Errorf("%+v", second)
	}
	clock := func(h, m int) time.Time { return time.Date(2026, 11, 2, h, m, 0, 0, time.UTC) }
	if second.Since.Before(clock(8, 36)) || second.Since.After(clock(8, 39)) || second.At.Before(second.Since) {
		t.Errorf("began at %s, told at %s", second.Since, second.At)
	}
	if second.ResolvedAt == nil || second.ResolvedAt.Before(clock(8, 53)) || second.ResolvedAt.After(clock(8, 59)) {
		t.Errorf("resolved at %v", second.ResolvedAt)
	}
	out, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var contract struct {
		Lines  uint64 `json:"lines"`
		Pages  *int   `json:"pages"`
		Alerts []struct {
			Name   string     `json:"alertname"`
			Starts time.Time  `json:"starts_at"`
			Ends   *time.Time `json:"ends_at"`
		} `json:"alerts"`
	}
	if err := json.Unmarshal(out, &contract); err != nil {
		t.Fatal(err)
	}
	if contract.Lines != r.Lines || contract.Pages == nil || *contract.Pages != 2 || len(contract.Alerts) != len(r.Alerts) {
		t.Errorf("the contract with scripts does not hold: %s", out)
	}
}

func TestDiffNamesWhatOnlyOneOfTwoRulesFoldersDoes(t *testing.T) {
	opts := Options{ModelPaths: []string{modelFile(t, countingModel)}, Logs: []string{gapLog(t)}, Step: 15 * time.Second}
	opts.Rules = []string{ruleFile(t, windowRule("Few", "critical", "< 200"), windowRule("Mine", "info", ">= 590"))}
	opts.Diff = []string{ruleFile(t, windowRule("Few", "critical", "< 150"), windowRule("Theirs", "critical", ">= 595"))}
	r, err := Run(context.Background(), opts)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range r.Diff.OnlyHere.Alerts {
		if a.Name != "Mine" {
			t.Errorf("only in the rules: %+v", a)
		}
	}
	for _, a := range r.Diff.OnlyThere.Alerts {
		if a.Name != "Theirs" {
			t.Errorf("only in the other rules: %+v", a)
		}
	}
	if len(r.Diff.OnlyHere.Alerts) == 0 || len(r.Diff.OnlyThere.Alerts) == 0 || len(r.Diff.OnlyHere.Notes) != 0 {
		t.Errorf("%+v", r.Diff)
	}
	opts.Diff = opts.Rules
	r, err = Run(context.Background(), opts)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(r.Diff.Sections()); n != 0 || !strings.Contains(r.Diff.Sentence(), "the same alerts and notifications") {
		t.Errorf("the same rules differ in %d ways: %s", n, r.Diff.Sentence())
	}
}
