// Package demo tells Plumbline's story on a terminal in under three minutes: a model drifts, a feature goes stale, both are
// paged once, both recover.
//
// Everything in it is real but the mail and PagerDuty: a simulated spam classifier writes its inference log, the
// agent of this binary tails it with short windows, and a local stand-in checks every event against PagerDuty's published
// contract and prints pages as the on-call would see them. It works in a temporary folder, listens on loopback only,
// and removes what it made. Run returns nil only if all of the story happened and nothing else was paged.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/plumbline-ml/plumbline/agent"
	"github.com/plumbline-ml/plumbline/agent/reference"
	"github.com/plumbline-ml/plumbline/agent/terminal"
	"github.com/plumbline-ml/plumbline/exporters/pagerduty/standin"
	"github.com/plumbline-ml/plumbline/internal/simulator"
)

// Options of a demo. The zero value is the one that "plumbline demo" tells.
type Options struct {
	Out    io.Writer // the story; nil means nowhere
	Listen string    // of the agent; empty means a free port on loopback
	Keep   bool      // leave the temporary folder behind
	Seed   uint64
}

// How the story is told.
const (
	requestsPerSecond = 400
	referenceRecords  = 40_000
	normalSpam        = 0.05
	quietFor          = 15 * time.Second
	patience          = 45 * time.Second // for each thing that must happen
)

// errStory says that the story went another way.
var errStory = errors.New("the demo did not go as it should")

// Run tells the story and returns nil if it came true. A done ctx ends it cleanly with ctx's error.
func Run(ctx context.Context, opts Options) (err error) {
	if opts.Out == nil {
		opts.Out = io.Discard
	}
	if opts.Listen == "" {
		opts.Listen = "127.0.0.1:0"
	}
	dir, err := os.MkdirTemp("", "plumbline-demo-")
	if err != nil {
		return err
	}
	if !opts.Keep {
		defer os.RemoveAll(dir)
	}
	s := &stage{opts: opts, dir: dir, style: terminal.StyleFor(opts.Out), events: make(chan event, 64), server: simulator.New(simulator.Options{Seed: opts.Seed + 1, Rate: requestsPerSecond, SpamShare: normalSpam})}
	if err := s.prepare(ctx); err != nil {
		return err
	}
	return s.play(ctx)
}

// stage is what the story is played on.
type stage struct {
	opts  Options
	dir   string
	style terminal.Style
	began time.Time

	server *simulator.Simulator // used by the writer's goroutine once it runs
	orders chan func(*simulator.Simulator)
	events chan event // from the stand-in

	metrics string // URL of the agent
}

// event is one thing that happened to an incident.
type event struct {
	incident standin.Incident
	action   string
	at       time.Time
}

func (s *stage) path(name string) string { return filepath.Join(s.dir, name) }

// say prints one line of the story with its time.
func (s *stage) say(format string, args ...any) {
	d := time.Duration(0)
	if !s.began.IsZero() {
		d = time.Since(s.began)
	}
	fmt.Fprintf(s.opts.Out, "%s  %s\n", s.style.Dim(fmt.Sprintf("%02d:%02d", int(d.Minutes()), int(d.Seconds())%60)), fmt.Sprintf(format, args...))
}

const modelFile = `model: spam-classifier
logs:
  include: [%s]
  format: json
fields:
  timestamp: ts
  version: version
predictions:
  score: {path: prediction.score, kind: probability}
  label: {path: prediction.label, kind: category, positive: spam}
features:
  - {path: features.*}
  - {path: features.domain_rep, kind: number, updated_at: features.domain_rep_ts, max_age: 10s}
reference: {file: %s}
false_pages: 1 per 30d
# Short windows, for a story of three minutes. The defaults are 10m, 1h and 24h.
windows: [10s, 30s]
pane: 1s
bucket: 1s
lateness: 1s
`

const routesFile = `route:
  receiver: on-call
  group_by: [model, cause]
  group_wait: 1s
  group_interval: 5s
  repeat_interval: 1h
  routes:
    - receiver: nobody
      matchers: ['severity!="critical"']
receivers:
  - name: on-call
    pagerduty_configs:
      - routing_key: 0123456789abcdef0123456789abcdef
        url: %s
  - name: nobody
`

