package rules

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	promrules "github.com/prometheus/prometheus/rules"

	"github.com/plumbline-ml/plumbline/internal/alert"
)

const parityRules = `
groups:
  - name: first
    labels: {team: ml}
    rules:
      - record: model:x:max
        expr: max by (model) (x)
      - alert: Plain
        expr: x > 1
        labels: {severity: critical}
      - alert: Waits
        expr: x > 1
        for: 2m
      - alert: Lingers
        expr: x > 2
        keep_firing_for: 3m
        labels: {severity: '{{ if gt $value 3.5 }}critical{{ else }}warning{{ end }}'}
      - alert: Both
        expr: x > 1 and y > 1
        for: 45s
        keep_firing_for: 1m
        labels: {seen: '{{ with query "y" }}{{ len . }}{{ end }}'}
  - name: limited
    limit: 2
    rules:
      - alert: Limited
        expr: x > 0
  - name: second
    rules:
      - alert: Recorded
        expr: model:x:max > 3
      - alert: OfAlerts
        expr: count by (model) (ALERTS{alertname="Waits", alertstate="firing"}) > 0
      - alert: Clash
        expr: label_replace(x > 3, "model", "same", "", "")
`

// While all data is there, the engine must fire exactly what Prometheus' own rules fire.
func TestTheEngineFiresWhatPrometheusFiresWhileDataIsThere(t *testing.T) {
	for seed := range uint64(3) {
		b := newBench(t, parityRules)
		f := &testFile{EvaluationInterval: 15e9}
		c := &testCase{Interval: 15e9, ExternalLabels: map[string]string{"node": "n1"}}
		files, err := readAll([]string{b.file}, parser.NewParser(parser.Options{}))
		if err != nil {
			t.Fatal(err)
		}
		stage, err := c.stage(f, files, parser.NewParser(parser.Options{}))
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(seed, 3))
		level := map[string]float64{}
		open := map[string]bool{}
		put := func(name, model string) {
			key := name + model
			if rng.IntN(6) == 0 {
				level[key] = float64(rng.IntN(5))
			}
			b.put(name, level[key], "model", model)
			s, _ := stage.st.series(labels.FromStrings("__name__", name, "model", model))
			_ = stage.st.append(s, b.now.UnixMilli(), level[key], true)
		}
		for range 400 {
			b.now = b.now.Add(15 * time.Second)
			for _, m := range []string{"a", "b", "c", "d"} {
				put("x", m)
				put("y", m)
			}
			for _, g := range stage.groups {
				g.Eval(context.Background(), b.now)
			}
			for _, a := range b.eval() {
				open[fmt.Sprint(a.Labels)] = a.State == alert.Firing
				if a.DataMissing && a.Labels["alertname"] != "Limited" && a.Labels["alertname"] != "Clash" {
					t.Fatalf("seed %d: %v is marked as blind", seed, a.Labels)
				}
			}
			var want, got []string
			for _, g := range stage.groups {
				for _, r := range g.AlertingRules() {
					if r.Name() == "Limited" || r.Name() == "Clash" {
						continue // Prometheus forgets what fires when the limit is exceeded; we do not
					}
					for _, a := range r.ActiveAlerts() {
						if a.State == promrules.StateFiring {
							m := a.Labels.Map()
							m["node"] = "n1"
							want = append(want, fmt.Sprint(m))
						}
					}
				}
			}
			for k, firing := range open {
				if firing && !strings.Contains(k, "alertname:Limited") && !strings.Contains(k, "alertname:Clash") {
					got = append(got, k)
				}
			}
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(want, got) {
				t.Fatalf("seed %d at %s:\nwant %v\ngot  %v", seed, b.now.Sub(t0), want, got)
			}
		}
	}
}
