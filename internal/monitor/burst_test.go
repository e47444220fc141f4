package monitor

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// counted makes a half hour by parts of five minutes of two classes: k of n in each.
func counted(k, n []uint64) (whole halfHourCounts, p parts) {
	whole.counts = make([]uint64, 2)
	for i := range k {
		part := p.at(int64(i)*int64(partLength), int64(time.Minute), 2)
		part.counts[0], part.counts[1], part.present = k[i], n[i]-k[i], n[i]
		part.moments = moments{n[i], float64(k[i]), float64(k[i])}
		whole.bucketColumn.add(&part.bucketColumn)
		whole.moments.add(part.moments)
	}
	return whole, p
}

func TestAHalfHourIsKeptInTwoWhenOneStretchOfItIsABurst(t *testing.T) {
	const unit, bucket = int64(halfHour), int64(5 * time.Minute)
	for name, c := range map[string]struct {
		k    []uint64
		part float64 // of a half hour, 0 when it stays whole
		hits uint64  // in that part
	}{
		"calm":                       {k: []uint64{10, 8, 12, 9, 11, 10}},
		"one part":                   {k: []uint64{10, 8, 60, 9, 11, 10}, part: 1. / 6, hits: 60},
		"two parts":                  {k: []uint64{10, 8, 12, 9, 60, 50}, part: 2. / 6, hits: 110},
		"most of it":                 {k: []uint64{60, 55, 70, 66, 11, 10}, part: 4. / 6, hits: 251},
		"all of it":                  {k: []uint64{60, 55, 70, 66, 61, 64}},
		"an outage":                  {k: []uint64{90, 85, 0, 85, 92, 88}, part: 1. / 6, hits: 0},
		"the log began late":         {k: []uint64{0, 0, 12, 9, 60, 12}, part: 1. / 6, hits: 60},
		"one part, and nothing more": {k: []uint64{60}},
	} {
		n := make([]uint64, len(c.k))
		for i := range n {
			if n[i] = 200; name == "the log began late" && i < 2 {
				n[i] = 0
			}
		}
		whole, p := counted(c.k, n)
		before := whole
		before.counts = slices.Clone(whole.counts)
		b := p.split(&whole, unit, bucket)
		if b == nil {
			if c.part != 0 {
				t.Errorf("%s: it stayed whole", name)
			}
			continue
		}
		if b.counts[0] != c.hits && before.counts[0]-b.counts[0] != c.hits {
			t.Errorf("%s: %d in the burst, want %d", name, b.counts[0], c.hits)
		}
		if diff := b.part - c.part; (diff > 1e-9 || diff < -1e-9) && (whole.part-c.part > 1e-9 || whole.part-c.part < -1e-9) {
			t.Errorf("%s: shares of %v and %v, want %v", name, b.part, whole.part, c.part)
		}
		whole.bucketColumn.add(&b.bucketColumn)
		whole.moments.add(b.moments)
		if !slices.Equal(whole.counts, before.counts) || whole.present != before.present || whole.moments != before.moments {
			t.Errorf("%s: the two are %+v together, not %+v", name, whole, before)
		}
	}
}

func TestTheSlowWanderOfHeavyTrafficIsNoBurst(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for range 200 {
		k, n := make([]uint64, 6), make([]uint64, 6)
		rate := .05
		for i := range k {
			rate *= 1 + .03*r.NormFloat64()
			n[i] = 10_000_000
			k[i] = uint64(rate * float64(n[i]))
		}
		whole, p := counted(k, n)
		if b := p.split(&whole, int64(halfHour), int64(time.Minute)); b != nil {
			t.Fatalf("%v of %v", k, n)
		}
	}
}

func TestTheOpenHalfHourHasSixPartsAtMostWhateverTheBucket(t *testing.T) {
	for _, bucket := range []time.Duration{time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 7 * time.Minute, 10 * time.Minute, 20 * time.Minute, time.Hour} {
		var p parts
		unit := max(int64(halfHour), int64(bucket))
		for since := int64(0); since < unit; since += int64(bucket) {
			p.at(since, int64(bucket), 2)
		}
		if len(p) == 0 || len(p) > maxParts || bucket >= halfHour && len(p) != 1 {
			t.Errorf("buckets of %s: %d parts", bucket, len(p))
		}
	}
}

