package classic

import (
	"fmt"
	"math"
)

// Direction is which changes a detector looks for.
type Direction uint8

// The directions.
const (
	Both Direction = iota
	Up
	Down
)

// PageHinkleyOptions tunes PageHinkley. Zero values mean the defaults.
type PageHinkleyOptions struct {
	Delta        float64 // change of the mean that is tolerated, in the data's unit; 0.005
	Threshold    float64 // height of the sum that is an alarm, in the data's unit; 50
	Alpha        float64 // forgetting factor of the sums; 0.9999
	MinInstances int     // observations before the first alarm; 30
	Direction    Direction
}

// PageHinkley sums the deviations from the running mean and alarms when the sum has risen far above its lowest point,
// or fallen far below its highest (Page, "Continuous inspection schemes", 1954; Hinkley, "Inference about the change-point
// from cumulative sum tests", 1971).
//
// What it does not promise: Delta and Threshold are in the data's own unit, so the same numbers mean something else on
// every stream. At the defaults the mean time to a false alarm is 59,000 observations on zeros and ones with a share of
// 5 %, 13,000 with 30 %, 1,800 on standard normal numbers, 295 on an AR(0.7) series. After a slow change the running
// mean follows, and nothing is left to see.
//
// Memory: seven numbers.
type PageHinkley struct {
	o               PageHinkleyOptions
	mean            runningMean
	up, down        float64
	lowest, highest float64
	drift           bool
}

// NewPageHinkley makes a detector.
func NewPageHinkley(o PageHinkleyOptions) (*PageHinkley, error) {
	orDefault(&o.Delta, 0.005)
	orDefault(&o.Threshold, 50)
	orDefault(&o.Alpha, 0.9999)
	if o.MinInstances == 0 {
		o.MinInstances = 30
	}
	if !(o.Delta >= 0) || !(o.Threshold > 0) || !(o.Alpha > 0 && o.Alpha <= 1) || o.MinInstances < 0 || o.Direction > Down {
		return nil, fmt.Errorf("make Page-Hinkley: %w: %+v", ErrOption, o)
	}
	p := &PageHinkley{o: o}
	p.Reset()
	return p, nil
}

// Reset forgets everything.
func (p *PageHinkley) Reset() {
	*p = PageHinkley{o: p.o, lowest: math.Inf(1), highest: -1}
}

// Update reads the next observation.
func (p *PageHinkley) Update(x float64) Signal {
	if math.IsNaN(x) {
		return None
	}
	if p.drift {
		p.Reset()
	}
	p.mean.add(x)
	d := x - p.mean.mean
	p.up = p.o.Alpha*p.up + d - p.o.Delta
	p.down = p.o.Alpha*p.down + d + p.o.Delta
	p.lowest, p.highest = min(p.lowest, p.up), max(p.highest, p.down)
	if p.mean.n < float64(p.o.MinInstances) {
		return None
	}
	p.drift = p.o.Direction != Down && p.up-p.lowest > p.o.Threshold ||
		p.o.Direction != Up && p.highest-p.down > p.o.Threshold
	if p.drift {
		return Drift
	}
	return None
}
