package monitor

import (
	"math"
	"time"
)

// advance closes what event time has left behind. Without records nothing changes, except that panes are closed once
// nothing has arrived for as long as a bucket and the lateness.
func (in *Instance) advance(now time.Time) {
	in.settle()
	if in.newest == 0 {
		return
	}
	mark := min(in.newest, in.hold) - in.latenessNs
	if idle := now.UnixNano() - in.lastArrival; idle >= in.latenessNs+in.bucketNs && len(in.panes.open) > 0 {
		mark = in.newest + in.paneNs
	}
	in.closeUntil(floorDiv(mark, in.paneNs) * in.paneNs)
}

// Advance closes what event time has left behind, as Engine.Advance does for all between two publishes. It returns how many
// panes were opened since it was called last.
func (in *Instance) Advance(now time.Time) (opened int) {
	in.advance(now)
	opened, in.panes.burst = in.panes.burst, 0
	return opened
}

// closeUntil closes the panes that end at or before t, oldest first, and then the bucket if it ends there too.
func (in *Instance) closeUntil(t int64) {
	for len(in.panes.open) > 0 {
		p := in.panes.open[0]
		if (p.index+1)*in.paneNs > t && !p.late {
			break
		}
		in.closeOldest()
	}
	if t > in.closedUntil {
		in.closedUntil = t
	}
	if in.bucket.open && (in.bucket.index+1)*in.bucketNs <= in.closedUntil {
		in.closeBucket()
	}
	in.rebaseIfPending()
}

// closeOldest folds the oldest pane into totals, windows and, unless it is late, the bucket.
func (in *Instance) closeOldest() {
	in.settle()
	p := in.panes.open[0]
	start := p.index * in.paneNs
	if !p.late {
		index := floorDiv(start, in.bucketNs)
		if in.bucket.open && index != in.bucket.index {
			in.closeBucket()
		}
		if !in.bucket.open {
			in.bucket = bucketState{index: index, open: true}
		}
		in.fillBucket(p)
		in.closedUntil = max(in.closedUntil, start+in.paneNs)
	} else if in.volume != nil {
		in.volume.late += float64(p.records)
	}
	for i, c := range in.cols {
		if i < len(p.cols) {
			c.fold(&p.cols[i])
		}
	}
	for _, w := range in.windows {
		w.fold(p, in.cols)
	}
	for _, c := range in.cuts {
		c.fold(p)
	}
	if in.truth != nil {
		in.truth.fold(p)
	}
	in.dirty.closed(p.index)
	in.cache.stale = true
	in.panes.release()
}

// fillBucket adds a pane to the open bucket.
func (in *Instance) fillBucket(p *pane) {
	in.bucket.records += p.records
	in.unreadable.fill(p)
	for i, c := range in.cols {
		if i >= len(p.cols) {
			break
		}
		t := &p.cols[i]
		if t.ages != nil {
			c.bucket.aged += t.ages.n
			c.bucket.stale += t.ages.stale
		}
		c.bucket.pairs.same += t.pairs.same
		c.bucket.pairs.compared += t.pairs.compared
		if c.base == nil || t.unbinned > 0 {
			continue // it learned in this pane
		}
		c.bucket.missing += t.MissingTotal()
		for r, n := range t.Missing {
			c.bucket.reasons[r] += n
		}
		c.bucket.present += t.N
		c.bucket.repeats += t.Repeats
		addBuckets(c.base, c.bucket.counts, t)
		if c.growing != nil {
			c.growing.add(t)
		}
	}
	if m := in.evidence.mean; m != nil && p.sums.N > 0 {
		m.fill(p)
	}
	if in.clients != nil {
		in.clients.fill(in, p)
	}
	for _, c := range in.cuts {
		c.fill(p)
	}
	if in.truth != nil {
		in.truth.bucket.add(&p.truth)
	}
}

// closeBucket hands the bucket to the detectors and empties it.
func (in *Instance) closeBucket() {
	in.takeVectors()
	if in.unreadable != nil {
		in.unreadable.records = in.bucket.records
	}
	in.update()
	in.giveVectors()
	in.growBucket()
	if m := in.evidence.mean; m != nil {
		m.resetSums()
	}
	if begin := in.bucket.index * in.bucketNs; in.versions.closeBucket(begin) {
		in.newVersion(in.versions.current, begin)
	}
	for _, c := range in.cols {
		c.bucket.reset()
	}
	in.unreadable.endBucket(in)
	if in.clients != nil {
		in.clients.endBucket(in)
	}
	for _, c := range in.cuts {
		c.endBucket((in.bucket.index + 1) * in.bucketNs)
	}
	if in.truth != nil {
		in.truth.endBucket((in.bucket.index + 1) * in.bucketNs)
	}
	in.bucket = bucketState{}
	// The bucket stands in the section of the totals: without them a restart would hand it over again.
	in.dirty.detectors, in.dirty.totals = true, true
}

// flush closes everything, at the end of a replay.
func (in *Instance) flush() {
	in.hold = math.MaxInt64
	in.closeUntil((floorDiv(in.newest, in.bucketNs) + 1) * in.bucketNs)
}

// Flush closes all open panes and buckets: nothing more will come.
func (e *Engine) Flush() {
	for _, in := range e.instances {
		if in.newest != 0 {
			in.flush()
		}
	}
}
