package classic

import (
	"fmt"
	"math"
)

// warmUp estimates mean and standard deviation from the first observations and standardises the others.
type warmUp struct {
	need   float64
	mean   runningMean
	square float64
}

// add takes an observation; ready once enough were seen, and then z is the standardised observation.
func (w *warmUp) add(x float64) (z float64, ready bool) {
	if w.mean.n < w.need {
		before := w.mean.mean
		w.mean.add(x)
		w.square += (x - before) * (x - w.mean.mean)
		return 0, false
	}
	sd := math.Sqrt(w.square / max(w.mean.n-1, 1))
	if sd == 0 {
		if x == w.mean.mean {
			return 0, true
		}
		return math.Copysign(math.MaxFloat64/4, x-w.mean.mean), true
	}
	return (x - w.mean.mean) / sd, true
}

// CUSUMOptions tunes CUSUM. Zero values mean the defaults.
type CUSUMOptions struct {
	Slack     float64 // shift in standard deviations that is tolerated, k; 0.5
	Threshold float64 // height of a sum that is an alarm, in standard deviations, h; 5
	WarmUp    int     // observations from which mean and standard deviation are estimated; 30
}

// CUSUM is the two-sided tabular chart of standardised observations (Page, "Continuous inspection schemes", 1954).
//
// What it does not promise: mean and standard deviation come from a few observations, and their error adds up for ever.
// At the defaults the mean time to a false alarm is a few hundred observations (486 to 693 where it was measured), 55 on
// an AR(0.7) series.
//
// Memory: eight numbers.
type CUSUM struct {
	o        CUSUMOptions
	start    warmUp
	up, down float64
	drift    bool
}

// NewCUSUM makes a detector.
func NewCUSUM(o CUSUMOptions) (*CUSUM, error) {
	orDefault(&o.Slack, 0.5)
	orDefault(&o.Threshold, 5)
	if o.WarmUp == 0 {
		o.WarmUp = 30
	}
	if !(o.Slack >= 0) || !(o.Threshold > 0) || o.WarmUp < 2 {
		return nil, fmt.Errorf("make CUSUM: %w: %+v", ErrOption, o)
	}
	c := &CUSUM{o: o}
	c.Reset()
	return c, nil
}

// Reset forgets everything, mean and standard deviation included.
func (c *CUSUM) Reset() { *c = CUSUM{o: c.o, start: warmUp{need: float64(c.o.WarmUp)}} }

// Update reads the next observation.
func (c *CUSUM) Update(x float64) Signal {
	if math.IsNaN(x) {
		return None
	}
	if c.drift {
		c.Reset()
	}
	z, ready := c.start.add(x)
	if !ready {
		return None
	}
	c.up = max(0, c.up+z-c.o.Slack)
	c.down = max(0, c.down-z-c.o.Slack)
	if c.drift = max(c.up, c.down) > c.o.Threshold; c.drift {
		return Drift
	}
	return None
}

// EWMAOptions tunes EWMA. Zero values mean the defaults.
type EWMAOptions struct {
	Lambda float64 // weight of the newest observation; 0.2
	Limit  float64 // standard deviations of the average that are an alarm, L; 3
	WarmUp int     // observations from which mean and standard deviation are estimated; 30
}

// EWMA is an exponentially weighted average of standardised observations with limits that widen until the average has
// forgotten its start (Roberts, "Control chart tests based on geometric moving averages", 1959).
//
// What it does not promise: with the true mean and standard deviation the mean time to a false alarm is 559 observations
// at the defaults; with estimated ones, or with autocorrelation, it is less.
//
// Memory: seven numbers.
type EWMA struct {
	o       EWMAOptions
	start   warmUp
	average float64
	fade    float64 // (1-lambda)^(2t)
	drift   bool
}

// NewEWMA makes a detector.
func NewEWMA(o EWMAOptions) (*EWMA, error) {
	orDefault(&o.Lambda, 0.2)
	orDefault(&o.Limit, 3)
	if o.WarmUp == 0 {
		o.WarmUp = 30
	}
	if !(o.Lambda > 0 && o.Lambda <= 1) || !(o.Limit > 0) || o.WarmUp < 2 {
		return nil, fmt.Errorf("make EWMA: %w: %+v", ErrOption, o)
	}
	e := &EWMA{o: o}
	e.Reset()
	return e, nil
}

// Reset forgets everything, mean and standard deviation included.
func (e *EWMA) Reset() { *e = EWMA{o: e.o, start: warmUp{need: float64(e.o.WarmUp)}, fade: 1} }

// Update reads the next observation.
func (e *EWMA) Update(x float64) Signal {
	if math.IsNaN(x) {
		return None
	}
	if e.drift {
		e.Reset()
	}
	z, ready := e.start.add(x)
	if !ready {
		return None
	}
	l := e.o.Lambda
	e.average += l * (z - e.average)
	e.fade *= (1 - l) * (1 - l)
	if e.drift = math.Abs(e.average) > e.o.Limit*math.Sqrt(l/(2-l)*(1-e.fade)); e.drift {
		return Drift
	}
	return None
}
