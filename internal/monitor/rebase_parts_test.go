package monitor

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func TestSegmentsReplicasAndTruthsGoOnWhenTheReferenceFollowsAVersion(t *testing.T) {
	text := strings.NewReplacer("replica: replica}", "replica: replica, version: version, id: id}", "learn: 3000 records", "learn: 1000 records, on_new_version: learn").Replace(cutModel) + "truth: {path: truth}\n"
	m := mustModel(t, text)
	h := newHarness(t, m)
	rng := rand.New(rand.NewPCG(1, 1))
	st := store{}
	n := 0
	var records, matched float64
	at := start
	for second := range 2400 {
		version := "v1"
		if second >= 1200 {
			version = "v2"
		}
		for range 3 {
			n++
			label := []string{"ham", "spam"}[rng.IntN(10)/8]
			h.line(fmt.Appendf(nil, `{"ts":%q,"id":"q%d","version":%q,"replica":"r%d","country":%q,"score":%.3f,"label":%q}`, at.Format(time.RFC3339), n, version, n%3, []string{"CH", "DE"}[n%2], rng.Float64(), label), at)
			if n > 100 {
				h.line(fmt.Appendf(nil, `{"ts":%q,"id":"q%d","truth":%q}`, at.Format(time.RFC3339), n-100, label), at)
			}
		}
		at = at.Add(time.Second)
		h.engine.Advance(at)
		st.commit(h.engine)
		if second%600 == 599 {
			h.restart(st)
		}
		if second%100 == 99 {
			s := h.collect()
			if r := value(t, s, "plumbline_segment_records_total|m|country|country=CH"); r < records {
				t.Fatalf("second %d: the records of a segment go back from %v to %v", second, records, r)
			} else {
				records = r
			}
			if j := value(t, s, "plumbline_truth_records_total|m|matched"); j < matched {
				t.Fatalf("second %d: joined truths go back from %v to %v", second, matched, j)
			} else {
				matched = j
			}
			all := 0.
			for _, x := range s {
				if x.Metric.Name == "plumbline_segment_records_total" && x.Labels[1] == "replica" {
					all += x.Value
				}
			}
			if all != float64(n) {
				t.Fatalf("second %d: the replicas have %v records of %d", second, all, n)
			}
		}
	}
	if h.in.rebase.times != 1 {
		t.Errorf("the reference followed the version %d times, want once", h.in.rebase.times)
	}
	if matched != float64(n-100) {
		t.Errorf("%v truths were joined, want %d", matched, n-100)
	}
	for _, c := range h.in.cuts {
		if c.in != h.in {
			t.Error("a cut belongs to an instance that is gone")
		}
	}
	if got := alarms(h.collect()); len(got) > 0 {
		t.Errorf("alarms: %v", got)
	}
}
