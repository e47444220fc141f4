package rules

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/plumbline-ml/plumbline/internal/alert"
)

func glob(t testing.TB, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files match %s: %v", pattern, err)
	}
	return files
}

func TestPacksPassTheirTests(t *testing.T) {
	r := Test(context.Background(), glob(t, "packs/tests/*.yaml"), TestOptions{})
	if !r.OK() {
		var b strings.Builder
		_ = r.Render(&b)
		t.Error(b.String())
	}
}

// TestPacksPassTheSameTestsUnderPromtool runs where a real promtool is on PATH or named by PLUMBLINE_PROMTOOL. It was seen to pass with promtool
// 2.42.0 (Debian 12) and 0.313.2.
func TestPacksPassTheSameTestsUnderPromtool(t *testing.T) {
	promtool := os.Getenv("PLUMBLINE_PROMTOOL")
	if promtool == "" {
		var err error
		if promtool, err = exec.LookPath("promtool"); err != nil {
			t.Skip("no promtool on PATH; PLUMBLINE_PROMTOOL may name one")
		}
	}
	for _, args := range [][]string{append([]string{"check", "rules"}, glob(t, "packs/*.yaml")...), append([]string{"test", "rules"}, glob(t, "packs/tests/*.yaml")...)} {
		if out, err := exec.Command(promtool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args[:2], " "), err, out)
		}
	}
}

// eachAlert calls f for every alerting rule of the shipped packs.
func eachAlert(t *testing.T, f func(file, group string, r rulefmt.Rule)) {
	t.Helper()
	files, err := packFiles()
	if err != nil {
		t.Fatal(err)
	}
	for i := range files {
		if err := files[i].parse(parser.NewParser(parser.Options{})); err != nil {
			t.Fatal(err)
		}
		for _, g := range files[i].groups.Groups {
			for _, r := range g.Rules {
				if r.Alert != "" {
					f(files[i].name, g.Name, r)
				}
			}
		}
	}
}

func TestEveryShippedAlertHasSeverityCauseTextsAndARunbook(t *testing.T) {
	causes := " agent schema missing stale frozen version mix drift volume quality replica segment performance abuse "
	severities := map[string]bool{alert.SeverityCritical: true, alert.SeverityWarning: true, alert.SeverityInfo: true}
	seen := map[string]bool{}
	eachAlert(t, func(file, _ string, r rulefmt.Rule) {
		seen[r.Alert] = true
		if !severities[r.Labels[alert.LabelSeverity]] {
			t.Errorf("%s: %s: severity %q", file, r.Alert, r.Labels[alert.LabelSeverity])
		}
		if c := r.Labels[alert.LabelCause]; !strings.Contains(causes, " "+c+" ") && r.Alert != "ModelAlarm" && r.Alert != "LearningAlarm" {
			t.Errorf("%s: %s: cause %q is not in the closed set", file, r.Alert, c)
		}
		for _, a := range []string{"summary", "description", "dashboard_url"} {
			if r.Annotations[a] == "" {
				t.Errorf("%s: %s has no %s", file, r.Alert, a)
			}
		}
		if want := "https://github.com/plumbline-ml/plumbline/blob/main/rules/runbooks/" + r.Alert + ".md"; r.Annotations["runbook_url"] != want {
			t.Errorf("%s: %s: runbook_url is %q, want %q", file, r.Alert, r.Annotations["runbook_url"], want)
		}
		page, err := os.ReadFile(filepath.Join("runbooks", r.Alert+".md"))
		if err != nil {
			t.Errorf("%s: %s has no runbook: %v", file, r.Alert, err)
			return
		}
		if !strings.Contains(string(page), "Severity `"+r.Labels[alert.LabelSeverity]+"`") {
			t.Errorf("runbook of %s names another severity than the rule", r.Alert)
		}
		for _, part := range []string{"## Meaning", "## Likely causes", "## What to look at first", "## How to silence"} {
			if !strings.Contains(string(page), part) {
				t.Errorf("runbook of %s has no part %q", r.Alert, part)
			}
		}
	})
	for _, page := range glob(t, "runbooks/*.md") {
		if name := strings.TrimSuffix(filepath.Base(page), ".md"); !seen[name] {
			t.Errorf("runbook %s belongs to no alert", name)
		}
	}
}

func TestEveryShippedAlertIsTestedFiringAndSilent(t *testing.T) {
	fires, silent := map[string]bool{}, map[string]bool{}
	for _, path := range glob(t, "packs/tests/*.yaml") {
		f, err := readTestFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range f.Tests {
			for _, a := range c.AlertTests {
				if len(a.ExpAlerts) > 0 {
					fires[a.Alertname] = true
				} else {
					silent[a.Alertname] = true
				}
			}
		}
	}
	eachAlert(t, func(file, _ string, r rulefmt.Rule) {
		if !fires[r.Alert] {
			t.Errorf("%s: no test in which %s fires", file, r.Alert)
		}
		if !silent[r.Alert] && r.Alert != "Watchdog" {
			t.Errorf("%s: no test in which %s is silent", file, r.Alert)
		}
	})
}

func TestNoShippedRuleNamesAWindow(t *testing.T) {
	eachAlert(t, func(file, _ string, r rulefmt.Rule) {
		expr, err := parser.NewParser(parser.Options{}).ParseExpr(r.Expr)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range selectorsOf(expr, 0) {
			for _, m := range s.matchers {
				if m.Name == "window" {
					t.Errorf("%s: %s names window %s; windows differ from model to model", file, r.Alert, m.Value)
				}
			}
		}
		if r.For > model.Duration(72*60*60*1e9) {
			t.Errorf("%s: %s waits %s", file, r.Alert, r.For)
		}
	})
}
