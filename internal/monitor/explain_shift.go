package monitor

import (
	"math"
	"time"

	"github.com/plumbline-ml/plumbline/detectors/sequential"
	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// shiftHorizon is how long a change may take to page in "smallest detectable shift".
const shiftHorizon = time.Hour

// shift is the smallest change that a stream can page on within shiftHorizon.
type shift struct {
	what     string
	expected float64
	size     float64 // 1 when nothing would page
}

// shiftCache keeps the shifts of all streams for one traffic.
type shiftCache struct {
	traffic float64
	streams int
	shifts  []float64
}

// traffic is records a bucket in the shortest window of at least an hour, or the longest there is, in steps of a
// twelfth: it changes rarely, and depends on what is in state only.
func (in *Instance) traffic() float64 {
	if len(in.windows) == 0 {
		return 0
	}
	w := in.windows[0]
	for _, o := range in.windows[1:] {
		if o.length > w.length && w.length < shiftHorizon || o.length < w.length && o.length >= shiftHorizon {
			w = o
		}
	}
	oldest := int64(math.MaxInt64)
	for k := range w.ring {
		if w.ring[k].used {
			oldest = min(oldest, w.ring[k].index*w.width*in.paneNs)
		}
	}
	if w.records == 0 || oldest >= in.closedUntil {
		return 0
	}
	perBucket := float64(w.records) * float64(in.bucketNs) / float64(in.closedUntil-oldest)
	return math.Exp2(math.Round(8*math.Log2(perBucket)) / 8)
}

// collectShifts appends the smallest detectable shift of every stream.
func (in *Instance) collectShifts(b *catalog.Batch) {
	if !in.wants(catalog.SmallestShift) {
		return
	}
	streams, cache := in.evidence.streams, &in.shifts
	if t := in.traffic(); t != cache.traffic || len(streams) != cache.streams {
		*cache = shiftCache{traffic: t, streams: len(streams)}
		for i := range streams {
			cache.shifts = append(cache.shifts, in.smallestShift(i, t).size)
		}
	}
	for i, s := range streams {
		addFinite(b, catalog.SmallestShift, cache.shifts[i], in.model.Name, s.feature, s.cause, s.segment)
	}
}

// smallestShift is the best of what the stream's detectors can do with so many records a bucket.
func (in *Instance) smallestShift(i int, perBucket float64) shift {
	s, best := in.evidence.streams[i], shift{size: math.NaN()}
	if s.col == nil || s.key != "" || s.segment != "" {
		return best // its traffic is another one
	}
	horizon := max(1, int(shiftHorizon/in.model.Bucket))
	logA := in.evidence.budget.StreamLogA(i)
	for _, d := range s.detectors {
		components := d.alternatives() * len(s.detectors)
		var found shift
		switch d := d.(type) {
		case *rateDetector:
			_, hi := d.rate.Interval()
			_, above := sequential.SmallestDetectable(0, hi, perBucket, horizon, logA, components)
			found = shift{rateNames[d.kind], d.expected, above - d.expected}
			if above >= 1 {
				found.size = 1
			}
		case *setsDetector:
			set, lo, hi, ok := d.typical(s.col)
			if !ok {
				continue
			}
			k, n := d.sets.Counts(set, d.ref)
			below, above := sequential.SmallestDetectable(lo, hi, perBucket, horizon, logA, components)
			t := d.describe(s.col, sequential.Leading{Set: set, Seen: share(k, n)})
			found = shift{t.what, t.expected, nearer(share(k, n), below, above)}
		case *meanDetector:
			lo, hi := d.mean.Interval()
			below, above := sequential.SmallestDetectableMean(lo, hi, s.col.base.ref.SD(), perBucket, horizon, logA, components)
			found = shift{"mean", d.expected, nearer(d.expected, below, above)}
		default:
			continue
		}
		if !(best.size <= found.size) {
			best = found
		}
	}
	return best
}

// nearer is the distance to the nearer of two edges, of which 0 and 1 mean that there is none.
func nearer(from, below, above float64) float64 {
	out := 1.
	if above < 1 {
		out = min(out, above-from)
	}
	if below > 0 {
		out = min(out, from-below)
	}
	return out
}

// typical is the set that stands for a column: values at or below the median, the class that people look for, the most
// frequent category.
func (s *setsDetector) typical(c *column) (set sequential.Set, lo, hi float64, ok bool) {
	best := math.Inf(1)
	for i := range s.sets.Len() {
		candidate, l, h := s.sets.Interval(i)
		k, n := s.sets.Counts(candidate, s.ref)
		distance := math.Abs(share(k, n) - .5)
		switch {
		case c.isLabel && s.prefer < len(s.ref):
			distance = math.Abs(float64(candidate.Bin - s.prefer))
		case c.base.grid == nil:
			distance = 1 - share(k, n)
		case candidate.Kind != sequential.Prefix && s.sets.Len() > 2:
			distance++
		}
		if distance < best {
			set, lo, hi, best, ok = candidate, l, h, distance, true
		}
	}
	return set, lo, hi, ok
}
