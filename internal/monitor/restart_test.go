package monitor

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/catalog"
	"github.com/plumbline-ml/plumbline/internal/simulator"
)

// store is the snapshot of a test.
type store map[string][]byte

func (s store) commit(e *Engine) {
	changed, removed := e.Sections()
	for _, name := range removed {
		delete(s, name)
	}
	for _, c := range changed {
		s[c.Name] = slices.Clone(c.Data)
	}
}

func (s store) get(name string) ([]byte, bool) { d, ok := s[name]; return d, ok }

func (s store) names() []string { return slices.Sorted(maps.Keys(s)) }

// restart replaces the harness's engine by a new one with the state of the store.
func (h *harness) restart(s store) {
	m := h.in.model
	offset := h.offset
	*h = *newHarness(h.t, m)
	h.offset = offset
	if err := h.engine.Restore(s.names(), s.get); err != nil {
		h.t.Fatal(err)
	}
}

// writeReference builds the reference of the simulated classifier and returns a model file that names it.
func writeReference(t testing.TB, n int) *Model {
	t.Helper()
	dir := t.TempDir()
	b, err := NewReferenceBuilder(mustModel(t, spamModel))
	if err != nil {
		t.Fatal(err)
	}
	h := &harness{t: t, parser: b.Plan().NewParser()}
	for _, l := range simulated(n, simulator.Options{Seed: 99}) {
		h.parser.Line(l[:len(l)-1], 0, &h.rec)
		b.Observe(&h.rec)
	}
	ref, err := b.Reference()
	if err != nil {
		t.Fatal(err)
	}
	data, err := ref.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "ref.json"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := ParseModel(filepath.Join(dir, "model.yaml"), []byte(strings.Replace(spamModel, "learn: 5000 records", "file: ref.json", 1)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// play feeds half an hour with drift, recovery, missing values, late records, a version change and quiet minutes, committing
// once a second; restart says after which commits the engine is replaced.
func play(t testing.TB, m *Model, restart func(second int) bool) map[string]catalog.Sample {
	h := newHarness(t, m)
	s := store{}
	sim := simulator.New(simulator.Options{Seed: 3, Swing: -1})
	rng := rand.New(rand.NewPCG(5, 6))
	now := start
	var buf []byte
	for second := range 2000 {
		switch second {
		case 300:
			sim.SetSpamShare(.3)
		case 900:
			sim.SetSpamShare(.05)
		case 1200:
			sim.SetVersion("v13")
		case 1400:
			sim.StallFeatureStore(true)
		}
		n := 12
		if second/60%10 == 9 {
			n = 0 // a quiet minute
		}
		for range n {
			at := now
			if rng.IntN(20) == 0 {
				at = at.Add(-time.Duration(rng.IntN(600)) * time.Second)
			}
			buf = sim.AppendRecord(buf[:0], at)
			line := string(buf)
			if second > 1500 && rng.IntN(2) == 0 {
				line = strings.Replace(line, `"ent":`, `"gone":`, 1)
			}
			h.line([]byte(line), now)
		}
		now = now.Add(time.Second)
		h.engine.Advance(now)
		s.commit(h.engine)
		if restart(second) {
			h.restart(s)
		}
	}
	return h.collect()
}

func compareSamples(t *testing.T, got, want map[string]catalog.Sample) {
	t.Helper()
	bad := 0
	for key, w := range want {
		g, ok := got[key]
		same := ok && (g.Value == w.Value || math.IsNaN(g.Value) && math.IsNaN(w.Value))
		if same && w.Hist != nil {
			same = g.Hist.Sum == w.Hist.Sum && slices.Equal(g.Hist.Counts, w.Hist.Counts) && slices.Equal(g.Hist.Bounds, w.Hist.Bounds)
		}
		if !same {
			if bad++; bad < 20 {
				t.Errorf("%s: %v, without restarts %v (there: %v)", key, g.Value, w.Value, ok)
			}
		}
	}
	for key := range got {
		if _, ok := want[key]; !ok {
			t.Errorf("%s is there only after restarts", key)
		}
	}
}

func TestARunWithRestartsEqualsARunWithout(t *testing.T) {
	m := writeReference(t, 8000)
	want := play(t, m, func(int) bool { return false })
	rng := rand.New(rand.NewPCG(1, 2))
	got := play(t, m, func(second int) bool { return rng.IntN(40) == 0 || second == 1999 })
	compareSamples(t, got, want)
	alarms := 0
	for key, s := range want {
		if s.Metric == catalog.Alarms {
			alarms += int(s.Value)
			t.Log(key, s.Value)
		}
	}
	if alarms < 3 {
		t.Error("the scenario raised too few alarms to show anything")
	}
}

func TestALearningModelGoesOnLearningOverRestarts(t *testing.T) {
	m := mustModel(t, spamModel)
	want := play(t, m, func(int) bool { return false })
	got := play(t, m, func(second int) bool { return second%17 == 0 || second < 100 })
	for key, w := range want {
		g, ok := got[key]
		switch w.Metric {
		case catalog.Records, catalog.FeatureMissing, catalog.RecordsLate, catalog.ReferenceRows, catalog.RefMissingShare, catalog.RefCategoryShare, catalog.FeatureCategory:
			if !ok || g.Value != w.Value {
				t.Errorf("%s: %v, without restarts %v", key, g.Value, w.Value)
			}
		case catalog.FeatureValue:
			if !ok || g.Hist.Count() != w.Hist.Count() || math.Abs(g.Hist.Sum-w.Hist.Sum) > 1e-9*math.Abs(w.Hist.Sum) {
				t.Errorf("%s: the histogram differs", key)
			}
		case catalog.RefQuantile, catalog.RefMean:
			spread := want[fmt.Sprintf("%s|%s|%s|%s|0.95", catalog.RefQuantile.Name, w.Labels[0], w.Labels[1], w.Labels[2])].Value -
				want[fmt.Sprintf("%s|%s|%s|%s|0.05", catalog.RefQuantile.Name, w.Labels[0], w.Labels[1], w.Labels[2])].Value
			if !ok || math.Abs(g.Value-w.Value) > .01*spread {
				t.Errorf("%s: %v, without restarts %v", key, g.Value, w.Value)
			}
		}
	}
}
