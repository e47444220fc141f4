package agent

import (
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestThePipelineIsSparedOnlyWhenTheRulesAloneListenOnIt(t *testing.T) {
	const base = "receivers: {inference_log: , otlp: }\nconnectors: {alert_rules: }\n"
	for _, c := range []struct{ name, pipelines, send, from string }{
		{"the rules alone", `{metrics: {receivers: [inference_log], processors: [memory_limiter], exporters: [alert_rules]}}`, "nothing", "board"},
		{"an exporter beside", `{metrics: {receivers: [inference_log], exporters: [alert_rules, otlp]}}`, "", ""},
		{"a receiver beside", `{metrics: {receivers: [inference_log, otlp], exporters: [alert_rules]}}`, "", ""},
		{"a processor that may change something", `{metrics: {receivers: [inference_log], processors: [transform], exporters: [alert_rules]}}`, "", ""},
		{"a second pipeline to elsewhere", `{metrics: {receivers: [inference_log], exporters: [alert_rules]}, metrics/2: {receivers: [inference_log], exporters: [otlp]}}`, "", ""},
		{"a second pipeline from elsewhere", `{metrics: {receivers: [inference_log], exporters: [alert_rules]}, metrics/2: {receivers: [otlp], exporters: [alert_rules]}}`, "", ""},
		{"no rules", `{metrics: {receivers: [inference_log], exporters: [otlp]}}`, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := map[string]any{}
			if err := yaml.Unmarshal([]byte(base+"service: {pipelines: "+c.pipelines+"}\n"), &root); err != nil {
				t.Fatal(err)
			}
			l := layer{root: root}
			l.board()
			get := func(kind, id, key string) string {
				v, _ := l.section(kind, id)[key].(string)
				return v
			}
			if send, from := get("receivers", "inference_log", "send"), get("connectors", "alert_rules", "from"); send != c.send || from != c.from {
				t.Errorf("send %q and from %q, want %q and %q", send, from, c.send, c.from)
			}
		})
	}
}
