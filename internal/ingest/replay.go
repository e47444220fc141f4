package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/plumbline-ml/plumbline/internal/catalog"
	"github.com/plumbline-ml/plumbline/internal/monitor"
	"github.com/plumbline-ml/plumbline/internal/tail"
)

// ErrNoFiles is what Replay and BuildReference return when there is nothing to read.
var ErrNoFiles = errors.New("ingest: no log files")

// ReplayOptions configure Replay.
type ReplayOptions struct {
	Models   []*monitor.Model
	Files    []string                  // plain, .gz or .zst; a file goes to the models whose globs match it, or to all when there is one model
	Step     time.Duration             // of virtual time between publishes; 0 means a minute
	Publish  func(catalog.Batch) error // called at every step with what was true then; nil means nobody wants to know
	Progress func(done, total int64)   // bytes on disk, called a few times a second at the most; nil means nobody wants to know
	From     time.Time                 // records before are left out; zero means none
	Until    time.Time                 // records from here on are left out; zero means none
	Metrics  []*catalog.Metric         // those that Publish looks at; nil means all. Expensive ones that are not here are left out
	Tail     tail.Options              // line limit; the rest does not matter here
	Logger   *slog.Logger              // nil means discard
	Dir      string                    // what relative globs of the models start from
}

// ReplayStats says what a replay has read.
type ReplayStats struct {
	Lines   uint64
	Records uint64
	Errors  map[string]uint64 // by reason
	Ignored uint64
	Bytes   int64 // after decompression
	From    time.Time
	Until   time.Time
	Steps   uint64
}

// ErrorsTotal is the number of lines that could not be read.
func (s *ReplayStats) ErrorsTotal() uint64 {
	var n uint64
	for _, v := range s.Errors {
		n += v
	}
	return n
}

// Replay reads files as fast as it can in virtual time: the records of all files are merged by their event time, and
// at every step of event time the engine advances and publishes, just as it does live once a second. The engine ends
// with the last record; nothing is kept.
func Replay(ctx context.Context, opts ReplayOptions) (ReplayStats, error) {
	r, err := newReplay(ctx, opts)
	if err != nil {
		return ReplayStats{}, err
	}
	defer r.close()
	if err := r.run(ctx); err != nil {
		return r.stats(), err
	}
	return r.stats(), nil
}

type replay struct {
	opts    ReplayOptions
	engine  *monitor.Engine
	counts  *counters
	files   []*fileRecords // that still have records, by the event time of the next
	all     []*fileRecords
	total   int64
	now     int64 // virtual time: the last step
	started bool
	records uint64
	steps   uint64
	from    int64
	until   int64
	told    time.Time
}

func newReplay(ctx context.Context, opts ReplayOptions) (*replay, error) {
	if opts.Step <= 0 {
		opts.Step = time.Minute
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if len(opts.Files) == 0 {
		return nil, ErrNoFiles
	}
	engine, err := monitor.NewEngine(monitor.EngineOptions{Models: opts.Models, Logger: opts.Logger, Metrics: opts.Metrics})
	if err != nil {
		return nil, err
	}
	if len(engine.Instances()) == 0 {
		return nil, ErrNoModels
	}
	r := &replay{opts: opts, engine: engine, counts: newCounters(time.Unix(0, 0))}
	for _, path := range opts.Files {
		for _, in := range engine.Instances() {
			var feeds []*feed
			m := in.Model()
			truth := m.Truth.Separate() && matchesLogs(&m.Truth.Logs, opts.Dir, path)
			if truth {
				feeds = append(feeds, newTruthFeed(in, nil))
			}
			if len(engine.Instances()) == 1 && !truth || matchesLogs(&m.Logs, opts.Dir, path) {
				feeds = append(feeds, newFeed(in, path, nil))
			}
			for _, f := range feeds {
				records, err := openRecords(ctx, path, f, opts.Tail, r.counts)
				if err != nil {
					r.close()
					return nil, err
				}
				r.all = append(r.all, records)
				r.total += records.size
			}
		}
	}
	if len(r.all) == 0 {
		return nil, fmt.Errorf("%w: none of the files matches logs.include of a model", ErrNoFiles)
	}
	return r, nil
}

func (r *replay) close() {
	for _, f := range r.all {
		f.stop()
	}
}

// run merges the files: always the one whose next record is the oldest goes on. Records without a time keep their
// place in their file.
func (r *replay) run(ctx context.Context) error {
	for _, f := range r.all {
		ok, err := f.advance()
		if err != nil {
			return err
		}
		if ok {
			f.keep()
			r.files = append(r.files, f)
		}
	}
	slices.SortStableFunc(r.files, func(a, b *fileRecords) int { return cmp.Compare(a.event, b.event) })
	for len(r.files) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.burst(); err != nil {
			return err
		}
		r.progress(false)
	}
	r.engine.Flush()
	if r.started {
		r.now += int64(r.opts.Step)
		if err := r.publish(); err != nil {
			return err
		}
	}
	r.progress(true)
	return nil
}

