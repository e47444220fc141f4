package classic

import (
	"fmt"
	"math"
)

// DDMOptions tunes DDM. Zero values mean the defaults.
type DDMOptions struct {
	WarmStart    int     // observations before the first signal; 30
	WarningLevel float64 // standard deviations above the lowest error rate that warn; 2
	DriftLevel   float64 // and that alarm; 3
}

// DDM watches the error rate of a classifier (1 = error) and alarms when it has risen a number of standard deviations
// above the lowest it has had (Gama et al., "Learning with drift detection", 2004).
//
// What it does not promise: it compares with a minimum that was picked by looking, so 3 standard deviations are no
// 99.9 %; 60 % of runs have alarmed before a change at observation 3000. It cannot see an error rate that falls.
//
// Memory: six numbers.
type DDM struct {
	o          DDMOptions
	rate       runningMean
	pMin, sMin float64
	drift      bool
}

// NewDDM makes a detector.
func NewDDM(o DDMOptions) (*DDM, error) {
	if o.WarmStart == 0 {
		o.WarmStart = 30
	}
	orDefault(&o.WarningLevel, 2)
	orDefault(&o.DriftLevel, 3)
	if o.WarmStart < 0 || !(o.WarningLevel > 0) || !(o.DriftLevel >= o.WarningLevel) {
		return nil, fmt.Errorf("make DDM: %w: %+v", ErrOption, o)
	}
	d := &DDM{o: o}
	d.Reset()
	return d, nil
}

// Reset forgets everything.
func (d *DDM) Reset() { *d = DDM{o: d.o, pMin: math.Inf(1), sMin: math.Inf(1)} }

// Update reads the next observation: 1 for an error, 0 for none.
func (d *DDM) Update(x float64) Signal {
	if math.IsNaN(x) {
		return None
	}
	if d.drift {
		d.Reset()
	}
	d.rate.add(x)
	p := d.rate.mean
	s := math.Sqrt(max(p*(1-p), 0) / d.rate.n)
	if d.rate.n <= float64(d.o.WarmStart) {
		return None
	}
	if p+s <= d.pMin+d.sMin {
		d.pMin, d.sMin = p, s
	}
	switch {
	case p+s > d.pMin+d.o.DriftLevel*d.sMin:
		d.drift = true
		return Drift
	case p+s > d.pMin+d.o.WarningLevel*d.sMin:
		return Warning
	}
	return None
}

// EDDMOptions tunes EDDM. Zero values mean the defaults.
type EDDMOptions struct {
	WarmStart int     // observations, and errors, before the first signal; 30
	Alpha     float64 // share of the largest distance below which it warns; 0.95
	Beta      float64 // and alarms; 0.9
}

// EDDM watches the distance between errors (1 = error) and alarms when its mean plus two standard deviations has shrunk
// to a share of the largest it has been (Baena-Garcia et al., "Early drift detection method", 2006).
//
// What it does not promise: the largest value is found early, by chance; at the defaults a false alarm comes after 728
// observations on average, and 88 % of runs have alarmed before a change at observation 3000. It cannot see an error
// rate that falls.
//
// Memory: eight numbers.
type EDDM struct {
	o                EDDMOptions
	n, last, errors  float64
	distance, square runningMean // the second one keeps the sum of squared deviations over the count
	largest          float64
	state            Signal
}

// NewEDDM makes a detector.
func NewEDDM(o EDDMOptions) (*EDDM, error) {
	if o.WarmStart == 0 {
		o.WarmStart = 30
	}
	orDefault(&o.Alpha, 0.95)
	orDefault(&o.Beta, 0.9)
	if o.WarmStart < 0 || !(o.Beta > 0 && o.Beta <= o.Alpha && o.Alpha <= 1) {
		return nil, fmt.Errorf("make EDDM: %w: %+v", ErrOption, o)
	}
	e := &EDDM{o: o}
	e.Reset()
	return e, nil
}

// Reset forgets everything.
func (e *EDDM) Reset() { *e = EDDM{o: e.o, largest: -1} }

// Update reads the next observation: 1 for an error, 0 for none.
func (e *EDDM) Update(x float64) Signal {
	if math.IsNaN(x) {
		return None
	}
	if e.state == Drift {
		e.Reset()
	}
	e.n++
	if x != 1 {
		return e.state
	}
	e.errors++
	gap := e.n - e.last
	e.last = e.n
	before := e.distance.mean
	e.distance.add(gap)
	e.square.add((gap - before) * (gap - e.distance.mean))
	if e.n <= float64(e.o.WarmStart) {
		return e.state
	}
	variance := 0.0
	if e.errors > 1 {
		variance = e.square.mean * e.square.n / (e.square.n - 1)
	}
	level := e.distance.mean + 2*math.Sqrt(variance)
	if level > e.largest {
		e.largest = level
		return e.state
	}
	if e.errors > float64(e.o.WarmStart) {
		switch share := level / e.largest; {
		case share < e.o.Beta:
			e.state = Drift
		case share < e.o.Alpha:
			e.state = Warning
		default:
			e.state = None
		}
	}
	return e.state
}
