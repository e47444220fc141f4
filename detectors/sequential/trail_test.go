package sequential

import (
	"errors"
	"slices"
	"testing"
)

func mustTrail(t testing.TB, bins, perLevel, levels int) *Trail {
	t.Helper()
	trail, err := NewTrail(bins, perLevel, levels)
	if err != nil {
		t.Fatal(err)
	}
	return trail
}

func TestATrailIsTheRecentPastInOrder(t *testing.T) {
	trail := mustTrail(t, 2, 4, 5)
	var all []uint64 // the first bin is the bucket's number, so that sums tell which buckets an entry holds
	g := lcg(3)
	for b := range uint64(500) {
		all = append(all, b)
		trail.Add([]uint64{b, uint64(g.float() * 10)})
		reach := 0
		trail.Each(func(buckets uint64, _ []uint32) { reach += int(buckets) })
		if reach > len(all) || len(all) <= 4*31 && reach != len(all) || len(all) > 200 && reach < 4*31-16 {
			t.Fatalf("after %d buckets the trail holds %d", len(all), reach)
		}
		at := len(all) - reach
		trail.Each(func(buckets uint64, counts []uint32) {
			want := uint64(0)
			for _, v := range all[at : at+int(buckets)] {
				want += v
			}
			at += int(buckets)
			if uint64(counts[0]) != want {
				t.Fatalf("after %d buckets: an entry of %d holds %d, want %d", len(all), buckets, counts[0], want)
			}
		})
		if at != len(all) {
			t.Fatalf("the trail ends at bucket %d of %d", at, len(all))
		}
	}
	if trail.Add([]uint64{1}) {
		t.Error("one count was taken for two bins")
	}
	trail.Reset()
	trail.Each(func(uint64, []uint32) { t.Error("an entry after a reset") })
	counts := []uint64{1 << 40, 2}
	if n := testing.AllocsPerRun(300, func() { trail.Add(counts) }); n != 0 {
		t.Errorf("%v allocations in an update", n)
	}
	trail.Each(func(_ uint64, c []uint32) {
		if c[0] != 1<<32-1 {
			t.Fatalf("a huge count became %d", c[0])
		}
	})
	for _, c := range [][3]int{{0, 4, 4}, {2, 1, 4}, {2, 4, 0}, {2, 4, 31}} {
		if _, err := NewTrail(c[0], c[1], c[2]); !errors.Is(err, ErrTrail) {
			t.Errorf("%v: %v", c, err)
		}
	}
}

// coverage simulates changes that alarm, and says how often the truth was in the onset's set and the share's interval.
func coverage(t *testing.T, p0, p1, perBucket float64, runs int) (onset, share float64) {
	logA := LogThreshold(8640, 1, .01)
	side := Up
	if p1 < p0 {
		side = Down
	}
	inSet, inInterval, alarms := 0, 0, 0
	g := lcg(77)
	draw := func(p float64) uint64 {
		k := uint64(0)
		for range int(perBucket) {
			if g.float() < p {
				k++
			}
		}
		return k
	}
	for range runs {
		r := NewRate(RateOptions{Lo: p0 / 1.1, Hi: p0 * 1.1, Cap: BucketCap(logA)})
		var path []Span
		step := func(p float64) {
			k := draw(p)
			r.Update(k, uint64(perBucket))
			path = append(path, Span{1, k, uint64(perBucket)})
		}
		for range 60 {
			step(p0)
		}
		changed := uint64(0)
		for changed < 500 && r.LogEvidence() < logA {
			step(p1)
			changed++
		}
		if changed == 500 {
			continue
		}
		alarms++
		o, ok := LocateOnset(path, p0, side, .05)
		if !ok {
			t.Fatal("no onset for an alarm")
		}
		if o.Latest <= changed && changed <= o.Earliest {
			inSet++
		}
		if o.Lo <= p1 && p1 <= o.Hi {
			inInterval++
		}
	}
	if alarms < runs*9/10 {
		t.Fatalf("%d alarms in %d runs", alarms, runs)
	}
	return float64(inSet) / float64(alarms), float64(inInterval) / float64(alarms)
}

func TestTheOnsetSetAndTheIntervalCoverTheTruth(t *testing.T) {
	for _, c := range []struct{ p0, p1, perBucket float64 }{
		{.05, .08, 200}, {.05, .2, 200}, {.05, .02, 200}, {.3, .38, 100}, {.01, .03, 300},
	} {
		onset, share := coverage(t, c.p0, c.p1, c.perBucket, 300)
		if onset < .93 || share < .93 {
			t.Errorf("%v: the onset was covered in %.1f %% of runs, the share in %.1f %%, want 95", c, 100*onset, 100*share)
		}
	}
}

