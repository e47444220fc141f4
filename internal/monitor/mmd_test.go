package monitor

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

const pairModel = `
model: m
logs: {include: /l, format: json}
fields: {timestamp: ts}
features:
  - {path: a, kind: number}
  - {path: b, kind: number}
  - {path: "e.*", kind: number}
reference: {learn: 5000 records}
multivariate: true
embeddings: ["e.*"]
`

// playPairs plays two standard normal numbers with a correlation, and an embedding of four on a circle, ten records a
// second. It calls look every minute, and stops when look says so.
func playPairs(h *harness, rng *rand.Rand, now time.Time, minutes int, rho func(minute int) float64, look func(minute int) bool) time.Time {
	for m := range minutes {
		for i := range 600 {
			at := now.Add(time.Duration(i) * 100 * time.Millisecond)
			x, r := rng.NormFloat64(), rho(m)
			y := r*x + math.Sqrt(1-r*r)*rng.NormFloat64()
			phase := rng.Float64() * 2 * math.Pi
			h.line(fmt.Appendf(nil, `{"ts":%q,"a":%.4f,"b":%.4f,"e":[%.4f,%.4f,%.4f,%.4f]}`, at.Format(time.RFC3339Nano), x, y,
				math.Cos(phase), math.Sin(phase), math.Cos(2*phase), math.Sin(2*phase)), time.Time{})
		}
		now = now.Add(time.Minute)
		h.engine.Advance(now)
		if !look(m) {
			break
		}
	}
	return now
}

func TestACorrelationThatBreaksIsNoticedThoughNoColumnMoved(t *testing.T) {
	h := newHarness(t, mustModel(t, pairModel))
	rng := rand.New(rand.NewPCG(1, 2))
	alarms := func() (out []string) {
		for _, s := range h.in.evidence.streams {
			if s.alarm != nil {
				out = append(out, s.feature+"/"+s.cause)
			}
		}
		return out
	}
	now := playPairs(h, rng, start, 90, func(int) float64 { return .8 }, func(m int) bool {
		if a := alarms(); len(a) > 0 {
			t.Fatalf("minute %d: %v though nothing changed", m, a)
		}
		return true
	})
	if len(h.in.vectors) != 2 || h.in.vectors[1].detectors == nil || len(h.in.vectors[0].cols) != 4 {
		t.Fatalf("%d vectors", len(h.in.vectors))
	}
	took := 0
	playPairs(h, rng, now, 60, func(int) float64 { return 0 }, func(m int) bool { took = m + 1; return len(alarms()) == 0 })
	if a := alarms(); len(a) != 1 || a[0] != allNumbers+"/drift" || took > 20 {
		t.Errorf("after %d minutes: %v", took, a)
	}
	found := false
	for key, s := range h.collect() {
		if s.Metric == catalog.AlarmSeen && strings.Contains(key, "joint distribution") {
			found = true
		}
	}
	if !found {
		t.Error("the alarm does not say what it is about")
	}
	t.Logf("noticed after %d minutes", took)
}

func TestVectorsGoOnAfterARestart(t *testing.T) {
	play := func(restarts bool) (string, map[string]catalog.Sample) {
		h := newHarness(t, mustModel(t, pairModel))
		rng := rand.New(rand.NewPCG(3, 4))
		s := store{}
		when := ""
		playPairs(h, rng, start, 70, func(m int) float64 {
			if m < 55 {
				return .8
			}
			return .5
		}, func(m int) bool {
			s.commit(h.engine)
			// Not while the columns learn: a restart rounds what they have seen, and with it the projections.
			if restarts && m > 9 && m%7 == 3 {
				h.restart(s)
			}
			for _, st := range h.in.evidence.streams {
				if st.alarm != nil && when == "" {
					when = fmt.Sprint(m, st.feature)
				}
			}
			return true
		})
		return when, h.collect()
	}
	when, plain := play(false)
	again, samples := play(true)
	if when == "" || when != again {
		t.Errorf("paged at %q, with restarts at %q", when, again)
	}
	for key, s := range plain {
		if s.Metric == catalog.EvidenceRatio && math.Abs(samples[key].Value-s.Value) > 1e-9 {
			t.Errorf("%s is %v, with restarts %v", key, s.Value, samples[key].Value)
		}
	}
}

func TestWithoutBeingAskedNothingIsWatchedTogether(t *testing.T) {
	h := newHarness(t, mustModel(t, strings.Replace(strings.Replace(pairModel, "multivariate: true", "", 1), `embeddings: ["e.*"]`, "", 1)))
	playPairs(h, rand.New(rand.NewPCG(1, 2)), start, 15, func(int) float64 { return 0 }, func(int) bool { return true })
	if len(h.in.vectors) != 0 {
		t.Error("numbers are watched together")
	}
	for name := range mustSections(h) {
		if strings.Contains(name, "vector") {
			t.Errorf("section %s", name)
		}
	}
}

func mustSections(h *harness) store {
	s := store{}
	s.commit(h.engine)
	return s
}

func TestVectorKeysAreChecked(t *testing.T) {
	for _, bad := range []string{"multivariate: maybe", "embeddings: [e]", "embeddings: [a.*, b.*, c.*, d.*, e.*, f.*, g.*, h.*]"} {
		if _, err := ParseModel("m.yaml", []byte("model: m\nlogs: {include: /l, format: json}\nfeatures: [f]\n"+bad+"\n")); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}

func BenchmarkVector(b *testing.B) {
	h := newHarness(b, mustModel(b, pairModel))
	playPairs(h, rand.New(rand.NewPCG(1, 2)), start, 50, func(int) float64 { return 0 }, func(int) bool { return true })
	p := h.in.pane(h.in.newest)
	b.ReportAllocs()
	for b.Loop() {
		h.in.observeVectors(&h.rec, p)
	}
	b.ReportMetric(float64(len(h.in.vectors)), "vectors")
}
