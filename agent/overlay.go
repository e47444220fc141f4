package agent

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/confmap"
)

// overlay lays the flags over whatever configuration is loaded, each time it is loaded. A flag that was given wins;
// a default only fills in what the configuration leaves open.
type overlay struct{ s settled }

func (o *overlay) factory() confmap.ConverterFactory {
	return confmap.NewConverterFactory(func(confmap.ConverterSettings) confmap.Converter { return o })
}

// Convert implements confmap.Converter.
func (o *overlay) Convert(_ context.Context, conf *confmap.Conf) error {
	root := conf.ToStringMap()
	l := layer{root: root}
	s, given := o.s, o.s.given

	l.set("receivers", "inference_log", map[string]value{
		"models":    {s.Models, given.Models != nil || given.Logs != nil},
		"include":   {s.Logs, given.Logs != nil},
		"format":    {s.Format, given.Format != ""},
		"state_dir": {s.State, given.State != ""},
		"node":      {s.Node, given.Node != ""},
		"interval":  {duration(given), given.Interval > 0},
	})
	l.set("connectors", "inference", map[string]value{
		"models":    {s.Models, given.Models != nil},
		"state_dir": {s.State, given.State != ""},
		"node":      {s.Node, given.Node != ""},
	})
	files, dirs := split(s.Rules)
	packs := value{} // as the configuration says; on when it says nothing
	if given.Rules != nil || given.Packs {
		packs = value{given.Packs, true}
	}
	l.set("connectors", "alert_rules", map[string]value{
		"packs":        packs,
		"files":        {files, given.Rules != nil},
		"dirs":         {dirs, given.Rules != nil},
		"state_dir":    {s.State, given.State != ""},
		"node":         {s.Node, given.Node != ""},
		"external_url": {s.ExternalURL, given.ExternalURL != ""},
	})
	l.set("exporters", "alerting", map[string]value{
		"routes":    {s.Routes, given.Routes != ""},
		"state_dir": {s.State, given.State != ""},
		"node":      {s.Node, given.Node != ""},
	})
	l.board()
	listen := s.Listen
	if bound, ok := s.bound.Load().(string); ok && strings.HasSuffix(listen, ":0") {
		listen = bound
	}
	l.set("extensions", "plumbline", map[string]value{"endpoint": {listen, given.Listen != ""}})

	logs := l.section("service", "telemetry", "logs")
	put(logs, "level", value{given.LogLevel, given.LogLevel != ""})
	put(logs, "encoding", value{given.LogFormat, given.LogFormat != ""})
	l.telemetryPort()
	if l.err != nil {
		return l.err
	}
	return conf.Merge(confmap.NewFromStringMap(root))
}

func duration(o Options) string {
	if o.Interval <= 0 {
		return ""
	}
	return o.Interval.String()
}

// split sorts paths into files and folders. What does not exist counts as a file, for the message that names it.
func split(paths []string) (files, dirs []string) {
	for _, p := range paths {
		if info, err := os.Stat(p); err == nil && info.IsDir() {
			dirs = append(dirs, p)
		} else {
			files = append(files, p)
		}
	}
	return files, dirs
}

// value is what a flag says about one key. Explicit ones replace, the others fill in. Nil and empty say nothing.
type value struct {
	v        any
	explicit bool
}

func (v value) empty() bool {
	switch x := v.v.(type) {
	case string:
		return x == ""
	case []string:
		return len(x) == 0
	}
	return v.v == nil
}

func put(into map[string]any, key string, v value) {
	if v.empty() {
		if v.explicit { // --logs without --models takes away the models of the configuration
			delete(into, key)
		}
		return
	}
	if have, ok := into[key]; ok && have != nil && have != "" && !v.explicit {
		return
	}
	if list, ok := v.v.([]string); ok {
		items := make([]any, len(list))
		for i, s := range list {
			items[i] = s
		}
		into[key] = items
		return
	}
	into[key] = v.v
}

// layer edits a configuration as a map.
type layer struct {
	root map[string]any
	err  error
}

// section finds a mapping and makes it when it is not there or empty.
func (l *layer) section(path ...string) map[string]any {
	m := l.root
	for i, key := range path {
		switch next := m[key].(type) {
		case map[string]any:
			m = next
		case nil:
			n := map[string]any{}
			m[key] = n
			m = n
		default:
			if l.err == nil {
				l.err = fmt.Errorf("configuration: %s is not a mapping", strings.Join(path[:i+1], "::"))
			}
			return map[string]any{}
		}
	}
	return m
}

// set edits every component of a type: "inference_log" and "inference_log/second" alike.
func (l *layer) set(kind, typ string, values map[string]value) {
	components, ok := l.root[kind].(map[string]any)
	if !ok {
		return
	}
	for _, id := range slices.Sorted(maps.Keys(components)) {
		if name, _, _ := strings.Cut(id, "/"); strings.TrimSpace(name) != typ {
			continue
		}
		into := l.section(kind, id)
		for key, v := range values {
			put(into, key, v)
		}
	}
}

// telemetryPort gives the Collector's own telemetry its usual port in a configuration without our extension: nobody
// would serve it otherwise.
func (l *layer) telemetryPort() {
	extensions, _ := l.section("service")["extensions"].([]any)
	for _, e := range extensions {
		if name, _, _ := strings.Cut(fmt.Sprint(e), "/"); name == "plumbline" {
			return
		}
	}
	metrics := l.section("service", "telemetry", "metrics")
	if _, ok := metrics["readers"]; ok {
		return
	}
	metrics["readers"] = []any{map[string]any{"pull": map[string]any{"exporter": map[string]any{"prometheus": map[string]any{
		"host": "localhost", "port": 8888, "without_scope_info": true, "without_units": true, "without_type_suffix": true,
	}}}}}
}
