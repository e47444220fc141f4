package ingest

import (
	"maps"
	"runtime"
	"slices"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// collect appends the samples of the engine, the tail and the state.
func (l *Loop) collect(b *catalog.Batch) {
	if l.opts.Shared {
		l.engine.CollectShared(b)
	} else {
		l.engine.Collect(b)
	}
	l.counters.collect(b)
	now, s := l.tailer.Stats(), l.tailTotals()
	b.Add(catalog.TailBytes, float64(s.Bytes))
	b.Add(catalog.TailLag, float64(now.LagBytes))
	b.Add(catalog.TailGap, float64(s.Gap))
	b.Add(catalog.TailFiles, float64(now.Files))
	b.Add(catalog.TailOversize, float64(s.Oversize))
	for _, k := range slices.Sorted(maps.Keys(s.Rotations)) {
		b.Add(catalog.TailRotated, float64(s.Rotations[k]), k)
	}
	for _, k := range slices.Sorted(maps.Keys(s.Refused)) {
		b.Add(catalog.TailRefused, float64(s.Refused[k]), k)
	}
	b.Add(catalog.StateSaves, float64(l.counters.Saves))
	b.Add(catalog.StateErrors, float64(l.counters.SaveErrors))
	b.Add(catalog.StateSeconds, l.saveTime.Seconds())
	b.Add(catalog.StateBytes, float64(l.store.Size()))
	b.Add(catalog.Goroutines, float64(runtime.NumGoroutine()))
	for _, k := range slices.Sorted(maps.Keys(l.counters.Recovered)) {
		b.Add(catalog.StateRecovered, float64(l.counters.Recovered[k]), k)
	}
	l.mu.Lock()
	ok, at := l.reloadOK, l.reloaded
	l.mu.Unlock()
	value := 0.0
	if ok {
		value = 1
	}
	b.Add(catalog.ReloadKindOK, value, "models")
	b.Add(catalog.ReloadTime, float64(at.UnixNano())/1e9, "models")
}
