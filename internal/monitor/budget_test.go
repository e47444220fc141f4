package monitor

import (
	"runtime"
	"testing"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// What a column may cost. Who adds state or metrics for each column adds it to every feature of every model on every node: raise these
// only together with docs/internals/monitor.md, and only when what they buy is worth it there.
const (
	columnBytes  = 60_000 // panes, windows, detectors, labels and cached samples, all included
	columnSeries = 110    // a histogram counts as one for each of its lines
)

func TestAColumnStaysWithinItsBudgetOfMemoryAndSeries(t *testing.T) {
	const models = 2
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	e, hs := many(t, models)
	var b catalog.Batch
	e.CollectShared(&b)
	e.Sections()
	columns, lines := 0, 0
	for _, h := range hs {
		columns += len(h.in.cols)
	}
	for s := range b.All() {
		lines++
		if s.Hist != nil {
			lines += len(s.Hist.Counts) + 1
		}
	}
	b = catalog.Batch{} // what was published is not the column's
	runtime.GC()
	runtime.ReadMemStats(&after)
	bytes := int(after.HeapAlloc-before.HeapAlloc) / columns
	t.Logf("%d columns: %d bytes and %d series each", columns, bytes, lines/columns)
	if bytes > columnBytes {
		t.Errorf("a column with a day of windows holds %d bytes, the budget is %d", bytes, columnBytes)
	}
	if n := lines / columns; n > columnSeries {
		t.Errorf("a column has %d series, the budget is %d", n, columnSeries)
	}
	runtime.KeepAlive(e)
}
