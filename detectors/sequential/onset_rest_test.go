package sequential

import "testing"

// The evidence of a stream that never has a hit rests above 1 for alternatives close to the edge. The onset must not
// stay at the first bucket for that: a page would say that the change began long before it did, and show its share diluted.
func TestTheOnsetOfARareStreamIsWhenItChangedAndNotWhenItWasFirstSeen(t *testing.T) {
	const quiet, n = 400, 100
	check := func(name string, l Leading, loud uint64) {
		t.Helper()
		if l.BucketsAgo > loud || l.N > loud*n || l.Seen < .29 || l.Seen > .31 {
			t.Errorf("%s: began %d buckets ago with a share of %.3f in %d records; it began %d ago with 0.3", name, l.BucketsAgo, l.Seen, l.N, loud)
		}
	}
	logA := LogThreshold(43200, 1, 1.0/100)
	r := NewRate(RateOptions{Lo: 0, Hi: .012, Cap: BucketCap(logA)})
	s, err := NewSets([]uint64{5000, 3000, 2000, 0}, SetsOptions{Alpha: .05, Tol: .01, Cap: BucketCap(logA), Extra: 1})
	if err != nil {
		t.Fatal(err)
	}
	for range quiet {
		r.Update(0, n)
		s.Update([]uint64{50, 30, 20, 0})
	}
	loud := uint64(0)
	for r.LogEvidence() < logA || s.LogEvidence() < logA {
		r.Update(30, n)
		s.Update([]uint64{35, 21, 14, 30})
		if loud++; loud > 60 {
			t.Fatal("not noticed within 60 buckets")
		}
	}
	check("rate", r.Leading(), loud)
	check("sets", s.Leading(), loud)
}
