package sequential

import (
	"errors"
	"fmt"
	"math"
)

// ErrNormal says that the options of a Normal make no test.
var ErrNormal = errors.New("want a positive deviation, and as many positive weights as bets other than 0, 1 to 16 of them")

// NormalOptions configures a Normal.
type NormalOptions struct {
	Mean, Deviation float64 // of the null; a deviation of 0 means 1
	// Bets are the sizes lambda, in deviations; a negative one bets on a fall. Nil means 1/8, 1/4, 1/2, 1, 2, both ways.
	Bets    []float64
	Weights []float64 // of the bets; nil means equal ones
	// Restart makes an e-detector of it, for changes that may come at any time. Without, it is a test of whether the
	// mean is the null's from the start on: the probability that the evidence ever reaches 1/alpha is at most alpha.
	Restart bool
}

// Normal gathers evidence about the mean of normal (or sub-normal, such as bounded) variables with a known
// deviation, from averages: a batch of n with mean x multiplies by exp(n*(lambda*z - lambda*lambda/2)), where z is
// the distance from the null in deviations. It is a value of fixed size.
type Normal struct {
	o       NormalOptions
	n       int
	bets    [maxComponents]float64
	weights [maxComponents]float64
	l       [maxComponents]float64 // log evidence
}

// NewNormal builds a Normal.
func NewNormal(o NormalOptions) (Normal, error) {
	if o.Deviation == 0 {
		o.Deviation = 1
	}
	bets := o.Bets
	if bets == nil {
		bets = []float64{.125, .25, .5, 1, 2, -.125, -.25, -.5, -1, -2}
	}
	d := Normal{o: o, n: len(bets)}
	if !(o.Deviation > 0) || math.IsInf(o.Deviation, 1) || len(bets) == 0 || len(bets) > maxComponents || o.Weights != nil && len(o.Weights) != len(bets) {
		return Normal{}, fmt.Errorf("deviation %v, %d bets, %d weights: %w", o.Deviation, len(bets), len(o.Weights), ErrNormal)
	}
	total := 0.
	for i, b := range bets {
		w := weightOf(o.Weights, i)
		if !(w > 0) || b == 0 || math.IsNaN(b) || math.IsInf(b, 0) {
			return Normal{}, fmt.Errorf("bet %v with weight %v: %w", b, w, ErrNormal)
		}
		d.bets[i], d.weights[i] = b, w
		total += w
	}
	for i := range bets {
		d.weights[i] /= total
	}
	d.Reset()
	return d, nil
}

// Update takes n variables with that mean. None is not a bet.
func (d *Normal) Update(mean float64, n uint64) {
	z := (mean - d.o.Mean) / d.o.Deviation
	if n == 0 || math.IsNaN(z) {
		return
	}
	for i, b := range d.bets[:d.n] {
		inc := float64(n) * (b*z - b*b/2)
		if d.o.Restart && d.l[i] < 35 {
			d.l[i] = math.Log1p(math.Exp(d.l[i]))
		}
		d.l[i] = min(d.l[i]+inc, logMaxEvidence)
	}
}

// LogEvidence returns the logarithm of the weighted average of the evidence.
func (d *Normal) LogEvidence() float64 { return LogAverage(d.l[:d.n], d.weights[:d.n]) }

// Reset starts again: from nothing with Restart, from 1 without.
func (d *Normal) Reset() {
	for i := range d.l {
		d.l[i] = 0
		if d.o.Restart {
			d.l[i] = math.Inf(-1)
		}
	}
}
