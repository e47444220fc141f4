package inferencelogreceiver

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receiverhelper"

	"github.com/plumbline-ml/plumbline/agent/components/internal/hub"
	"github.com/plumbline-ml/plumbline/agent/components/internal/metricdata"
	"github.com/plumbline-ml/plumbline/agent/components/internal/modelfiles"
	"github.com/plumbline-ml/plumbline/agent/components/internal/state"
	"github.com/plumbline-ml/plumbline/agent/components/internal/watch"
	"github.com/plumbline-ml/plumbline/agent/components/internal/zaplog"
	"github.com/plumbline-ml/plumbline/internal/catalog"
	"github.com/plumbline-ml/plumbline/internal/ingest"
	"github.com/plumbline-ml/plumbline/internal/monitor"
	"github.com/plumbline-ml/plumbline/internal/tail"
)

type logReceiver struct {
	set    receiver.Settings
	config *Config
	next   consumer.Metrics
	obs    *receiverhelper.ObsReport
	log    *slog.Logger
	opts   options

	paths     []string  // model files: the configuration's, or the one that is inferred
	inferrer  *inferrer // nil with model files
	hub       *hub.Hub
	publisher *publisher
	loops     chan *ingest.Loop // takes the loop once there is a model to watch
	loop      *ingest.Loop      // nil before; owned by start and then by the watcher's goroutine
	stop      context.CancelFunc
	working   sync.WaitGroup
}

func newReceiver(set receiver.Settings, config *Config, next consumer.Metrics, opts options) (*logReceiver, error) {
	obs, err := receiverhelper.NewObsReport(receiverhelper.ObsReportSettings{ReceiverID: set.ID, Transport: "file", ReceiverCreateSettings: set})
	if err != nil {
		return nil, err
	}
	return &logReceiver{set: set, config: config, next: next, obs: obs, log: zaplog.New(set.Logger), opts: opts, loops: make(chan *ingest.Loop, 1)}, nil
}

// Start loads models and state. Models that do not load stop the start: after it, they never stop the agent.
func (r *logReceiver) Start(_ context.Context, host component.Host) error {
	r.hub = hub.From(host, r.set.BuildInfo.Version)
	var resource map[string]string
	if r.config.Node != "" {
		resource = map[string]string{"host.name": r.config.Node}
	}
	omit := omitted(r.config.Omit)
	r.publisher = &publisher{
		place: r.hub.Board().Take(omit), sends: r.config.Send == SendAll,
		box: make(chan catalog.Batch, 1), encoder: metricdata.NewEncoder(resource, metricdata.Every(r.config.SayEvery, r.config.Interval)), self: r.hub.Gatherer(), start: time.Now(),
		omit: omit, next: r.next, obs: r.obs, published: r.hub.ExpectPublish(), log: r.log,
	}
	r.paths = r.config.Models
	if len(r.config.Include) > 0 {
		var err error
		if r.inferrer, err = newInferrer(r.config, state.Dir(r.config.StateDir, r.set.ID), r.opts.inferred, r.log); err != nil {
			return err
		}
		r.paths = []string{r.inferrer.file}
	}
	ctx, stop := context.WithCancel(context.Background())
	watcher, err := watch.New(watch.Options{Paths: r.paths, OnChange: func() { r.reload(ctx) }, Logger: r.log})
	if err != nil {
		stop()
		return err
	}
	r.stop = stop
	models, err := r.load()
	if err != nil {
		return fmt.Errorf("load models: %w", err)
	}
	if err := r.watchModels(models); err != nil {
		return err
	}
	switch {
	case r.loop != nil:
	case r.inferrer != nil:
		r.working.Go(func() { r.inferrer.run(ctx) })
	default:
		r.log.Warn("no model file yet; waiting for one", "models", r.paths)
	}
	r.hub.Reloaded(hub.Models, time.Now(), nil)

	r.working.Go(func() { watcher.Run(ctx) })
	r.working.Go(func() { r.publisher.run(ctx) })
	r.working.Go(func() {
		if err := r.run(ctx); err != nil && ctx.Err() == nil {
			componentstatus.ReportStatus(host, componentstatus.NewFatalErrorEvent(err))
		}
	})
	return nil
}

// load reads the model files. One that is still to be inferred is no error.
func (r *logReceiver) load() ([]*monitor.Model, error) {
	if r.inferrer != nil && !r.inferrer.exists() {
		return nil, nil
	}
	return modelfiles.Load(r.paths, r.config.MaxModels)
}

// watchModels hands run a loop over models, if there are any.
func (r *logReceiver) watchModels(models []*monitor.Model) error {
	if len(models) == 0 {
		return nil
	}
	limits := tail.Options{
		PollInterval: r.config.PollInterval, MaxLineBytes: r.config.MaxLineBytes, MaxFiles: r.config.MaxFiles, MaxOpenFiles: r.config.MaxOpenFiles,
	}
	if r.config.StartAt == "end" {
		limits.StartAt = tail.End
	}
	loop, err := ingest.New(ingest.Options{
		Models: models, StateDir: state.Dir(r.config.StateDir, r.set.ID), Interval: r.config.Interval,
		Publish: r.publisher.put, Shared: true, Logger: r.log, Tail: limits,
	})
	if err != nil {
		return err
	}
	r.loop = loop
	r.loops <- loop
	return nil
}

// run publishes self-metrics alone until there is a model, and then runs the loop.
func (r *logReceiver) run(ctx context.Context) error {
	tick := time.NewTicker(r.config.Interval)
	defer tick.Stop()
	for {
		select {
		case loop := <-r.loops:
			return loop.Run(ctx)
		case <-ctx.Done():
			select {
			case loop := <-r.loops: // made but not run yet: Run commits, publishes and closes
				return loop.Run(ctx)
			default:
				return nil
			}
		case now := <-tick.C:
			r.publisher.put(catalog.Batch{Time: now, Start: r.publisher.start})
		}
	}
}

// close gives the state back when a loop was made that never ran.
func (r *logReceiver) close() error {
	select {
	case loop := <-r.loops:
		return loop.Close()
	default:
		return nil
	}
}

// reload is called when a model file changed.
func (r *logReceiver) reload(ctx context.Context) {
	models, err := r.load()
	switch {
	case err != nil:
		// Every problem is a line of its own: one bad file does not hide behind another.
		for _, p := range problems(err) {
			r.log.Error("model file refused; the models that were running go on", "err", p)
		}
	case r.loop == nil:
		if err = r.watchModels(models); err != nil {
			r.log.Error("watching the new models failed", "err", err)
		}
	default:
		// The loop answers at its next tick and logs what it thinks of the models; when it has ended, it never answers.
		done := make(chan error, 1)
		go func() { done <- r.loop.ReloadModels(models) }()
		select {
		case err = <-done:
		case <-ctx.Done():
			return
		}
	}
	r.hub.Reloaded(hub.Models, time.Now(), err)
}

func problems(err error) []error {
	var out []error
	for _, p := range monitor.Problems(err) {
		out = append(out, p)
	}
	if len(out) == 0 {
		out = []error{err}
	}
	return out
}

// Shutdown ends the loop, which commits what it has read, and publishes that.
func (r *logReceiver) Shutdown(ctx context.Context) error {
	if r.stop == nil {
		return nil
	}
	r.stop()
	r.working.Wait()
	r.publisher.last(ctx)
	r.publisher.place.Leave()
	return r.close()
}
