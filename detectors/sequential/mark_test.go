package sequential

import (
	"math/rand/v2"
	"testing"
)

func TestASmallMarkIsTheMarkUpToWhatNobodyCounts(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		m := mark{rng.Uint64() >> (32 + rng.IntN(32)), rng.Uint64() >> (16 + rng.IntN(48)), rng.Uint64() >> (16 + rng.IntN(48))}
		if got := m.small().mark(); got != m {
			t.Fatalf("%+v came back as %+v", m, got)
		}
	}
	if got, want := (mark{1 << 40, 1 << 60, 1 << 61}).small().mark(), (mark{1<<32 - 1, 1<<48 - 1, 1<<48 - 1}); got != want {
		t.Errorf("%+v, want the largest: %+v", got, want)
	}
}
