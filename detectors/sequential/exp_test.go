package sequential

import (
	"math"
	"testing"
)

func TestExponentialAgreesWithTheLibrary(t *testing.T) {
	worst := 0.0
	for x := -690.0; x <= 690; x += .00917 {
		got, want := expOf(x), math.Exp(x)
		worst = max(worst, math.Abs(got-want)/(want*0x1p-52))
	}
	if worst > 3 {
		t.Errorf("off by %v units in the last place", worst)
	}
	if expOf(0) != 1 {
		t.Errorf("exp(0) = %v", expOf(0))
	}
}
