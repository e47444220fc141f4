package ingest

import (
	"bytes"
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

// Open panes are what a sparse log costs memory in while it is caught up on: a chunk of it may span an hour, and no pane is
// closed before somebody looks. A source of which a piece opens more than manyPanes is fed in smaller pieces, below fewPanes in larger ones.
const (
	manyPanes  = 5
	fewPanes   = 2
	firstPiece = 8 << 10
	leastPiece = 4 << 10
)

// piece is how many bytes of data, which ends on a line boundary, are fed before the panes are looked at.
func (r *route) piece(data []byte) int {
	most := r.most
	if most == 0 { // how dense it is, is not known
		most = firstPiece
	}
	if !r.more || most >= len(data) {
		return len(data)
	}
	if n := bytes.IndexByte(data[most:], '\n'); n >= 0 {
		return most + n + 1
	}
	return len(data)
}

// closePanes closes what event time has left behind within a tick, while there is more to read.
func (l *Loop) closePanes(r *route, now time.Time) {
	if !r.more {
		r.most = 0
		return
	}
	l.holdBack()
	opened := 0
	for _, f := range r.feeds {
		opened = max(opened, f.instance.Advance(now))
	}
	if r.most == 0 {
		r.most = firstPiece
	}
	switch {
	case opened > manyPanes:
		r.most = max(leastPiece, r.most*manyPanes/(2*opened))
	case opened < fewPanes:
		r.most = min(l.chunkBytes(), 2*r.most)
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
