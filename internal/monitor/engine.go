package monitor

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// ErrOptions is what NewEngine returns for options that make no sense.
var ErrOptions = errors.New("monitor: options are not valid")

// EngineOptions configure an Engine.
type EngineOptions struct {
	Models []*Model
	Logger *slog.Logger // nil means discard

	// Metrics are those that anybody reads; nil means all. What is expensive to compute and not in the list is left
	// out of Collect: a backtest whose rules ask for alarms only need not describe a million windows.
	Metrics []*catalog.Metric
}

// Engine runs one Instance for each model. It belongs to one goroutine.
type Engine struct {
	log       *slog.Logger
	instances []*Instance // sorted by name
	metrics   map[*catalog.Metric]bool
	samples   int      // of the last Collect, to ask for memory once
	forgotten []string // see Forgotten
	removed   []string // sections of models that were taken away; reported once
}

// NewEngine builds the instances and reads the reference files that the models name.
func NewEngine(opts EngineOptions) (*Engine, error) {
	e := &Engine{log: opts.Logger}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	if opts.Metrics != nil {
		e.metrics = map[*catalog.Metric]bool{}
		for _, m := range opts.Metrics {
			e.metrics[m] = true
		}
	}
	instances, err := e.build(opts.Models, nil)
	if err != nil {
		return nil, err
	}
	e.instances = instances
	return e, nil
}

// build makes instances for models, taking those whose model file did not change from old.
func (e *Engine) build(models []*Model, old []*Instance) ([]*Instance, error) {
	var out []*Instance
	var errs []error
	files := references{}
	for _, m := range models {
		if i := slices.IndexFunc(old, func(in *Instance) bool { return in.model.Name == m.Name }); i >= 0 {
			ref, err := files.load(m)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			if old[i].configHash == configHash(m, ref) {
				old[i].model.File = m.File
				out = append(out, old[i])
				continue
			}
		}
		ref, err := files.load(m)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		in, err := newInstanceWith(m, ref, e.log)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		in.metrics = e.metrics
		out = append(out, in)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	slices.SortFunc(out, func(a, b *Instance) int { return cmpText(a.model.Name, b.model.Name) })
	for i := 1; i < len(out); i++ {
		if out[i].model.Name == out[i-1].model.Name {
			return nil, fmt.Errorf("%w: two models are named %s", ErrOptions, out[i].model.Name)
		}
	}
	return out, nil
}

func cmpText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}

// Model returns the instance of a model, or nil.
func (e *Engine) Model(name string) *Instance {
	for _, in := range e.instances {
		if in.model.Name == name {
			return in
		}
	}
	return nil
}

// Instances lists the instances in the order of their names. Do not modify.
func (e *Engine) Instances() []*Instance { return e.instances }

// Advance closes panes and buckets that event time has left behind. now is the wall clock when live and the event
// time of the replay otherwise.
func (e *Engine) Advance(now time.Time) {
	for _, in := range e.instances {
		in.advance(now)
		in.panes.trim()
	}
}

// Collect appends samples of the state as it stands.
func (e *Engine) Collect(b *catalog.Batch) {
	b.Samples = slices.Grow(b.Samples, e.samples+e.samples/16)
	before := len(b.Samples)
	defer func() { e.samples = len(b.Samples) - before }()
	for _, in := range e.instances {
		in.collect(b, false)
	}
}

// CollectShared is Collect with what changes only when a pane or a bucket is closed in Batch.Shared: slices that the engine
// keeps and does not change again, so that a batch a second costs no copy of them.
func (e *Engine) CollectShared(b *catalog.Batch) {
	b.Samples = slices.Grow(b.Samples, e.samples+e.samples/16)
	before := len(b.Samples)
	defer func() { e.samples = len(b.Samples) - before }()
	for _, in := range e.instances {
		in.collect(b, true)
	}
}

// Reload replaces the models. Everything that can fail is done first, so an error leaves the engine as it was.
// Instances whose model file and reference did not change go on untouched; a changed one takes over what it
// can, as after a restart.
func (e *Engine) Reload(models []*Model) error {
	next, err := e.build(models, e.instances)
	if err != nil {
		return err
	}
	for _, old := range e.instances {
		if slices.Contains(next, old) {
			continue
		}
		i := slices.IndexFunc(next, func(in *Instance) bool { return in.model.Name == old.model.Name })
		state := old.allSections()
		names := map[string]bool{}
		old.needed(names)
		for name := range state {
			names[name] = true
		}
		for name := range names {
			e.removed = append(e.removed, name)
		}
		if i < 0 {
			e.log.Info("model is gone; its counts are dropped", "model", old.model.Name)
			continue
		}
		if err := next[i].restore(func(name string) ([]byte, bool) { d, ok := state[name]; return d, ok }); err != nil {
			e.log.Warn("state of an edited model could not be taken over", "model", old.model.Name, "error", err)
		}
		next[i].touchAll()
	}
	e.instances = next
	return nil
}

// references are the files that were read for one set of models: those that name the same file share what is in it.
type references map[string]*Reference

func (r references) load(m *Model) (*Reference, error) {
	path := m.referencePath()
	if ref, ok := r[path]; ok && path != "" && !m.Reference.Learns() {
		return ref, nil
	}
	ref, err := m.loadReference()
	if err == nil && ref != nil {
		r[path] = ref
	}
	return ref, err
}

// referencePath resolves a reference file against the folder of the model file.
func (m *Model) referencePath() string {
	if m.Reference.File == "" || filepath.IsAbs(m.Reference.File) {
		return m.Reference.File
	}
	return filepath.Join(filepath.Dir(m.File), m.Reference.File)
}

// loadReference reads the reference file, or returns nil when the model learns.
func (m *Model) loadReference() (*Reference, error) {
	if m.Reference.Learns() {
		return nil, nil
	}
	ref, err := ReadReference(m.referencePath())
	if err != nil {
		return nil, fmt.Errorf("model %s (%s): %w", m.Name, m.File, err)
	}
	return ref, nil
}
