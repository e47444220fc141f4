package sequential

import (
	"math"
	"testing"
)

func TestTheCommonKappaIsTheLargest(t *testing.T) {
	if k := CommonKappa(); k != 0 {
		t.Errorf("of none: %v", k)
	}
	if k := CommonKappa(.5, 2, math.NaN(), 1); k != 2 {
		t.Errorf("%v, want 2", k)
	}
}
