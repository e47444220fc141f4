package monitor

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// TestCountersNeverGoBackByARoundingError publishes after every record and every advance, with records out of order,
// late ones among them: a sum that loses its last digit when a pane is folded would be a counter reset to Prometheus.
func TestCountersNeverGoBackByARoundingError(t *testing.T) {
	h := newHarness(t, mustModel(t, "model: m\nlogs: {include: /l, format: json}\nfields: {timestamp: ts}\nfeatures: [{path: x, kind: number}]\nreference: {learn: 100 records}\npane: 1s\nlateness: 5s\n"))
	rng := rand.New(rand.NewPCG(2, 3))
	last := map[string]float64{}
	now := start
	for i := range 4000 {
		at := now.Add(-time.Duration(rng.ExpFloat64() * 3 * float64(time.Second)))
		h.line(fmt.Appendf(nil, `{"ts":%q,"x":%v}`, at.Format(time.RFC3339Nano), rng.ExpFloat64()*[]float64{1e-9, 1, 1e9}[rng.IntN(3)]), now)
		if i%7 == 0 {
			now = now.Add(500 * time.Millisecond)
			h.engine.Advance(now)
		}
		var b catalog.Batch
		h.engine.Collect(&b)
		for key, s := range index(t, b) {
			if s.Metric.Type == catalog.Gauge {
				continue
			}
			v := s.Value
			if s.Hist != nil {
				v = s.Hist.Sum
				if n := float64(s.Hist.Count()); n < last[key+"#"] {
					t.Fatalf("record %d: count of %s fell from %v to %v", i, key, last[key+"#"], n)
				} else {
					last[key+"#"] = n
				}
			}
			if v < last[key] {
				t.Fatalf("record %d: %s fell from %v to %v", i, key, last[key], v)
			}
			last[key] = v
		}
	}
	if last["plumbline_records_late_total|m"] == 0 {
		t.Error("no record was late: the test shows less than it says")
	}
}
