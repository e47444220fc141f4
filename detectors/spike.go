package detectors

import "math"

// Spike is one value that takes the place of others.
type Spike struct {
	Value    float64 // the value, or the middle of its bin; say it only when Default is true
	Default  bool    // it is one of the values that programs write when they know nothing: 0, -1, 999, …
	Collapse bool    // nearly all values are this one: the feature stands still
	Expected float64 // its share in the reference, at most: that of its bin
	Seen     float64 // its share now
}

// sentinels are what programs write when they know nothing, besides values with a bin of their own.
var sentinels = [...]float64{0, -1, 1, -2, -9, -99, -999, -9999, 9, 99, 999, 9999, 99999, 999999, math.MaxInt32, math.MinInt32, math.MaxUint32}

const (
	spikeRise     = 0.03 // the smallest rise of a share that is called a spike
	spikeRatio    = 3    // and it must be so many times what it was
	spikeOfAll    = 0.8  // share of all that rose which must have gone into the one bin
	spikeCollapse = 0.95
)

// RecognizeSpike says whether one value explains how a feature moved: one fine bin gained, and little besides. A bin
// that is wide or open must in addition lie, by the sum of its values, at one of the well-known defaults, because a
// shift ends up there too. It takes at least 30 values on both sides. Like RecognizeUnit it is a hint for the text of a page and no
// test.
func RecognizeSpike(g *Grid, ref, cur *NumberSummary) (Spike, bool) {
	if ref.N < 30 || cur.N < 30 || len(ref.Fine) != g.Fine() || len(cur.Fine) != g.Fine() {
		return Spike{}, false
	}
	p := func(s *NumberSummary, b int) float64 { return float64(s.Fine[b]) / float64(s.N) }
	best, rise, total := 0, 0.0, 0.0
	for b := range ref.Fine {
		if d := p(cur, b) - p(ref, b); d > 0 {
			// What chance alone adds to a bin does not count: two standard errors of its share.
			noise := 2 * math.Sqrt(max(p(ref, b), 1/float64(cur.N))/float64(cur.N))
			total += max(0, d-noise)
			if d > rise {
				best, rise = b, d
			}
		}
	}
	out := Spike{Expected: p(ref, best), Seen: p(cur, best)}
	if rise < spikeRise || out.Seen < spikeRatio*out.Expected || rise < spikeOfAll*total {
		return Spike{}, false
	}
	out.Value, out.Default = g.spikeValue(best, out, ref, cur)
	if !out.Default && (math.IsInf(g.lower(best), 0) || math.IsInf(g.upper(best), 0)) {
		return Spike{}, false
	}
	out.Collapse = !out.Default && out.Seen >= spikeCollapse
	return out, true
}

// spikeValue finds the value that a bin gained.
func (g *Grid) spikeValue(b int, s Spike, ref, cur *NumberSummary) (value float64, isDefault bool) {
	lo, up := g.lower(b), g.upper(b)
	if g.single(b) {
		return up, true
	}
	w := g.wideOf[b]
	for _, v := range sentinels {
		if !(v > lo && v <= up) {
			continue
		}
		if w == noWide {
			return v, true
		}
		// What came on top of the reference's share must average at the default, but for the chance in how many values
		// the bin would have had anyway.
		due := s.Expected * float64(cur.N)
		more := float64(cur.Fine[b]) - due
		usual := 0.0
		if ref.Fine[b] > 0 {
			usual = ref.Wide[w] / float64(ref.Fine[b])
		}
		off := math.Abs(g.spec.Center + (cur.Wide[w]-usual*due)/more - v)
		chance := min(3*math.Sqrt(due)/more, .15) * math.Abs(v-g.spec.Center-usual)
		if off <= max(.02*math.Abs(v), .02*g.spec.spread(), chance) {
			return v, true
		}
	}
	return g.spec.Means[b], false
}
