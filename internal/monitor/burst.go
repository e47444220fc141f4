package monitor

import (
	"math"
	"time"
)

// A half hour of a reference is too coarse for a burst of five or ten minutes: diluted by what is around it, it is no
// outlier any more and passes for wander. So the half hour that is being filled is counted by parts of five minutes, and
// one that holds a burst is kept as two counts, the burst and the rest.

const (
	// partLength is how finely the open half hour is counted, or by buckets when they are longer.
	partLength = 5 * time.Minute
	maxParts   = int(halfHour / partLength)
	// A burst differs from the rest of its half hour by so many deviations and by such a ratio of odds. Being apart does
	// no harm to parts that turn out to be normal, so the first is lower than what makes an outlier; the second
	// is there so that the slow wander of heavy traffic is not kept in twice as many counts.
	burstSigmas = 5.
	burstOdds   = 1.5
)

// parts are the counts of a half hour by parts, in order of time. It has none when buckets are as long as half hours.
type parts []halfHourCounts

// partNs is the length of a part.
func partNs(bucketNs int64) int64 { return max(int64(partLength), bucketNs) }

// at is the part of a bucket that begins so long after the half hour.
func (p *parts) at(since, bucketNs int64, bins int) *halfHourCounts {
	i := min(int(since/partNs(bucketNs)), maxParts-1)
	for len(*p) <= i {
		h := halfHourCounts{}
		h.counts = make([]uint64, bins)
		*p = append(*p, h)
	}
	return &(*p)[i]
}

// split finds the stretch that differs most from the rest of a half hour, and returns it when it is a burst. Which of the
// two is the normal one is for the whole reference to say. What it returns is taken out of the whole.
func (p parts) split(whole *halfHourCounts, unit, bucketNs int64) *halfHourCounts {
	sum := halfHourCounts{}
	for i := range p {
		sum.present, sum.missing = sum.present+p[i].present, sum.missing+p[i].missing
	}
	if len(p) < 2 || sum.present != whole.present || sum.missing != whole.missing {
		return nil // state of an older version had no parts
	}
	best, from, to := burstSigmas, 0, 0
	run := halfHourCounts{}
	run.counts = make([]uint64, len(whole.counts))
	for a := range p {
		run.reset()
		for b := a; b < len(p) && b-a < len(p)-1; b++ {
			run.bucketColumn.add(&p[b].bucketColumn)
			if z := run.differs(whole); z > best {
				best, from, to = z, a, b+1
			}
		}
	}
	if to == 0 {
		return nil
	}
	of := max(int(unit/partNs(bucketNs)), len(p))
	out := &halfHourCounts{minute: whole.minute, drop: whole.drop, part: float64(to-from) / float64(of)}
	whole.part = 1 - out.part
	out.counts = make([]uint64, len(whole.counts))
	for i := from; i < to; i++ {
		out.bucketColumn.add(&p[i].bucketColumn)
		out.moments.add(p[i].moments)
	}
	whole.sub(out)
	return out
}

// differs is by how many deviations a stretch differs from the rest of its half hour, in the share that differs most; 0 when
// no share differs by as much as a burst.
func (b *bucketColumn) differs(whole *halfHourCounts) (worst float64) {
	share := func(k, n, allK, allN uint64) {
		if n == 0 || n >= allN {
			return
		}
		in, out := (float64(k)+.5)/(float64(n)+1), (float64(allK-k)+.5)/(float64(allN-n)+1)
		if ratio := in * (1 - out) / (out * (1 - in)); ratio < burstOdds && ratio > 1/burstOdds {
			return
		}
		p, m := (float64(allK)+.5)/(float64(allN)+1), float64(n)
		// One more count of variance, as for outliers among half hours.
		e, v := float64(k)-m*float64(allK-k)/float64(allN-n), m*p*(1-p)*(1+m/float64(allN-n))
		worst = max(worst, math.Abs(e)/math.Sqrt(v+1))
	}
	for i, k := range b.counts {
		share(k, b.present, whole.counts[i], whole.present)
	}
	share(b.missing, b.missing+b.present, whole.missing, whole.missing+whole.present)
	share(b.repeats, b.present, whole.repeats, whole.present)
	return worst
}

func (p parts) encode(e *encoder) {
	e.uint(uint64(len(p)))
	for i := range p {
		p[i].encode(e)
	}
}

func decodeParts(d *stateDecoder) parts {
	p := make(parts, d.length(maxParts))
	for i := range p {
		p[i].decode(d)
	}
	return p
}

// sub takes the counts of a burst out of its half hour.
func (h *halfHourCounts) sub(b *halfHourCounts) {
	for i, n := range b.counts {
		h.counts[i] -= n
	}
	h.present -= b.present
	h.missing -= b.missing
	h.repeats -= b.repeats
	h.moments.n -= b.moments.n
	h.moments.sum = min(max(h.moments.sum-b.moments.sum, 0), float64(h.moments.n))
	h.moments.sq = min(max(h.moments.sq-b.moments.sq, 0), h.moments.sum)
}
