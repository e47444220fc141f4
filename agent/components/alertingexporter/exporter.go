package alertingexporter

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/plumbline-ml/plumbline/agent/components/internal/alertlog"
	"github.com/plumbline-ml/plumbline/agent/components/internal/hub"
	"github.com/plumbline-ml/plumbline/agent/components/internal/state"
	"github.com/plumbline-ml/plumbline/agent/components/internal/watch"
	"github.com/plumbline-ml/plumbline/agent/components/internal/zaplog"
	"github.com/plumbline-ml/plumbline/exporters/alerting"
	"github.com/plumbline-ml/plumbline/internal/alert"
)

// apiPrefix is where Alertmanager serves its API, and where amtool and Grafana look for it.
const apiPrefix = "/api/v2/"

type alertingExporter struct {
	set    exporter.Settings
	config *Config
	log    *slog.Logger

	hub        *hub.Hub
	dispatcher *alerting.Dispatcher
	unmount    func()
	stop       context.CancelFunc
	done       sync.WaitGroup
	strangers  sync.Once // records that are no alerts are reported once
}

func newExporter(set exporter.Settings, config *Config) *alertingExporter {
	return &alertingExporter{set: set, config: config, log: zaplog.New(set.Logger)}
}

// start reads routes and state. Routes that do not load stop the start: after it, they never stop the agent.
func (e *alertingExporter) start(_ context.Context, host component.Host) (err error) {
	e.hub = hub.From(host, e.set.BuildInfo.Version)
	opts := alerting.Options{
		RoutesFile: e.config.Routes, Node: e.config.Node, ExternalURL: e.config.ExternalURL,
		SendTimeout: e.config.SendTimeout, Registerer: e.hub.Registerer(), Logger: e.log,
	}
	if e.config.StateDir != "" {
		opts.StateDir = state.Dir(e.config.StateDir, e.set.ID)
	}
	var watched []string
	if e.config.Routes != "" {
		watched = append(watched, e.config.Routes)
	}
	watcher, err := watch.New(watch.Options{Paths: watched, OnChange: e.reload, Logger: e.log})
	if err != nil {
		return err
	}
	if e.dispatcher, err = alerting.New(opts); err != nil {
		return fmt.Errorf("load routes: %w", err)
	}
	e.hub.Reloaded(hub.Routes, time.Now(), nil)
	e.unmount = e.hub.Mount(apiPrefix, e.dispatcher.Handler())

	ctx, stop := context.WithCancel(context.Background())
	e.stop = stop
	e.done.Go(func() { watcher.Run(ctx) })
	e.done.Go(func() {
		if err := e.dispatcher.Run(ctx); err != nil && ctx.Err() == nil {
			e.log.Error("delivering stopped", "err", err)
		}
	})
	return nil
}

// reload is called when the routes file changed.
func (e *alertingExporter) reload() {
	err := e.dispatcher.Reload()
	e.hub.Reloaded(hub.Routes, time.Now(), err)
	if err != nil {
		e.log.Error("the changed routes are not valid; the old ones run on", "err", err)
		return
	}
	e.log.Info("routes reloaded")
}

// consume hands the alerts of one publish to the dispatcher. An error means that they are not safe yet, and whoever
// sent them says them again.
func (e *alertingExporter) consume(_ context.Context, logs plog.Logs) error {
	var alerts []alert.Alert
	alertlog.Each(logs,
		func(a alert.Alert) { alerts = append(alerts, a) },
		func(err error) {
			e.strangers.Do(func() { e.log.Warn("log records that are no alerts are ignored; this is said once", "err", err) })
		})
	if len(alerts) == 0 {
		return nil
	}
	return e.dispatcher.Process(time.Now(), alerts)
}

// shutdown stops delivering; what is not acknowledged yet is on disk and goes on at the next start.
func (e *alertingExporter) shutdown(context.Context) error {
	if e.dispatcher == nil {
		return nil
	}
	e.unmount()
	e.stop()
	e.done.Wait()
	return e.dispatcher.Close()
}
