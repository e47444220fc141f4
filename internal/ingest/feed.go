package ingest

import (
	"bytes"
	"time"

	"github.com/plumbline-ml/plumbline/internal/monitor"
	"github.com/plumbline-ml/plumbline/internal/parse"
	"github.com/plumbline-ml/plumbline/internal/tail"
)

// feed reads the lines of one rotation lineage for one model.
type feed struct {
	instance *monitor.Instance
	format   string
	truth    bool   // the lines are truths about predictions in other files
	replica  []byte // that wrote the lines, when the path says so
	parser   *parse.Parser
	rec      parse.Record

	// The parser names lines by an offset. Files that follow each other by rotation share a parser, so it is given
	// serial numbers, and pending says which line of which source each stands for.
	serial  int64
	pending map[int64]held
	holds   *holds

	lastEvent int64     // event time of the newest record
	used      time.Time // when the last chunk came
}

type held struct {
	source *tail.Source
	offset int64
}

// newFeed makes a feed. holds is nil for files that are read once.
func newFeed(in *monitor.Instance, path string, h *holds) *feed {
	format, _ := in.Model().Format()
	return &feed{instance: in, format: format, parser: in.Plan().NewParser(), holds: h, replica: []byte(monitor.ReplicaOfPath(path))}
}

// newTruthFeed makes a feed of truths about the predictions of a model.
func newTruthFeed(in *monitor.Instance, h *holds) *feed {
	return &feed{instance: in, format: in.Model().Truth.Logs.Format, truth: true, parser: in.TruthPlan().NewParser(), holds: h}
}

// line reads one line, observes the records in it, and returns how many there were.
func (f *feed) line(line []byte, source *tail.Source, offset int64, arrival time.Time, c *counters) (records int) {
	f.serial++
	if !arrival.IsZero() {
		f.parser.Arrived(arrival.UnixNano())
	}
	res := f.parser.Line(line, f.serial, &f.rec)
	records = f.take(res, arrival, c)
	if res.Status == parse.Pending && f.holds != nil {
		if f.pending == nil {
			f.pending = map[int64]held{}
		}
		f.pending[f.serial] = held{source, offset}
		f.holds.hold(source, offset, len(line)+1, f.instance.Name())
	}
	f.release()
	return records
}

// take acts on a result and on the further records of the same line.
func (f *feed) take(res parse.Result, arrival time.Time, c *counters) (records int) {
	for {
		f.instance.LineRead(arrival, res.Status != parse.Bad)
		switch res.Status {
		case parse.Complete:
			records++
			if f.truth {
				f.instance.ObserveTruth(&f.rec, arrival)
				break
			}
			f.instance.SetSource(f.replica)
			f.instance.Observe(&f.rec, f.instance.Plan().Slots(), arrival)
			if f.rec.Time > f.lastEvent {
				f.lastEvent = f.rec.Time
			}
		case parse.Ignored:
			c.Ignored[f.format]++
		case parse.Bad:
			c.Errors[res.Reason.String()]++
			if !f.truth {
				f.instance.LineUnreadable()
			}
		}
		if len(f.rec.Held) > 0 {
			f.releaseRanges(f.rec.Held)
		}
		if !res.More {
			return records
		}
		res = f.parser.Next(&f.rec)
	}
}

func (f *feed) release() {
	if gone := f.parser.Expired(); len(gone) > 0 {
		f.releaseRanges(gone)
	}
}

func (f *feed) releaseRanges(ranges []parse.HeldRange) {
	for _, r := range ranges {
		if h, ok := f.pending[r.Offset]; ok {
			f.holds.release(h.source, h.offset, f.instance.Name())
			delete(f.pending, r.Offset)
		}
	}
}

// finish reads what still waits for its rest, because nothing more will come.
func (f *feed) finish(arrival time.Time, c *counters) (records int) {
	for {
		res := f.parser.Finish(&f.rec)
		if res.Status == parse.Ignored && len(f.rec.Held) == 0 {
			f.release()
			return records
		}
		records += f.take(res, arrival, c)
		f.release()
	}
}

// eachLine cuts a chunk into lines without their line ends.
func eachLine(data []byte, offset int64, visit func(line []byte, offset int64)) {
	for len(data) > 0 {
		n := bytes.IndexByte(data, '\n')
		if n < 0 {
			visit(data, offset)
			return
		}
		visit(data[:n], offset)
		data, offset = data[n+1:], offset+int64(n)+1
	}
}
