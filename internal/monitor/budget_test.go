package monitor

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/catalog"
	"github.com/plumbline-ml/plumbline/internal/simulator"
)

// What a column may cost. Who adds state or metrics for each column adds it to every feature of every model on every node: raise these
// only together with docs/internals/monitor.md, and only when what they buy is worth it there.
const (
	numberBytes  = 64_000 // of a number's state at full load; see TestANumberAtFullLoadTakesLessThan64kB
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

// TestANumberAtFullLoadTakesLessThan64kB compares a model of eleven numbers with one that has none. Both have a day of windows, and every
// pane holds 50,000 records as it would at 5,000 a second: what a closed slot takes grows with the digits of its counts. Counted are
// panes, windows and detectors, and whatever else there is for each number, but not its reference (10 kB) and the names and values of its
// series (11 kB).
func TestANumberAtFullLoadTakesLessThan64kB(t *testing.T) {
	const perPane = 50_000
	heap := func(features string) (bytes, numbers int) {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		text := strings.Replace(spamModel, "features:\n  - {path: features.*}\n  - {path: features.domain_rep, kind: number, updated_at: features.domain_rep_ts, max_age: 15m}\n", features, 1)
		e, err := NewEngine(EngineOptions{Models: []*Model{mustModel(t, text)}})
		if err != nil {
			t.Fatal(err)
		}
		in := e.Instances()[0]
		h := &harness{t: t, engine: e, in: in, parser: in.Plan().NewParser()}
		sim := simulator.New(simulator.Options{Seed: 8})
		l := load{rand.New(rand.NewPCG(8, 8)), map[*column][]place{}}
		var buf []byte
		at := start
		for i := range 13_900 {
			buf = sim.AppendRecord(buf[:0], at)
			h.line(buf, time.Time{})
			if i < 5000 {
				at = at.Add(200 * time.Millisecond) // the reference is learned
			} else {
				at = at.Add(10 * time.Second)
				l.busy(in, perPane)
			}
			e.Advance(at)
		}
		e.Sections()
		for _, c := range in.cols {
			if c.role == RoleFeature && c.base != nil && c.base.grid != nil {
				numbers++
			}
			// The reference, and what a series is called, are not state.
			c.base, c.labels, c.described = nil, columnLabels{}, nil
		}
		for _, w := range in.windows {
			for i := range w.running {
				w.running[i].grid = nil
			}
			for k := range w.at(w.newest).cols {
				w.at(w.newest).cols[k].grid = nil
			}
		}
		in.cache = collectCache{}
		l.places = nil
		runtime.GC()
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(e)
		runtime.KeepAlive(h)
		runtime.KeepAlive(l)
		return int(after.HeapAlloc - before.HeapAlloc), numbers
	}
	heap("") // whatever is made once
	without, _ := heap("")
	var features strings.Builder
	features.WriteString("features:\n")
	for _, name := range []string{"len", "caps", "digits", "html", "ip_rep", "ent", "bayes", "lang_p", "sim", "vel", "domain_rep"} { // those with 256 bins
		fmt.Fprintf(&features, "  - {path: features.%s, kind: number}\n", name)
	}
	with, numbers := heap(features.String())
	bytes := (with - without) / numbers
	t.Logf("%d numbers: %d bytes each", numbers, bytes)
	if bytes > numberBytes {
		t.Errorf("a number with a day of busy windows holds %d bytes, the budget is %d", bytes, numberBytes)
	}
}

// load makes busy panes: the values of a bin lie around the reference's mean as by chance.
type load struct {
	rng    *rand.Rand
	places map[*column][]place
}

// place is where the values of a bin lie: so far to both sides of a mean.
type place struct{ mean, off float64 }

func (l *load) of(c *column) []place {
	out := l.places[c]
	if out == nil {
		spec := c.base.grid.Spec()
		for b, m := range spec.Means {
			at := place{mean: m}
			if b > 0 && b < len(spec.FineEdges) {
				at.off = .29 * (spec.FineEdges[b] - spec.FineEdges[b-1])
			}
			out = append(out, at)
		}
		l.places[c] = out
	}
	return out
}

// busy makes the newest pane of an instance one that so many records like the reference went into.
func (l *load) busy(in *Instance, records float64) {
	in.settle()
	p := in.panes.last
	for i, c := range in.cols {
		t := &p.cols[i]
		if c.base == nil || t.narrow == nil {
			continue
		}
		drawn := c.base.grid.NewSummary()
		for b, at := range l.of(c) {
			mean := records * share(c.base.ref.Fine[b], c.base.ref.N)
			n := max(0, math.Round(mean+math.Sqrt(mean)*l.rng.NormFloat64()))
			low := uint64(max(0, min(n, n/2+math.Sqrt(n)/2*l.rng.NormFloat64())))
			drawn.AddMany(c.base.grid, at.mean-at.off, low)
			drawn.AddMany(c.base.grid, at.mean+at.off, uint64(n)-low)
		}
		for b, n := range drawn.Fine {
			t.narrow[b] = uint32(n)
			t.touch(b)
		}
		t.N, t.Dev, t.DevSq, t.Wide = drawn.N, drawn.Dev, drawn.DevSq, drawn.Wide
	}
}
