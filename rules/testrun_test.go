package rules

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// testText runs one test file given as text, with a rule file beside it.
func testText(t *testing.T, rules, tests string, opts TestOptions) Report {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"r.yaml": rules, "t.yaml": tests} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Test(context.Background(), []string{filepath.Join(dir, "t.yaml")}, opts)
}

const promtoolTest = `
rule_files: [r.yaml]
evaluation_interval: 1m
tests:
  - name: fires
    interval: 1m
    start_timestamp: 2026-11-23T03:00:00Z
    input_series:
      - {series: 'x{model="a"}', values: '0 5 5 _ stale 5x3'}
    alert_rule_test:
      - {eval_time: 1m, alertname: Bad}
      - eval_time: 2m30s
        alertname: Bad
        exp_alerts:
          - exp_labels: {severity: critical, model: a}
            exp_annotations: {summary: a is at 5 on %s}
      - {eval_time: 4m, alertname: Bad}
    promql_expr_test:
      - expr: max by (model) (x) + 1
        eval_time: 1m
        exp_samples: [{labels: '{model="a"}', value: 6}]
    external_labels: {node: n1}
`

func TestPromtoolTestsPassAndFailAsTheySay(t *testing.T) {
	good := testText(t, simple, strings.Replace(promtoolTest, "%s", "n1", 1), TestOptions{})
	if !good.OK() || good.Passed != 1 {
		t.Errorf("%+v", good)
	}
	bad := testText(t, simple, strings.NewReplacer("%s", "n2", "value: 6", "value: 7").Replace(promtoolTest), TestOptions{})
	var b strings.Builder
	if err := bad.Render(&b); err != nil {
		t.Fatal(err)
	}
	want := `FAIL t.yaml: fires
     Bad at 2m30s: want 1 firing, got 1
         {alertname="Bad", model="a", severity="critical"}
       -   summary: a is at 5 on n2
       +   summary: a is at 5 on n1
     max by (model) (x) + 1 at 1m: the result differs
       - {model="a"} 7
       + {model="a"} 6
0 passed, 1 failed
`
	if got := strings.ReplaceAll(b.String(), filepath.Dir(bad.Files[0].File)+"/", ""); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if _, err := json.Marshal(bad); err != nil {
		t.Error(err)
	}
	if r := testText(t, simple, strings.Replace(promtoolTest, "%s", "n2", 1), TestOptions{Run: regexp.MustCompile("^other$")}); r.Passed+r.Failed != 0 {
		t.Errorf("a test that was not asked for ran: %+v", r)
	}
}

func TestFilesThatCannotBeTestedSayWhy(t *testing.T) {
	for name, c := range map[string]struct{ rules, tests, want string }{
		"unknown key":       {simple, "rule_files: [r.yaml]\ntest: []\n", "field test not found"},
		"a rule file":       {simple, simple, "field groups not found"},
		"no tests":          {simple, "rule_files: [r.yaml]\n", "no tests in the file"},
		"missing rule file": {simple, "rule_files: [none.yaml]\ntests: [{}]\n", "no rule file matches"},
		"bad rule file":     {"groups: 5", "rule_files: [r.yaml]\ntests: [{}]\n", "r.yaml:1:9: groups is not a list"},
		"group named twice": {simple, "rule_files: [r.yaml]\ngroup_eval_order: [g, g]\ntests: [{}]\n", "named twice"},
	} {
		t.Run(name, func(t *testing.T) {
			r := testText(t, c.rules, c.tests, TestOptions{})
			if r.OK() || !strings.Contains(r.Files[0].Error, c.want) {
				t.Errorf("got %+v, want %q", r, c.want)
			}
		})
	}
	r := testText(t, simple, "rule_files: [r.yaml]\ntests: [{input_series: [{series: 'x{', values: '1'}]}]\n", TestOptions{})
	if r.OK() || !strings.Contains(r.Files[0].Tests[0].Failures[0].Message, "input_series x{") {
		t.Errorf("got %+v", r)
	}
}

// playing is a stand-in for a model: its share of spam doubles for a while.
type playing struct{}

func (playing) Play(_ context.Context, modelFile string, s Scenario, start time.Time, publish func(catalog.Batch) error) error {
	if _, err := os.Stat(modelFile); err != nil {
		return err
	}
	for at := time.Duration(0); at <= time.Duration(s.Lasts); at += time.Minute {
		b := catalog.Batch{Time: start.Add(at)}
		v := 0.0
		for _, f := range s.Faults {
			if at > time.Duration(f.From)+5*time.Minute && at < time.Duration(f.To) {
				v = 1
			}
		}
		b.Add(catalog.Alarm, v, "m", "label", "drift", "")
		if err := publish(b); err != nil {
			return err
		}
	}
	return nil
}

func TestScenariosPlayAModelAndSayWhichAlertsFireWhen(t *testing.T) {
	const rules = "groups:\n  - name: g\n    rules:\n      - alert: ModelDrift\n        expr: plumbline_alarm == 1\n        labels: {severity: critical}\n"
	for name, c := range map[string]struct{ scenario, want string }{
		"passes":        {"{alert: ModelDrift, labels: {model: m}, after: 30m, within: 40m, resolved: 65m}", ""},
		"too late":      {"{alert: ModelDrift, within: 31m}", "fired too late"},
		"too early":     {"{alert: ModelDrift, after: 50m}", "fired too early"},
		"never":         {"{alert: Other}", "did not fire"},
		"not resolved":  {"{alert: ModelDrift, resolved: 50m}", "not resolved by 50m"},
		"other labels":  {"{alert: ModelDrift, labels: {model: n}}", "did not fire"},
		"fires once":    {"{alert: ModelDrift}, {alert: ModelDrift}", "did not fire"},
		"nothing wrong": {"", "nobody expected it"},
	} {
		t.Run(name, func(t *testing.T) {
			r := testText(t, rules, "rule_files: [r.yaml]\nscenarios:\n  - {name: rate doubles, model: r.yaml, lasts: 2h, faults: [{kind: rate, factor: 2, class: spam, from: 30m, to: 1h}], expect: ["+c.scenario+"]}\n", TestOptions{Fixtures: playing{}})
			if c.want == "" {
				if !r.OK() {
					t.Errorf("%+v", r)
				}
				return
			}
			if r.OK() || !strings.Contains(r.Files[0].Tests[0].Failures[0].Message, c.want) {
				t.Errorf("got %+v, want %q", r, c.want)
			}
		})
	}
	r := testText(t, rules, "rule_files: [r.yaml]\nscenarios: [{model: r.yaml, lasts: 1h, faults: [{kind: frozn}]}]\n", TestOptions{Fixtures: playing{}})
	if r.OK() || !strings.Contains(r.Files[0].Tests[0].Failures[0].Message, "write frozen") {
		t.Errorf("%+v", r)
	}
}
