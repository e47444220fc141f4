package dashboards

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/agent"
	"github.com/plumbline-ml/plumbline/agent/reference"
	"github.com/plumbline-ml/plumbline/internal/catalog"
	"github.com/plumbline-ml/plumbline/internal/simulator"
)

const modelFile = `model: spam-classifier
logs: {include: [%[1]s/inference.jsonl], format: json}
fields: {timestamp: ts, version: version, id: id, replica: replica}
predictions:
  score: {path: prediction.score, kind: probability}
  label: {path: prediction.label, kind: category, positive: spam}
features:
  - {path: features.*}
  - {path: features.domain_rep, kind: number, updated_at: features.domain_rep_ts, max_age: 10s}
segments: [{path: country, values: [CH, LI]}]
truth: {path: truth}
reference: {file: %[1]s/reference.json}
windows: [10s, 30s]
pane: 1s
bucket: 1s
lateness: 1s
`

// unasked are the metrics that the model of this test does not have, with the reason. That they exist and that their queries parse is
// tested beside this, and internal/monitor tests when they come.
var unasked = map[*catalog.Metric]string{
	catalog.VolumeExpected:    "comes after an hour of traffic",
	catalog.PositiveLimit:     "comes after a day of traffic",
	catalog.Ticket:            "is there only for streams that may not page, and against the reference file of this test all may",
	catalog.UnitChange:        "is there only while a known change of unit explains an alarm",
	catalog.ReferenceAccepted: "is there only when somebody has run plumbline reference accept",
	catalog.RebaseTime:        "is there only when the reference has followed another version, and then the model learns anew",
}

// TestEveryPanelReturnsDataFromARealPrometheusThatScrapesARealAgent needs the prometheus binary of Debian's package.
func TestEveryPanelReturnsDataFromARealPrometheusThatScrapesARealAgent(t *testing.T) {
	binary, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skip("no prometheus binary on PATH: .ci/run unpacks Debian's")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	dir := t.TempDir()
	agentAddr := startAgent(ctx, t, dir)
	api := startPrometheus(ctx, t, binary, dir, agentAddr)

	type panel struct{ dashboard, title, expr string }
	waiting := map[panel]string{}
	for name, d := range All() {
		for _, p := range d.Panels {
			for _, target := range p.Targets {
				if slices.ContainsFunc(slices.Collect(maps.Keys(unasked)), func(m *catalog.Metric) bool { return strings.Contains(target.Expr, m.Name+"{") }) {
					continue
				}
				waiting[panel{name, p.Title, target.Expr}] = "not asked yet"
			}
		}
	}
	asked := len(waiting)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for len(waiting) > 0 {
		for p := range waiting {
			if n, err := query(ctx, api, forRealData(p.expr)); err != nil {
				waiting[p] = err.Error()
			} else if n > 0 {
				delete(waiting, p)
			} else {
				waiting[p] = "no data"
			}
		}
		select {
		case <-ctx.Done():
			for p, why := range waiting {
				t.Errorf("%s: panel %q: %s: %s", p.dashboard, p.title, forRealData(p.expr), why)
			}
			t.Fatalf("%d of %d queries returned no data", len(waiting), asked)
		case <-tick.C:
		}
	}
}

// forRealData fills in what Grafana fills in, with the names that the agent of this test uses.
func forRealData(expr string) string {
	return strings.NewReplacer("$__rate_interval", "10s", "$__range", "1m", "$model", "spam-classifier", "$node", ".*", "$window", "10s", "$feature", "features.urls").Replace(expr)
}

var requestID = regexp.MustCompile(`"id":"[^"]*"`)

// judged appends a record that carries its truth, which is what the model said in all but every 20th, and a country.
func judged(dst []byte, server *simulator.Simulator, at time.Time, i int) []byte {
	begin := len(dst)
	dst = server.AppendRecord(dst, at)
	said := bytes.Contains(dst[begin:], []byte(`"label":"spam"`))
	truth := "ham"
	if said != (i%20 == 7) {
		truth = "spam"
	}
	dst = bytes.TrimSuffix(dst, []byte("}\n"))
	return fmt.Appendf(dst, ",\"country\":%q,\"truth\":%q}\n", []string{"CH", "CH", "LI"}[i%3], truth)
}

