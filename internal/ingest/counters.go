package ingest

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/plumbline-ml/plumbline/internal/catalog"
	"github.com/plumbline-ml/plumbline/internal/parse"
)

// counters are the totals of the loop itself. They are saved with the positions, so that they never go back.
type counters struct {
	Start   time.Time         `json:"start"` // when counting began, over all restarts
	Lines   uint64            `json:"lines"`
	Errors  map[string]uint64 `json:"errors"`  // by reason
	Ignored map[string]uint64 `json:"ignored"` // by format

	Tail tailTotals `json:"tail"`

	Saves      uint64            `json:"saves"`
	SaveErrors uint64            `json:"save_errors"`
	Recovered  map[string]uint64 `json:"recovered"` // by reason
}

// tailTotals are the tail's totals over all restarts; its own begin with the process.
type tailTotals struct {
	Bytes     uint64            `json:"bytes"`
	Gap       uint64            `json:"gap"`
	Oversize  uint64            `json:"oversize"`
	Rotations map[string]uint64 `json:"rotations"`
	Refused   map[string]uint64 `json:"refused"`
}

// tailTotals adds what the tail has counted to what was counted before it started.
func (l *Loop) tailTotals() tailTotals {
	s := l.tailer.Stats()
	t := tailTotals{
		Bytes: l.base.Bytes + s.Bytes - min(s.Bytes, l.again), Gap: l.base.Gap + s.GapBytes, Oversize: l.base.Oversize + s.Oversize,
		Rotations: s.Rotations, Refused: s.Refused,
	}
	for k, n := range l.base.Rotations {
		t.Rotations[k] += n
	}
	for k, n := range l.base.Refused {
		t.Refused[k] += n
	}
	return t
}

func newCounters(start time.Time) *counters {
	c := &counters{Start: start.UTC()}
	c.fill()
	return c
}

// fill makes every series exist from the start.
func (c *counters) fill() {
	if c.Errors == nil {
		c.Errors = map[string]uint64{}
	}
	if c.Ignored == nil {
		c.Ignored = map[string]uint64{}
	}
	if c.Recovered == nil {
		c.Recovered = map[string]uint64{}
	}
	for _, r := range parse.Reasons() {
		c.Errors[r] += 0
	}
	for _, r := range []string{"torn", "checksum", "version", "missing", "previous"} {
		c.Recovered[r] += 0
	}
}

func (c *counters) encode() []byte {
	data, err := json.Marshal(c)
	if err != nil {
		return nil // maps of numbers can always be written
	}
	return data
}

// decodeCounters reads saved counters; false means that they cannot be read and begin anew.
func decodeCounters(data []byte) (*counters, bool) {
	var c counters
	if err := json.Unmarshal(data, &c); err != nil || c.Start.IsZero() {
		return nil, false
	}
	c.fill()
	return &c, true
}

func (c *counters) collect(b *catalog.Batch) {
	b.Add(catalog.Watchdog, 1)
	b.Add(catalog.TailLines, float64(c.Lines))
	for _, r := range slices.Sorted(maps.Keys(c.Errors)) {
		b.Add(catalog.ParseErrors, float64(c.Errors[r]), r)
	}
	for _, f := range slices.Sorted(maps.Keys(c.Ignored)) {
		b.Add(catalog.LinesIgnored, float64(c.Ignored[f]), f)
	}
}
