package classic

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/plumbline-ml/plumbline/detectors"
)

// KSWINOptions tunes KSWIN. Zero values mean the defaults.
type KSWINOptions struct {
	Alpha      float64 // p-value that is an alarm; 0.005
	WindowSize int     // observations kept; 100
	StatSize   int     // newest observations that are compared with as many drawn from the rest; 30
	MinEffect  float64 // least Kolmogorov-Smirnov distance of an alarm; 0.1
	Seed       uint64  // of the draws
}

// KSWIN keeps a window and compares its newest part with a random sample of the rest by a Kolmogorov-Smirnov test, at
// every observation (Raab, Heusinger, Schleif, "Reactive soft prototype computing for concept drift streams", 2020).
//
// What it does not promise: Alpha is the level of one test, and there is one per observation on overlapping windows. At
// the defaults the mean time to a false alarm is 860 observations, 142 on an AR(0.7) series; a shift by half a standard
// deviation is missed in 62 % of runs even when it is tuned. Results depend on the seed.
//
// Memory: the window and two copies of its newest part.
type KSWIN struct {
	o        KSWINOptions
	critical float64 // smallest distance that is an alarm
	window   []float64
	drawn    []float64
	newest   []float64
	order    []int
	rng      *rand.Rand
	drift    bool
}

// NewKSWIN makes a detector.
func NewKSWIN(o KSWINOptions) (*KSWIN, error) {
	orDefault(&o.Alpha, 0.005)
	orDefault(&o.MinEffect, 0.1)
	if o.WindowSize == 0 {
		o.WindowSize = 100
	}
	if o.StatSize == 0 {
		o.StatSize = 30
	}
	if !(o.Alpha > 0 && o.Alpha < 1) || o.StatSize < 1 || o.WindowSize < 2*o.StatSize || o.WindowSize > 1<<20 || o.StatSize > 2000 {
		return nil, fmt.Errorf("make KSWIN: %w: %+v (the window is to be at least twice the compared part)", ErrOption, o)
	}
	k := &KSWIN{o: o, critical: criticalDistance(o)}
	k.order = make([]int, o.WindowSize-o.StatSize)
	k.drawn, k.newest = make([]float64, o.StatSize), make([]float64, o.StatSize)
	k.Reset()
	return k, nil
}

// criticalDistance is the smallest multiple of 1/StatSize whose exact p-value is at most Alpha and that is larger than
// MinEffect; 2 when there is none.
func criticalDistance(o KSWINOptions) float64 {
	n := uint64(o.StatSize)
	low, high := 0, o.StatSize+1
	for low < high {
		mid := (low + high) / 2
		d := float64(mid) / float64(n)
		if d > o.MinEffect && detectors.KSExactProbability(d, n, n) <= o.Alpha {
			high = mid
		} else {
			low = mid + 1
		}
	}
	if low > o.StatSize {
		return 2
	}
	return float64(low) / float64(n)
}

// Reset forgets everything and starts the draws afresh.
func (k *KSWIN) Reset() {
	k.window, k.drift = k.window[:0], false
	k.rng = rand.New(rand.NewPCG(k.o.Seed, 0x6b7377696e))
}

// Update reads the next observation.
func (k *KSWIN) Update(x float64) Signal {
	if math.IsNaN(x) {
		return None
	}
	if k.drift {
		// What was newest at the alarm is the beginning of the next window.
		kept := copy(k.window, k.window[len(k.window)-k.o.StatSize:])
		k.window, k.drift = k.window[:kept], false
	}
	if len(k.window) == k.o.WindowSize {
		copy(k.window, k.window[1:])
		k.window = k.window[:len(k.window)-1]
	}
	k.window = append(k.window, x)
	if len(k.window) < k.o.WindowSize {
		return None
	}
	rest := k.o.WindowSize - k.o.StatSize
	for i := range k.order {
		k.order[i] = i
	}
	for i := range k.drawn {
		j := i + k.rng.IntN(rest-i)
		k.order[i], k.order[j] = k.order[j], k.order[i]
		k.drawn[i] = k.window[k.order[i]]
	}
	copy(k.newest, k.window[rest:])
	if distance(k.drawn, k.newest) < k.critical-1e-9 {
		return None
	}
	k.drift = true
	return Drift
}

// distance is the Kolmogorov-Smirnov distance of two samples of one size; it sorts them.
func distance(a, b []float64) float64 {
	slices.Sort(a)
	slices.Sort(b)
	worst, i, j := 0, 0, 0
	for i < len(a) && j < len(b) {
		x := min(a[i], b[j])
		for i < len(a) && a[i] == x {
			i++
		}
		for j < len(b) && b[j] == x {
			j++
		}
		worst = max(worst, i-j, j-i)
	}
	return float64(worst) / float64(len(a))
}
