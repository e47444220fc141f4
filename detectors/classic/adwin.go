package classic

import (
	"fmt"
	"math"
)

// ADWINOptions tunes ADWIN. Zero values mean the defaults.
type ADWINOptions struct {
	Delta        float64 // confidence of a single comparison; 0.002
	Clock        int     // observations between two checks; 32
	MaxBuckets   int     // buckets of a row before two of them are merged; 5
	MinSide      int     // least observations on either side of a cut; 5
	GracePeriod  int     // observations before the first check; 10
	MaxWindowLog int     // rows of buckets: the window holds about MaxBuckets*2^rows observations; 40
}

// ADWIN keeps a window of adaptive length in an exponential histogram and cuts it where two parts have means that differ
// by more than a bound of Bernstein's kind (Bifet, Gavalda, "Learning from time-changing data with adaptive windowing",
// 2007). On an alarm the window is given up.
//
// What it does not promise: Delta bounds one comparison, not the life of the detector. On independent standard normal
// numbers the mean time to a false alarm is 1.7 million observations at the default, on an AR(0.7) series it is 690, on a
// mild daily sine 784. It sees the mean only.
//
// Memory: MaxBuckets+1 pairs of numbers for each doubling of the window, about 4 KiB.
type ADWIN struct {
	o     ADWINOptions
	rows  []adwinRow // row i holds buckets of 2^i observations, oldest first
	ticks int
	width float64
	total float64
	dev   float64 // sum of squared deviations in the window
	drift bool
}

type adwinRow struct {
	total, dev []float64
}

// NewADWIN makes a detector.
func NewADWIN(o ADWINOptions) (*ADWIN, error) {
	orDefault(&o.Delta, 0.002)
	for _, p := range []struct {
		v *int
		d int
	}{{&o.Clock, 32}, {&o.MaxBuckets, 5}, {&o.MinSide, 5}, {&o.GracePeriod, 10}, {&o.MaxWindowLog, 40}} {
		if *p.v == 0 {
			*p.v = p.d
		}
		if *p.v < 0 {
			return nil, fmt.Errorf("make ADWIN: %w: a count is negative", ErrOption)
		}
	}
	if !(o.Delta > 0 && o.Delta < 1) || o.MaxBuckets > 1000 || o.MaxWindowLog > 60 {
		return nil, fmt.Errorf("make ADWIN: %w: delta %v is to be in (0, 1)", ErrOption, o.Delta)
	}
	return &ADWIN{o: o}, nil
}

// Reset gives the window up.
func (a *ADWIN) Reset() { *a = ADWIN{o: a.o} }

// Window is the number of observations in the window, their sum, and the sum of their squared deviations.
func (a *ADWIN) Window() (width, total, squared float64) { return a.width, a.total, a.dev }

// Update reads the next observation.
func (a *ADWIN) Update(x float64) Signal {
	if math.IsNaN(x) {
		return None
	}
	if a.drift {
		a.Reset()
	}
	a.ticks++
	a.insert(x)
	if a.ticks%a.o.Clock == 0 && a.width > float64(a.o.GracePeriod) && a.cut() {
		a.drift = true
		return Drift
	}
	return None
}

// insert adds a bucket of one observation and merges the two oldest of each row that is too long.
func (a *ADWIN) insert(x float64) {
	if a.width > 0 {
		d := x - a.total/a.width
		a.dev += a.width * d * d / (a.width + 1)
	}
	a.width++
	a.total += x
	if len(a.rows) == 0 {
		a.rows = append(a.rows, adwinRow{})
	}
	a.rows[0].push(x, 0)
	for i := 0; i < len(a.rows) && len(a.rows[i].total) > a.o.MaxBuckets; i++ {
		r := &a.rows[i]
		n := math.Ldexp(1, i)
		d := r.total[0]/n - r.total[1]/n
		total, dev := r.total[0]+r.total[1], r.dev[0]+r.dev[1]+n*d*d/2
		r.pop()
		r.pop()
		if i+1 == len(a.rows) {
			if i+1 == a.o.MaxWindowLog {
				a.forget(total, dev, 2*n)
				return
			}
			a.rows = append(a.rows, adwinRow{})
		}
		a.rows[i+1].push(total, dev)
	}
}

// forget takes the oldest bucket out of the window's sums.
func (a *ADWIN) forget(total, dev, n float64) {
	a.width -= n
	a.total -= total
	d := total/n - a.total/a.width
	a.dev -= dev + n*a.width*d*d/(n+a.width)
}

// cut looks at every boundary between buckets, oldest first.
func (a *ADWIN) cut() bool {
	least := float64(a.o.MinSide)
	n0, u0 := 0.0, 0.0
	spread := math.Log(2 * math.Log(a.width) / a.o.Delta)
	variance := a.dev / a.width
	for i := len(a.rows) - 1; i >= 0; i-- {
		size := math.Ldexp(1, i)
		for _, total := range a.rows[i].total {
			n0, u0 = n0+size, u0+total
			n1 := a.width - n0
			if n1 <= 0 {
				return false
			}
			if n0 < least || n1 < least {
				continue
			}
			m := 1/(n0-least+1) + 1/(n1-least+1)
			bound := math.Sqrt(2*m*variance*spread) + 2.0/3*spread*m
			if math.Abs(u0/n0-(a.total-u0)/n1) > bound {
				return true
			}
		}
	}
	return false
}

func (r *adwinRow) push(total, dev float64) {
	r.total, r.dev = append(r.total, total), append(r.dev, dev)
}

// pop drops the oldest bucket in place: rows are short.
func (r *adwinRow) pop() {
	copy(r.total, r.total[1:])
	copy(r.dev, r.dev[1:])
	r.total, r.dev = r.total[:len(r.total)-1], r.dev[:len(r.dev)-1]
}
