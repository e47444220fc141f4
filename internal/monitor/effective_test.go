package monitor

import (
	"math"
	"testing"

	"github.com/plumbline-ml/plumbline/detectors/sequential"
)

func TestRecordsAreWorthWhatTheWanderOfTheReferenceLeavesOfThem(t *testing.T) {
	h, _, _ := learnedWorld(t, 6)
	s := driftOf(t, h.in, "age")
	sets, steps := s.detectors[0], s.detectors[1]
	l := sequential.Leading{N: 10_000, Seen: .5}
	if n := h.in.effective(s, sets, l); n != 0 {
		t.Errorf("without a season nothing is known of the wander, and it says %d", n)
	}
	counts := make([]uint64, s.col.buckets())
	for i := range counts {
		counts[i] = 100
	}
	profile := &sequential.SetsProfile{Calendar: "flat", Counts: [][]uint64{counts}, Sigma: .2, Days: 28}
	known := &season{Days: 28, Bins: profile, Steps: &sequential.StepsWander{Sigma: .01}}
	s.col.season = known.pack()
	// 10,000/(1 + 10,000·¼·0.04) = 99.
	if n := h.in.effective(s, sets, l); n != 99 {
		t.Errorf("%d of 10,000 records whose share wanders by .2 in log-odds, want 99", n)
	}
	l.N = 10
	if n := h.in.effective(s, sets, l); n != 9 { // 10/1.1
		t.Errorf("%d of ten records, want 9", n)
	}
	l.N = 10_000
	variance := steps.(*stepsDetector).variance(s.col)
	if n, want := h.in.effective(s, steps, l), math.Round(10_000/(1+10_000*.0001/variance)); float64(n) != want || want < 100 || want > 2000 {
		t.Errorf("%d for the mean, want %v", n, want)
	}
	known.Bins.Sigma = 0
	s.col.season = known.pack()
	if n := h.in.effective(s, sets, l); n != 10_000 {
		t.Errorf("%d of 10,000 records of a share that stands still", n)
	}
}

// What a page says of the worth of its records stands in state.
func TestTheWorthOfTheRecordsOfAnAlarmOutlivesARestart(t *testing.T) {
	m := newMails(t, clientFeaturesModel)
	m.posts(3*3600e9, 1, nil)
	m.posts(84*60e9, 1<<20, func(l *letter) { l.score = .7 })
	key := "plumbline_alarm_effective_records|m|score|drift"
	want := value(t, m.h.collect(), key)
	s := store{}
	s.commit(m.h.engine)
	m.h.restart(s)
	if got := value(t, m.h.collect(), key); got != want || want == 0 {
		t.Errorf("%v after a restart, %v before", got, want)
	}
}