func TestAnOnsetBeforeThePathIsOpen(t *testing.T) {
	path := slices.Repeat([]Span{{4, 40, 400}}, 10)
	o, ok := LocateOnset(path, .05, Up, .05)
	if !ok || !o.Open || o.BucketsAgo != 40 || o.K != 400 || o.N != 4000 {
		t.Errorf("%+v, %v", o, ok)
	}
	if _, ok := LocateOnset(path, .05, Down, .05); ok {
		t.Error("a fall was found in a rise")
	}
	if _, ok := LocateOnset(nil, .05, Up, .05); ok {
		t.Error("an onset was found in nothing")
	}
	if _, ok := LocateOnset([]Span{{1, 0, 0}}, .05, Up, .05); ok {
		t.Error("an onset was found in silence")
	}
	flat := slices.Concat(slices.Repeat([]Span{{1, 5, 100}}, 30), slices.Repeat([]Span{{1, 0, 0}}, 5), slices.Repeat([]Span{{1, 20, 100}}, 6))
	o, ok = LocateOnset(flat, .05, Up, .05)
	if !ok || o.Open || o.Latest > 6 || o.Earliest < 6 || o.Earliest > 13 || o.Lo > .2 || o.Hi < .2 {
		t.Errorf("%+v, %v", o, ok)
	}
}

func TestSmallestDetectableIsAboutWhatIsDetected(t *testing.T) {
	logA := LogThreshold(43200, 1, .01)
	const lo, hi, perBucket, buckets = .018, .022, 1200., 30
	below, above := SmallestDetectable(lo, hi, perBucket, buckets, logA, 10)
	if !(below > 0 && below < lo && above > hi && above < .04) {
		t.Fatalf("%v..%v", below, above)
	}
	for _, q := range []float64{below, above} {
		var delays []int
		g := lcg(4)
		for range 60 {
			r := NewRate(RateOptions{Lo: lo, Hi: hi, Cap: BucketCap(logA)})
			at := 0
			for at < 300 && r.LogEvidence() < logA {
				k := uint64(0)
				for range int(perBucket) {
					if g.float() < q {
						k++
					}
				}
				r.Update(k, perBucket)
				at++
			}
			delays = append(delays, at)
		}
		slices.Sort(delays)
		if m := delays[len(delays)/2]; m < buckets/2 || m > 2*buckets {
			t.Errorf("share %v: median delay %d buckets, want about %d", q, m, buckets)
		}
	}
	if below, above := SmallestDetectable(0, 1, 100, 30, logA, 10); below != 0 || above != 1 {
		t.Errorf("nothing lies beyond 0..1, got %v and %v", below, above)
	}
	if below, above := SmallestDetectable(lo, hi, 1200, 3, logA, 10); below != 0 || above != 1 {
		t.Errorf("three buckets are below the cap's minimum, got %v and %v", below, above)
	}
	if below, above := SmallestDetectableMean(.2, .22, .12, 100, 30, logA, 10); !(below < .2 && below > .15 && above > .22 && above < .28) {
		t.Errorf("mean: %v..%v", below, above)
	}
	// detectors.md 4.4: 200 features of 19 sets, alpha 5 %, tol .02 at p = .1: about 4,200 records.
	if n := ReferenceFor(.1, .02, .05/200/19); n < 4100 || n > 4400 {
		t.Errorf("reference of %d records", n)
	}
}

func TestKeyCapCountsACampaignOnce(t *testing.T) {
	c, err := NewKeyCap(1024, 5)
	if err != nil {
		t.Fatal(err)
	}
	g := lcg(12)
	hash := func() uint64 { return uint64(g.float()*(1<<52)) * 0x9e3779b97f4a7c15 }
	senders := make([]uint64, 37)
	for i := range senders {
		senders[i] = hash()
	}
	counted, crowd := 0, 0
	for i := range 5000 {
		if c.Count(senders[i%37]) {
			counted++
		}
		if c.Count(hash()) { // the rest of the world: everybody once, five times as many as there is room for
			crowd++
		}
	}
	if counted < 37*5 || counted > 37*5*2 {
		t.Errorf("5,000 mails of 37 senders count %d times, want about %d", counted, 37*5)
	}
	if crowd != 5000 {
		t.Errorf("%d of 5,000 single clients counted", crowd)
	}
	c.Reset()
	if !c.Count(senders[0]) {
		t.Error("a new bucket does not start again")
	}
	if n := testing.AllocsPerRun(100, func() { c.Count(senders[1]) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	for _, bad := range [][2]int{{100, 5}, {8, 5}, {1 << 21, 5}, {16, 0}, {16, 65536}} {
		if _, err := NewKeyCap(bad[0], bad[1]); !errors.Is(err, ErrKeyCap) {
			t.Errorf("%v: %v", bad, err)
		}
	}
}
