package ingest

import (
	"context"
	"fmt"

	"github.com/plumbline-ml/plumbline/internal/monitor"
	"github.com/plumbline-ml/plumbline/internal/parse"
	"github.com/plumbline-ml/plumbline/internal/tail"
)

// ReferenceStats says what BuildReference has read.
type ReferenceStats struct {
	Lines, Records uint64
	Errors         map[string]uint64 // by reason
}

// BuildReference reads files once and makes the model's reference out of them. progress may be nil.
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
	for i, path := range files {
		p := b.Plan().NewParser()
		var serial int64
		err := tail.ReadOnce(path, opts, func(chunk *tail.Chunk) error {
			eachLine(chunk.Data, chunk.Offset, func(line []byte, _ int64) {
				stats.Lines++
				serial++
				take(p, p.Line(line, serial, &rec))
			})
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
		if progress != nil {
			progress(int64(i+1), int64(len(files)))
		}
	}
	ref, err := b.Reference()
	return ref, stats, err
}
