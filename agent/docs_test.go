package agent

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.yaml.in/yaml/v3"
)

// yamlBlocks are the ```yaml blocks of a page, each with the heading that it stands under.
func yamlBlocks(t *testing.T, file string) (headings []string, blocks []map[string]any) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	heading, block, inside := "", "", false
	for line := range strings.Lines(string(data)) {
		switch {
		case strings.HasPrefix(line, "#") && !inside:
			heading = strings.TrimSpace(strings.TrimLeft(line, "#"))
		case strings.HasPrefix(line, "```yaml"):
			inside, block = true, ""
		case strings.HasPrefix(line, "```") && inside:
			inside = false
			var m map[string]any
			if err := yaml.Unmarshal([]byte(block), &m); err != nil {
				t.Fatalf("%s, under %q: %v", file, heading, err)
			}
			headings, blocks = append(headings, heading), append(blocks, m)
		case inside:
			block += line
		}
	}
	return headings, blocks
}

// The page says that what it does not name does not exist, and that it shows the defaults.
func TestThePageOfTheConfigurationHasEveryKeyAndItsDefault(t *testing.T) {
	f, err := factories(hooks{metrics: new(collectorMetrics)})
	if err != nil {
		t.Fatal(err)
	}
	def := func(kind, name string) component.Config {
		typ := component.MustNewType(name)
		switch kind {
		case "receivers":
			return f.Receivers[typ].CreateDefaultConfig()
		case "connectors":
			return f.Connectors[typ].CreateDefaultConfig()
		case "exporters":
			return f.Exporters[typ].CreateDefaultConfig()
		case "extensions":
			return f.Extensions[typ].CreateDefaultConfig()
		}
		return nil
	}
	seen := map[string]bool{}
	headings, blocks := yamlBlocks(t, "../docs/configuration.md")
	for i, block := range blocks {
		for kind, list := range block {
			components, ok := list.(map[string]any)
			if !ok || kind == "service" {
				continue
			}
			for name, keys := range components {
				m, _ := keys.(map[string]any)
				cfg := def(kind, name)
				if err := confmap.NewFromStringMap(m).Unmarshal(cfg); err != nil {
					t.Errorf("under %q: %s: %v", headings[i], name, err)
				}
				if seen[name] || !strings.Contains(headings[i], "`"+name+"`") {
					continue // an example, not the list of keys
				}
				seen[name] = true
				defaults := confmap.New()
				if err := defaults.Marshal(def(kind, name)); err != nil {
					t.Fatal(err)
				}
				own := reflect.TypeOf(cfg).Elem()
				for j := range own.NumField() {
					key, _, _ := strings.Cut(own.Field(j).Tag.Get("mapstructure"), ",")
					if key == "" {
						continue // the keys of confighttp, which are the Collector's
					}
					shown, there := m[key]
					if !there {
						t.Errorf("%s: the page does not show %s", name, key)
						continue
					}
					if got, want := plain(shown), plain(defaults.Get(key)); got != want {
						t.Errorf("%s: the page shows %s: %s, the default is %s", name, key, got, want)
					}
				}
			}
		}
	}
	for _, name := range []string{"inference_log", "inference", "alert_rules", "alerting", "plumbline"} {
		if !seen[name] {
			t.Errorf("the page does not list the keys of %s", name)
		}
	}
}

// plain writes a value so that an empty list, an empty map and none are the same, and 1m is 1m0s.
func plain(v any) string {
	s := fmt.Sprint(v)
	switch s {
	case "[]", "map[]", "<nil>":
		return ""
	}
	if rest, ok := strings.CutSuffix(s, "m0s"); ok {
		return rest + "m"
	}
	return s
}
