// Package soak runs the real agent under chaos and checks that it counts every line exactly once.
//
// Run writes four logs with serial numbers as numeric features, rotates them in four styles, kills, starves and misleads
// the agent at seeded random moments, scrapes it several times a second, and compares at the end: records, sums and sums
// of squares must all match, so that loss and doubling cannot cancel. It works in a temporary folder, listens on loopback
// only, and ends every process that it started before it returns. Memory is bounded by the number of
// series that the agent exposes and by maxSamples; disk by rotated files of the last half minute, while the agent keeps up.
// The seed fixes what is done and in which order; the moments also depend on the machine.
//
// It does not test speed (make bench), detectors (make detection) or faults of a single write (internal/snapshot does).
package soak

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/plumbline-ml/plumbline/exporters/pagerduty/standin"
)

// Options of a soak. Command is required.
type Options struct {
	Seed     uint64
	Duration time.Duration                            // of the chaos, without catching up; zero means 10 minutes
	Rate     int                                      // lines a second over all logs; zero means 3,000
	Logs     []string                                 // which of rename, kubelet, copytruncate and race are written; empty means all
	Command  func(Place) *exec.Cmd                    // makes the agent's process; it must end on SIGKILL
	Dir      string                                   // where the temporary folder is made; empty means the system's place
	Keep     bool                                     // leave the folder behind
	LogLevel string                                   // of the agent; empty means warn. At debug it says what becomes of every file
	Tick     func(elapsed time.Duration, line string) // called about every second with the state of things; nil is fine
	Logger   *slog.Logger                             // what is done, event by event; nil discards
}

// Place says where the agent finds things, as flags of "plumbline run" name them.
type Place struct {
	Models, Rules, Routes, State, Listen string
	Set                                  []string
	LogLevel                             string
}

// Args are the arguments of "plumbline".
func (p Place) Args() []string {
	args := []string{"run", "--models", p.Models, "--rules", p.Rules, "--routes", p.Routes, "--state", p.State, "--listen", p.Listen, "--node", "soak", "--log-level", p.LogLevel}
	if p.LogLevel == "debug" { // every line counts
		args = append(args, "--set", "service.telemetry.logs.sampling.enabled=false")
	}
	for _, kv := range p.Set {
		args = append(args, "--set", kv)
	}
	return args
}

// maxLine is the line limit that the agent is given: small, so that longer lines cost little to write.
const maxLine = 16 << 10

var (
	errNoCommand   = errors.New("soak: Options.Command is required")
	errNotFollowed = errors.New("the agent does not follow all logs")
	errNoLog       = errors.New("want some of rename, kubelet, copytruncate and race as logs")
)

// arena is one soak as it goes.
type arena struct {
	opts    Options
	log     *slog.Logger
	dir     string
	place   Place
	streams []*stream
	agent   *process
	scraper *scraper
	watcher *watcher
	pager   *pager
	events  tally // what was done, by kind
	mounted bool
	skipped []string // what could not be done here, and why
	began   time.Time
}

// tally counts by name. It is safe for concurrent use.
type tally struct {
	mu sync.Mutex
	n  map[string]int
}

func (t *tally) add(kind string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n == nil {
		t.n = map[string]int{}
	}
	t.n[kind]++
}

func (t *tally) copy() map[string]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make(map[string]int, len(t.n))
	for k, n := range t.n {
		out[k] = n
	}
	return out
}

