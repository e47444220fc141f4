package alerting

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/plumbline-ml/plumbline/exporters/pagerduty/standin"
	"github.com/plumbline-ml/plumbline/internal/alert"
	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// peers is a network of Alertmanagers that remember what they were told.
type peers struct {
	told map[string][]string // host → "alertname state", one entry per alert and call
	down map[string]bool
	now  func() time.Time
}

func (p *peers) RoundTrip(r *http.Request) (*http.Response, error) {
	if p.down[r.URL.Host] {
		return nil, errDown
	}
	var list []struct {
		Labels map[string]string `json:"labels"`
		EndsAt time.Time         `json:"endsAt"`
	}
	if err := json.NewDecoder(r.Body).Decode(&list); err != nil {
		return nil, err
	}
	for _, a := range list {
		state := "firing"
		if !a.EndsAt.After(p.now()) {
			state = "resolved"
		}
		p.told[r.URL.Host] = append(p.told[r.URL.Host], a.Labels["feature"]+" "+state)
	}
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
}

func TestForwardingRepeatsWhileAnAlertFiresAndOneAddressDoesNotHoldUpTheOther(t *testing.T) {
	now := t0
	p := &peers{told: map[string][]string{}, down: map[string]bool{"b:9093": true}, now: func() time.Time { return now }}
	d := newTest(t, Options{HTTPClient: &http.Client{Transport: p}, Routes: []byte(`
route: {receiver: am, group_by: ['...']}
receivers: [{name: am, alertmanager_configs: [{urls: ["http://a:9093", "http://b:9093/"]}]}]
`)})
	a, b := firing(t0, "feature", "a"), firing(t0, "feature", "b")
	step(t, d, now, a, b)
	slices.Sort(p.told["a:9093"])
	if want := []string{"a firing", "b firing"}; !slices.Equal(p.told["a:9093"], want) {
		t.Fatalf("at once and without group_wait: %v", p.told)
	}
	for range 4 {
		now = now.Add(30 * time.Second)
		step(t, d, now)
	}
	if n := len(p.told["a:9093"]); n != 6 {
		t.Fatalf("%d alerts in two minutes, want 2 × 3", n)
	}
	p.told["a:9093"] = nil
	now = now.Add(5 * time.Second)
	step(t, d, now, ended(a, now))
	if want := []string{"a resolved"}; !slices.Equal(p.told["a:9093"], want) {
		t.Fatalf("the end: %v", p.told["a:9093"])
	}
	p.down["b:9093"] = false
	now = now.Add(5 * time.Minute)
	step(t, d, now)
	if got := p.told["b:9093"]; !slices.Contains(got, "a resolved") || !slices.Contains(got, "b firing") {
		t.Fatalf("after the outage: %v", got)
	}
	now = now.Add(time.Hour)
	step(t, d, now)
	step(t, d, now)
	if known := d.routing.mirrors[0].known; len(known) != 1 {
		t.Fatalf("%d alerts are remembered, want the one that fires", len(known))
	}
}

func TestAnEndThatAnAlertmanagerDidNotHearIsToldAfterAnOutageOfHours(t *testing.T) {
	now := t0
	p := &peers{told: map[string][]string{}, down: map[string]bool{}, now: func() time.Time { return now }}
	d := newTest(t, Options{HTTPClient: &http.Client{Transport: p}, Routes: []byte(`
route: {receiver: am}
receivers: [{name: am, alertmanager_configs: [{urls: ["http://a:9093"]}]}]
`)})
	a := firing(t0, "feature", "a")
	step(t, d, now, a)
	p.down["a:9093"] = true
	now = now.Add(time.Minute)
	step(t, d, now, ended(a, now))
	for range 30 {
		now = now.Add(5 * time.Minute)
		step(t, d, now)
	}
	p.down["a:9093"] = false
	now = now.Add(5 * time.Minute)
	step(t, d, now)
	if got := p.told["a:9093"]; got[len(got)-1] != "a resolved" {
		t.Fatalf("got %v", got)
	}
}

func TestAVersionChangeBecomesAChangeEventAndNoIncident(t *testing.T) {
	pd := standin.New(standin.Options{Now: func() time.Time { return t0 }})
	d := newTest(t, Options{HTTPClient: &http.Client{Transport: pd.Transport()}, Routes: []byte(`
global: {pagerduty_url: "http://127.0.0.1/v2/enqueue"}
route:
  receiver: none
  routes:
    - {matchers: [cause="version"], receiver: changes, group_by: [model], group_wait: 0s}
receivers:
  - name: none
  - name: changes
    pagerduty_change_configs: [{routing_key: ` + testKey + `}]
`)})
	a := firing(t0, "alertname", "ModelVersionChanged", "cause", "version", "version", "v13", "severity", "info")
	step(t, d, t0, a)
	for i := range 100 {
		now := t0.Add(time.Duration(i) * time.Hour)
		step(t, d, now)
	}
	end := t0.Add(101 * time.Hour)
	step(t, d, end, ended(a, end))
	h := pd.History()
	if len(h) != 1 || !h[0].Change || h[0].Status != 202 || len(pd.Incidents()) != 0 || d.Pending() != 0 {
		t.Fatalf("%d calls: %+v, %d wait", len(h), h, d.Pending())
	}
}

