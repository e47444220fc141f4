package ingest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"

	"github.com/plumbline-ml/plumbline/internal/catalog"
	"github.com/plumbline-ml/plumbline/internal/parse"
	"github.com/plumbline-ml/plumbline/internal/tail"
)

// errStop ends ReadOnce early; nobody outside sees it.
var errStop = errors.New("stop")

// fileRecords reads the records of one file for one model, one at a time. The record is the parser's and valid until
// the next step.
type fileRecords struct {
	path   string
	size   int64 // on disk
	feed   *feed
	read   int64 // bytes read so far, after decompression
	lines  uint64
	event  int64 // of the record that waits
	next   func() (parse.Result, bool)
	stop   func()
	failed error
	arena  []byte // texts of the record that waits, while others are read
}

// keep copies the texts of the record that waits: the parsers of one plan share memory, and other files are read next.
func (r *fileRecords) keep() {
	need := 0
	for i := range r.feed.rec.Values {
		need += len(r.feed.rec.Values[i].Str)
	}
	if cap(r.arena) < need {
		r.arena = make([]byte, 0, 2*need)
	}
	r.arena = r.arena[:0]
	for i := range r.feed.rec.Values {
		v := &r.feed.rec.Values[i]
		if len(v.Str) == 0 {
			continue
		}
		from := len(r.arena)
		r.arena = append(r.arena, v.Str...)
		v.Str = r.arena[from:len(r.arena):len(r.arena)]
	}
}

// openRecords starts to read a file.
func openRecords(ctx context.Context, path string, f *feed, opts tail.Options, c *counters) (*fileRecords, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read log: %w", err)
	}
	r := &fileRecords{path: path, size: st.Size(), feed: f}
	r.feed.parser.Arrived(st.ModTime().UnixNano())
	r.next, r.stop = iter.Pull(func(yield func(parse.Result) bool) {
		f := r.feed
		err := tail.ReadOnce(path, opts, func(chunk *tail.Chunk) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			var stopped bool
			eachLine(chunk.Data, chunk.Offset, func(line []byte, offset int64) {
				if stopped {
					return
				}
				r.lines++
				r.read += int64(len(line)) + 1
				f.serial++
				res := f.parser.Line(line, f.serial, &f.rec)
				for {
					if !r.offer(res, yield, c) {
						stopped = true
						return
					}
					if !res.More {
						return
					}
					res = f.parser.Next(&f.rec)
				}
			})
			if stopped {
				return errStop
			}
			return nil
		})
		if err != nil {
			if !errors.Is(err, errStop) {
				r.failed = fmt.Errorf("read log %s: %w", path, err)
			}
			return
		}
		for {
			res := f.parser.Finish(&f.rec)
			if res.Status == parse.Ignored && len(f.rec.Held) == 0 {
				return
			}
			if !r.offer(res, yield, c) {
				return
			}
		}
	})
	return r, nil
}

// offer hands a complete record on and counts everything else.
func (r *fileRecords) offer(res parse.Result, yield func(parse.Result) bool, c *counters) bool {
	switch res.Status {
	case parse.Complete:
		return yield(res)
	case parse.Ignored:
		c.Ignored[r.feed.format]++
	case parse.Bad:
		c.Errors[res.Reason.String()]++
		if !r.feed.truth {
			r.feed.instance.LineUnreadable()
		}
	}
	return true
}

// advance moves to the next record; false means that the file has ended.
func (r *fileRecords) advance() (bool, error) {
	_, ok := r.next()
	if !ok {
		return false, r.failed
	}
	r.event = r.feed.rec.Time
	if r.event == 0 {
		r.event = r.feed.rec.WrapperTime
	}
	return true, nil
}

// addFileStats appends what a run over files has counted.
func addFileStats(b *catalog.Batch, c *counters, bytes int64) {
	c.collect(b)
	b.Add(catalog.TailBytes, float64(bytes))
	b.Add(catalog.TailLag, 0)
	b.Add(catalog.TailGap, 0)
}
