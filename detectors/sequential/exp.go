package sequential

import "math"

// The exponential of an increment is what an update spends its time on: one a component, some 230 for a numeric
// feature. expOf is the textbook reduction x = (64*e + j)*ln2/64 + r with |r| < ln2/128, written so that the compiler
// can inline it into the loop and the processor can overlap the components: three times as fast as the library's.
// It is exact to 2 units in the last place for arguments from -690 to 690, which the callers see to.

const (
	expSteps   = 64
	expInverse = expSteps / math.Ln2
	expHigh    = 0x1.62e42fefap-7                     // the leading bits of ln2/64, so that n*expHigh is exact
	expLow     = math.Ln2/expSteps - 0x1.62e42fefap-7 // the rest
	expRound   = 3 << 51                              // adding it rounds to an integer, which is in the low bits then
)

var expTable = func() (t [expSteps]float64) {
	for j := range t {
		t[j] = math.Exp2(float64(j) / expSteps)
	}
	return t
}()

// expOf returns e^x.
func expOf(x float64) float64 {
	n, r := reduce(x)
	return scale(n, 1+polynomial(r))
}

func reduce(x float64) (n int64, r float64) {
	shifted := x*expInverse + expRound
	rounded := shifted - expRound
	// The low 51 bits of the shifted number are the rounded one.
	return int64(math.Float64bits(shifted)) << 13 >> 13, (x - rounded*expHigh) - rounded*expLow
}

// polynomial is e^r - 1 for |r| < ln2/128.
func polynomial(r float64) float64 { return r + r*r*(0.5+r*(1./6+r*(1./24+r*(1./120)))) }

// scale returns y * 2^(n/64).
func scale(n int64, y float64) float64 {
	return y * math.Float64frombits(math.Float64bits(expTable[n&(expSteps-1)])+uint64(n>>6)<<52)
}

// growAll is grow for all components of one stream, which bet on the same counts. Written out, because the compiler
// does not inline a function that is this long, and the call would cost more than the exponential.
// It returns the sum of their evidence.
func growAll(m []float64, bets []bet, hits, misses, ceiling float64) (sum float64) {
	m = m[:len(bets)]
	for c, b := range bets {
		// Plain comparisons: they are predicted, and the built-in min and max also order zeros and carry NaN.
		inc := hits*b.hit + misses*b.miss
		if inc > ceiling {
			inc = ceiling
		}
		if inc < minIncrement {
			inc = minIncrement
		}
		n, r := reduce(inc)
		next := (m[c] + 1) * scale(n, 1+polynomial(r))
		if next > maxEvidence {
			next = maxEvidence
		}
		m[c] = next
		sum += next
	}
	return sum
}
