package inferenceconnector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer"

	"github.com/plumbline-ml/plumbline/agent/components/internal/board"
	"github.com/plumbline-ml/plumbline/agent/components/internal/hub"
	"github.com/plumbline-ml/plumbline/agent/components/internal/metricdata"
	"github.com/plumbline-ml/plumbline/agent/components/internal/modelfiles"
	"github.com/plumbline-ml/plumbline/agent/components/internal/watch"
	"github.com/plumbline-ml/plumbline/agent/components/internal/zaplog"
	"github.com/plumbline-ml/plumbline/internal/catalog"
	"github.com/plumbline-ml/plumbline/internal/monitor"
	"github.com/plumbline-ml/plumbline/internal/parse"
	"github.com/plumbline-ml/plumbline/internal/requests"
	"github.com/plumbline-ml/plumbline/internal/snapshot"
)

// core is the engine of one connector and what drives it.
type core struct {
	set    connector.Settings
	config *Config
	next   consumer.Metrics
	log    *slog.Logger
	forget func()

	users     int // guarded by life: sides that have started
	life      sync.Mutex
	hub       *hub.Hub
	published func()
	place     *board.Place
	encoder   *metricdata.Encoder
	stop      context.CancelFunc
	done      sync.WaitGroup
	failed    bool // the last publish failed; so that the log says it once

	mu     sync.Mutex // guards everything below
	engine *monitor.Engine
	store  *snapshot.Store  // nil without state_dir
	asked  *requests.Server // likewise
	feeds  map[string]*feed
	counts counts
	rec    parse.Record
}

// feed is what reading records of one model needs.
type feed struct {
	instance *monitor.Instance
	parser   *parse.Parser
	offset   int64
}

func newCore(set connector.Settings, config *Config, next consumer.Metrics) *core {
	return &core{set: set, config: config, next: next, log: zaplog.New(set.Logger)}
}

// start is called for each side; the first one starts.
func (c *core) start(host component.Host) error {
	c.life.Lock()
	defer c.life.Unlock()
	c.users++
	if c.users > 1 {
		return nil
	}
	c.hub = hub.From(host, c.set.BuildInfo.Version)
	var resource map[string]string
	if c.config.Node != "" {
		resource = map[string]string{"host.name": c.config.Node}
	}
	c.encoder = metricdata.NewEncoder(resource, metricdata.Every(c.config.SayEvery, c.config.Interval))
	watcher, err := watch.New(watch.Options{Paths: c.config.Models, OnChange: c.reload, Logger: c.log})
	if err != nil {
		return err
	}
	models, err := modelfiles.Load(c.config.Models, c.config.MaxModels)
	if err != nil {
		return fmt.Errorf("load models: %w", err)
	}
	if c.engine, err = monitor.NewEngine(monitor.EngineOptions{Models: models, Logger: c.log}); err != nil {
		return fmt.Errorf("start models: %w", err)
	}
	if err := c.restore(); err != nil {
		return err
	}
	c.refeed()
	c.hub.Reloaded(hub.Models, time.Now(), nil)
	c.published = c.hub.ExpectPublish()
	c.place = c.hub.Board().Take(nil)

	ctx, stop := context.WithCancel(context.Background())
	c.stop = stop
	c.done.Go(func() { watcher.Run(ctx) })
	c.done.Go(func() { c.run(ctx) })
	return nil
}

func (c *core) run(ctx context.Context) {
	tick := time.NewTicker(c.config.Interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			c.publish(ctx, now)
		}
	}
}

// publish commits and then sends samples of what was committed.
func (c *core) publish(ctx context.Context, now time.Time) {
	c.mu.Lock()
	c.engine.Advance(now)
	if c.asked != nil {
		c.asked.Serve(c.engine, now)
	}
	err := c.commit()
	if c.asked != nil && err == nil {
		c.asked.Answer()
	}
	b := catalog.Batch{Time: now, Start: c.counts.Start}
	c.engine.CollectShared(&b)
	c.counts.collect(&b)
	c.mu.Unlock()
	c.place.Put(b)

	p := c.encoder.Begin(now)
	p.Batch(&b, nil)
	if sent := c.next.ConsumeMetrics(ctx, p.End()); sent != nil {
		c.encoder.Refused()
		err = errors.Join(err, sent)
	} else {
		c.published()
	}
	switch {
	case err != nil && !c.failed && ctx.Err() == nil:
		c.log.Warn("publishing failed; the next publish carries everything again", "err", err)
	case err == nil && c.failed:
		c.log.Info("publishing works again")
	}
	c.failed = err != nil
}

// reload is called when a model file changed.
func (c *core) reload() {
	models, err := modelfiles.Load(c.config.Models, c.config.MaxModels)
	if err == nil {
		c.mu.Lock()
		if err = c.engine.Reload(models); err == nil {
			c.refeed()
		}
		c.mu.Unlock()
	}
	c.hub.Reloaded(hub.Models, time.Now(), err)
	if err != nil {
		c.log.Error("the changed models are not valid; the old ones run on", "err", err)
		return
	}
	c.log.Info("models reloaded", "models", len(models))
}

// refeed makes a parser for each model, keeping those of models that did not change. The caller holds mu.
func (c *core) refeed() {
	next := map[string]*feed{}
	for _, in := range c.engine.Instances() {
		if f := c.feeds[in.Name()]; f != nil && f.instance == in {
			next[in.Name()] = f
			continue
		}
		next[in.Name()] = &feed{instance: in, parser: in.Plan().NewParser()}
	}
	c.feeds = next
}

// feedOf finds the model that a record belongs to. The caller holds mu.
func (c *core) feedOf(name string) *feed {
	if name == "" && len(c.feeds) == 1 {
		for _, f := range c.feeds {
			return f
		}
	}
	return c.feeds[name]
}

// observe counts one inference record. at is the time that its envelope bears, in Unix nanoseconds, for records
// without a time of their own; 0 means none. The caller holds mu.
func (c *core) observe(f *feed, text []byte, at int64, arrival time.Time) {
	res := f.parser.Line(text, f.offset, &c.rec)
	f.offset += int64(len(text)) + 1
	for {
		switch res.Status {
		case parse.Complete:
			if c.rec.WrapperTime == 0 {
				c.rec.WrapperTime = at
			}
			f.instance.Observe(&c.rec, f.instance.Plan().Slots(), arrival)
		case parse.Ignored:
			c.counts.Ignored++
		case parse.Bad:
			c.counts.Errors[prefix+res.Reason.String()]++
			f.instance.LineUnreadable()
		}
		if !res.More {
			f.parser.Expired() // nothing is held here, so there is nothing to release
			return
		}
		res = f.parser.Next(&c.rec)
	}
}

// shutdown is called for each side; the last one stops, commits and publishes once more.
func (c *core) shutdown(ctx context.Context) error {
	c.life.Lock()
	defer c.life.Unlock()
	if c.users--; c.users > 0 {
		return nil
	}
	c.forget()
	if c.stop != nil {
		c.stop()
		c.done.Wait()
		c.publish(ctx, time.Now())
		c.place.Leave()
	}
	if c.store != nil {
		return c.store.Close()
	}
	return nil
}
