package ingest

import (
	"context"
	"fmt"
	"os"

	"github.com/plumbline-ml/plumbline/internal/monitor"
	"github.com/plumbline-ml/plumbline/internal/parse"
	"github.com/plumbline-ml/plumbline/internal/tail"
)

// ReferenceStats says what BuildReference has read.
type ReferenceStats struct {
	Lines, Records uint64
	Errors         map[string]uint64 // by reason
}

// recordBuilder is what is fed with the records of files.
type recordBuilder interface {
	Plan() *parse.Plan
	Observe(*parse.Record)
}

// BuildReference reads files and makes the model's reference out of them. They are read a second time when they cover
// enough time to learn what is normal at each time of the week. progress is told bytes on disk and may be nil.
func BuildReference(ctx context.Context, m *monitor.Model, files []string, opts tail.Options, progress func(done, total int64)) (*monitor.Reference, ReferenceStats, error) {
	stats := ReferenceStats{Errors: map[string]uint64{}}
	if len(files) == 0 {
		return nil, stats, ErrNoFiles
	}
	b, err := monitor.NewReferenceBuilder(m)
	if err != nil {
		return nil, stats, err
	}
	if err := readRecords(ctx, b, files, opts, &stats, progress); err != nil {
		return nil, stats, err
	}
	ref, err := b.Reference()
	if err != nil || !b.Seasonal() {
		return ref, stats, err
	}
	s, err := b.Seasons(ref)
	if err != nil {
		return nil, stats, err
	}
	again := ReferenceStats{Errors: map[string]uint64{}}
	if err := readRecords(ctx, s, files, opts, &again, progress); err != nil {
		return nil, stats, err
	}
	return ref, stats, s.Finish()
}

// readRecords feeds the records of files, in their order.
func readRecords(ctx context.Context, b recordBuilder, files []string, opts tail.Options, stats *ReferenceStats, progress func(done, total int64)) error {
	var rec parse.Record
	take := func(p *parse.Parser, res parse.Result) {
		for {
			switch res.Status {
			case parse.Complete:
				stats.Records++
				b.Observe(&rec)
			case parse.Bad:
				stats.Errors[res.Reason.String()]++
			}
			if !res.More {
				return
			}
			res = p.Next(&rec)
		}
	}
	var done, all int64
	sizes := make([]int64, len(files))
	for i, path := range files {
		st, err := os.Stat(path)
		if err != nil {
			return fmt.Errorf("read log: %w", err)
		}
		sizes[i] = st.Size()
		all += sizes[i]
	}
	tell := func(n int64) {
		if progress != nil {
			progress(n, all)
		}
	}
	for i, path := range files {
		p := b.Plan().NewParser()
		var serial int64
		err := tail.ReadOnce(path, opts, func(chunk *tail.Chunk) error {
			eachLine(chunk.Data, chunk.Offset, func(line []byte, _ int64) {
				stats.Lines++
				serial++
				take(p, p.Line(line, serial, &rec))
			})
			// Of a compressed file the position is behind decompression: an estimate from above.
			tell(done + min(chunk.Offset+int64(len(chunk.Data)), sizes[i]))
			return ctx.Err()
		})
		if err != nil {
			return fmt.Errorf("read log %s: %w", path, err)
		}
		for {
			res := p.Finish(&rec)
			if res.Status == parse.Ignored && len(rec.Held) == 0 {
				break
			}
			take(p, res)
		}
		done += sizes[i]
		tell(done)
	}
	return nil
}