func TestMistakesInOurOwnDestinationsAreNamed(t *testing.T) {
	for config, want := range map[string]string{
		"alertmanager_configs: [{}]":                                    "urls: want at least one",
		"alertmanager_configs: [{urls: [am]}]":                          "want a URL",
		"alertmanager_configs: [{urls: ['http://am'], hold: 1s}]":       "hold: want at least a minute",
		"alertmanager_configs: [{url: 'http://am'}]":                    `did you mean "urls"?`,
		"alertmanager_configs: [{urls: ['http://am'], hold: forever}]":  "routes.yaml:4:27: ",
		"grafana_configs: [{url: 'http://169.254.169.254/'}]":           "link-local",
		"grafana_configs: [{url: 'http://g', token: a, token_file: b}]": "at most one of token and token_file",
		"pagerduty_change_configs: [{}]":                                "exactly one of routing_key and routing_key_file",
		"log_configs: [{level: x}]":                                     `key "level" is not honoured`,
	} {
		_, err := New(Options{Routes: []byte("route: {receiver: x}\nreceivers:\n  - name: x\n    " + config + "\n")})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", config, err, want)
		}
	}
}

func TestAMergedMappingCountsAsWritten(t *testing.T) {
	f := &fake{}
	d := newTest(t, Options{Default: f, Routes: []byte("route: {receiver: b, group_wait: 0s}\nreceivers:\n  - &a {name: a, log_configs: [{}]}\n  - {<<: *a, name: b}\n")})
	step(t, d, t0, firing(t0))
	if len(f.got) != 1 || f.got[0].Receiver != "b" {
		t.Fatalf("got %+v", f.got)
	}
	_, err := New(Options{Routes: []byte("route: {receiver: a}\nreceivers:\n  - {name: a, <<: {slack_configs: []}}\n")})
	if err == nil || !strings.Contains(err.Error(), `3:20: receivers[0]: key "slack_configs"`) {
		t.Errorf("got %v", err)
	}
}

// value reads one series of a registry.
func value(t *testing.T, reg *prometheus.Registry, m *catalog.Metric, labels ...string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != m.Name {
			continue
		}
		for _, x := range f.GetMetric() {
			var got []string
			for _, name := range m.Labels {
				i := slices.IndexFunc(x.GetLabel(), func(p *dto.LabelPair) bool { return p.GetName() == name })
				got = append(got, x.GetLabel()[i].GetValue())
			}
			if slices.Equal(got, labels) {
				return x.GetCounter().GetValue() + x.GetGauge().GetValue()
			}
		}
	}
	t.Fatalf("no series %s %v", m.Name, labels)
	return 0
}

func TestTheMetricsOfTheCatalogueAreKept(t *testing.T) {
	reg := prometheus.NewRegistry()
	f := &fake{}
	d := newTest(t, Options{Default: f, Registerer: reg, Routes: []byte(`
route: {receiver: page, group_by: [model], group_wait: 0s}
inhibit_rules: [{source_matchers: [model="spam"], target_matchers: [model="other"]}]
receivers: [{name: page, log_configs: [{}]}]
`)})
	if got := value(t, reg, catalog.PagesSent, "fake", "resolve"); got != 0 {
		t.Errorf("a series does not start at zero: %v", got)
	}
	f.fail = down
	a := firing(t0)
	step(t, d, t0, a, firing(t0, "model", "other"))
	now := t0.Add(10 * time.Second)
	d.Tick(now)
	for _, c := range []struct {
		m      *catalog.Metric
		labels []string
		want   float64
	}{
		{catalog.PagesFailed, []string{"fake", "network"}, 1}, {catalog.PagesPending, []string{"fake"}, 1},
		{catalog.PagesOldest, []string{"fake"}, 10}, {catalog.PagesSuppressed, []string{"inhibited"}, 1}, {catalog.PagesSent, []string{"fake", "trigger"}, 0},
	} {
		if got := value(t, reg, c.m, c.labels...); got != c.want {
			t.Errorf("%s%v is %v, want %v", c.m.Name, c.labels, got, c.want)
		}
	}
	f.fail = nil
	step(t, d, now, []alert.Alert{}...)
	if got := value(t, reg, catalog.PagesSent, "fake", "trigger"); got != 1 {
		t.Errorf("%v triggers", got)
	}
	step(t, d, now.Add(time.Second))
	if got := value(t, reg, catalog.PagesPending, "fake"); got != 0 {
		t.Errorf("%v pending", got)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := New(Options{Registerer: reg})
	if err != nil {
		t.Fatalf("a second start in one process: %v", err)
	}
	_ = again.Close()
}
