package monitor

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/plumbline-ml/plumbline/detectors/sequential"
)

// Acceptance is somebody's word that what is seen now is what is normal from now on.
type Acceptance struct {
	ID      string // of the request: the same one is applied once, whatever happens in between
	Model   string
	Feature string // empty means every column that stands in alarm
	Author  string
	Reason  string
}

// ErrAcceptance is what every refusal of an Acceptance matches with errors.Is.
var ErrAcceptance = errors.New("the reference is not replaced")

const (
	maxAcceptances = 100 // whose IDs are remembered
	maxAuthorBytes = 100
	maxReasonBytes = 500
	// leastAccepted is how many records what is accepted must have at least.
	leastAccepted = 200
)

// accepted is who accepted another reference for a column, when and why.
type accepted struct {
	at             int64 // event time
	author, reason string

	missing [numMissing]uint64 // what was accepted, by reason
	present uint64
}

func (a *accepted) encode(e *encoder) {
	e.int(a.at)
	e.text(a.author)
	e.text(a.reason)
	e.uint(a.present)
	for _, n := range a.missing {
		e.uint(n)
	}
}

func decodeAccepted(d *stateDecoder) *accepted {
	a := &accepted{at: d.int(), author: d.text(), reason: d.text()}
	if len(d.buf) == 0 {
		return a // written before reasons were judged apart
	}
	a.present = d.uint()
	for i := range a.missing {
		a.missing[i] = d.uint()
	}
	return a
}

// Accept makes what was seen since the onset of an alarm the reference of the columns that stand in alarm, or of the
// one that is named, and ends their alarms. It returns the columns. The next commit keeps it.
func (e *Engine) Accept(a Acceptance) (columns []string, err error) {
	in := e.Model(a.Model)
	switch {
	case in == nil:
		return nil, fmt.Errorf("%w: there is no model %q", ErrAcceptance, clip(a.Model))
	case a.ID == "" || len(a.ID) > 100:
		return nil, fmt.Errorf("%w: the request has no ID", ErrAcceptance)
	case a.Author == "" || len(a.Author) > maxAuthorBytes:
		return nil, fmt.Errorf("%w: an author of 1 to %d bytes is needed", ErrAcceptance, maxAuthorBytes)
	case a.Reason == "" || len(a.Reason) > maxReasonBytes:
		return nil, fmt.Errorf("%w: a reason of 1 to %d bytes is needed", ErrAcceptance, maxReasonBytes)
	case slices.Contains(in.acceptances, a.ID):
		return nil, nil // applied already, before a restart
	}
	columns, err = in.accept(a)
	if err != nil {
		return nil, err
	}
	in.acceptances = append(in.acceptances, a.ID)
	if n := len(in.acceptances) - maxAcceptances; n > 0 {
		in.acceptances = slices.Delete(in.acceptances, 0, n)
	}
	in.dirty.columns, in.dirty.detectors, in.cache.stale = true, true, true
	return columns, nil
}

func (in *Instance) accept(a Acceptance) (names []string, err error) {
	var cols []*column
	var counts []*tally
	var times []minutes
	for i, c := range in.cols {
		if a.Feature != "" && c.name != a.Feature || a.Feature == "" && in.onset(c) == 0 {
			continue
		}
		if c.base == nil || !c.watched {
			return nil, fmt.Errorf("%w: %s has no reference yet", ErrAcceptance, c.name)
		}
		t, at := in.sinceOnset(i, c)
		if t == nil || t.N+t.MissingTotal() < leastAccepted {
			return nil, fmt.Errorf("%w: fewer than %d records of %s were seen since the alarm's onset in any window; try again later", ErrAcceptance, leastAccepted, c.name)
		}
		cols, counts, times = append(cols, c), append(counts, t), append(times, at)
	}
	if len(cols) == 0 {
		if a.Feature != "" {
			return nil, fmt.Errorf("%w: the model has no column %q", ErrAcceptance, clip(a.Feature))
		}
		return nil, fmt.Errorf("%w: nothing stands in alarm; name the column with --feature", ErrAcceptance)
	}
	for k, c := range cols {
		in.adopt(c, &accepted{in.newest, a.Author, a.Reason, counts[k].Missing, counts[k].N}, counts[k], times[k])
		names = append(names, c.name)
	}
	in.reseason()
	in.log.Warn("another reference was accepted", "columns", names, "author", a.Author, "reason", a.Reason, "id", a.ID)
	return names, nil
}

