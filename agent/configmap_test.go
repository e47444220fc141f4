package agent

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// configMap is a folder as the kubelet mounts a ConfigMap: every file is a link through ..data, and an update swaps ..data for a link to
// another folder. The files themselves never change.
type configMap struct {
	dir, file string
	version   int
}

func (c *configMap) path() string { return filepath.Join(c.dir, c.file) }

func (c *configMap) put(t *testing.T, text string) {
	t.Helper()
	c.version++
	name := fmt.Sprintf("..2026_%02d", c.version)
	if err := os.MkdirAll(filepath.Join(c.dir, name), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(c.dir, name, c.file), text)
	tmp := filepath.Join(c.dir, "..data_tmp")
	if err := os.Symlink(name, tmp); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(tmp, filepath.Join(c.dir, "..data")); err != nil {
		t.Fatal(err)
	}
	if c.version == 1 {
		if err := os.Symlink("..data/"+c.file, c.path()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestABadFileInAConfigMapLeavesTheOldOneRunningAndIsToldInMetricLogAndAlert swaps each kind of file for a bad one and back.
func TestABadFileInAConfigMapLeavesTheOldOneRunningAndIsToldInMetricLogAndAlert(t *testing.T) {
	var pages atomic.Int64
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if body, _ := io.ReadAll(r.Body); strings.Contains(string(body), "Always") {
			pages.Add(1)
		}
	}))
	defer hook.Close()
	p := newPlace(t)
	root := t.TempDir()
	models, rules, routes := &configMap{dir: root + "/models", file: "spam.yaml"}, &configMap{dir: root + "/rules", file: "own.yaml"}, &configMap{dir: root + "/routes", file: "routes.yaml"}
	model, err := os.ReadFile(filepath.Join(p.models, "spam.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	good := map[*configMap]string{
		models: string(model),
		rules:  "groups: [{name: own, interval: 1s, rules: [{alert: Always, expr: 'plumbline_up > 0', labels: {severity: warning, cause: agent}}]}]\n",
		routes: "route: {receiver: hook, group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 1s}\nreceivers: [{name: hook, webhook_configs: [{url: '" + hook.URL + "'}]}]\n",
	}
	for c, text := range good {
		c.put(t, text)
	}
	logFile := filepath.Join(root, "agent.log")
	a := start(t, Options{
		Models: []string{models.dir}, Rules: []string{rules.dir}, Packs: true, Routes: routes.path(), State: p.state, Interval: 100 * time.Millisecond,
		Set: []string{"connectors.alert_rules.interval=1s", "connectors.alert_rules.resend=1s", "service.telemetry.logs.output_paths=[" + logFile + "]"},
	})
	p.append(t, 10)
	runs := func(what string) {
		t.Helper()
		told := pages.Load()
		p.append(t, 5)
		eventually(t, what+": the model counts", func() bool { v, _ := a.value(records); return v == float64(p.written) })
		eventually(t, what+": the rule fires and is routed", func() bool { return pages.Load() > told })
	}
	runs("at the start")
	for _, c := range []struct {
		kind string
		of   *configMap
		bad  string
	}{
		{"models", models, strings.Replace(string(model), "model: spam", "model: spam\nnonsense: 1", 1)},
		{"rules", rules, "groups: [{name: own, rules: [{alert: Always, expr: 'plumbline_up >> 0'}]}]\n"},
		{"routes", routes, "route: {receiver: nobody-knows}\nreceivers: [{name: hook}]\n"},
	} {
		metric := fmt.Sprintf("plumbline_config_reload_successful{kind=%q}", c.kind)
		firing := func() bool {
			_, body := a.get("/api/v2/alerts?filter=alertname%3DConfigReloadFailed&filter=kind%3D" + c.kind)
			return strings.Contains(body, `"ConfigReloadFailed"`) && strings.Contains(body, `"endsAt"`)
		}
		if firing() {
			t.Errorf("%s: the alert fires while all is well", c.kind)
		}
		c.of.put(t, c.bad)
		eventually(t, c.kind+": the metric says so", func() bool { v, ok := a.value(metric); return ok && v == 0 })
		eventually(t, c.kind+": the alert says so", firing)
		text, err := os.ReadFile(logFile)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), c.of.file+":") {
			t.Errorf("%s: the log does not name file and place:\n%s", c.kind, text)
		}
		runs(c.kind + ", with a bad file")
		c.of.put(t, good[c.of])
		eventually(t, c.kind+": the metric says that all is well again", func() bool { v, _ := a.value(metric); return v == 1 })
		runs(c.kind + ", with the good file again")
	}
}