// State of a version that did not count by parts has none of the open half hour: it stays whole, and the next one is split again.
func TestStateWithoutPartsGoesOnWithAWholeHalfHour(t *testing.T) {
	w := &week{rng: rand.New(rand.NewPCG(13, 1)), minute: 40, odds: 1, lean: true}
	h := newHarness(t, mustModel(t, strings.Replace(weekModel, "REFERENCE", "learn: 28d", 1)))
	w.run(h, 0, 1)
	noon := monday.Add(36 * time.Hour)
	s := store{}
	for at := monday.AddDate(0, 0, 1); at.Before(noon.Add(2 * time.Hour)); at = at.Add(5 * time.Minute) {
		if w.odds = 1; at.Minute()%30 == 5 {
			w.odds = 20
		}
		w.records(at, func(line []byte, t time.Time) { h.line(line, t) })
		h.engine.Advance(at.Add(5 * time.Minute))
		if at.Equal(noon.Add(15 * time.Minute)) {
			s.commit(h.engine)
			section := h.in.section("parts")
			if len(s[section]) == 0 {
				t.Fatal("there is no state of parts")
			}
			delete(s, section)
			h.restart(s)
		}
	}
	before, after := 0, 0
	for _, x := range h.in.cols[1].grow.halfHours() {
		switch minutes := x.minute - noon.Unix()/60; {
		case minutes < 0 && x.part > 0:
			before++
		case minutes == 0 && x.part > 0:
			t.Errorf("the half hour of the restart was split: %s", shown(&x))
		case minutes > 0 && x.part > 0:
			after++
		}
	}
	if before < 20 || after < 4 {
		t.Errorf("%d parts before the restart, %d after it", before, after)
	}
}

// What a reference learns while it watches is what a reference file would say of the same records, bursts included.
func TestAGrowingReferenceAndAFileKnowTheSameHalfHours(t *testing.T) {
	w := &week{rng: rand.New(rand.NewPCG(12, 1)), minute: 20, sd: .05, ar: .9, bursts: 3, odds: 1, lean: true}
	text := strings.Replace(weekModel, "REFERENCE", "learn: 28d", 1)
	h := newHarness(t, mustModel(t, text))
	b, err := NewReferenceBuilder(mustModel(t, text))
	if err != nil {
		t.Fatal(err)
	}
	type logged struct {
		line []byte
		at   time.Time
	}
	var lines []logged
	const days = 4
	for at := monday; at.Before(monday.AddDate(0, 0, days)); at = at.Add(5 * time.Minute) {
		w.records(at, func(line []byte, t time.Time) {
			h.line(line, t)
			lines = append(lines, logged{line, t})
		})
		h.engine.Advance(at.Add(5 * time.Minute))
	}
	build := newFeeder(t, b.Plan().NewParser(), b.Observe)
	for _, l := range lines {
		build(l.line)
	}
	ref, err := b.Reference()
	if err != nil {
		t.Fatal(err)
	}
	s, err := b.Seasons(ref)
	if err != nil {
		t.Fatal(err)
	}
	// Two nodes, one file after the other: every half hour is opened twice.
	again := newFeeder(t, s.Plan().NewParser(), s.Observe)
	for node := range 2 {
		for i, l := range lines {
			if i%2 == node {
				again(l.line)
			}
		}
	}
	for len(s.open) > 0 {
		s.pack()
	}
	live, bursts := h.in.cols[1].grow.halfHours(), 0
	file := map[string]bool{}
	for half := range s.halfs {
		for _, x := range s.halfHour(1, half) {
			file[shown(&x)] = true
		}
	}
	for i := range live {
		if i < 2 {
			continue // the column settled between them
		}
		if live[i].part > 0 {
			bursts++
		}
		if !file[shown(&live[i])] {
			t.Errorf("the file does not have %s", shown(&live[i]))
		}
	}
	if len(live) < 2*48 || bursts < 6 {
		t.Errorf("%d half hours and parts of half hours were learned, %d of them parts", len(live), bursts)
	}
}

func shown(h *halfHourCounts) string {
	return fmt.Sprintf("%d: %v of %d, missing %d, share %.3f", h.minute, h.counts, h.present, h.missing, h.part)
}