// onset is that of the column's oldest alarm; 0 without any.
func (in *Instance) onset(c *column) int64 {
	t := int64(0)
	for _, s := range c.streams {
		if s.alarm != nil && (t == 0 || s.alarm.onset < t) {
			t = s.alarm.onset
		}
	}
	return t
}

// sinceOnset is what the longest window has counted that does not reach back before the column's alarm, and the minutes
// of the week that it covers.
func (in *Instance) sinceOnset(i int, c *column) (best *tally, at minutes) {
	onset := in.onset(c)
	for _, w := range in.windows {
		if i < len(w.running) && in.newest-onset >= int64(w.length) {
			best, at = w.running[i].view(&tally{}), minutes{in.seasonMinute(in.newest - int64(w.length)), in.seasonMinute(in.newest)}
		}
	}
	return best, at
}

// minutes is a stretch of time in the zone of the season.
type minutes struct{ from, until int64 }

// each calls f with the slot of each half hour.
func (m minutes) each(cal sequential.Calendar, f func(slot int)) {
	const step = int64(halfHour / time.Minute)
	for t := m.from; ; t += step {
		f(cal.Slot(min(t, m.until)))
		if t >= m.until-step {
			return
		}
	}
}

// adopt moves the column's reference to what was counted. What is known of the time of the week stays: shares move by
// the ratio of what was seen to what was expected at that time, in every slot; and no slot counts for more records than were seen.
func (in *Instance) adopt(c *column, a *accepted, t *tally, at minutes) {
	counts, m := c.referenceCounts()
	old := in.flatSeason(c, &counts, m, c.days())
	if c.season != nil {
		old = c.season.unpack()
	}
	seen := bucketColumn{counts: make([]uint64, c.buckets()), present: t.N, missing: t.MissingTotal(), repeats: min(t.Repeats, t.N)}
	addBuckets(c.base, seen.counts, t)
	moved := old.moveTo(at, &seen, c.base.grid == nil)
	if old.Mean != nil && t.N > 0 && c.base.grid != nil {
		mean, sd := min(max(t.Mean(c.base.grid), 0), 1), t.SD()
		moved.Mean = moveMean(old.Mean, at, mean, sd, t.N)
	}
	c.accepted, c.anchor = a, nil
	c.season, c.seasonDirty = moved.pack(), true
	in.restream(c)
	if g := c.grow; g != nil {
		// The history is of what was normal before.
		again := seasonDays * int64(24*time.Hour)
		g.packed, g.n, g.dirty = nil, 0, true
		g.began, g.next = in.newest, in.newest+again
		if g.span == 0 {
			g.until = max(g.until, g.next)
			g.total = tally{}
			g.total.add(t)
		}
	}
}

// restream gives the column's streams detectors of the accepted reference, without evidence and without alarms.
func (in *Instance) restream(c *column) {
	for _, s := range c.streams {
		if s.cause == causeAbuse {
			s.detectors, s.alarm, s.ratio = in.rawDetectors(c), nil, 0
			continue
		}
		if s.key != "" {
			continue
		}
		kept := s.detectors[:0:0]
		drift := false
		for _, d := range s.detectors {
			rate, isRate := d.(*rateDetector)
			_, isSets := d.(*setsDetector)
			_, isMean := d.(*meanDetector)
			_, isApart := d.(*apartDetector)
			_, isSteps := d.(*stepsDetector)
			switch {
			case isRate && rate.fixed || isSets && d.(*setsDetector).fixed: // the anchor's
			case isRate && (rate.kind == rateMissing || rate.kind == rateRepeated || rate.kind == rateUnseen):
				kept = append(kept, in.newRateDetector(c, rate.kind))
			case isApart:
				kept = append(kept, in.newApart(c))
			case (isSets || isMean || isSteps) && s.cause == causeDrift:
				if !drift {
					kept, drift = append(kept, in.driftDetectors(c)...), true
				}
			default:
				d.reset()
				kept = append(kept, d)
			}
		}
		s.detectors, s.alarm, s.ratio = kept, nil, 0
	}
	c.seasonMade = nil
	for _, p := range in.panes.open {
		if c.isScore {
			p.resetSums()
			p.touched = true
		}
	}
}

