package rules

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"
)

// testFile is promtool's unit-test format for rules, plus one key of ours: scenarios. A file that uses it is not for promtool.
type testFile struct {
	RuleFiles          []string       `yaml:"rule_files"`
	EvaluationInterval model.Duration `yaml:"evaluation_interval"`
	GroupEvalOrder     []string       `yaml:"group_eval_order"`
	FuzzyCompare       bool           `yaml:"fuzzy_compare"`
	Tests              []testCase     `yaml:"tests"`
	Scenarios          []Scenario     `yaml:"scenarios"`
}

// testCase is one item below tests.
type testCase struct {
	Name           string            `yaml:"name"`
	Interval       model.Duration    `yaml:"interval"`
	InputSeries    []inputSeries     `yaml:"input_series"`
	AlertTests     []alertTest       `yaml:"alert_rule_test"`
	ExprTests      []exprTest        `yaml:"promql_expr_test"`
	ExternalLabels map[string]string `yaml:"external_labels"`
	ExternalURL    string            `yaml:"external_url"`
	StartTimestamp startTime         `yaml:"start_timestamp"`
}

type inputSeries struct {
	Series string `yaml:"series"`
	Values string `yaml:"values"`
}

type alertTest struct {
	EvalTime  model.Duration  `yaml:"eval_time"`
	Alertname string          `yaml:"alertname"`
	ExpAlerts []expectedAlert `yaml:"exp_alerts"`
}

type expectedAlert struct {
	Labels      map[string]string `yaml:"exp_labels"`
	Annotations map[string]string `yaml:"exp_annotations"`
}

type exprTest struct {
	Expr       string           `yaml:"expr"`
	EvalTime   model.Duration   `yaml:"eval_time"`
	ExpSamples []expectedSample `yaml:"exp_samples"`
}

type expectedSample struct {
	Labels    string  `yaml:"labels"`
	Value     float64 `yaml:"value"`
	Histogram string  `yaml:"histogram"`
}

// startTime reads a time in RFC 3339 or as Unix seconds.
type startTime struct{ time.Time }

// UnmarshalYAML implements yaml.Unmarshaler.
func (t *startTime) UnmarshalYAML(n *yaml.Node) error {
	if f, err := strconv.ParseFloat(n.Value, 64); err == nil {
		sec := int64(f)
		t.Time = time.Unix(sec, int64((f-float64(sec))*1e9)).UTC()
		return nil
	}
	at, err := time.Parse(time.RFC3339Nano, n.Value)
	if err != nil {
		return fmt.Errorf("line %d: start_timestamp %q: want a time like 2026-11-23T03:00:00Z or Unix seconds", n.Line, n.Value)
	}
	t.Time = at.UTC()
	return nil
}

// errNoTests says that a file has nothing to run: most likely it is a rule file.
var errNoTests = errors.New("no tests in the file: want a list below \"tests\" (promtool's format) or \"scenarios\"")

// readTestFile reads one file and resolves its rule files, which are relative to it.
func readTestFile(path string) (*testFile, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read rule test: %w", err)
	}
	var f testFile
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(f.Tests) == 0 && len(f.Scenarios) == 0 {
		return nil, fmt.Errorf("%s: %w", path, errNoTests)
	}
	if f.EvaluationInterval == 0 {
		f.EvaluationInterval = model.Duration(time.Minute)
	}
	var files []string
	for _, rf := range f.RuleFiles {
		if !filepath.IsAbs(rf) {
			rf = filepath.Join(filepath.Dir(path), rf)
		}
		found, err := filepath.Glob(rf)
		if err != nil {
			return nil, fmt.Errorf("%s: rule_files: %q: %w", path, rf, err)
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%s: rule_files: %w: %s", path, ErrNoFiles, rf)
		}
		files = append(files, found...)
	}
	f.RuleFiles = files
	seen := map[string]bool{}
	for _, g := range f.GroupEvalOrder {
		if seen[g] {
			return nil, fmt.Errorf("%s: group_eval_order: group %q is named twice", path, g)
		}
		seen[g] = true
	}
	return &f, nil
}
