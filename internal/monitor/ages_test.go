package monitor

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestAgesFallIntoQuartersOfOctaves(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	check := func(age float64) {
		t.Helper()
		want := 0
		if age > 1.0/16 {
			want = min(int(math.Ceil((math.Log2(age)-ageLow)*ageOctaves)), ageBins-1)
		}
		if got := ageBin(age); got != want {
			t.Errorf("age %v: bin %d, by logarithm %d", age, got, want)
		}
	}
	for range 100_000 {
		check(math.Exp2(-8 + 48*rng.Float64()))
	}
	for e := -10; e < 40; e++ {
		x := math.Ldexp(1, e)
		check(x)
		check(math.Nextafter(x, 0))
		check(x * 1.0000001)
	}
	check(0)
}
