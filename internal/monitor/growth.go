package monitor

import (
	"math"
	"slices"
	"time"

	"github.com/plumbline-ml/plumbline/detectors/sequential"
)

// settle is how long a column that learns for weeks takes until its bins are fixed and it begins to watch.
const settle = 24 * time.Hour

// dailyDays is from how many days on a reference knows the time of the day. Before that a column that grows is not
// watched: it would be judged at night by what the day was like.
const dailyDays = 3

// settleRecords is how many records it takes at least: a bin per five hundred or so.
const settleRecords = 5000

// growth is a reference that goes on learning while the column is watched already: until it is whole, or for ever when
// it rolls. It never learns from an open incident, nor from the time between an incident's onset and its alarm. It
// holds some 20 bytes for each half hour of the reference, twice that for one with a burst, and for the open one the
// counts of six buckets.
type growth struct {
	began int64 // event time of the first record of the reference
	until int64 // it is final then; MaxInt64 when it rolls
	span  int64 // how far a rolling one reaches back; 0 when it does not roll
	next  int64 // event time of the next fit

	unit    int64 // length of a half hour, see unitNs
	bucket  int64 // length of a bucket
	half    int64 // index of the half hour that is being filled
	started bool
	open    halfHourCounts
	parts   parts  // of the open half hour
	total   tally  // of everything that was learned, in the column's own bins; not when it rolls
	packed  []byte // the half hours before, oldest first
	n       int
	dirty   bool // packed was changed since the last commit
}

// unitNs is how finely the history of a reference is kept: by half hours, or by buckets when they are longer, so that a
// bucket is judged by what a whole one had at that time of the week.
func (in *Instance) unitNs() int64 { return max(int64(halfHour), in.bucketNs) }

// newGrowth starts what a column that has just settled goes on to learn, or returns nil when it is done.
func (in *Instance) newGrowth(c *column, b *baseline) *growth {
	spec := in.model.Reference.of()
	if !spec.grows() || b.whole && spec.Rolling == 0 {
		return nil
	}
	g := &growth{began: b.from, until: math.MaxInt64, span: int64(spec.Rolling), unit: in.unitNs(), bucket: in.bucketNs}
	g.open.counts = make([]uint64, c.buckets())
	switch {
	case spec.Rolling > 0:
		g.next = b.from + min(max(int64(spec.Rolling), int64(2*settle)), dailyDays*int64(24*time.Hour))
	case spec.For > 0:
		g.until = b.from + int64(spec.For)
	default:
		g.until = spec.Until.UnixNano()
	}
	if g.span == 0 {
		g.next = g.until
		if !spec.ranges() {
			g.next = min(b.from+dailyDays*int64(24*time.Hour), g.until)
		}
		g.total.add(&b.ref)
	}
	return g
}

// add takes a closed bucket. Half hours that an incident touches are left out.
func (g *growth) add(c *column, start int64, minute int64, m *moments, learn bool) {
	half := floorDiv(start, g.unit)
	if g.started && half != g.half {
		g.close()
	}
	if !g.started {
		g.half, g.started = half, true
		g.open.minute = minute
	}
	if !learn {
		g.open.drop = true
		return
	}
	g.open.add(&c.bucket)
	if m != nil {
		g.open.moments.add(*m)
	}
	part := g.parts.at(start-half*g.unit, g.bucket, len(g.open.counts))
	part.add(&c.bucket)
	if m != nil {
		part.moments.add(*m)
	}
}

// close packs the open half hour, in two when there was a burst in it.
func (g *growth) close() {
	e := encoder{}
	e.bool(g.open.drop)
	e.int(g.half)
	b := g.parts.split(&g.open, g.unit, g.bucket)
	g.open.encode(&e)
	if b != nil { // absent in what was written before bursts were kept apart
		e.float(b.part)
		b.encode(&e)
	}
	whole := encoder{buf: g.packed}
	whole.bytes(e.buf)
	g.packed, g.n, g.dirty = whole.buf, g.n+1, true
	for g.span > 0 && g.n > 0 {
		d := &stateDecoder{buf: g.packed}
		first := &stateDecoder{buf: d.bytes()}
		first.bool()
		if (first.int()+1)*g.unit > (g.half+1)*g.unit-g.span && g.n <= maxHalfHours {
			break
		}
		g.packed = d.buf
		g.n--
	}
	if cap(g.packed) > 2*len(g.packed)+4096 {
		g.packed = slices.Clone(g.packed)
	}
	g.open.reset()
	g.open.moments, g.open.drop, g.open.part, g.started = moments{}, false, 0, false
	for i := range g.parts {
		g.parts[i].reset()
		g.parts[i].moments = moments{}
	}
}

