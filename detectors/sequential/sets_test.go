package sequential

import (
	"errors"
	"math"
	"testing"
)

func mustSets(t testing.TB, ref []uint64, o SetsOptions) *Sets {
	t.Helper()
	s, err := NewSets(ref, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSetsRefuseWhatCannotBeADetector(t *testing.T) {
	for _, c := range []struct {
		ref  []uint64
		o    SetsOptions
		want error
	}{
		{nil, SetsOptions{Alpha: .05}, ErrBins},
		{make([]uint64, MaxBins+1), SetsOptions{Alpha: .05}, ErrBins},
		{[]uint64{1}, SetsOptions{Alpha: .05, Extra: 2}, ErrBins},
		{[]uint64{1, 2}, SetsOptions{}, ErrAlpha},
		{[]uint64{1, 2}, SetsOptions{Alpha: math.NaN()}, ErrAlpha},
		{[]uint64{1, 2}, SetsOptions{Alpha: .05, Tol: -1}, ErrTol},
		{[]uint64{1, 2}, SetsOptions{Alpha: .05, Slack: math.Inf(1)}, ErrTol},
	} {
		if _, err := NewSets(c.ref, c.o); !errors.Is(err, c.want) {
			t.Errorf("%+v: %v, want %v", c.o, err, c.want)
		}
	}
}

func TestCountsOfTheWrongLengthAreNotTaken(t *testing.T) {
	s := mustSets(t, []uint64{100, 100}, SetsOptions{Alpha: .05})
	if s.Update([]uint64{1, 2, 3}) || !math.IsInf(s.LogEvidence(), -1) {
		t.Error("three counts were taken for two bins")
	}
}

func TestACategoryNeverSeenInTheReferenceIsNoticed(t *testing.T) {
	// 20,000 records without one unseen value: the upper Clopper-Pearson bound is about .0006. Then 1 % unseen.
	ref := []uint64{12_000, 7_500, 400, 0, 100} // three categories, unseen, missing
	logA := LogThreshold(8640, 1, 1./200)
	s := mustSets(t, ref, SetsOptions{Alpha: .05 / 200, Cap: BucketCap(logA), Extra: 2})
	alarm := -1
	for b := range 100 {
		s.Update([]uint64{600, 370, 20, 10, 5})
		if s.LogEvidence() >= logA {
			alarm = b
			break
		}
	}
	if alarm < 5 || alarm > 20 {
		t.Fatalf("alarm in bucket %d", alarm)
	}
	l := s.Leading()
	if l.Set != (Set{Kind: Single, Bin: 3}) || l.Side != Up || l.Lo != 0 || l.Hi > .002 {
		t.Errorf("leading %+v", l)
	}
	if l.K == 0 || math.Abs(l.Seen-10./1005) > 1e-12 || l.BucketsAgo != uint64(alarm+1) {
		t.Errorf("leading %+v, want all buckets since the start", l)
	}
}

func TestARiseOfMissingIsNotToldAsAFallOfEverythingElse(t *testing.T) {
	ref := []uint64{4900, 4900, 4900, 4900, 400}
	s := mustSets(t, ref, SetsOptions{Alpha: .001, Ordered: true, Extra: 1})
	for range 200 {
		s.Update([]uint64{45, 45, 45, 45, 20}) // missing 2 % to 10 %, the rest as before
	}
	l := s.Leading()
	if l.Set != (Set{Kind: Single, Bin: 4}) || l.Side != Up || math.Abs(l.Seen-.1) > 1e-9 {
		t.Errorf("leading %+v", l)
	}
	for i := range s.sets {
		st := &s.sets[i]
		for _, m := range s.m[2*len(s.steps)*i:][:2*len(s.steps)] {
			if st.set.Of && m > 100 {
				t.Errorf("set %+v of the regular bins has evidence %v", st.set, m)
			}
		}
	}
}

func TestTheOnsetIsFound(t *testing.T) {
	ref := []uint64{10_000, 10_000, 10_000, 10_000}
	s := mustSets(t, ref, SetsOptions{Alpha: .001, Ordered: true, Tol: .005})
	for range 300 {
		s.Update([]uint64{25, 25, 25, 25})
	}
	for range 50 {
		s.Update(make([]uint64, 4)) // a night without records is not part of the change
	}
	for range 20 {
		s.Update([]uint64{40, 25, 20, 15})
	}
	l := s.Leading()
	if l.Side != Up || !l.Set.Contains(0) || l.Set.Contains(3) || l.BucketsAgo < 19 || l.BucketsAgo > 21 {
		t.Errorf("leading %+v, want mass at or below a low bin, since 20 buckets", l)
	}
	if l.N != l.BucketsAgo*100 {
		t.Errorf("%d records in %d buckets", l.N, l.BucketsAgo)
	}
	for range 100 {
		s.Update(make([]uint64, 4)) // silence since
	}
	if again := s.Leading(); again.BucketsAgo != l.BucketsAgo+100 || again.N != l.N {
		t.Errorf("after silence %+v", again)
	}
	k, n := s.Counts(l.Set, []uint64{40, 25, 20, 15})
	if n != 100 || k == 0 {
		t.Errorf("counts of the culprit set: %d of %d", k, n)
	}
	s.Reset()
	if !math.IsInf(s.LogEvidence(), -1) || s.Leading().N != 0 {
		t.Error("evidence after a reset")
	}
}

func TestAHugeSampleDoesNotPageBelowTheTolerance(t *testing.T) {
	// Odds times 1.05 at a million records a bucket, tolerance 10 % of odds, reference of a million.
	logA := LogThreshold(8640, 1, 1./200)
	base := []uint64{250_000, 250_000, 250_000, 250_000}
	s := mustSets(t, base, SetsOptions{Alpha: .05 / 200, Cap: BucketCap(logA), Ordered: true, Slack: math.Log(1.1)})
	p := expit(logit(.25) + math.Log(1.05))
	rest := uint64((1 - p) / 3 * 1e6)
	r := NewRate(RateOptions{Lo: expit(logit(.25) - math.Log(1.1)), Hi: expit(logit(.25) + math.Log(1.1)), Cap: BucketCap(logA)})
	for b := range 2000 {
		s.Update([]uint64{uint64(p * 1e6), rest, rest, rest})
		r.Update(uint64(p*1e6), 1e6)
		if s.LogEvidence() >= logA || r.LogEvidence() >= logA {
			t.Fatalf("paged in bucket %d on odds times 1.05", b)
		}
	}
}

func TestAReferenceOfOneBinHasNothingToBetOn(t *testing.T) {
	s := mustSets(t, []uint64{1000}, SetsOptions{Alpha: .05, Ordered: true})
	for range 100_000 {
		s.Update([]uint64{10})
	}
	if s.Components() != 0 || !math.IsInf(s.LogEvidence(), -1) || !math.IsInf(s.Leading().LogEvidence, -1) {
		t.Errorf("%d components, log evidence %v", s.Components(), s.LogEvidence())
	}
}