// moveTo returns the season with all shares moved to those that were seen in a time.
func (s *season) moveTo(at minutes, seen *bucketColumn, category bool) *season {
	out := &season{Days: s.Days, Mean: s.Mean, Steps: s.Steps}
	rate := func(p *sequential.SeasonProfile, k, n uint64) *sequential.SeasonProfile {
		if p == nil || n == 0 {
			return p
		}
		bins := make([][]uint64, len(p.K))
		for i := range bins {
			bins[i] = []uint64{p.K[i], p.N[i] - p.K[i]}
		}
		bins = moveBins(p.Calendar, bins, at, []uint64{min(k, n), n - min(k, n)})
		q := *p
		q.K, q.N = make([]uint64, len(bins)), make([]uint64, len(bins))
		for i, b := range bins {
			q.K[i], q.N[i] = b[0], b[0]+b[1]
		}
		return &q
	}
	out.Missing = rate(s.Missing, seen.missing, seen.missing+seen.present)
	out.Repeats = rate(s.Repeats, seen.repeats, seen.present)
	regular := seen.counts
	if category {
		regular = seen.counts[:len(seen.counts)-1]
		out.Unseen = rate(s.Unseen, seen.counts[len(regular)], seen.present)
	}
	if s.Bins != nil {
		p := *s.Bins
		p.Counts = moveBins(p.Calendar, p.Counts, at, regular)
		out.Bins = &p
	}
	return out
}

// moveBins moves the shares of every slot by the ratio of those that were seen to those that were expected in
// that time.
func moveBins(calendar string, slots [][]uint64, at minutes, seen []uint64) [][]uint64 {
	cal, err := sequential.ParseCalendar(calendar)
	if err != nil {
		return slots
	}
	sum := func(c []uint64) (n float64) {
		for _, k := range c {
			n += float64(k)
		}
		return n
	}
	n := sum(seen)
	if n == 0 {
		return slots
	}
	// Half a record more in every bin, so that what was never there has odds.
	share := func(c []uint64, i int, n float64) float64 { return (float64(c[i]) + .5) / (n + .5*float64(len(c))) }
	now := make([]uint64, len(seen))
	at.each(cal, func(slot int) {
		for i, k := range slots[slot] {
			now[i] += k
		}
	})
	out := make([][]uint64, len(slots))
	for s, c := range slots {
		total := sum(c)
		moved, norm := make([]float64, len(c)), 0.
		for i := range c {
			moved[i] = share(c, i, total) * share(seen, i, n) / share(now, i, sum(now))
			norm += moved[i]
		}
		out[s] = make([]uint64, len(c))
		for i := range c {
			out[s][i] = uint64(math.Round(min(total, n) * moved[i] / norm))
		}
	}
	return out
}

// moveMean is moveBins for a mean.
func moveMean(p *sequential.MeanProfile, at minutes, mean, sd float64, n uint64) *sequential.MeanProfile {
	cal, err := sequential.ParseCalendar(p.Calendar)
	if err != nil {
		return p
	}
	q := *p
	q.N, q.Sum, q.SumSq = make([]uint64, len(p.N)), make([]float64, len(p.N)), make([]float64, len(p.N))
	var expected moments
	at.each(cal, func(slot int) { expected.add(moments{p.N[slot], p.Sum[slot], p.SumSq[slot]}) })
	shift := 0.
	if expected.n > 0 {
		shift = mean - expected.sum/float64(expected.n)
	}
	for i := range p.N {
		if p.N[i] == 0 {
			continue
		}
		q.N[i] = min(p.N[i], n)
		to := min(max(p.Sum[i]/float64(p.N[i])+shift, 0), 1)
		q.Sum[i] = to * float64(q.N[i])
		q.SumSq[i] = min(q.Sum[i], (sd*sd+to*to)*float64(q.N[i]))
	}
	return &q
}
