package ingest

import (
	"time"

	"github.com/plumbline-ml/plumbline/internal/monitor"
)

// holdLimit is how long panes wait for a source that does not deliver.
const holdLimit = 10 * time.Second

// holdBack keeps panes open that a source still has unread records for: with several files of one model to catch up
// on, the others would otherwise come late.
func (l *Loop) holdBack() {
	caught := l.tailer.Caught()
	oldest := map[*monitor.Instance]int64{}
	if !caught && l.now().Sub(l.began) < holdLimit && l.tailer.Stats().Files > len(l.routes) {
		// Right after the start some files have not had their first turn; how far back they reach is not known.
		for _, in := range l.engine.Instances() {
			in.HoldBack(time.Unix(0, 1))
		}
		return
	}
	if !caught {
		for _, r := range l.routes {
			if !r.more || l.now().Sub(r.used) > holdLimit {
				continue
			}
			for _, f := range r.feeds {
				if t, ok := oldest[f.instance]; f.lastEvent > 0 && (!ok || f.lastEvent < t) {
					oldest[f.instance] = f.lastEvent
				}
			}
		}
	}
	for _, in := range l.engine.Instances() {
		if t, ok := oldest[in]; ok {
			in.HoldBack(time.Unix(0, t))
		} else {
			in.HoldBack(time.Time{})
		}
	}
}

// evictAfter is how long a lineage may be silent before its parser is dropped.
const evictAfter = 24 * time.Hour

// evict drops routes and parsers of files that are long gone.
func (l *Loop) evict(now time.Time) {
	if now.Sub(l.evicted) < time.Minute {
		return
	}
	l.evicted = now
	for s, r := range l.routes {
		if now.Sub(r.used) > evictAfter {
			delete(l.routes, s)
		}
	}
	for key, f := range l.feeds {
		if now.Sub(f.used) > evictAfter {
			f.finish(now, l.counters)
			delete(l.feeds, key)
		}
	}
}
