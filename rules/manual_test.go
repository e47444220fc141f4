package rules

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/plumbline-ml/plumbline/internal/testkit"
)

func TestTheExamplesOfTheManualWork(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(testkit.RepoRoot(t), "docs", "rules.md"))
	if err != nil {
		t.Fatal(err)
	}
	var rule, tests, scenario string
	for _, m := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		switch block := m[1]; {
		case strings.Contains(block, "groups:"):
			rule = block
		case strings.Contains(block, "scenarios:"):
			scenario = block
		case strings.Contains(block, "tests:"):
			tests = block
		}
	}
	for _, p := range checkText(t, rule) {
		t.Errorf("the first rule: %s", p)
	}
	r := testText(t, rule, strings.Replace(tests, "[spam.yaml]", "[r.yaml]", 1), TestOptions{})
	if !r.OK() || r.Passed != 1 {
		var b strings.Builder
		_ = r.Render(&b)
		t.Errorf("the test: %s", b.String())
	}
	var f testFile
	d := yaml.NewDecoder(bytes.NewReader([]byte(scenario)))
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil || len(f.Scenarios) != 1 {
		t.Fatalf("the scenario: %v", err)
	}
	if err := f.Scenarios[0].validate(); err != nil {
		t.Errorf("the scenario: %v", err)
	}
}

func TestTheManualListsEveryShippedAlertAndEveryCheck(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(testkit.RepoRoot(t), "docs", "rules.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, runbook := range glob(t, "runbooks/*.md") {
		if name := strings.TrimSuffix(filepath.Base(runbook), ".md"); !strings.Contains(string(page), name) {
			t.Errorf("docs/rules.md does not list %s", name)
		}
	}
	checks := map[string]bool{}
	for _, file := range glob(t, "check*.go") {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`Problem(?:Error|Warning), "([a-z]+)"|Check: "([a-z]+)"|at\([a-z.]+, "([a-z]+)"`).FindAllStringSubmatch(string(src), -1) {
			if !strings.HasSuffix(file, "_test.go") {
				checks[m[1]+m[2]+m[3]] = true
			}
		}
	}
	if len(checks) < 15 {
		t.Fatalf("found only the checks %v", checks)
	}
	for c := range checks {
		if !strings.Contains(string(page), "`"+c+"`") {
			t.Errorf("docs/rules.md does not explain the check %q", c)
		}
	}
}
