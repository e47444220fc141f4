package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/plumbline-ml/plumbline/internal/catalog"
	"github.com/plumbline-ml/plumbline/internal/monitor"
	"github.com/plumbline-ml/plumbline/internal/requests"
	"github.com/plumbline-ml/plumbline/internal/snapshot"
	"github.com/plumbline-ml/plumbline/internal/tail"
)

// Names of the sections that the loop itself keeps.
const (
	sectionTail     = "ingest/tail"
	sectionCounters = "ingest/counters"
	sectionHolds    = "ingest/holds"
)

// Errors of New.
var (
	ErrNoModels = errors.New("ingest: no models")
	ErrNoState  = errors.New("ingest: no state folder")
)

// Options configure a Loop.
type Options struct {
	Models    []*monitor.Model // what to follow; nil means those in ModelsDir
	ModelsDir string           // folder of model files, followed by WatchModels; may be empty when Models is set
	StateDir  string           // required
	StateName string           // of the file in StateDir; empty means "ingest"
	Dir       string           // what relative globs of model files start from; empty means the working directory

	Interval time.Duration       // between ticks; 0 means 1 s
	Publish  func(catalog.Batch) // called from Run's goroutine after every commit; nil means nobody wants to know
	Shared   bool                // Publish looks at Batch.Shared, too, and does not change what is in it
	Logger   *slog.Logger        // nil means discard
	Now      func() time.Time    // nil means time.Now
	Tail     tail.Options        // limits and roots; Include, Exclude, Dir, State and Logger are filled in here
	Snapshot snapshot.Options    // file system and compaction
}

// Loop is the live driver. See the package comment for what it promises.
type Loop struct {
	opts Options
	log  *slog.Logger
	now  func() time.Time

	engine *monitor.Engine
	store  *snapshot.Store
	tailer *tail.Tailer
	globs  []string // what the tailer was made for

	counters *counters
	holds    holds
	again    uint64 // bytes that were read a second time after a restart
	base     tailTotals
	tailed   []byte // tail state as of the last commit
	routes   map[*tail.Source]*route
	feeds    map[feedKey]*feed
	began    time.Time // when Run began
	evicted  time.Time
	looked   time.Time // when schemas were looked for
	stated   time.Time // when the files of silent models were looked for
	saveTime time.Duration
	requests *requests.Server
	warned   time.Time // last time a failed commit was logged

	mu       sync.Mutex // guards pending, which another goroutine sets
	pending  *reload
	reloadOK bool
	reloaded time.Time
}

type feedKey struct {
	lineage string
	model   string
	truth   bool
}

// route is where the lines of one source go.
type route struct {
	feeds []*feed
	more  bool // the last chunk was full: there is more to read
	most  int  // bytes that are fed between two looks at the panes while there is more; 0 means firstPiece
	used  time.Time
}