// forget leaves out everything since the onset of an incident.
func (g *growth) forget(onset int64) {
	if g.started && (g.half+1)*g.unit > onset {
		g.open.drop = true
	}
	d := &stateDecoder{buf: g.packed}
	for range g.n {
		entry := d.bytes()
		if d.bad {
			return
		}
		inner := &stateDecoder{buf: entry[1:]}
		if (inner.int()+1)*g.unit > onset && entry[0] == 0 {
			entry[0], g.dirty = 1, true
		}
	}
}

// halfHours unpacks what was learned.
func (g *growth) halfHours() []halfHourCounts {
	out := make([]halfHourCounts, 0, g.n)
	d := &stateDecoder{buf: g.packed}
	for range g.n {
		inner := &stateDecoder{buf: d.bytes()}
		h := halfHourCounts{drop: inner.bool()}
		inner.int()
		h.decode(inner)
		burst := halfHourCounts{drop: h.drop}
		if len(inner.buf) > 0 {
			burst.part = inner.float()
			burst.decode(inner)
			h.part = 1 - burst.part
		}
		if d.bad || inner.bad {
			break
		}
		out = append(out, h)
		if burst.part > 0 {
			out = append(out, burst)
		}
	}
	return out
}

func (h *halfHourCounts) encode(e *encoder) {
	e.int(h.minute)
	e.counts(h.counts)
	e.uint(h.present)
	e.uint(h.missing)
	e.uint(h.repeats)
	e.bool(h.moments.n > 0)
	if h.moments.n > 0 {
		e.uint(h.moments.n)
		e.float(h.moments.sum)
		e.float(h.moments.sq)
	}
}

func (h *halfHourCounts) decode(d *stateDecoder) {
	h.minute = d.int()
	h.counts = d.counts(nil, maxCategoryLimit+1)
	h.present, h.missing, h.repeats = d.uint(), d.uint(), d.uint()
	if d.bool() {
		h.moments = moments{d.uint(), d.float(), d.float()}
	}
}

// inIncident says whether there is an incident that the column must not learn from. A ticket of the first two weeks is
// none: it may be the first weekend, and a reference that skipped it would never know one.
func (in *Instance) inIncident(c *column, now int64) bool {
	return slices.ContainsFunc(in.evidence.streams, func(s *stream) bool {
		return s.col == c && s.alarm != nil && (!s.alarm.ticket || c.grow.past(now))
	})
}

// past says whether the first learning is over, after which a rolling reference does not learn from tickets either.
func (g *growth) past(now int64) bool { return now >= g.began+seasonDays*int64(24*time.Hour) }

// growBucket lets the references that grow learn from the bucket that was just judged, and fits at most one of them: a
// fit takes a good part of a second. With buckets of an hour and more the columns do not wait for each other.
func (in *Instance) growBucket() {
	start := in.bucket.index * in.bucketNs
	minute := in.seasonMinute(start)
	fitted := false
	for _, c := range in.cols {
		g := c.grow
		if g == nil {
			continue
		}
		learn := !in.inIncident(c, start) && !in.model.Reference.excludes(start)
		var m *moments
		if c.isScore && in.evidence.mean != nil {
			s := &in.evidence.mean.sums
			m = &moments{s.N, s.Sum, s.SumSq}
		} else if c.isScore && c.growing != nil && c.base.grid != nil {
			m = c.growing.moments(c.base.grid.Center()) // it is not watched yet, and its mean will be
		}
		g.add(c, start, minute, m, learn)
		if learn && g.span == 0 && c.growing != nil {
			g.total.add(c.growing)
		}
		if c.growing != nil {
			c.growing.reset()
		}
		if end := start + in.bucketNs; end >= g.next && learn && (!fitted || in.bucketNs >= int64(time.Hour)) {
			in.fit(c, end)
			fitted = true
		}
	}
}

