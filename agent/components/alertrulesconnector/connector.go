package alertrulesconnector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer"

	"github.com/plumbline-ml/plumbline/agent/components/internal/alertlog"
	"github.com/plumbline-ml/plumbline/agent/components/internal/board"
	"github.com/plumbline-ml/plumbline/agent/components/internal/hub"
	"github.com/plumbline-ml/plumbline/agent/components/internal/state"
	"github.com/plumbline-ml/plumbline/agent/components/internal/watch"
	"github.com/plumbline-ml/plumbline/agent/components/internal/zaplog"
	"github.com/plumbline-ml/plumbline/internal/alert"
	"github.com/plumbline-ml/plumbline/internal/catalog"
	"github.com/plumbline-ml/plumbline/rules"
)

// maxTick is the longest time between two looks at whether a rule group is due.
const maxTick = 5 * time.Second

type rulesConnector struct {
	set    connector.Settings
	config *Config
	next   consumer.Logs
	log    *slog.Logger

	hub    *hub.Hub
	engine *rules.Engine
	store  *state.File // nil without state_dir
	stop   context.CancelFunc
	done   sync.WaitGroup
	failed bool // the last evaluation or hand-over failed; so that the log says it once
	now    func() time.Time

	models map[*board.Place]map[string]bool // that each publisher had at the newest look at the board; belongs to evaluate
	began  time.Time                        // when this component was made

	mu     sync.Mutex // guards shelf and wanted
	shelf  *shelf
	wanted map[*catalog.Metric]bool // whether a rule looks at a metric; anew after each reload
}

func newConnector(set connector.Settings, config *Config, next consumer.Logs) *rulesConnector {
	return &rulesConnector{
		set: set, config: config, next: next, log: zaplog.New(set.Logger), now: time.Now, shelf: newShelf(10 * config.MaxSeries),
		wanted: map[*catalog.Metric]bool{}, models: map[*board.Place]map[string]bool{}, began: time.Now(),
	}
}

// Capabilities implements consumer.Metrics: points are read, not changed.
func (c *rulesConnector) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

// Start loads the rules. Rules that do not load stop the start: after it, they never stop the agent.
func (c *rulesConnector) Start(_ context.Context, host component.Host) (err error) {
	c.hub = hub.From(host, c.set.BuildInfo.Version)
	opts := rules.Options{
		Files: c.config.Files, Dirs: c.config.Dirs, Packs: c.config.Packs,
		ExternalLabels: maps.Clone(c.config.ExternalLabels), ExternalURL: c.config.ExternalURL,
		Interval: c.config.Interval, Resend: c.config.Resend, MaxSeries: c.config.MaxSeries,
		Registerer: c.hub.Registerer(), Logger: c.log,
	}
	if c.config.Node != "" {
		if opts.ExternalLabels == nil {
			opts.ExternalLabels = map[string]string{}
		}
		opts.ExternalLabels[alert.LabelNode] = c.config.Node
	}
	if c.config.StateDir != "" {
		if c.store, err = state.Open(c.config.StateDir, c.set.ID, "rules", c.log); err != nil {
			return err
		}
		opts.State = c.store
	}
	watcher, err := watch.New(watch.Options{Paths: c.config.watched(), OnChange: c.reload, Logger: c.log})
	if err != nil {
		return errors.Join(err, c.close())
	}
	if c.engine, err = rules.New(opts); err != nil {
		return errors.Join(fmt.Errorf("load rules: %w", err), c.close())
	}
	c.hub.Reloaded(hub.Rules, time.Now(), nil)

	ctx, stop := context.WithCancel(context.Background())
	c.stop = stop
	c.done.Go(func() { watcher.Run(ctx) })
	c.done.Go(func() { c.run(ctx) })
	return nil
}

// run evaluates until ctx is done.
func (c *rulesConnector) run(ctx context.Context) {
	tick := time.NewTicker(min(c.engine.Interval(), maxTick))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			c.evaluate(ctx, now)
			tick.Reset(min(c.engine.Interval(), maxTick)) // rules may have been reloaded
		}
	}
}

// evaluate hands the alerts that are due to whoever comes next. What is not taken is not lost: the engine says a
// firing alert again after Resend, and a resolved one for a while.
func (c *rulesConnector) evaluate(ctx context.Context, now time.Time) {
	err := c.unshelve(now)
	if c.config.From == FromBoard {
		err = errors.Join(err, c.readBoard(now))
	}
	alerts, evalErr := c.engine.Eval(ctx, now)
	err = errors.Join(err, evalErr)
	if len(alerts) > 0 {
		err = errors.Join(err, c.next.ConsumeLogs(ctx, alertlog.Encode(alerts)))
	}
	switch {
	case err != nil && ctx.Err() == nil && !c.failed:
		c.log.Error("evaluating rules failed", "err", err)
		c.failed = true
	case err == nil && c.failed:
		c.log.Info("evaluating rules works again")
		c.failed = false
	}
}

// reload is called when a rule file changed.
func (c *rulesConnector) reload() {
	err := c.engine.Reload()
	c.hub.Reloaded(hub.Rules, time.Now(), err)
	if err != nil {
		c.log.Error("the changed rules are not valid; the old ones run on", "err", err)
		return
	}
	c.mu.Lock()
	clear(c.wanted)
	c.mu.Unlock()
	c.log.Info("rules reloaded")
}

// Shutdown stops both goroutines, then saves the state.
func (c *rulesConnector) Shutdown(context.Context) error {
	if c.stop != nil {
		c.stop()
		c.done.Wait()
	}
	return c.close()
}

func (c *rulesConnector) close() error {
	var errs []error
	if c.engine != nil {
		errs = append(errs, c.engine.Close())
	}
	if c.store != nil {
		errs = append(errs, c.store.Close())
	}
	return errors.Join(errs...)
}
