package monitor

import (
	"time"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// lines says when the model's log last said anything, so that a model without records is not just silent: nobody calls it,
// nobody can read it, or its log stands still. Arrival times; 0 means not yet. They are kept over a restart, because an agent that was
// restarted must not forget why a model is silent.
type lines struct {
	newest     int64 // any line
	unreadable int64 // one that could not be read as a record
	files      int   // log files that lines came from and that are still there, and one; 0 while none did
}

// LineRead notes a line of the model's log. readable is false for one that could not be read. A zero arrival is that of a
// replay and is left out.
func (in *Instance) LineRead(arrival time.Time, readable bool) {
	if arrival.IsZero() {
		return
	}
	in.dirty.lines = true
	in.lines.newest = arrival.UnixNano()
	if !readable {
		in.lines.unreadable = in.lines.newest
	}
}

// LogFiles notes how many of the files that lines came from are still there.
func (in *Instance) LogFiles(n int) {
	in.dirty.lines = in.dirty.lines || in.lines.files != n+1
	in.lines.files = n + 1
}

func (l *lines) encode(e *encoder) {
	e.int(l.newest)
	e.int(l.unreadable)
	e.uint(uint64(l.files))
}

func (l *lines) decode(d *stateDecoder) {
	l.newest, l.unreadable, l.files = d.int(), d.int(), d.length(maxLogFiles)
}

// maxLogFiles bounds the files inside the state.
const maxLogFiles = 1 << 30

func (in *Instance) collectLines(b *catalog.Batch) {
	l := &in.lines
	if l.newest > 0 {
		b.Add(catalog.LastLine, float64(l.newest)/1e9, in.model.Name)
	}
	if l.unreadable > 0 {
		b.Add(catalog.LastUnreadable, float64(l.unreadable)/1e9, in.model.Name)
	}
	if l.files > 0 {
		b.Add(catalog.LogFiles, float64(l.files-1), in.model.Name)
	}
}
