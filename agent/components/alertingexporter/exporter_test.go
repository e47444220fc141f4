package alertingexporter

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/plumbline-ml/plumbline/agent/components/internal/alertlog"
	"github.com/plumbline-ml/plumbline/agent/components/internal/hub"
	"github.com/plumbline-ml/plumbline/internal/alert"
)

type host struct{ hub *hub.Hub }

func (h host) GetExtensions() map[component.ID]component.Component {
	return map[component.ID]component.Component{component.NewID(component.MustNewType("plumbline")): extension{hub: h.hub}}
}

type extension struct {
	component.StartFunc
	component.ShutdownFunc
	hub *hub.Hub
}

func (e extension) PlumblineHub() *hub.Hub { return e.hub }

// posted is a webhook that keeps what it is sent.
func posted(t *testing.T) (url string, bodies <-chan string) {
	ch := make(chan string, 100)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		ch <- string(body)
	}))
	t.Cleanup(srv.Close)
	return srv.URL, ch
}

func routes(url string) string {
	return `
route: {receiver: hook, group_by: [model, cause], group_wait: 0s, group_interval: 1s}
receivers:
  - name: hook
    webhook_configs: [{url: "` + url + `", send_resolved: true}]
`
}

type bench struct {
	exporter.Logs
	hub  *hub.Hub
	logs *observer.ObservedLogs
}

func start(t *testing.T, change func(*Config)) *bench {
	t.Helper()
	cfg := NewFactory().CreateDefaultConfig().(*Config)
	cfg.Node = "n1"
	change(cfg)
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	set := exportertest.NewNopSettings(Type)
	set.ID = component.NewID(Type)
	core, logs := observer.New(zap.InfoLevel)
	set.Logger = zap.New(core)
	e, err := NewFactory().CreateLogs(t.Context(), set, cfg)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{e, hub.New("v9"), logs}
	if err := e.Start(t.Context(), host{b.hub}); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) stop(t *testing.T) {
	t.Helper()
	if err := b.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
}

func drift(state alert.State, at time.Time) plog.Logs {
	a := alert.Alert{
		Labels:      map[string]string{"alertname": "ModelDrift", "severity": "critical", "model": "spam", "cause": "drift"},
		Annotations: map[string]string{"summary": "the share of spam doubled"},
		State:       state, StartsAt: at.Add(-time.Minute), ActiveAt: at.Add(-time.Minute), UpdatedAt: at,
	}
	if state == alert.Resolved {
		a.EndsAt = at
	}
	return alertlog.Encode([]alert.Alert{a})
}

func next(t *testing.T, bodies <-chan string) string {
	t.Helper()
	select {
	case b := <-bodies:
		return b
	case <-time.After(10 * time.Second):
		t.Fatal("nothing was sent")
		return ""
	}
}

func TestAnAlertRecordBecomesAPageAndItsResolveEndsIt(t *testing.T) {
	url, bodies := posted(t)
	file := filepath.Join(t.TempDir(), "routes.yaml")
	if err := os.WriteFile(file, []byte(routes(url)), 0o600); err != nil {
		t.Fatal(err)
	}
	b := start(t, func(c *Config) { c.Routes, c.StateDir = file, t.TempDir() })
	defer b.stop(t)
	if err := b.ConsumeLogs(t.Context(), drift(alert.Firing, time.Now())); err != nil {
		t.Fatal(err)
	}
	if body := next(t, bodies); !strings.Contains(body, "firing") || !strings.Contains(body, "the share of spam doubled") {
		t.Errorf("sent %s", body)
	}
	if err := b.ConsumeLogs(t.Context(), drift(alert.Resolved, time.Now())); err != nil {
		t.Fatal(err)
	}
	if body := next(t, bodies); !strings.Contains(body, "resolved") {
		t.Errorf("sent %s", body)
	}
}

