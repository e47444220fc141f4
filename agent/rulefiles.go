package agent

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/plumbline-ml/plumbline/agent/scenarios"
	"github.com/plumbline-ml/plumbline/rules"
)

// RuleProblem is one finding of CheckRules.
type RuleProblem = rules.Problem

// RuleReport is the outcome of TestRules.
type RuleReport = rules.Report

// CheckRules looks for mistakes in rule files and folders of them. failed says whether one of them keeps the rules
// from being loaded.
func CheckRules(paths []string) (problems []RuleProblem, failed bool) {
	problems = rules.Check(paths)
	return problems, rules.HasErrors(problems)
}

// RenderRuleProblems writes problems for people.
func RenderRuleProblems(w io.Writer, problems []RuleProblem) error {
	return rules.RenderProblems(w, problems)
}

// TestRules runs unit tests of rules: test files, or folders of them. run, if not empty, is a regular expression that
// chooses tests by name.
func TestRules(ctx context.Context, paths []string, run string) (RuleReport, error) {
	opts := rules.TestOptions{Fixtures: scenarios.Fixtures{}}
	if run != "" {
		re, err := regexp.Compile(run)
		if err != nil {
			return RuleReport{}, usage("--run %s: %v", run, err)
		}
		opts.Run = re
	}
	var files []string
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return RuleReport{}, usage("%s: %s", path, reason(err))
		}
		if !info.IsDir() {
			files = append(files, path)
			continue
		}
		before := len(files)
		for _, pattern := range []string{"*.yaml", "*.yml"} {
			found, err := filepath.Glob(filepath.Join(path, pattern))
			if err != nil {
				return RuleReport{}, fmt.Errorf("%s: %w", path, err)
			}
			files = append(files, found...)
		}
		if len(files) == before {
			return RuleReport{}, usage("%s: no test file (*.yaml) in this folder", path)
		}
	}
	slices.Sort(files)
	return rules.Test(ctx, slices.Compact(files), opts), nil
}
