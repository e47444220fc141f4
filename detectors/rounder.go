package detectors

import "math"

// rounder rounds deviations to multiples of fixed powers of two by adding and subtracting a large number. Sums of
// such multiples are exact in float64 as long as they stay below 2^53 multiples, so they do not depend on the order
// of additions: live, replayed and merged profiles are equal to the last bit.
type rounder struct {
	fine, square       float64 // 1.5 * 2^52 times the quantum
	fineExp, squareExp int     // the quantum is two to this power
}

// Deviations are clamped here, so that no sum of 10^8 of them, or of their squares, can overflow.
const (
	maxDeviation = 1e299
	maxSquare    = 1e299
	maxRoot      = 1e149
)

func newRounder(spread float64) rounder {
	_, e := math.Frexp(spread)
	return rounder{
		fine:   magic(e - 26),
		square: magic(2*e - 26),

		fineExp:   clampExp(e - 26),
		squareExp: clampExp(2*e - 26),
	}
}

func clampExp(e int) int { return min(max(e, -1074), 900) }

// magic is the number that rounds to multiples of 2^e when it is added and subtracted again.
func magic(e int) float64 { return math.Ldexp(1.5, 52+clampExp(e)) }

// round returns the rounded deviation and its rounded square.
func (r *rounder) round(d float64) (dev, sq float64) {
	if d > maxDeviation {
		d = maxDeviation
	} else if d < -maxDeviation {
		d = -maxDeviation
	}
	sq = maxSquare
	if d < maxRoot && d > -maxRoot {
		sq = d * d
	}
	dev = (d + r.fine) - r.fine
	sq = (sq + r.square) - r.square
	return dev, sq
}