func TestAnIncidentThatWasOpenBeforeARestartIsClosedAfterIt(t *testing.T) {
	url, bodies := posted(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "routes.yaml")
	if err := os.WriteFile(file, []byte(routes(url)), 0o600); err != nil {
		t.Fatal(err)
	}
	with := func(c *Config) { c.Routes, c.StateDir = file, dir }
	b := start(t, with)
	if err := b.ConsumeLogs(t.Context(), drift(alert.Firing, time.Now())); err != nil {
		t.Fatal(err)
	}
	next(t, bodies)
	b.stop(t)
	b = start(t, with)
	defer b.stop(t)
	if err := b.ConsumeLogs(t.Context(), drift(alert.Resolved, time.Now())); err != nil {
		t.Fatal(err)
	}
	// The first call may be repeated: it was under way when the exporter stopped.
	for range 2 {
		if strings.Contains(next(t, bodies), `"status":"resolved"`) {
			return
		}
	}
	t.Error("the incident was not closed")
}

func TestABadRoutesFileLeavesTheOldRoutesRunning(t *testing.T) {
	url, bodies := posted(t)
	file := filepath.Join(t.TempDir(), "routes.yaml")
	if err := os.WriteFile(file, []byte(routes(url)), 0o600); err != nil {
		t.Fatal(err)
	}
	b := start(t, func(c *Config) { c.Routes = file })
	defer b.stop(t)
	if err := os.WriteFile(file, []byte("route: {receiver: nobody}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for b.logs.FilterMessageSnippet("old ones run on").Len() == 0 {
		if time.Now().After(deadline) {
			t.Fatal("the bad file was not noticed")
		}
		time.Sleep(5 * time.Millisecond) // the file system tells when it wants to
	}
	families, err := b.hub.Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "plumbline_config_last_reload_successful" && f.GetMetric()[0].GetGauge().GetValue() != 0 {
			t.Error("plumbline_config_last_reload_successful is not 0")
		}
	}
	if err := b.ConsumeLogs(t.Context(), drift(alert.Firing, time.Now())); err != nil {
		t.Fatal(err)
	}
	next(t, bodies)
}

func TestOtherLogRecordsAreIgnoredAndSaidOnce(t *testing.T) {
	b := start(t, func(*Config) {})
	defer b.stop(t)
	logs := plog.NewLogs()
	logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Body().SetStr("hunter2")
	for range 3 {
		if err := b.ConsumeLogs(t.Context(), logs); err != nil {
			t.Fatal(err)
		}
	}
	said := b.logs.FilterMessageSnippet("no alerts").All()
	if len(said) != 1 {
		t.Errorf("said %d times, want once", len(said))
	}
	for _, e := range b.logs.All() {
		for _, v := range e.ContextMap() {
			if s, ok := v.(string); ok && strings.Contains(s, "hunter2") {
				t.Error("the log carries the content of a record")
			}
		}
	}
}

func TestRoutesThatDoNotLoadStopTheStart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "routes.yaml")
	if err := os.WriteFile(file, []byte("route: {receiver: nobody}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := NewFactory().CreateDefaultConfig().(*Config)
	cfg.Routes = file
	e, err := NewFactory().CreateLogs(t.Context(), exportertest.NewNopSettings(Type), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Start(t.Context(), componenttest.NewNopHost()); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("got %v, want an error that names the file", err)
	}
	if err := e.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestErrorsOfTheConfigurationQuoteTheKey(t *testing.T) {
	for _, c := range []struct {
		change func(*Config)
		is     error
	}{
		{func(c *Config) { c.ExternalURL = "host" }, ErrExternalURL},
		{func(c *Config) { c.SendTimeout = 0 }, ErrSendTimeout},
	} {
		cfg := NewFactory().CreateDefaultConfig().(*Config)
		if err := cfg.Validate(); err != nil {
			t.Fatalf("the default is not valid: %v", err)
		}
		c.change(cfg)
		if err := cfg.Validate(); !errors.Is(err, c.is) || !strings.Contains(err.Error(), `"`) {
			t.Errorf("got %v, want %v", err, c.is)
		}
	}
}
