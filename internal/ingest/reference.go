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

// BuildReference reads files once and makes the model's reference out of them. progress is told bytes on disk and may be
// nil.
func BuildReference(ctx context.Context, m *monitor.Model, files []string, opts tail.Options, progress func(done, total int64)) (*monitor.Reference, ReferenceStats, error) {
	stats := ReferenceStats{Errors: map[string]uint64{}}
	if len(files) == 0 {
		return nil, stats, ErrNoFiles
	}
	b, err := monitor.NewReferenceBuilder(m)
	if err != nil {
		return nil, stats, err
	}
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
			return nil, stats, fmt.Errorf("read log: %w", err)
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
			return nil, stats, fmt.Errorf("read log %s: %w", path, err)
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
	ref, err := b.Reference()
	return ref, stats, err
}
