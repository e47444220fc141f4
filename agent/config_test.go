package agent

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/otlptranslator"
	"go.opentelemetry.io/collector/confmap"
	"go.yaml.in/yaml/v3"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// load resolves a configuration as a run does, without making a Collector.
func load(t *testing.T, opts Options) map[string]any {
	t.Helper()
	s, err := settle(opts)
	if err != nil {
		t.Fatal(err)
	}
	set := s.collector(sockets{metrics: "@m", health: "@h"}, hooks{metrics: new(collectorMetrics)}).ConfigProviderSettings.ResolverSettings
	r, err := confmap.NewResolver(set)
	if err != nil {
		t.Fatal(err)
	}
	conf, err := r.Resolve(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return conf.ToStringMap()
}

// at finds a value by its path.
func at(conf map[string]any, path string) any {
	var v any = conf
	for key := range strings.SplitSeq(path, "::") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[key]
	}
	return v
}

func expect(t *testing.T, conf map[string]any, want map[string]any) {
	t.Helper()
	for path, w := range want {
		if got := at(conf, path); fmt.Sprint(got) != fmt.Sprint(w) {
			t.Errorf("%s = %v, want %v", path, got, w)
		}
	}
}

func TestFlagsReachTheirComponents(t *testing.T) {
	p := newPlace(t)
	routes := filepath.Join(t.TempDir(), "routes.yaml")
	write(t, routes, "")
	single := filepath.Join(p.rules, "one.yaml")
	write(t, single, "")
	conf := load(t, Options{
		Models: []string{p.models}, Rules: []string{p.rules, single}, Routes: routes, State: p.state, Listen: "0.0.0.0:1", Node: "n1", ExternalURL: "https://grafana.example.com/",
		Interval: 5e9, LogLevel: "debug", LogFormat: "json", Set: []string{"receivers.inference_log.max_files=7"},
	})
	expect(t, conf, map[string]any{
		"receivers::inference_log::models":      []any{p.models},
		"receivers::inference_log::state_dir":   p.state,
		"receivers::inference_log::node":        "n1",
		"receivers::inference_log::interval":    "5s",
		"receivers::inference_log::max_files":   7,
		"connectors::alert_rules::dirs":         []any{p.rules},
		"connectors::alert_rules::files":        []any{single},
		"connectors::alert_rules::packs":        false, // rules that are given stand in the place of the packs, as in a backtest
		"connectors::alert_rules::node":         "n1",
		"connectors::alert_rules::external_url": "https://grafana.example.com",
		"exporters::alerting::routes":           routes,
		"exporters::alerting::state_dir":        p.state,
		"extensions::plumbline::endpoint":       "0.0.0.0:1",
		"connectors::alert_rules::from":         "board",
		"service::telemetry::logs::level":       "debug",
		"service::telemetry::logs::encoding":    "json",
		"service::telemetry::metrics::readers":  nil, // the one that opens no port
	})
}

func TestThePacksRunUnlessOtherRulesAreGivenAloneAndBesideThemWhenAsked(t *testing.T) {
	p := newPlace(t)
	expect(t, load(t, Options{Models: []string{p.models}, State: p.state}), map[string]any{"connectors::alert_rules::packs": nil}) // on by default
	expect(t, load(t, Options{Models: []string{p.models}, State: p.state, Rules: []string{p.rules}, Packs: true}), map[string]any{
		"connectors::alert_rules::packs": true, "connectors::alert_rules::dirs": []any{p.rules},
	})
}

func TestAConfigurationOfOnesOwnKeepsWhatItSaysAndGivenFlagsWin(t *testing.T) {
	p := newPlace(t)
	file := filepath.Join(t.TempDir(), "own.yaml")
	write(t, file, `
receivers:
  inference_log: {models: [/mine], node: mine}
  inference_log/second: {models: [/second], state_dir: /elsewhere}
exporters:
  debug:
  otlp: {endpoint: "x:4317"}
service:
  pipelines:
    metrics: {receivers: [inference_log, inference_log/second], exporters: [debug, otlp]}
`)
	conf := load(t, Options{Config: []string{file}, State: p.state})
	expect(t, conf, map[string]any{
		"receivers::inference_log::models":           []any{"/mine"},
		"receivers::inference_log::node":             "mine",
		"receivers::inference_log::state_dir":        p.state,
		"receivers::inference_log/second::models":    []any{"/second"},
		"receivers::inference_log/second::state_dir": p.state, // --state was given
		"receivers::inference_log/second::node":      defaultNode(),
		"connectors":                                 nil,
		"extensions":                                 nil,
	})
	if fmt.Sprint(at(conf, "service::telemetry::metrics::readers")) == "<nil>" {
		t.Error("without our extension the Collector's telemetry needs its usual port")
	}
	conf = load(t, Options{Config: []string{file}, Models: []string{p.models}})
	expect(t, conf, map[string]any{
		"receivers::inference_log::models":           []any{p.models},
		"receivers::inference_log/second::models":    []any{p.models},
		"receivers::inference_log/second::state_dir": "/elsewhere",
	})
}

