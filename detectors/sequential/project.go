package sequential

import (
	"errors"
	"fmt"
	"math"
)

// ErrBox says that no distribution lies within the bounds.
var ErrBox = errors.New("no distribution lies within these bounds")

// Project writes to p the distribution within lo..hi that is nearest to q in relative entropy, sum q*ln(q/p), and
// returns that distance: p = clip(c*q, lo, hi) with the c that makes it sum to 1. For every distribution in the box,
// the likelihood ratio of q against p then has a mean of at most 1. All slices have the same length; q sums to 1 and
// is nowhere 0. p may be q's own slice.
func Project(p, q, lo, hi []float64) (distance float64, err error) {
	if len(q) == 0 || len(p) != len(q) || len(lo) != len(q) || len(hi) != len(q) {
		return 0, fmt.Errorf("%d, %d, %d and %d numbers: %w", len(p), len(q), len(lo), len(hi), ErrBox)
	}
	var least, most, factor float64
	for j := range q {
		if !(q[j] > 0) || !(lo[j] >= 0) || !(hi[j] >= lo[j]) {
			return 0, fmt.Errorf("share %d is %v within %v..%v: %w", j, q[j], lo[j], hi[j], ErrBox)
		}
		least += lo[j]
		most += hi[j]
		// From this factor on everything is at its upper bound.
		factor = max(factor, hi[j]/q[j])
	}
	const rounding = 1e-9
	if least > 1+rounding || most < 1-rounding {
		return 0, fmt.Errorf("shares sum to %v..%v: %w", least, most, ErrBox)
	}
	below, above := 0., factor
	for range 100 {
		c := below + (above-below)/2
		if c == below || c == above {
			break
		}
		sum := 0.
		for j := range q {
			sum += min(max(c*q[j], lo[j]), hi[j])
		}
		if sum < 1 {
			below = c
		} else {
			above = c
		}
	}
	c := above
	for j := range q {
		v := min(max(c*q[j], lo[j]), hi[j])
		if v > 0 {
			distance += q[j] * math.Log(q[j]/v)
		}
		p[j] = v
	}
	return max(0, distance), nil
}