// New opens the state and restores what was counted. The folder is locked until Run has returned or Close was called.
func New(opts Options) (*Loop, error) {
	if opts.Interval <= 0 {
		opts.Interval = time.Second
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.StateName == "" {
		opts.StateName = "ingest"
	}
	if opts.StateDir == "" {
		return nil, ErrNoState
	}
	if opts.Models == nil && opts.ModelsDir != "" {
		models, err := monitor.LoadModels(opts.ModelsDir)
		if err != nil {
			return nil, err
		}
		opts.Models = models
	}
	if len(opts.Models) == 0 {
		return nil, ErrNoModels
	}
	l := &Loop{opts: opts, log: opts.Logger, now: opts.Now, requests: requests.New(opts.StateDir, opts.Logger), routes: map[*tail.Source]*route{}, feeds: map[feedKey]*feed{}, reloadOK: true, reloaded: opts.Now()}
	engine, err := monitor.NewEngine(monitor.EngineOptions{Models: opts.Models, Logger: opts.Logger})
	if err != nil {
		return nil, err
	}
	l.engine = engine
	store, report, err := snapshot.Open(opts.StateDir, opts.StateName, opts.Snapshot)
	if err != nil {
		return nil, err
	}
	l.store = store
	if err := l.restore(report); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return l, nil
}

func (l *Loop) restore(report snapshot.LoadReport) error {
	l.counters = newCounters(l.now())
	if data, ok := l.store.Section(sectionCounters); ok {
		if c, ok := decodeCounters(data); ok {
			l.counters = c
		}
	}
	for _, reason := range report.Recovered {
		l.counters.Recovered[reason]++
		l.log.Warn("state was not whole; an earlier commit is used", "reason", reason)
	}
	if err := l.engine.Restore(l.store.Names(), l.store.Section); err != nil {
		return err
	}
	l.counters.Recovered["version"] += uint64(len(l.engine.Forgotten()))
	if data, ok := l.store.Section(sectionHolds); ok {
		l.holds.decode(data)
	}
	l.base = l.counters.Tail
	l.tailed, _ = l.store.Section(sectionTail)
	return l.openTail(l.tailed)
}

// openTail makes a tailer for what the models include.
func (l *Loop) openTail(state []byte) error {
	o := l.opts.Tail
	o.Include, o.Exclude = includes(l.engine)
	o.Dir, o.State, o.Logger = l.opts.Dir, state, l.log
	t, err := tail.New(o)
	if err != nil {
		return err
	}
	l.tailer, l.globs = t, append(slices.Clone(o.Include), o.Exclude...)
	return nil
}

// includes is the union of the models' globs, and of the excluding ones those that every model has.
func includes(e *monitor.Engine) (include, exclude []string) {
	for i, logs := range allLogs(e) {
		include = append(include, logs.Include...)
		if i == 0 {
			exclude = slices.Clone(logs.Exclude)
		} else {
			exclude = slices.DeleteFunc(exclude, func(g string) bool { return !slices.Contains(logs.Exclude, g) })
		}
	}
	slices.Sort(include)
	return slices.Compact(include), exclude
}

// allLogs are the logs of every model, those of the truth among them.
func allLogs(e *monitor.Engine) (out []monitor.LogsConfig) {
	for _, in := range e.Instances() {
		m := in.Model()
		out = append(out, m.Logs)
		if m.Truth.Separate() {
			out = append(out, m.Truth.Logs)
		}
	}
	return out
}

// Run follows the logs until ctx is done, then commits once more and closes.
func (l *Loop) Run(ctx context.Context) error {
	defer l.Close()
	next := l.now()
	l.began = next
	for ctx.Err() == nil {
		next = next.Add(l.opts.Interval)
		if now := l.now(); next.Before(now) {
			next = now.Add(l.opts.Interval)
		}
		if err := l.drain(ctx, next); err != nil && ctx.Err() == nil {
			return fmt.Errorf("read logs: %w", err)
		}
		l.tick()
	}
	l.tick()
	return nil
}

// Close gives the state folder back. Run does it by itself.
func (l *Loop) Close() error {
	return errors.Join(l.tailer.Close(), l.store.Close())
}

// drain reads until the next tick is due.
func (l *Loop) drain(ctx context.Context, until time.Time) error {
	for {
		now := l.now()
		if !now.Before(until) {
			return nil
		}
		chunk, err := l.tailer.Next(ctx, time.Now().Add(until.Sub(now)))
		if err != nil {
			return err
		}
		if chunk == nil {
			return nil
		}
		l.chunk(chunk)
	}
}

// chunk feeds the lines of a chunk to every model that wants them: one model after the other, because the profiles of many
// models do not fit into the processor's caches together. Lines that are read again are looked at one by one.
func (l *Loop) chunk(c *tail.Chunk) {
	now := l.now()
	r := l.route(c.Source)
	r.used = now
	r.more = len(c.Data) >= l.chunkBytes()/2
	if len(l.holds.again) > 0 {
		l.chunkAgain(c, r, now)
	} else {
		l.counters.Lines += uint64(bytes.Count(c.Data, []byte{'\n'}))
		if n := len(c.Data); n > 0 && c.Data[n-1] != '\n' {
			l.counters.Lines++
		}
		for data, offset := c.Data, c.Offset; len(data) > 0; {
			n := r.piece(data)
			for _, f := range r.feeds {
				eachLine(data[:n], offset, func(line []byte, offset int64) {
					f.line(line, c.Source, offset, now, l.counters)
				})
			}
			data, offset = data[n:], offset+int64(n)
			l.closePanes(r, now)
		}
	}
	for _, f := range r.feeds {
		f.used = now
	}
}

// chunkAgain feeds a chunk in which some lines may be meant for some models only, because a restart reads them again.
func (l *Loop) chunkAgain(c *tail.Chunk, r *route, now time.Time) {
	eachLine(c.Data, c.Offset, func(line []byte, offset int64) {
		models, again := l.holds.repeated(c.Source, offset)
		if !again {
			l.counters.Lines++
		} else {
			l.again += uint64(len(line) + 1)
		}
		for _, f := range r.feeds {
			if !again || slices.Contains(models, f.instance.Name()) {
				f.line(line, c.Source, offset, now, l.counters)
			}
		}
	})
}

func (l *Loop) chunkBytes() int {
	if l.opts.Tail.ChunkBytes > 0 {
		return l.opts.Tail.ChunkBytes
	}
	return 256 << 10
}

// route finds the feeds of a source: one for each model whose globs match the path under which it was first seen.
func (l *Loop) route(s *tail.Source) *route {
	if r, ok := l.routes[s]; ok {
		return r
	}
	r := &route{}
	add := func(in *monitor.Instance, truth bool, make func() *feed) {
		key := feedKey{s.Lineage(), in.Name(), truth}
		f := l.feeds[key]
		if f == nil {
			f = make()
			l.feeds[key] = f
		}
		r.feeds = append(r.feeds, f)
	}
	for _, in := range l.engine.Instances() {
		m := in.Model()
		if l.wants(&m.Logs, s) {
			add(in, false, func() *feed { return newFeed(in, s.Lineage(), &l.holds) })
		}
		if m.Truth.Separate() && l.wants(&m.Truth.Logs, s) {
			add(in, true, func() *feed { return newTruthFeed(in, &l.holds) })
		}
	}
	l.routes[s] = r
	return r
}

func (l *Loop) wants(logs *monitor.LogsConfig, s *tail.Source) bool {
	matches := func(globs []string) bool {
		return slices.ContainsFunc(globs, func(g string) bool {
			g = absolute(l.opts.Dir, g)
			return tail.Match(g, s.Lineage()) || tail.Match(g, s.Path())
		})
	}
	return matches(logs.Include) && !matches(logs.Exclude)
}

// tick advances event time, commits, and publishes what was committed.
func (l *Loop) tick() {
	now := l.now()
	l.applyReload()
	l.lookForSchemas(now)
	l.lookForFiles(now)
	l.holdBack()
	l.engine.Advance(now)
	l.requests.Serve(l.engine, now)
	l.evict(now)
	l.commit()
	if l.opts.Publish == nil {
		return
	}
	b := catalog.Batch{Time: now, Start: l.counters.Start}
	l.collect(&b)
	l.opts.Publish(b)
}

// commit writes everything that changed, in one go.
func (l *Loop) commit() {
	changed, removed := l.engine.Sections()
	sections := make([]snapshot.Section, 0, len(changed)+2)
	for _, s := range changed {
		sections = append(sections, snapshot.Section{Name: s.Name, Data: s.Data})
	}
	state := l.tailer.State()
	if len(sections) == 0 && len(removed) == 0 && bytes.Equal(state, l.tailed) {
		l.requests.Answer() // refusals change nothing that would have to be kept
		return
	}
	l.counters.Saves++
	l.counters.Tail = l.tailTotals()
	if l.holds.dirty {
		sections = append(sections, snapshot.Section{Name: sectionHolds, Data: l.holds.encode()})
		l.holds.dirty = false
	}
	sections = append(sections, snapshot.Section{Name: sectionTail, Data: state}, snapshot.Section{Name: sectionCounters, Data: l.counters.encode()})
	began := time.Now()
	err := l.store.Commit(sections, removed)
	l.saveTime = time.Since(began)
	if err != nil {
		l.counters.Saves--
		l.counters.SaveErrors++
		if now := l.now(); now.Sub(l.warned) >= time.Minute {
			l.warned = now
			l.log.Error("state could not be saved; counting goes on in memory", "error", err, "failures", l.counters.SaveErrors)
		}
		return
	}
	l.tailed = state
	l.requests.Answer()
}
