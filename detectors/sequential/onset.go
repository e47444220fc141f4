package sequential

import (
	"math"
	"slices"
)

// Span is a stretch of a stream's past: k of n records in so many buckets. N may be 0.
type Span struct {
	Buckets uint64
	K, N    uint64
}

// Onset says when a change of a share began, counted in buckets back from the end of the path, and how large it is.
type Onset struct {
	BucketsAgo       uint64  // most likely: the change has lasted for so many buckets
	Earliest, Latest uint64  // the confidence set, as buckets ago; Earliest is the larger number
	Open             bool    // the set reaches back to the start of the path: the change may be older
	K, N             uint64  // since the most likely onset
	Lo, Hi           float64 // confidence interval of the share since the onset, over all onsets in the set
}

// LocateOnset finds the onset of a change that an alarm was raised for. The path is the stream's past, oldest first;
// before is the share from before the change, or the edge of the null interval when that is not known better. The
// set and the interval hold the truth with a probability of about 1-alpha each: the set is that of the onsets whose
// likelihood is within a factor alpha/2 of the best, which simulation finds to be right for abrupt changes that are
// large enough to alarm. It is an explanation, not a test: the alarm was decided before. ok is false when no stretch
// at the end of the path lies on that side of `before`.
func LocateOnset(path []Span, before float64, side Side, alpha float64) (o Onset, ok bool) {
	if !(before > 0 && before < 1) || !(alpha > 0 && alpha < 1) {
		return Onset{}, false
	}
	score := make([]float64, len(path))
	best := -1
	var k, n uint64
	for i, s := range slices.Backward(path) {
		k, n = k+min(s.K, s.N), n+s.N
		score[i] = changeScore(k, n, before, side)
		if score[i] > 0 && (best < 0 || score[i] > score[best]) {
			best = i
		}
	}
	if best < 0 {
		return Onset{}, false
	}
	limit := score[best] - math.Log(2/alpha)
	o = Onset{Latest: math.MaxUint64, Lo: 1, Hi: 0}
	k, n = 0, 0
	var ago uint64
	for i, s := range slices.Backward(path) {
		k, n, ago = k+min(s.K, s.N), n+s.N, ago+s.Buckets
		if i == best {
			o.BucketsAgo, o.K, o.N = ago, k, n
		}
		if score[i] < limit {
			continue
		}
		// The onset may lie anywhere within the span, and at the end of the one before it, which is then half old and
		// half new.
		o.Latest = min(o.Latest, ago-s.Buckets+min(1, s.Buckets))
		o.Earliest = max(o.Earliest, ago)
		if o.Open = i == 0; !o.Open {
			last, after := path[i-1], float64(k)/float64(max(1, n))
			o.Earliest = max(o.Earliest, ago+within(last.Buckets, func(part float64) bool {
				return score[i]+gain(last, before, before+part*(after-before)) >= limit
			}))
		}
		lo, hi := ClopperPearson(k, n, alpha)
		o.Lo, o.Hi = min(o.Lo, lo), max(o.Hi, hi)
	}
	return o, true
}

// within says how many of a span's buckets, counted from its end, an onset may reach back into.
func within(buckets uint64, allowed func(part float64) bool) uint64 {
	if buckets < 2 {
		return 0
	}
	part := 1.
	if !allowed(1) {
		part = bisect(1, 0, allowed)
	}
	return min(buckets-1, uint64(math.Ceil(part*float64(buckets))))
}

// gain is the log-likelihood ratio of a span between two shares.
func gain(s Span, before, now float64) float64 {
	k := min(s.K, s.N)
	out := 0.
	if k > 0 {
		out += float64(k) * math.Log(now/before)
	}
	if k < s.N {
		out += float64(s.N-k) * (math.Log1p(-now) - math.Log1p(-before))
	}
	return out
}

// changeScore is the log-likelihood ratio of the share that was seen against the one from before, when it lies on
// that side, and 0 otherwise.
func changeScore(k, n uint64, before float64, side Side) float64 {
	if n == 0 {
		return 0
	}
	seen := float64(k) / float64(n)
	if (seen > before) != (side == Up) || seen == before {
		return 0
	}
	return gain(Span{K: k, N: n}, before, seen)
}

// SmallestDetectable returns the shares nearest to a null interval that a stream with so many records a bucket is
// expected to page on within so many buckets: what a rule cannot see below and above. components is what the
// detector's evidence is averaged over (Components). There is no such share on a side where it returns 0 or 1.
func SmallestDetectable(lo, hi, perBucket float64, buckets int, logA float64, components int) (below, above float64) {
	need := (logA + math.Log(float64(max(1, components)))) / float64(max(1, buckets))
	if !(perBucket > 0) || need > BucketCap(logA) {
		// Not in that time, whatever the size.
		return 0, 1
	}
	grows := func(q, edge float64) bool {
		return perBucket*(q*math.Log(q/edge)+(1-q)*(math.Log1p(-q)-math.Log1p(-edge))) >= need
	}
	below, above = 0, 1
	if hi > 0 && hi < 1 && grows(1-1e-12, hi) {
		above = bisect(hi, 1-1e-12, func(q float64) bool { return grows(q, hi) })
	}
	if lo > 0 && lo < 1 && grows(1e-12, lo) {
		below = bisect(lo, 1e-12, func(q float64) bool { return grows(q, lo) })
	}
	return below, above
}

// SmallestDetectableMean is SmallestDetectable for a bounded mean whose values have that standard deviation.
func SmallestDetectableMean(lo, hi, deviation, perBucket float64, buckets int, logA float64, components int) (below, above float64) {
	need := (logA + math.Log(float64(max(1, components)))) / float64(max(1, buckets))
	if !(perBucket > 0) || !(deviation >= 0) || need > BucketCap(logA) {
		return 0, 1
	}
	// A bet of size d/(s*s+d*d) grows by about d*d/(2*(s*s+d*d)) a record.
	rate := min(need/perBucket, .49)
	d := deviation * math.Sqrt(2*rate/(1-2*rate))
	return max(0, lo-d), min(1, hi+d)
}

// ReferenceFor returns how many records a reference needs so that its own uncertainty about a share p, at error
// alpha, is no wider than tol: below that, the smallest detectable shift is the reference's fault.
func ReferenceFor(p, tol, alpha float64) uint64 {
	if !(p > 0 && p < 1) || !(tol > 0) || !(alpha > 0 && alpha < 1) {
		return 0
	}
	z := -normalQuantile(alpha / 2)
	return uint64(math.Ceil(z * z * p * (1 - p) / (tol * tol)))
}

// bisect finds where a condition that is false at a and true at b becomes true.
func bisect(a, b float64, holds func(float64) bool) float64 {
	for range 60 {
		if m := a + (b-a)/2; holds(m) {
			b = m
		} else {
			a = m
		}
	}
	return b
}
