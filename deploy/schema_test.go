package deploy

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"

	"github.com/plumbline-ml/plumbline/agent"
	"github.com/plumbline-ml/plumbline/internal/parse"
)

const (
	modelSchema = "../docs/model.schema.json"
	rulesSchema = "../docs/rules.schema.json"
)

func validate(t *testing.T, schema, file string) error {
	t.Helper()
	compiled, err := jsonschema.NewCompiler().Compile(schema)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	data, err := yaml.YAMLToJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	return compiled.Validate(value)
}

func TestTheSchemaTakesEveryModelFileAndRuleFileThatIsShipped(t *testing.T) {
	for schema, globs := range map[string][]string{
		modelSchema: {"config/models/*.yaml", "../docs/examples/models/*.yaml"},
		rulesSchema: {"../rules/packs/*.yaml"},
	} {
		for _, glob := range globs {
			files, err := filepath.Glob(glob)
			if err != nil || len(files) == 0 {
				t.Fatalf("%s: %v", glob, err)
			}
			for _, file := range files {
				if err := validate(t, schema, file); err != nil {
					t.Errorf("%s: %v", file, err)
				}
			}
		}
	}
}

func TestTheSchemaRefusesWhatTheAgentRefuses(t *testing.T) {
	for _, text := range []string{
		"model: x\nlogs: {includes: [a]}\n", "model: x\n", "model: x\nlogs: {include: [a], format: jsno}\n", "model: x\nlogs: {include: [a]}\nwindows: [10 minutes]\n",
		"model: x\nlogs: {include: [a]}\nmin_records: many\n",
	} {
		file := filepath.Join(t.TempDir(), "m.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if validate(t, modelSchema, file) == nil {
			t.Errorf("the schema takes %q", text)
		}
		if report, err := agent.Check(t.Context(), agent.Options{Models: []string{file}, State: t.TempDir()}); err != nil || report.OK() {
			t.Errorf("the agent takes %q: %v", text, err)
		}
	}
}

func TestTheSchemaOfRulesRefusesWhatTheCheckRefusesAndTakesWhatItTakes(t *testing.T) {
	const good = "groups:\n  - name: g\n    interval: 1h30m\n    rules:\n      - {alert: A, expr: plumbline_alarm == 1, for: 10m, labels: {severity: critical}, annotations: {summary: s, runbook_url: u}}\n      - {record: a:b, expr: x}\n"
	for text, ok := range map[string]bool{
		good: true,
		"groups:\n  - {name: g, rules: [{alert: A, expr: x, labels: {severity: '{{ $labels.severity }}'}}]}\n": true,
		strings.Replace(good, "for: 10m", "for: 10", 1):                                                        false,
		strings.Replace(good, "alert: A", "alrt: A", 1):                                                        false,
		strings.Replace(good, "record: a:b", "record: a:b, for: 5m", 1):                                        false,
		strings.Replace(good, "record: a:b", "record: a-b", 1):                                                 true,
		strings.Replace(good, "interval: 1h30m", "interval: ninety", 1):                                        false,
		strings.Replace(good, "name: g", "names: g", 1):                                                        false,
		strings.Replace(good, ", expr: plumbline_alarm == 1", "", 1):                                           false,
		strings.Replace(good, "record: a:b", "record: a:b, alert: B", 1):                                       false,
	} {
		file := filepath.Join(t.TempDir(), "r.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := validate(t, rulesSchema, file); (err == nil) != ok {
			t.Errorf("the schema on %q: %v", text, err)
		}
		if report, err := agent.Check(t.Context(), agent.Options{Rules: []string{file}, State: t.TempDir()}); err != nil || report.OK() != ok {
			t.Errorf("the check on %q: %v %+v", text, err, report)
		}
	}
}

// The agent is asked for its keys by an unknown one at every level.
func TestTheSchemaHasTheKeysThatTheAgentKnows(t *testing.T) {
	file := filepath.Join(t.TempDir(), "m.yaml")
	text := "nonsense: 1\nlogs: {nonsense: 1, limits: {nonsense: 1}}\nfields: {nonsense: 1, timestamp: {nonsense: 1}}\npredictions: {score: {nonsense: 1}, label: {nonsense: 1}}\n" +
		"features: [{nonsense: 1}]\nsegments: [{nonsense: 1}]\ntruth: {nonsense: 1}\nreference: {nonsense: 1}\ntolerance: {nonsense: 1}\nprivacy: {nonsense: 1}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	report, err := agent.Check(t.Context(), agent.Options{Models: []string{file}, State: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(modelSchema)
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(data, &schema); err != nil {
		t.Fatal(err)
	}
	levels := 0
	for _, f := range report.Findings {
		keys, ok := strings.CutPrefix(f.Expected, "one of ")
		path := strings.TrimSuffix(strings.SplitN(f.Message, ":", 2)[0], "nonsense")
		if !ok {
			continue
		}
		levels++
		want := strings.Split(keys, ", ")
		got := properties(t, schema, strings.TrimSuffix(path, "."))
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%q: the schema has %v, the agent %v", path, got, want)
		}
	}
	if levels != 13 {
		t.Errorf("%d levels were compared, want 13: %v", levels, report.Findings)
	}
	formats := schema["properties"].(map[string]any)["logs"].(map[string]any)["properties"].(map[string]any)["format"].(map[string]any)["enum"].([]any)
	var got []string
	for _, f := range formats {
		got = append(got, f.(string))
	}
	want := parse.Formats()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("formats of the schema %v, of the parser %v", got, want)
	}
}

// properties lists the keys of the object that stands at a dotted path of the schema.
func properties(t *testing.T, schema map[string]any, path string) []string {
	t.Helper()
	at := schema
	for _, part := range strings.Split(regexp.MustCompile(`\[\d+\]`).ReplaceAllString(path, ".[]"), ".") {
		switch part {
		case "":
		case "[]":
			at = at["items"].(map[string]any)
		default:
			at = at["properties"].(map[string]any)[part].(map[string]any)
		}
		if ref, ok := at["$ref"].(string); ok {
			at = schema["$defs"].(map[string]any)[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
		}
		if either, ok := at["oneOf"].([]any); ok {
			for _, e := range either {
				if e.(map[string]any)["type"] == "object" {
					at = e.(map[string]any)
				}
			}
		}
	}
	var out []string
	for key := range at["properties"].(map[string]any) {
		out = append(out, key)
	}
	slices.Sort(out)
	return out
}