func TestLogsTakeThePlaceOfModels(t *testing.T) {
	conf := load(t, Options{Logs: []string{"app/*.jsonl"}, Format: "json", State: t.TempDir()})
	expect(t, conf, map[string]any{
		"receivers::inference_log::include": []any{"app/*.jsonl"},
		"receivers::inference_log::format":  "json",
		"receivers::inference_log::models":  nil,
	})
}

func TestPrivateSocketsAreOpenToConfigurationsOfOnesOwn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "own.yaml")
	write(t, file, "exporters: {prometheus: {endpoint: '${plumbline:metrics}', transport: unix}}\nservice: {pipelines: {}}\n")
	expect(t, load(t, Options{Config: []string{file}, State: t.TempDir()}), map[string]any{"exporters::prometheus::endpoint": "@m"})
}

func TestTheBuiltInConfigurationLimitsMemoryFirst(t *testing.T) {
	conf := load(t, Options{Logs: []string{"x"}, State: t.TempDir()})
	pipelines := at(conf, "service::pipelines").(map[string]any)
	for name, p := range pipelines {
		processors, _ := p.(map[string]any)["processors"].([]any)
		if strings.HasPrefix(name, "metrics") && (len(processors) == 0 || processors[0] != "memory_limiter") {
			t.Errorf("pipeline %s begins with %v", name, processors)
		}
	}
}

// The builder manifest names exactly the components that Components lists.
func TestTheBuilderManifestNamesEveryComponent(t *testing.T) {
	data, err := os.ReadFile("components/builder-config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	type module struct {
		Gomod  string `yaml:"gomod"`
		Import string `yaml:"import"`
	}
	var manifest struct {
		Dist struct {
			Tags string `yaml:"build_tags"`
		} `yaml:"dist"`
		Receivers, Processors, Connectors, Exporters, Extensions, Providers []module
	}
	if err := yaml.Unmarshal(data, &manifest); err != nil {
		t.Fatal(err)
	}
	gomod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("factories.go")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string][]module{
		"receiver": manifest.Receivers, "processor": manifest.Processors, "connector": manifest.Connectors, "exporter": manifest.Exporters, "extension": manifest.Extensions,
	}
	listed, err := Components()
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, c := range listed {
		count[c.Kind]++
	}
	for kind, modules := range kinds {
		if len(modules) != count[kind] {
			t.Errorf("the manifest has %d of kind %s, the binary %d", len(modules), kind, count[kind])
		}
		for _, m := range modules {
			path, version, _ := strings.Cut(m.Gomod, " ")
			if m.Import != "" {
				path = m.Import
			} else if !strings.Contains(string(gomod), path+" "+version) {
				t.Errorf("go.mod does not have %s", m.Gomod)
			}
			if !strings.Contains(string(source), `"`+path+`"`) {
				t.Errorf("factories.go does not import %s", path)
			}
		}
	}
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(makefile), manifest.Dist.Tags) {
		t.Errorf("the Makefile does not build with the tags %s", manifest.Dist.Tags)
	}
}

func TestComponentsListsOursAndTheStockOnes(t *testing.T) {
	listed, err := Components()
	if err != nil {
		t.Fatal(err)
	}
	var ours []string
	for _, c := range listed {
		if len(c.Stability) == 0 {
			t.Errorf("%s %s has no stability", c.Kind, c.Name)
		}
		if c.Ours {
			ours = append(ours, c.Kind+" "+c.Name)
		}
	}
	want := []string{"receiver inference_log", "connector alert_rules", "connector inference", "exporter alerting", "extension plumbline"}
	if !slices.Equal(ours, want) {
		t.Errorf("ours = %v, want %v", ours, want)
	}
}

// Whoever translates our metrics for Prometheus the usual way (remote write, OTLP ingestion) gets the names of the
// catalogue: no suffix is added and none is doubled.
func TestNamesOfTheCatalogueSurviveTranslation(t *testing.T) {
	namer := otlptranslator.MetricNamer{WithMetricSuffixes: true}
	units := map[string]string{"seconds": "s", "bytes": "By"}
	types := map[catalog.Type]otlptranslator.MetricType{
		catalog.Gauge: otlptranslator.MetricTypeGauge, catalog.Counter: otlptranslator.MetricTypeMonotonicCounter, catalog.Histogram: otlptranslator.MetricTypeHistogram,
	}
	for _, m := range catalog.All() {
		got, err := namer.Build(otlptranslator.Metric{Name: m.Name, Unit: units[m.Unit], Type: types[m.Type]})
		if err != nil || got != m.Name {
			t.Errorf("%s becomes %s (%v)", m.Name, got, err)
		}
	}
}
