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
	var is, was [MaxFineBins]float64
	g.meansIn(cur, &is)
	g.meansIn(ref, &was)
	for _, v := range sentinels {
		if !(v > lo && v <= up) {
			continue
		}
		// What came on top of the reference's share must average at the default, but for the chance in how many values
		// the bin would have had anyway.
		due := s.Expected * float64(cur.N)
		more := float64(cur.Fine[b]) - due
		off := math.Abs((float64(cur.Fine[b])*is[b]-was[b]*due)/more - v)
		chance := min(3*math.Sqrt(due)/more, .15) * math.Abs(v-was[b])
		if off <= max(.02*math.Abs(v), .02*g.spec.spread(), chance) {
			return v, true
		}
	}
	return g.spec.Means[b], false
}

// Collapse is a feature that goes on with a few values only.
type Collapse struct {
	Bins     int     // fine bins that are left, 2 to 8: as many values, or a few more
	Expected float64 // their share in the reference
	Seen     float64 // their share now
}

const (
	collapseBins  = 8
	collapseSeen  = 0.98 // of all values that must lie in them
	collapseTimes = 4    // so many times fewer bins than the reference had
)

// RecognizeCollapse says whether the entropy of a feature collapsed: nearly all values lie in a few fine bins, of which the reference had
// many times as many. A feature that takes the values of a cache in turn looks like that, and so does one that hardly varies any
// more; one that has moved beyond its range does not, because the open bins do not count. It takes at least 100 values on both sides. Like
// RecognizeUnit it is a hint for the text of a page and no test.
func RecognizeCollapse(g *Grid, ref, cur *NumberSummary) (Collapse, bool) {
	if ref.N < 100 || cur.N < 100 || len(ref.Fine) != g.Fine() || len(cur.Fine) != g.Fine() {
		return Collapse{}, false
	}
	taken := make([]bool, g.Fine())
	var out Collapse
	for out.Seen < collapseSeen && out.Bins < collapseBins {
		best := -1
		for b, n := range cur.Fine {
			if !taken[b] && n > 0 && (best < 0 || n > cur.Fine[best]) {
				best = b
			}
		}
		if best < 0 || math.IsInf(g.lower(best), 0) || math.IsInf(g.upper(best), 0) {
			return Collapse{}, false
		}
		taken[best] = true
		out.Bins++
		out.Seen += float64(cur.Fine[best]) / float64(cur.N)
		out.Expected += float64(ref.Fine[best]) / float64(ref.N)
	}
	if out.Bins < 2 || out.Seen < collapseSeen || effective(ref) < collapseTimes*float64(out.Bins) || out.Expected > 1.0/collapseTimes {
		return Collapse{}, false
	}
	return out, true
}

// effective is the number of equally full bins with the same entropy.
func effective(s *NumberSummary) float64 {
	h := 0.0
	for _, n := range s.Fine {
		if n > 0 {
			p := float64(n) / float64(s.N)
			h -= p * math.Log(p)
		}
	}
	return math.Exp(h)
}

// Risen is the share of values that lie in bins that gained, beyond what chance brings: how much of a distribution has moved.
func Risen(ref, cur *NumberSummary) float64 {
	if ref.N == 0 || cur.N == 0 || len(ref.Fine) != len(cur.Fine) {
		return math.NaN()
	}
	total := 0.0
	for b := range ref.Fine {
		p, q := float64(ref.Fine[b])/float64(ref.N), float64(cur.Fine[b])/float64(cur.N)
		total += max(0, q-p-2*math.Sqrt(max(p, 1/float64(cur.N))/float64(cur.N)))
	}
	return total
}