func startAgent(ctx context.Context, t *testing.T, dir string) string {
	t.Helper()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	model := write("models/spam.yaml", fmt.Sprintf(modelFile, dir))
	server := simulator.New(simulator.Options{Seed: 1, Rate: 300, Replicas: 3})
	var earlier []byte
	for i := range 10_000 {
		earlier = judged(earlier, server, time.Now().Add(time.Duration(i-20_000)*time.Millisecond), i)
	}
	built, err := reference.Build(ctx, reference.Options{Model: model, Files: []string{write("earlier.jsonl", string(earlier))}})
	if err != nil {
		t.Fatal(err)
	}
	write("reference.json", string(built.JSON))
	log, err := os.OpenFile(write("inference.jsonl", "{not a record\n"), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	written := make(chan struct{})
	go func() {
		defer close(written)
		defer log.Close()
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		var lines, later []byte
		began := time.Now()
		for last := began; ; {
			select {
			case <-ctx.Done():
				return
			case now := <-tick.C:
				if now.Sub(began) > 10*time.Second {
					server.SetSpamShare(.3) // what an alarm says is there only while something is in alarm
				}
				lines = lines[:0]
				lines = append(lines, later...) // truths that were not known yet at the last tick
				later = later[:0]
				for range server.Requests(last, now) {
					server.SetVersion([]string{"v12", "v12", "v12", "v13"}[server.Serial()%4])
					if i := int(server.Serial()); i%5 > 0 {
						lines = judged(lines, server, now, i)
					} else {
						begin := len(lines)
						lines = server.AppendRecord(lines, now)
						if id := requestID.Find(lines[begin:]); i%10 > 0 { // of the other ones the truth never comes
							later = fmt.Appendf(later, "{%s,\"ts\":%q,\"truth\":\"ham\"}\n", id, now.Add(100*time.Millisecond).UTC().Format(time.RFC3339Nano))
						}
					}
				}
				last = now
				if _, err := log.Write(lines); err != nil {
					return
				}
			}
		}
	}()
	ctx, stop := context.WithCancel(ctx)
	ended, address := make(chan error, 1), make(chan net.Addr, 1)
	go func() {
		ended <- agent.Run(ctx, agent.Options{Models: []string{filepath.Dir(model)}, State: filepath.Join(dir, "state"), Listen: "127.0.0.1:0", Node: "n1",
			Set: []string{"service.telemetry.logs.output_paths=[" + filepath.Join(dir, "agent.log") + "]"}, Listening: func(a net.Addr) { address <- a }})
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the agent ended with %v", err)
		}
	})
	select {
	case a := <-address:
		return a.String()
	case err := <-ended:
		ended <- err
		t.Fatalf("the agent did not start: %v", err)
	}
	return ""
}

func startPrometheus(ctx context.Context, t *testing.T, binary, dir, target string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	config := filepath.Join(dir, "prometheus.yml")
	text := "global: {scrape_interval: 1s}\nscrape_configs: [{job_name: plumbline, static_configs: [{targets: ['" + target + "']}]}]\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, binary, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "tsdb"), "--web.listen-address="+address, "--log.level=error")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		cmd.Wait() // it was killed: its error says so
	})
	return "http://" + address + "/api/v1/query"
}

// query returns how many series an instant query yields.
func query(ctx context.Context, api, expr string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, api+"?query="+url.QueryEscape(expr), nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	var answer struct {
		Error string
		Data  struct{ Result []json.RawMessage }
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return 0, err
	}
	if answer.Error != "" {
		return 0, fmt.Errorf("%s", answer.Error)
	}
	return len(answer.Data.Result), nil
}
