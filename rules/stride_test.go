package rules

import (
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/alert"
)

// strides evaluates three times, 72 minutes apart, while the condition holds.
func (b *bench) strides() (all []alert.Alert) {
	b.t.Helper()
	for range 3 {
		b.now = b.now.Add(72 * time.Minute)
		b.put("x", 5, "model", "m")
		all = append(all, b.eval()...)
	}
	return all
}

func TestARuleThatWaitsFiresOverStridesThatAreMeant(t *testing.T) {
	b := newBench(t, simple)
	b.e.Stride(72 * time.Minute)
	if firing, missing, resolved := states(b.strides()); firing == 0 || missing != 0 || resolved != 0 {
		t.Errorf("%d firing, %d without data, %d resolved; want it to fire at the second look", firing, missing, resolved)
	}
}

func TestTimeThatTheAgentSleptDoesNotCountTowardsTheFor(t *testing.T) {
	b := newBench(t, simple)
	if all := b.strides(); len(all) != 0 {
		t.Errorf("it slept for 72 minutes between any two looks, and told %+v", all)
	}
}