// burstRecords is how many records are taken between looks at the context and the progress.
const burstRecords = 4096

// burst takes records from the first file until another one is older.
func (r *replay) burst() error {
	f := r.files[0]
	limit := int64(1<<63 - 1)
	if len(r.files) > 1 {
		limit = r.files[1].event
	}
	for range burstRecords {
		if err := r.take(f); err != nil {
			return err
		}
		ok, err := f.advance()
		if err != nil {
			return err
		}
		if !ok {
			r.files = r.files[1:]
			return nil
		}
		if f.event > limit {
			// Put it back in its place.
			f.keep()
			rest := r.files[1:]
			i, _ := slices.BinarySearchFunc(rest, f.event, func(o *fileRecords, t int64) int { return cmp.Compare(o.event, t) })
			copy(r.files, rest[:i])
			r.files[i] = f
			return nil
		}
	}
	return nil
}

// take observes one record, after advancing virtual time up to it.
func (r *replay) take(f *fileRecords) error {
	t := f.event
	if t > 0 {
		if !r.opts.From.IsZero() && t < r.opts.From.UnixNano() || !r.opts.Until.IsZero() && t >= r.opts.Until.UnixNano() {
			return nil
		}
		step := int64(r.opts.Step)
		if !r.started {
			r.started, r.now, r.from = true, t-t%step, t
			r.counts.Start = time.Unix(0, r.now).UTC()
		}
		for t >= r.now+step {
			r.now += step
			r.engine.Advance(time.Unix(0, r.now))
			if err := r.publish(); err != nil {
				return err
			}
		}
		r.until = max(r.until, t)
		r.from = min(r.from, t)
	}
	in := f.feed.instance
	if f.feed.truth {
		in.ObserveTruth(&f.feed.rec, time.Time{})
		return nil
	}
	r.records++
	in.SetSource(f.feed.replica)
	in.Observe(&f.feed.rec, in.Plan().Slots(), time.Time{})
	return nil
}

func (r *replay) publish() error {
	r.steps++
	if r.opts.Publish == nil {
		return nil
	}
	b := catalog.Batch{Time: time.Unix(0, r.now).UTC(), Start: r.counts.Start}
	r.engine.Collect(&b)
	lines, bytes := r.read()
	r.counts.Lines = lines
	addFileStats(&b, r.counts, bytes)
	return r.opts.Publish(b)
}

func (r *replay) read() (lines uint64, bytes int64) {
	for _, f := range r.all {
		lines += f.lines
		bytes += f.read
	}
	return lines, bytes
}

// progress reports at most ten times a second.
func (r *replay) progress(end bool) {
	if r.opts.Progress == nil {
		return
	}
	now := time.Now()
	if !end && now.Sub(r.told) < 100*time.Millisecond {
		return
	}
	r.told = now
	var done int64
	for _, f := range r.all {
		if !slices.Contains(r.files, f) {
			done += f.size
			continue
		}
		done += min(f.size, f.read) // of a compressed file an estimate from above
	}
	r.opts.Progress(done, r.total)
}

func (r *replay) stats() ReplayStats {
	lines, bytes := r.read()
	s := ReplayStats{Lines: lines, Records: r.records, Bytes: bytes, Errors: map[string]uint64{}, Steps: r.steps}
	for reason, n := range r.counts.Errors {
		if n > 0 {
			s.Errors[reason] = n
		}
	}
	for _, n := range r.counts.Ignored {
		s.Ignored += n
	}
	if r.from != 0 {
		s.From, s.Until = time.Unix(0, r.from).UTC(), time.Unix(0, r.until).UTC()
	}
	return s
}

// matchesLogs says whether a file belongs to a model's logs.
func matchesLogs(logs *monitor.LogsConfig, dir, path string) bool {
	matches := func(globs []string) bool {
		return slices.ContainsFunc(globs, func(g string) bool { return tail.Match(absolute(dir, g), absolute("", path)) })
	}
	return matches(logs.Include) && !matches(logs.Exclude)
}