// moments are those of the values around a center, as they are of a probability.
func (t *tally) moments(center float64) *moments {
	n := float64(t.N)
	m := &moments{n: t.N}
	m.sum = min(max(t.Dev+n*center, 0), n)
	m.sq = min(max(t.DevSq+2*center*t.Dev+n*center*center, 0), m.sum)
	return m
}

// fit makes the season of what was learned so far.
func (in *Instance) fit(c *column, now int64) {
	g := c.grow
	days := float64(now-g.began) / float64(24*time.Hour)
	if g.span > 0 {
		days = min(days, float64(g.span)/float64(24*time.Hour))
	}
	s, err := in.fitSeason(c, g.halfHours(), days)
	if err != nil {
		in.log.Warn("a reference cannot be renewed; the one before stays", "column", c.name, "error", err)
	} else {
		if s.Unstable && in.model.Reference.ranges() {
			// Somebody named the time, as one names a file: what never repeats itself in it is taken as one sample.
			in.renewBase(c, now)
			counts, m := c.referenceCounts()
			s = in.flatSeason(c, &counts, m, days)
		}
		in.setSeason(c, s)
		in.rearm(c)
		if g.span > 0 && c.anchor == nil && now >= g.began+g.span {
			c.anchor, c.anchorKappa = c.season, max(c.season.kappa, c.seasonKappa)
			in.addAnchor(c)
		}
		in.log.Info("a reference was renewed", "column", c.name, "days", math.Round(10*days)/10, "left_out_half_hours", s.Dropped, "kappa", s.kappa(), "stable", !s.Unstable)
	}
	switch {
	case g.span > 0:
		g.next = now + int64(24*time.Hour)
	case now < g.began+seasonDays*int64(24*time.Hour) && now < g.until:
		g.next = min(now+int64(24*time.Hour), g.began+seasonDays*int64(24*time.Hour), g.until)
	case now >= g.until:
		in.renewBase(c, now)
		c.grow, c.growing = nil, nil
	default:
		in.renewBase(c, now)
		g.next = g.until
	}
	in.dirty.columns = true
}

// rearm ends the tickets of a column that is judged by another reference from now on, and begins to watch one that was
// not watched yet.
func (in *Instance) rearm(c *column) {
	if !c.watched {
		c.watched = true
		in.addStreams(c)
		in.reseason()
		return
	}
	for _, s := range in.evidence.streams {
		if s.col == c && s.alarm != nil && s.alarm.ticket {
			in.log.Info("a ticket is closed: the reference was renewed", "column", s.feature, "cause", s.cause)
			s.alarm, s.ratio = nil, 0
			s.reset()
		}
	}
}

// renewBase gives the column all that its reference has counted, in the same bins.
func (in *Instance) renewBase(c *column, now int64) {
	old := c.base
	b := &baseline{
		kind: old.kind, grid: old.grid, categories: old.categories, ref: tally{}, from: old.from, until: now,
		declared: in.model.Reference.ranges(),
	}
	b.ref.add(&c.grow.total)
	b.finish()
	c.base, c.described = b, nil
	in.cache.stale = true
}

func (in *Instance) setSeason(c *column, s *season) {
	c.season = s.pack()
	c.seasonDirty = true
	in.reseason()
}

// days is how much time the reference of a column covers.
func (c *column) days() float64 {
	if c.season != nil {
		return c.season.days
	}
	return float64(c.base.until-c.base.from) / float64(24*time.Hour)
}

// mayPage says whether an alarm of the stream may wake somebody. A reference that was learned from less than two weeks
// has not seen every part of the week twice, so what differs from it opens a ticket, unless the model file says
// otherwise. What a file holds was declared to be normal by whoever named the file.
func (in *Instance) mayPage(s *stream) bool {
	c := s.col
	switch {
	case s.cause == causeAbuse:
		return false
	case c == nil || c.base == nil || s.cause == causeStale:
		return true
	case c.season != nil && c.season.unstable:
		return false
	case c.base.declared || c.accepted != nil || in.model.Reference.PageWhileLearning:
		return true
	default:
		return sequential.MaturityOf(c.days()) != sequential.Learning
	}
}
