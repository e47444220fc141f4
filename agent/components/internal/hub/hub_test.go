package hub

import (
	"errors"
	"net/http"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"go.opentelemetry.io/collector/component"
)

func value(t *testing.T, h *Hub, name, label string) float64 {
	t.Helper()
	families, err := h.Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			if label == "" || hasLabel(m, label) {
				return m.GetGauge().GetValue()
			}
		}
	}
	t.Fatalf("no %s{%s}", name, label)
	return 0
}

func hasLabel(m *dto.Metric, v string) bool {
	for _, l := range m.GetLabel() {
		if l.GetValue() == v {
			return true
		}
	}
	return false
}

func TestOneBadKindMakesTheWholeReloadBadUntilItIsGoodAgain(t *testing.T) {
	h := New("v1")
	at := time.Unix(1000, 0)
	h.Reloaded(Models, at, nil)
	h.Reloaded(Rules, at, errors.New("bad"))
	h.Reloaded(Models, at.Add(time.Second), nil)
	if got := value(t, h, "plumbline_config_last_reload_successful", ""); got != 0 {
		t.Errorf("overall = %v, want 0 while the rules are bad", got)
	}
	if got := value(t, h, "plumbline_config_reload_successful", Rules); got != 0 {
		t.Errorf("rules = %v, want 0", got)
	}
	if got := value(t, h, "plumbline_config_reload_successful", Models); got != 1 {
		t.Errorf("models = %v, want 1", got)
	}
	h.Reloaded(Rules, at.Add(2*time.Second), nil)
	if got := value(t, h, "plumbline_config_last_reload_successful", ""); got != 1 {
		t.Errorf("overall = %v, want 1 again", got)
	}
	if got := value(t, h, "plumbline_config_reload_success_timestamp_seconds", Rules); got != 1002 {
		t.Errorf("time of the rules = %v, want 1002", got)
	}
}

func TestReadyWaitsForPipelinesAndForTheFirstPublishOfEveryPublisher(t *testing.T) {
	h := New("v1")
	if h.Ready() {
		t.Error("ready before the pipelines run")
	}
	first, second := h.ExpectPublish(), h.ExpectPublish()
	h.PipelinesRun(true)
	first()
	first()
	if h.Ready() {
		t.Error("ready before the second publisher has published")
	}
	second()
	if !h.Ready() {
		t.Error("not ready after both published")
	}
	h.PipelinesRun(false)
	if h.Ready() {
		t.Error("ready while the pipelines stop")
	}
}

func TestTheLongestMountedPrefixServes(t *testing.T) {
	h := New("v1")
	a, b := http.NotFoundHandler(), http.RedirectHandler("/", http.StatusFound)
	h.Mount("/api/", a)
	unmount := h.Mount("/api/v2/", b)
	if got, ok := h.Mounted("/api/v2/alerts"); !ok || got != b {
		t.Errorf("got %v, want the handler of /api/v2/", got)
	}
	unmount()
	if _, ok := h.Mounted("/api/v2/alerts"); !ok {
		t.Error("the shorter prefix does not serve after the longer was unmounted")
	}
	if _, ok := h.Mounted("/other"); ok {
		t.Error("a path without a prefix is served")
	}
}

type host struct {
	ext map[component.ID]component.Component
}

func (h host) GetExtensions() map[component.ID]component.Component { return h.ext }

type owner struct {
	component.StartFunc
	component.ShutdownFunc
	hub *Hub
}

func (o owner) PlumblineHub() *Hub { return o.hub }

func TestComponentsFindTheHubOfTheExtensionOrStandAlone(t *testing.T) {
	own := New("v1")
	id := component.NewID(component.MustNewType("plumbline"))
	if got := From(host{map[component.ID]component.Component{id: owner{hub: own}}}, "v1"); got != own {
		t.Error("the extension's hub was not found")
	}
	if got := From(host{}, "v1"); got == nil || got == own {
		t.Error("without the extension a component needs a hub of its own")
	}
}
