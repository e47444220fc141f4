package rules

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// checkText checks one rule file given as text.
func checkText(t testing.TB, text string) []Problem {
	t.Helper()
	path := filepath.Join(t.TempDir(), "r.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Check([]string{path})
}

// oneAlert is a rule file with one good alert around an expression.
func oneAlert(expr string) string {
	return "groups:\n  - name: g\n    rules:\n      - alert: A\n        expr: " + expr + "\n" +
		"        labels: {severity: warning}\n        annotations: {summary: s, runbook_url: https://example.org}\n"
}

func TestShippedPacksHaveNoProblems(t *testing.T) {
	for _, p := range Check([]string{"packs"}) {
		t.Error(p)
	}
}

func TestProblemsPointAtThePlaceAndSayWhatToWrite(t *testing.T) {
	for _, c := range []struct {
		name, text   string
		line, column int
		severity     string
		check        string
		message, fix string
	}{
		{"syntax of PromQL", oneAlert("rate(plumbline_tail_lines_total[5m]) >> 1"), 5, 53, "error", "promql", "unexpected", ""},
		{"unknown function", oneAlert("raet(plumbline_tail_lines_total[5m]) > 1"), 5, 15, "error", "promql", `unknown function with name "raet"`, "write rate"},
		{"a range is missing", oneAlert("rate(plumbline_tail_lines_total) > 1"), 5, 20, "error", "promql", "expected type range vector", "range in brackets"},
		{"in a block", oneAlert("|\n          plumbline_alarm\n            == 1 and\n            rat(plumbline_alarm[5m]) > 0"), 8, 13, "error", "promql", "unknown function", "write rate"},
		{"in quotes", oneAlert(`"plumbline_alarm{model=\"a\"} == 1 and foo(x)"`), 5, 54, "error", "promql", "unknown function", ""},
		{"unknown key of a rule", "groups:\n  - name: g\n    rules:\n      - alert: A\n        expression: x > 1\n", 5, 9, "error", "yaml", `no key "expression"`, ""},
		{"misspelt key", strings.Replace(oneAlert("plumbline_alarm == 1"), "annotations", "anotations", 1), 7, 9, "error", "yaml", `no key "anotations"`, "write annotations"},
		{"duration without a unit", strings.Replace(oneAlert("plumbline_alarm == 1"), "        labels", "        for: 5\n        labels", 1), 6, 14, "error", "yaml", `"5" is not a duration`, "5m"},
		{"a test file", "rule_files: [x.yaml]\ntests: []\n", 1, 1, "error", "yaml", "unit tests", "plumbline rules test"},
		{"tab", "groups:\n\t- name: g\n", 2, 2, "error", "yaml", "", "indent with spaces"},
		{"key twice", strings.Replace(oneAlert("plumbline_alarm == 1"), "        labels", "        expr: x\n        labels", 1), 6, 9, "error", "yaml", "twice", "remove"},
		{"template", strings.Replace(oneAlert("plumbline_alarm == 1"), "summary: s", `summary: "{{ $labels.model }"`, 1), 7, 33, "error", "template", "unexpected", ""},
		{"unknown metric", oneAlert("plumbline_alarms == 1"), 5, 15, "warning", "metric", "no metric plumbline_alarms", "write plumbline_alarm"},
		{"a histogram without suffix", oneAlert("plumbline_feature_value > 1"), 5, 15, "warning", "metric", "is a histogram", "_bucket"},
		{"unknown label", oneAlert(`plumbline_alarm{modle="a"} == 1`), 5, 31, "warning", "label", "no label modle", "write model"},
		{"label lost by aggregation", strings.Replace(oneAlert("max by (model) (plumbline_alarm) == 1"), "summary: s", `summary: "{{ $labels.feature }} moved"`, 1), 7, 44, "warning", "label", "no label feature", ""},
		{"a share above one", oneAlert("max by (model, feature) (plumbline_missing_share) > 5"), 5, 15, "warning", "never", "never holds", ""},
		{"a share below zero", oneAlert("plumbline_unseen_share < 0"), 5, 15, "warning", "never", "never holds", ""},
		{"a counter at least zero", oneAlert("rate(plumbline_parse_errors_total[5m]) >= 0"), 5, 15, "warning", "always", "always holds", ""},
		{"no comparison", oneAlert("plumbline_alarm"), 5, 15, "warning", "always", "no comparison", "> 0"},
		{"always true", oneAlert("vector(1)"), 5, 15, "warning", "always", "whatever happens", "info"},
		{"sides that never match", oneAlert("plumbline_missing_share > plumbline_reference_missing_share"), 5, 39, "warning", "never", "never match", "on (model, feature, role) group_left ()"},
		{"rate of a gauge", oneAlert("rate(plumbline_tail_lag_bytes[5m]) > 0"), 5, 15, "warning", "function", "is a gauge", "deriv"},
		{"delta of a counter", oneAlert("delta(plumbline_tail_lines_total[5m]) > 0"), 5, 15, "warning", "function", "is a counter", "rate"},
		{"too long a look back", oneAlert("increase(plumbline_tail_lines_total[7d]) > 0"), 5, 24, "warning", "range", "looks back 168h", ""},
		{"no name of a metric", oneAlert(`'{job="x"} > 0'`), 5, 16, "warning", "selector", "every series", "name the metric"},
		{"no severity", strings.Replace(oneAlert("plumbline_alarm == 1"), "severity: warning", "team: x", 1), 4, 16, "warning", "severity", "no severity", "severity: warning"},
		{"odd severity", strings.Replace(oneAlert("plumbline_alarm == 1"), "severity: warning", "severity: critcal", 1), 6, 28, "warning", "severity", "critcal", "write critical"},
		{"no summary", strings.Replace(oneAlert("plumbline_alarm == 1"), "summary: s, ", "", 1), 4, 16, "warning", "summary", "no headline", ""},
		{"no runbook", strings.Replace(oneAlert("plumbline_alarm == 1"), ", runbook_url: https://example.org", "", 1), 4, 16, "warning", "runbook", "no runbook", ""},
		{"odd cause", strings.Replace(oneAlert("plumbline_alarm == 1"), "severity: warning", "severity: warning, cause: drfit", 1), 6, 44, "warning", "cause", "drfit", "write drift"},
	} {
		t.Run(c.name, func(t *testing.T) {
			problems := checkText(t, c.text)
			if len(problems) == 0 {
				t.Fatal("nothing found")
			}
			p := problems[0]
			if p.Line != c.line || p.Column != c.column || p.Severity != c.severity || p.Check != c.check {
				t.Errorf("got %d:%d %s [%s], want %d:%d %s [%s]: %s", p.Line, p.Column, p.Severity, p.Check, c.line, c.column, c.severity, c.check, p)
			}
			if !strings.Contains(p.Message+p.Expected, c.message) {
				t.Errorf("message %q, expected %q: want %q in it", p.Message, p.Expected, c.message)
			}
			if !strings.Contains(p.Fix, c.fix) {
				t.Errorf("fix %q, want %q in it", p.Fix, c.fix)
			}
			if p.Text == "" || p.Length < 1 {
				t.Errorf("no text to point into: %+v", p)
			}
		})
	}
}

func TestGoodRulesHaveNoProblems(t *testing.T) {
	for _, expr := range []string{
		`plumbline_alarm == 1`,
		`plumbline_missing_share{instance="a", pod="b"} > 0.5`,
		`plumbline_evidence_ratio > 1`,
		`plumbline_missing_share > on (model, feature, role) group_left () plumbline_reference_missing_share`,
		`absent(plumbline_up)`,
		`histogram_quantile(0.9, sum by (le, model) (rate(plumbline_feature_value_bucket[5m]))) > 3`,
		`vllm:num_requests_waiting > 10`,
		`time() - plumbline_model_last_record_timestamp_seconds > 900`,
		`plumbline_drift_effect < -3`,
		`plumbline_alarm == 1 unless plumbline_alarm > 5`,
	} {
		for _, p := range checkText(t, oneAlert(`'`+expr+`'`)) {
			t.Errorf("%s: %s", expr, p)
		}
	}
}

func TestTheCaretStandsBelowTheOffendingText(t *testing.T) {
	var b strings.Builder
	problems := checkText(t, oneAlert(`plumbline_alarm{modle="a"} == 1`))
	problems[0].File = "rules/r.yaml"
	if err := RenderProblems(&b, problems); err != nil {
		t.Fatal(err)
	}
	want := `rules/r.yaml:5:31: warning: plumbline_alarm has no label modle [label]
    5 |         expr: plumbline_alarm{modle="a"} == 1
      |                               ^^^^^
        expected: one of model, feature, cause, segment
        fix: write model
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestAMissingFileIsAProblemOfItsOwn(t *testing.T) {
	p := Check([]string{filepath.Join(t.TempDir(), "none.yaml")})
	if len(p) != 1 || p[0].Severity != ProblemError || p[0].Line != 0 {
		t.Fatalf("got %v", p)
	}
}

func FuzzCheckNeverPanicsAndPointsIntoTheFile(f *testing.F) {
	f.Add(oneAlert("plumbline_alarm == 1"))
	f.Add(oneAlert("|\n          x >\n          1"))
	f.Add(oneAlert(`"a\"b\n{{"`))
	f.Add("groups: [{name: g, rules: [{alert: A, expr: 'x''y', <<: {for: 1}}]}]")
	f.Add("groups:\n- &a\n  name: g\n  rules: [*a]\n")
	f.Add("groups: [&a {name: g, <<: *a, rules: []}]")
	f.Fuzz(func(t *testing.T, text string) {
		src := newSource("f", []byte(text))
		for _, p := range checkFiles([]ruleFile{{name: "f", data: []byte(text)}}) {
			if p.Line > 0 && (p.Line > len(src.lines)+1 || p.Column < 1 || p.Length < 1) {
				t.Errorf("%+v points outside", p)
			}
		}
	})
}
