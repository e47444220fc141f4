package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const modelFile = `
model: spam
logs:
  include: [%s/*.jsonl]
  format: json
fields:
  timestamp: ts
predictions:
  score: {path: score, kind: probability}
  label: {path: label, kind: category, positive: spam}
features:
  - {path: features.*}
reference: {learn: 24h}
false_pages: 1 per 30d
`

// place is what an agent works with, in folders of its own.
type place struct {
	models, logs, rules, state string
	written                    int
}

func newPlace(t *testing.T) *place {
	t.Helper()
	dir := t.TempDir()
	p := &place{models: filepath.Join(dir, "models"), logs: filepath.Join(dir, "app"), rules: filepath.Join(dir, "rules"), state: filepath.Join(dir, "state")}
	for _, d := range []string{p.models, p.logs, p.rules} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(p.models, "spam.yaml"), fmt.Sprintf(modelFile, p.logs))
	return p
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// append adds n records to the log.
func (p *place) append(t *testing.T, n int) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(p.logs, "a.jsonl"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for range n {
		p.written++
		fmt.Fprintf(f, `{"ts":%d.5,"score":0.%d,"label":"%s","features":{"age":%d}}`+"\n",
			time.Now().Unix(), p.written%9+1, []string{"ham", "spam"}[p.written%2], p.written)
	}
}

// running is an agent in this process.
type running struct {
	base string
	stop func() error
	out  *buffer
}

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func start(t *testing.T, opts Options) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	address := make(chan net.Addr, 8)
	r := &running{out: new(buffer)}
	opts.Out, opts.LogLevel = r.out, "error"
	opts.Listening = func(a net.Addr) { address <- a }
	if opts.Listen == "" {
		opts.Listen = "127.0.0.1:0"
	}
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, opts) }()
	r.stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Errorf("the agent ended with: %v", err)
		}
	})
	select {
	case a := <-address:
		r.base = "http://" + a.String()
	case err := <-ended:
		ended <- nil
		t.Fatalf("the agent did not start: %v", err)
	case <-time.After(30 * time.Second):
		t.Fatal("the agent did not start in 30 s")
	}
	return r
}

func (r *running) get(path string) (int, string) {
	resp, err := http.Get(r.base + path)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(body)
}

// value finds a series by its text up to the value.
func (r *running) value(series string) (float64, bool) {
	_, body := r.get("/metrics")
	for line := range strings.Lines(body) {
		if rest, ok := strings.CutPrefix(line, series+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			return v, err == nil
		}
	}
	return 0, false
}

// eventually waits for the real agent, which has a real clock, as briefly as it lets us.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 30 s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

const records = `plumbline_records_total{model="spam"}`

func TestEveryLineIsCountedOnceOverRestarts(t *testing.T) {
	p := newPlace(t)
	opts := Options{Models: []string{p.models}, State: p.state, Interval: 100 * time.Millisecond, Node: "n1"}
	p.append(t, 100)
	for range 3 {
		a := start(t, opts)
		p.append(t, 50)
		eventually(t, fmt.Sprintf("%d records", p.written), func() bool { v, _ := a.value(records); return v == float64(p.written) })
		p.append(t, 25) // perhaps counted, perhaps not: the next start knows
		if err := a.stop(); err != nil {
			t.Fatal(err)
		}
		p.append(t, 25)
	}
	a := start(t, opts)
	eventually(t, fmt.Sprintf("%d records", p.written), func() bool { v, _ := a.value(records); return v == float64(p.written) })
	if v, _ := a.value("plumbline_tail_lines_total"); v != float64(p.written) {
		t.Errorf("lines = %v, want %d", v, p.written)
	}
}

func TestEndpointsAnswerOnOnePort(t *testing.T) {
	p := newPlace(t)
	p.append(t, 10)
	a := start(t, Options{Models: []string{p.models}, State: p.state, Interval: 100 * time.Millisecond})
	eventually(t, "ready", func() bool { code, _ := a.get("/-/ready"); return code == http.StatusOK })
	for path, want := range map[string]string{
		"/-/healthy":         "healthy",
		"/health":            "Server available",
		"/metrics":           records,
		"/metrics/agent":     `plumbline_config_reload_successful{kind="rules"} 1`,
		"/metrics/collector": "otelcol_process_uptime",
	} {
		if code, body := a.get(path); code != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s = %d without %q", path, code, want)
		}
	}
	if !strings.Contains(a.out.String(), a.base+"/metrics") {
		t.Errorf("the start says %q, without the address", a.out.String())
	}
}

func TestSeveralAgentsRunBesideEachOther(t *testing.T) {
	one, two := newPlace(t), newPlace(t)
	one.append(t, 7)
	two.append(t, 11)
	a := start(t, Options{Models: []string{one.models}, State: one.state, Interval: 100 * time.Millisecond})
	b := start(t, Options{Models: []string{two.models}, State: two.state, Interval: 100 * time.Millisecond})
	eventually(t, "both count their own", func() bool {
		x, _ := a.value(records)
		y, _ := b.value(records)
		return x == 7 && y == 11
	})
	err := Run(t.Context(), Options{Models: []string{one.models}, State: one.state, Listen: "127.0.0.1:0", LogLevel: "error"})
	if err == nil || !strings.Contains(err.Error(), "lock") {
		t.Errorf("a second agent on the same state got %v", err)
	}
	err = Run(t.Context(), Options{Models: []string{one.models}, State: t.TempDir(), Listen: strings.TrimPrefix(a.base, "http://"), LogLevel: "error"})
	if err == nil || !strings.Contains(err.Error(), "--listen") {
		t.Errorf("a second agent on the same address got %v", err)
	}
}