// Run soaks once. The error says that the soak itself could not be done; what it found is in the Report. A done ctx
// ends the chaos early, and what was written until then is still compared.
func Run(ctx context.Context, opts Options) (*Report, error) {
	if opts.Command == nil {
		return nil, errNoCommand
	}
	if opts.Duration <= 0 {
		opts.Duration = 10 * time.Minute
	}
	if opts.Rate <= 0 {
		opts.Rate = 3000
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	dir, err := os.MkdirTemp(opts.Dir, "plumbline-soak-")
	if err != nil {
		return nil, err
	}
	a := &arena{opts: opts, log: opts.Logger, dir: dir, began: time.Now()}
	if !opts.Keep {
		defer os.RemoveAll(dir)
	}
	if err := a.prepare(ctx); err != nil {
		return nil, fmt.Errorf("prepare the soak: %w", err)
	}
	defer a.unmount()
	defer a.agent.kill()
	stop, err := a.pager.serve()
	if err != nil {
		return nil, err
	}
	defer stop()
	if err := a.writeConfig(ctx); err != nil {
		return nil, fmt.Errorf("prepare the soak: %w", err)
	}
	return a.run(ctx)
}

// prepare makes folders and everything that needs no address.
func (a *arena) prepare(context.Context) error {
	a.place = Place{Models: a.path("models"), Rules: a.path("rules"), Routes: a.path("routes.yaml"), LogLevel: cmp.Or(a.opts.LogLevel, "warn"), State: a.path("state"), Set: []string{
		fmt.Sprintf("receivers.inference_log.max_line_bytes=%d", maxLine),
		"connectors.alert_rules.interval=1s",
	}}
	for _, d := range []string{a.place.Models, a.place.Rules, a.place.State} {
		if err := os.Mkdir(d, 0o700); err != nil {
			return err
		}
	}
	port, err := freeAddress()
	if err != nil {
		return err
	}
	a.place.Listen = port
	if err := mountSmall(a.place.State); err != nil {
		a.skipped = append(a.skipped, "disk full: "+err.Error())
	} else {
		a.mounted = true
	}
	for i, style := range styles {
		if len(a.opts.Logs) > 0 && !slices.Contains(a.opts.Logs, style.model) {
			continue
		}
		s, err := newStream(a, style, i)
		if err != nil {
			return err
		}
		a.streams = append(a.streams, s)
	}
	if len(a.streams) == 0 {
		return fmt.Errorf("%w: %q", errNoLog, a.opts.Logs)
	}
	out := a.path("agent.log")
	a.agent = &process{command: func() *exec.Cmd { return a.opts.Command(a.place) }, out: out}
	a.scraper = newScraper("http://" + a.place.Listen + "/metrics")
	a.watcher = &watcher{agent: a.agent, scraper: a.scraper}
	a.pager = &pager{desk: standin.New(standin.Options{})}
	return nil
}

func (a *arena) path(name string) string { return filepath.Join(a.dir, name) }

func (a *arena) unmount() {
	if a.mounted {
		_ = unmountSmall(a.place.State) // a folder that stays mounted is still removed by whoever cleans the temporary folder
	}
}

// freeAddress is a port that is free now. The agent comes back to the same one after every kill.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// run writes, harms, waits until the agent has caught up, and compares.
func (a *arena) run(ctx context.Context) (*Report, error) {
	if err := a.agent.start(); err != nil {
		return nil, fmt.Errorf("start the agent: %w", err)
	}
	background, stopBackground := context.WithCancel(context.WithoutCancel(ctx))
	defer stopBackground()
	var watching, writing sync.WaitGroup
	watching.Go(func() { a.scraper.run(background) })
	watching.Go(func() { a.watcher.run(background) })
	watching.Go(func() { a.agent.keepAlive(background, a.log) })
	if err := a.followed(ctx); err != nil {
		return nil, err
	}

	chaos, stopChaos := context.WithTimeout(ctx, a.opts.Duration)
	defer stopChaos()
	failed := make(chan error, len(a.streams))
	for _, s := range a.streams {
		writing.Go(func() {
			if err := s.run(chaos); err != nil {
				failed <- fmt.Errorf("write %s: %w", s.live, err)
				stopChaos()
			}
		})
	}
	writing.Go(func() { a.report(chaos) })
	a.operate(chaos)
	writing.Wait()
	select {
	case err := <-failed:
		return nil, err
	default:
	}
	a.pager.script(nil)
	a.agent.ensure()
	caughtUp := a.catchUp(background)
	stopBackground()
	watching.Wait()
	return a.judge(caughtUp), nil
}

// followed waits until the agent follows every log: what is rotated before it looks for the first time belongs to another time.
func (a *arena) followed(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	each(ctx, 50*time.Millisecond, func() bool { return int(a.scraper.sum("plumbline_tail_files")) < len(a.streams) })
	if ctx.Err() != nil {
		return fmt.Errorf("%w within %s; it says:\n%s", errNotFollowed, patience, tailOf(a.agent.out))
	}
	return nil
}

// report tells whoever looks on.
func (a *arena) report(ctx context.Context) {
	if a.opts.Tick == nil {
		return
	}
	each(ctx, time.Second, func() bool {
		a.opts.Tick(time.Since(a.began), fmt.Sprintf("%d lines written, %d records counted, %d kills", a.written(), int(a.scraper.sum("plumbline_records_total")), a.agent.kills()))
		return true
	})
}

// written is the number of records in the logs until now.
func (a *arena) written() (n int) {
	for _, s := range a.streams {
		n += int(s.records.Load())
	}
	return n
}

// each calls f at an interval until it returns false or ctx is done.
func each(ctx context.Context, interval time.Duration, f func() bool) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if !f() {
				return
			}
		}
	}
}

// rest waits, and says whether ctx is still alive.
func rest(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// pager is the stand-in for PagerDuty behind a socket.
type pager struct {
	desk *standin.Server
	url  string
}

func (p *pager) serve() (stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p.url = "http://" + l.Addr().String() + "/v2/enqueue"
	server := &http.Server{Handler: p.desk, ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	go server.Serve(l) //nolint: it ends with Close, which is its only error
	return func() { _ = server.Close() }, nil
}

func (p *pager) script(reply *standin.Reply) {
	if reply == nil {
		p.desk.Script(nil)
		return
	}
	p.desk.Script(func(int) *standin.Reply { return reply })
}

// calls counts what the stand-in remembers: the newest 10,000, and how many of them broke the contract.
func (p *pager) calls() (all, refused int) {
	for _, c := range p.desk.History() {
		all++
		if len(c.Errors) > 0 {
			refused++
		}
	}
	return all, refused
}

// discard reads a body to its end, so that the connection can be used again.
func discard(r io.Reader) { _, _ = io.Copy(io.Discard, r) }
