package agent

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

func check(t *testing.T, opts Options) (*CheckReport, string) {
	t.Helper()
	opts.State = t.TempDir()
	r, err := Check(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, f := range r.Findings {
		lines = append(lines, f.String())
	}
	return r, strings.Join(lines, "\n")
}

func TestGoodFilesHaveNoFindings(t *testing.T) {
	p := newPlace(t)
	routes := filepath.Join(t.TempDir(), "routes.yaml")
	write(t, routes, "route: {receiver: a}\nreceivers: [{name: a, webhook_configs: [{url: 'http://127.0.0.1:1/'}]}]\n")
	write(t, filepath.Join(p.rules, "own.yaml"), "groups: [{name: own, rules: [{record: own:one, expr: vector(1)}]}]\n")
	r, text := check(t, Options{Models: []string{p.models}, Rules: []string{p.rules}, Routes: routes})
	if !r.OK() || r.Models != 1 {
		t.Errorf("ok %v, %d models:\n%s", r.OK(), r.Models, text)
	}
}

func TestEveryKindOfMistakeIsNamedWithItsPlace(t *testing.T) {
	p := newPlace(t)
	dir := t.TempDir()
	config, routes := filepath.Join(dir, "plumbline.yaml"), filepath.Join(dir, "routes.yaml")
	write(t, config, `receivers:
  inference_log:
    interval: 1ms
    start_at: middle
exporters:
  debug:
service:
  pipelines:
    metrics: {receivers: [inference_log, absent], exporters: [debug]}
`)
	write(t, routes, "route:\n  receiver: a\n  colour: blue\nreceivers: [{name: a}]\n")
	write(t, filepath.Join(p.models, "bad.yaml"), "model: x\nlogz: {}\n")
	write(t, filepath.Join(p.rules, "bad.yaml"), "groups:\n  - name: g\n    rules:\n      - alert: A\n        expr: sum(\n")
	r, text := check(t, Options{Config: []string{config}, Models: []string{p.models}, Rules: []string{p.rules}, Routes: routes})
	if r.OK() {
		t.Error("mistakes were found and the report is ok")
	}
	for _, want := range []string{
		config + `:3:5: error: "interval" must be at least 100ms`,
		config + `:4:5: error: "start_at" must be`,
		config + `:9:5: error: references receiver "absent"`,
		routes + ":3:",
		filepath.Join(p.models, "bad.yaml") + ":2:1: error: logz",
		filepath.Join(p.rules, "bad.yaml") + ":5:",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no finding %q in\n%s", want, text)
		}
	}
}

func TestKeysAndTypesThatTheCollectorDoesNotKnowHaveTheirPlace(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "a.yaml"), filepath.Join(dir, "b.yaml")
	write(t, first, "receivers:\n  inference_log:\n    models: [/tmp]\n    stat_dir: /x\nexporters:\n  debug:\n    verbosity: loud\n")
	write(t, second, "service:\n  pipelines:\n    metrics: {receivers: [inference_log], exporters: [debug]}\n")
	_, text := check(t, Options{Config: []string{first, second}})
	for _, want := range []string{first + ":4:5: error: unknown key stat_dir", first + ":7:5: error: verbosity"} {
		if !strings.Contains(text, want) {
			t.Errorf("no finding %q in\n%s", want, text)
		}
	}
	write(t, first, "receivers:\n  inference_logs:\n")
	_, text = check(t, Options{Config: []string{first, second}})
	if want := first + ":2:3: error: there is no receiver of type inference_logs"; !strings.Contains(text, want) {
		t.Errorf("no finding %q in\n%s", want, text)
	}
	write(t, second, "service:\n  pipelines: [\n")
	_, text = check(t, Options{Config: []string{first, second}})
	if !strings.HasPrefix(text, second+":") || strings.Contains(text, first) {
		t.Errorf("a file that is no YAML gave\n%s", text)
	}
}

func TestAReferenceFileThatIsMissingIsAnError(t *testing.T) {
	p := newPlace(t)
	write(t, filepath.Join(p.models, "spam.yaml"), "model: x\nlogs: {include: [a], format: json}\npredictions: {score: {path: s}}\nreference: {file: nowhere.json}\nfalse_pages: 1 per 30d\n")
	r, text := check(t, Options{Models: []string{p.models}})
	if r.OK() || !strings.Contains(text, "nowhere.json") {
		t.Errorf("got\n%s", text)
	}
}

func TestNothingToCheckIsAUsageError(t *testing.T) {
	if exists(etcModels) || exists(etcRules) || exists(etcRoutes) {
		t.Skip("this machine has files in /etc/plumbline")
	}
	if _, err := Check(t.Context(), Options{State: t.TempDir()}); !errors.Is(err, ErrUsage) {
		t.Errorf("got %v", err)
	}
	if _, err := Check(t.Context(), Options{Config: []string{"/nowhere.yaml"}}); !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), "--config /nowhere.yaml: does not exist") {
		t.Errorf("got %v", err)
	}
}
