// Package classic holds the drift detectors that people ask for by name: ADWIN, Page-Hinkley, DDM, EDDM, HDDM, KSWIN,
// CUSUM and EWMA, with the parameters and the results of the implementations that made them known (river's, where a
// defect was fixed there, the fixed one).
//
// Promise. Each detector reads one number at a time, in order; Update says whether this number raised a warning or an
// alarm. After an alarm the next Update starts afresh. State is bounded (each type says by what), there is no clock, no
// goroutine and no package state; a detector is for one goroutine at a time.
//
// What it does not do. None of these keeps a budget of false alarms: thresholds are in units that depend on the data,
// on its scale, its base rate and its autocorrelation, and each type says what is known about that. Nothing that
// Plumbline ships pages on them; package sequential does what they cannot promise. States of two nodes cannot be merged.
package classic

import "errors"

// Signal is what an observation led to.
type Signal uint8

// The signals, in rising order.
const (
	None    Signal = iota
	Warning        // only DDM, EDDM and HDDM warn
	Drift
)

// String names the signal.
func (s Signal) String() string {
	switch s {
	case Warning:
		return "warning"
	case Drift:
		return "drift"
	}
	return "none"
}

// Detector is what all of them are.
type Detector interface {
	// Update reads the next observation. NaN is skipped.
	Update(x float64) Signal
	// Reset forgets everything.
	Reset()
}

// ErrOption: an option is outside its range.
var ErrOption = errors.New("classic: option out of range")

// runningMean is a mean that is updated by its error.
type runningMean struct {
	n    float64
	mean float64
}

func (m *runningMean) add(x float64) {
	m.n++
	m.mean += (x - m.mean) / m.n
}

// orDefault replaces an option's zero value.
func orDefault(v *float64, d float64) {
	if *v == 0 {
		*v = d
	}
}
