// Package board keeps the newest committed batch of every publisher of one Collector, and shows all of them to a scraper.
//
// A publisher takes a Place and puts each batch there after it was committed; whoever wants to see the batches, /metrics and
// the rules, reads them where they stand. So a series is held once, by the engine that made it, and a scrape sees a commit
// as soon as it is made. Memory is one batch per Place; Write streams and holds, besides, four bytes a sample and a buffer of
// 32 KiB. All methods are safe for concurrent use. What leaves the process by other roads (OTLP, remote write) goes down
// the Collector's pipeline and is not seen here.
package board

import (
	"slices"
	"sync"
	"time"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// Board is where publishers put their batches. The zero value is ready.
type Board struct {
	mu     sync.Mutex // guards everything below, and the fields of its places
	places []*Place
}

// Place belongs to one publisher.
type Place struct {
	board *Board
	omit  map[*catalog.Metric]bool
	batch catalog.Batch
	seen  bool          // there is a batch
	pace  time.Duration // between the newest two batches
}

// Posted is a batch as a reader finds it. Nobody may change what it refers to.
type Posted struct {
	catalog.Batch
	Place *Place
	Omit  map[*catalog.Metric]bool // metrics that readers leave out; may be nil
	Pace  time.Duration            // between the newest two batches; 0 when there was one only
}

// Take gives a publisher a place. Readers leave out the metrics in omit.
func (b *Board) Take(omit map[*catalog.Metric]bool) *Place {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := &Place{board: b, omit: omit}
	b.places = append(b.places, p)
	return p
}

// Put replaces what stands in the place. The batch, and the memory that it refers to, must not be changed any more.
func (p *Place) Put(batch catalog.Batch) {
	p.board.mu.Lock()
	defer p.board.mu.Unlock()
	if p.seen {
		p.pace = max(0, batch.Time.Sub(p.batch.Time))
	}
	p.batch, p.seen = batch, true
}

// Leave takes the place away with what stands there.
func (p *Place) Leave() {
	p.board.mu.Lock()
	defer p.board.mu.Unlock()
	p.board.places = slices.DeleteFunc(p.board.places, func(o *Place) bool { return o == p })
}

// Read lists what stands on the board, the newest batch first.
func (b *Board) Read() []Posted {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]Posted, 0, len(b.places))
	for _, p := range b.places {
		if p.seen {
			out = append(out, Posted{p.batch, p, p.omit, p.pace})
		}
	}
	slices.SortStableFunc(out, func(x, y Posted) int { return y.Time.Compare(x.Time) })
	return out
}
