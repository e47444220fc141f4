package monitor

import "math"

// Ages are counted in quarter octaves from 1/16 s to 2^28 s (eight years), so a quantile is off by 19 % at most.
const (
	ageBins    = 128
	ageOctaves = 4  // bins for each doubling
	ageLow     = -4 // log2 of the upper edge of the first bin, in seconds
)

// ageTally is the distribution of the age of a feature's values over one interval, in seconds.
type ageTally struct {
	counts [ageBins]uint32
	n      uint64
	stale  uint64  // older than the limit
	oldest float64 // of this interval alone
	skew   float64 // largest amount by which an update lay after its request
}

// observe counts an age; a negative one says that the writer's clock is ahead.
func (a *ageTally) observe(age, limit float64) {
	if age < 0 {
		a.skew = max(a.skew, -age)
		age = 0
	}
	a.counts[ageBin(age)]++
	a.n++
	if limit > 0 && age > limit {
		a.stale++
	}
	a.oldest = max(a.oldest, age)
}

func ageBin(age float64) int {
	if age <= 1.0/16 {
		return 0
	}
	frac, exp := math.Frexp(age) // age = frac * 2^exp with frac in [0.5, 1)
	quarter := 1
	for _, edge := range ageQuarters {
		if frac > edge {
			quarter++
		}
	}
	return min((exp-1-ageLow)*ageOctaves+quarter-int(b2i(frac == 0.5)), ageBins-1)
}

// ageQuarters are the inner edges of an octave from 0.5 to 1. Comparing is an eighth of the price of a logarithm.
var ageQuarters = [ageOctaves - 1]float64{0.5 * 1.189207115002721, 0.5 * math.Sqrt2, 0.5 * 1.681792830507429}

// quantile is the upper edge of the bin in which the quantile lies, never above the oldest.
func (a *ageTally) quantile(q, oldest float64) float64 {
	if a.n == 0 {
		return math.NaN()
	}
	target := max(uint64(math.Ceil(q*float64(a.n))), 1)
	var below uint64
	for b, c := range a.counts {
		below += uint64(c)
		if below >= target {
			return min(math.Exp2(ageLow+float64(b)/ageOctaves), oldest)
		}
	}
	return oldest
}

func (a *ageTally) add(o *ageTally) {
	for i, c := range o.counts {
		a.counts[i] += c
	}
	a.n += o.n
	a.stale += o.stale
	a.oldest = max(a.oldest, o.oldest)
	a.skew = max(a.skew, o.skew)
}

// sub takes counts away; oldest and skew are maxima and have to be found anew from the slots.
func (a *ageTally) sub(o *ageTally) {
	for i, c := range o.counts {
		a.counts[i] -= c
	}
	a.n -= o.n
	a.stale -= o.stale
}

func (a *ageTally) reset() { *a = ageTally{} }

func (a *ageTally) encode(e *encoder) {
	var wide [ageBins]uint64
	for i, c := range a.counts {
		wide[i] = uint64(c)
	}
	e.counts(wide[:])
	e.uint(a.stale)
	e.float(a.oldest)
	e.float(a.skew)
}

func (a *ageTally) decode(d *stateDecoder) {
	wide := d.counts(make([]uint64, 0, ageBins), ageBins)
	if len(wide) != ageBins {
		d.fail()
		return
	}
	a.n = 0
	for i, c := range wide {
		a.counts[i] = uint32(c)
		a.n += c
	}
	a.stale, a.oldest, a.skew = d.uint(), d.float(), d.float()
}
