package monitor

import (
	"bytes"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/simulator"
)

// Whoever asks in between, and however often, the state is the same: nothing that waits in a batch is lost or counted in
// another pane.
func TestTheStateDoesNotDependOnWhenItIsAskedFor(t *testing.T) {
	lines := simulated(30000, simulator.Options{Seed: 11})
	state := func(every int) map[string][]byte {
		h := newHarness(t, mustModel(t, spamModel))
		for i, l := range lines {
			if i%1000 == 999 {
				l = lines[i-700] // late, of an older pane
			}
			h.line(l, time.Time{})
			if every > 0 && i%every == 0 {
				h.in.settle()
			}
			if i%5000 == 4999 {
				h.engine.Advance(start.Add(time.Duration(i) * time.Millisecond))
			}
		}
		return h.in.allSections()
	}
	want := state(0)
	for _, every := range []int{1, 7, 64, 1000} {
		got := state(every)
		if len(got) != len(want) {
			t.Errorf("every %d: %d sections, want %d", every, len(got), len(want))
		}
		for name := range want {
			if !bytes.Equal(got[name], want[name]) {
				t.Errorf("every %d: section %s differs", every, name)
			}
		}
	}
}
