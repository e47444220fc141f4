package ingest

import (
	"bytes"
	"path/filepath"
	"slices"

	"github.com/plumbline-ml/plumbline/internal/monitor"
	"github.com/plumbline-ml/plumbline/internal/tail"
)

// reload is a set of models that waits for the next tick.
type reload struct {
	models []*monitor.Model
	done   chan error
}

// ReloadModels replaces the models. It returns when the loop has taken them over at its next tick, or with the
// reason why it did not; the models that were running then go on.
func (l *Loop) ReloadModels(models []*monitor.Model) error {
	r := &reload{models: models, done: make(chan error, 1)}
	l.mu.Lock()
	if l.pending != nil {
		l.pending.done <- nil // a newer set takes its place
	}
	l.pending = r
	l.mu.Unlock()
	return <-r.done
}

// Reload reads the models' folder again.
func (l *Loop) Reload() error {
	models, err := monitor.LoadModels(l.opts.ModelsDir)
	if err == nil && len(models) == 0 {
		err = ErrNoModels
	}
	if err != nil {
		l.note(err)
		return err
	}
	return l.ReloadModels(models)
}

// note keeps the outcome of a reload for the metrics and the log.
func (l *Loop) note(err error) {
	l.mu.Lock()
	l.reloadOK = err == nil
	if err == nil {
		l.reloaded = l.now()
	}
	l.mu.Unlock()
	if err == nil {
		l.log.Info("model files loaded")
		return
	}
	if problems := monitor.Problems(err); len(problems) > 0 {
		for _, p := range problems {
			l.log.Error("model file refused; the models that were running go on", "problem", p.Error())
		}
		return
	}
	l.log.Error("model files could not be loaded; the models that were running go on", "error", err)
}

// applyReload takes a waiting set of models over, in the loop's goroutine.
func (l *Loop) applyReload() {
	l.mu.Lock()
	r := l.pending
	l.pending = nil
	l.mu.Unlock()
	if r == nil {
		return
	}
	err := l.swap(r.models)
	l.note(err)
	r.done <- err
}

// swap builds everything that can fail before anything is changed.
func (l *Loop) swap(models []*monitor.Model) error {
	if len(models) == 0 {
		return ErrNoModels
	}
	var probe tail.Options
	for _, m := range models {
		probe.Include = append(probe.Include, m.Logs.Include...)
		probe.Exclude = append(probe.Exclude, m.Logs.Exclude...)
		if m.Truth.Separate() {
			probe.Include = append(probe.Include, m.Truth.Logs.Include...)
			probe.Exclude = append(probe.Exclude, m.Truth.Logs.Exclude...)
		}
	}
	probe.Dir = l.opts.Dir
	t, err := tail.New(probe)
	if err != nil {
		return err
	}
	if err := t.Close(); err != nil {
		return err
	}
	if err := l.engine.Reload(models); err != nil {
		return err
	}
	waiting := l.dropFeeds()
	include, exclude := includes(l.engine)
	if slices.Equal(l.globs, append(include, exclude...)) && !waiting {
		return nil
	}
	// The new tailer hands out again what is held, so the parsers start anew and forget their halves.
	old := l.tailer
	totals := l.tailTotals()
	if err := l.openTail(bytes.Clone(old.State())); err != nil {
		l.tailer = old
		return err
	}
	l.base, l.again = totals, 0
	clear(l.routes)
	clear(l.feeds)
	l.holds.restart()
	return old.Close()
}

// dropFeeds forgets the parsers of instances that are gone: their plans are. It says whether a model that was edited
// waits for the rest of a record; its lines then have to be read again.
func (l *Loop) dropFeeds() (waiting bool) {
	for key, f := range l.feeds {
		if slices.Contains(l.engine.Instances(), f.instance) {
			continue
		}
		if l.engine.Model(key.model) == nil {
			f.releaseAll()
		}
		waiting = waiting || len(f.pending) > 0
		delete(l.feeds, key)
	}
	clear(l.routes)
	return waiting
}

// releaseAll gives up every line that is held.
func (f *feed) releaseAll() {
	for serial, h := range f.pending {
		f.holds.release(h.source, h.offset, f.instance.Name())
		delete(f.pending, serial)
	}
}

func absolute(dir, glob string) string {
	if filepath.IsAbs(glob) {
		return glob
	}
	if abs, err := filepath.Abs(filepath.Join(dir, glob)); err == nil {
		return abs
	}
	return filepath.Join(dir, glob)
}