func TestABadRuleFileRaisesTheMetricAndTheOldRulesRunOn(t *testing.T) {
	p := newPlace(t)
	write(t, filepath.Join(p.rules, "own.yaml"), "groups: [{name: own, rules: [{record: own:one, expr: vector(1)}]}]\n")
	a := start(t, Options{Models: []string{p.models}, Rules: []string{p.rules}, Packs: true, State: p.state, Interval: 100 * time.Millisecond})
	loaded := 0.0
	eventually(t, "rules are loaded", func() bool {
		loaded, _ = a.value("plumbline_rules_loaded")
		ok, _ := a.value("plumbline_config_last_reload_successful")
		return loaded > 1 && ok == 1
	})
	write(t, filepath.Join(p.rules, "bad.yaml"), "groups: [{name: bad, rules: [{alert: Bad, expr: 'sum('}]}]\n")
	eventually(t, "the bad file is noticed", func() bool {
		v, ok := a.value("plumbline_config_last_reload_successful")
		kind, _ := a.value(`plumbline_config_reload_successful{kind="rules"}`)
		return ok && v == 0 && kind == 0
	})
	if v, _ := a.value("plumbline_rules_loaded"); v != loaded {
		t.Errorf("%v rules run beside the bad file, want the old %v", v, loaded)
	}
	if err := os.Remove(filepath.Join(p.rules, "bad.yaml")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the removal is noticed", func() bool { v, _ := a.value("plumbline_config_last_reload_successful"); return v == 1 })
}

func TestAModelFileThatComesLaterIsPickedUpAndABadOneIsRefused(t *testing.T) {
	p := newPlace(t)
	p.append(t, 5)
	good := filepath.Join(p.models, "spam.yaml")
	text, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(good); err != nil {
		t.Fatal(err)
	}
	a := start(t, Options{Models: []string{p.models}, State: p.state, Interval: 100 * time.Millisecond})
	eventually(t, "ready without a model", func() bool { code, _ := a.get("/-/ready"); return code == http.StatusOK })
	write(t, good, string(text))
	eventually(t, "the model is watched", func() bool { v, _ := a.value(records); return v == 5 })
	write(t, filepath.Join(p.models, "bad.yaml"), "modell: x\n")
	eventually(t, "the bad file is noticed", func() bool {
		v, ok := a.value(`plumbline_config_reload_successful{kind="models"}`)
		return ok && v == 0
	})
	p.append(t, 5)
	eventually(t, "the old model counts on", func() bool { v, _ := a.value(records); return v == 10 })
}

func TestSIGHUPStartsTheServiceAnewOnTheSamePortAndCountsOn(t *testing.T) {
	p := newPlace(t)
	p.append(t, 20)
	a := start(t, Options{Models: []string{p.models}, State: p.state, Interval: 100 * time.Millisecond})
	eventually(t, "20 records", func() bool { v, _ := a.value(records); return v == 20 })
	before := strings.Count(a.out.String(), "metrics at")
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if err := self.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the service is started anew", func() bool { return strings.Count(a.out.String(), "metrics at") > before })
	p.append(t, 5)
	eventually(t, "25 records on the same port", func() bool { v, _ := a.value(records); return v == 25 })
	if code, _ := a.get("/metrics/collector"); code != http.StatusOK {
		t.Errorf("/metrics/collector = %d after the restart", code)
	}
}

func TestWhatCannotWorkIsAUsageErrorThatNamesTheFlag(t *testing.T) {
	p := newPlace(t)
	for name, c := range map[string]struct {
		opts Options
		want string
	}{
		"models":  {Options{Models: []string{"/nowhere"}}, "--models /nowhere: does not exist"},
		"rules":   {Options{Models: []string{p.models}, Rules: []string{"/nowhere"}}, "--rules /nowhere"},
		"routes":  {Options{Models: []string{p.models}, Routes: p.models}, "is a folder"},
		"listen":  {Options{Models: []string{p.models}, Listen: "9464"}, "--listen"},
		"address": {Options{Models: []string{p.models}, ExternalURL: "grafana.example.com"}, "--external-url"},
		"format":  {Options{Models: []string{p.models}, Format: "json"}, "--format"},
		"set":     {Options{Models: []string{p.models}, Set: []string{"x"}}, "--set x"},
		"gate":    {Options{Models: []string{p.models}, FeatureGates: []string{"no.such.gate"}}, "--feature-gates"},
		"nothing": {Options{}, "nothing to watch"},
	} {
		if name == "nothing" && exists(etcModels) {
			continue
		}
		err := Run(t.Context(), c.opts)
		if !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want a usage error with %q", name, err, c.want)
		}
	}
}

func TestALogWithoutAModelFileIsWatchedByAnInferredOneThatIsShown(t *testing.T) {
	p := newPlace(t)
	p.append(t, 200)
	opts := Options{Logs: []string{filepath.Join(p.logs, "*.jsonl")}, State: p.state, Interval: 100 * time.Millisecond}
	const counted = `plumbline_records_total{model="app"}`
	a := start(t, opts)
	eventually(t, "the lines are counted", func() bool { v, _ := a.value(counted); return v == 200 })
	if out := a.out.String(); !strings.Contains(out, "inferred-model.yaml") || !strings.Contains(out, "    model: app\n") || !strings.Contains(out, "score: {path: score, kind: probability}") {
		t.Errorf("the inferred model was not shown:\n%s", out)
	}
	if err := a.stop(); err != nil {
		t.Fatal(err)
	}
	p.append(t, 10)
	again := start(t, opts)
	eventually(t, "counting goes on", func() bool { v, _ := again.value(counted); return v == 210 })
	if strings.Contains(again.out.String(), "inferred-model.yaml") {
		t.Error("the model was inferred again")
	}
}