// prepare writes the files that a user would write, and builds the reference from an earlier log of the same server.
func (s *stage) prepare(ctx context.Context) error {
	model := fmt.Sprintf(modelFile, s.path("inference.jsonl"), s.path("reference.json"))
	if err := os.MkdirAll(s.path("models"), 0o700); err != nil {
		return err
	}
	files := map[string]string{"models/spam-classifier.yaml": model, "inference.jsonl": ""}
	for name, text := range files {
		if err := os.WriteFile(s.path(name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	s.say("%s", s.style.Bold("A spam classifier on this machine, and Plumbline beside it"))
	if err := s.writeEarlierLog(); err != nil {
		return err
	}
	ref, err := reference.Build(ctx, reference.Options{Model: s.path("models/spam-classifier.yaml"), Files: []string{s.path("earlier.jsonl")}})
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.path("reference.json"), ref.JSON, 0o600); err != nil {
		return err
	}
	s.say("reference      built from %d earlier records: %d predictions and features", ref.Records, ref.Columns)
	return nil
}

func (s *stage) writeEarlierLog() error {
	past := simulator.New(simulator.Options{Seed: s.opts.Seed, Rate: requestsPerSecond, SpamShare: normalSpam})
	var lines []byte
	at := time.Now().Add(-time.Hour)
	for range referenceRecords {
		lines = past.AppendRecord(lines, at)
		at = at.Add(time.Second / requestsPerSecond)
	}
	return os.WriteFile(s.path("earlier.jsonl"), lines, 0o600)
}

// play starts the stand-in, the model server and the agent, tells the story, and stops them again.
func (s *stage) play(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()

	desk := standin.New(standin.Options{OnEvent: s.hear})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	pager := &http.Server{Handler: desk, ReadHeaderTimeout: 5 * time.Second}
	go pager.Serve(listener) //nolint: it ends with Close below, which is its only error
	defer pager.Close()
	enqueue := "http://" + listener.Addr().String() + "/v2/enqueue"
	if err := os.WriteFile(s.path("routes.yaml"), fmt.Appendf(nil, routesFile, enqueue), 0o600); err != nil {
		return err
	}

	s.orders = make(chan func(*simulator.Simulator))
	written := make(chan error, 1)
	go func() { written <- s.write(ctx) }()
	ended := make(chan error, 1)
	listening := make(chan net.Addr, 1)
	go func() {
		ended <- agent.Run(ctx, agent.Options{
			Models: []string{s.path("models")}, Routes: s.path("routes.yaml"), State: s.path("state"), Listen: s.opts.Listen, Node: "demo-node", ExternalURL: "https://grafana.example.com",
			LogLevel: "info", Set: []string{"connectors.alert_rules.interval=1s", "service.telemetry.logs.output_paths=[" + s.path("agent.log") + "]", "service.telemetry.logs.error_output_paths=[" + s.path("agent.log") + "]"},
			Listening: func(a net.Addr) { listening <- a },
		})
	}()
	// Whatever happens, everything that was started has ended before the folder is removed.
	finish := func(story error) error {
		stop()
		agentErr, writeErr := <-ended, <-written
		if story == nil || errors.Is(story, context.Canceled) {
			return errors.Join(story, agentErr, writeErr)
		}
		return errors.Join(story, agentErr, s.tailOfLog())
	}
	select {
	case a := <-listening:
		s.metrics = "http://" + a.String() + "/metrics"
	case err := <-ended:
		ended <- err
		return finish(fmt.Errorf("%w: the agent did not start", errStory))
	case <-ctx.Done():
		return finish(context.Cause(ctx))
	}
	s.say("model server   writes %s, about %d requests/s", s.path("inference.jsonl"), requestsPerSecond)
	s.say("agent          %s", s.metrics)
	s.say("PagerDuty      a stand-in at %s that checks every event against the published contract", enqueue)
	return finish(s.tell(ctx, desk))
}

// write is the model server: it appends the requests of each twentieth of a second.
func (s *stage) write(ctx context.Context) error {
	f, err := os.OpenFile(s.path("inference.jsonl"), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	var lines []byte
	for last := time.Now(); ; {
		select {
		case <-ctx.Done():
			return nil
		case order := <-s.orders:
			order(s.server)
		case now := <-tick.C:
			n := s.server.Requests(last, now)
			lines = lines[:0]
			for i := range n {
				lines = s.server.AppendRecord(lines, last.Add(time.Duration(i)*now.Sub(last)/time.Duration(n)))
			}
			last = now
			if _, err := f.Write(lines); err != nil {
				return fmt.Errorf("write inference log: %w", err)
			}
		}
	}
}

// order changes the model server between two writes.
func (s *stage) order(ctx context.Context, change func(*simulator.Simulator)) {
	select {
	case s.orders <- change:
	case <-ctx.Done():
	}
}

// hear takes an event from the stand-in.
func (s *stage) hear(e standin.Event, inc *standin.Incident) {
	if inc == nil {
		return
	}
	select {
	case s.events <- event{incident: *inc, action: e.Action, at: time.Now()}:
	default: // nobody reads any more: the story is over
	}
}

// tailOfLog gives the end of the agent's own log, to explain why a story failed.
func (s *stage) tailOfLog() error {
	data, err := os.ReadFile(s.path("agent.log"))
	if err != nil || len(data) == 0 {
		return nil
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	return fmt.Errorf("the agent's log ends:\n  %s", strings.Join(lines[max(0, len(lines)-8):], "\n  "))
}
