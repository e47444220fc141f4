package monitor

import (
	"time"

	"github.com/plumbline-ml/plumbline/internal/parse"
)

// Observe counts one record. slots are those of the instance's plan. A zero arrival means that the record comes from
// a replay: its own time is then when it arrived.
func (in *Instance) Observe(rec *parse.Record, slots []parse.Slot, arrival time.Time) {
	var now int64
	if !arrival.IsZero() {
		now = arrival.UnixNano()
	}
	if t := in.truth; t != nil && t.separate(rec) {
		t.take(rec, &rec.Values[in.at.truth], in.at.truthID, arrival)
		return
	}
	if now != 0 && in.newest > now+in.latenessNs+clockGrace {
		in.turnBack(now)
	}
	event := in.eventTime(rec, now)
	if event > in.newest {
		in.newest = event
	}
	in.lastArrival = max(in.lastArrival, now, event*b2i(now == 0))
	in.lookAt(rec, slots)
	in.versions.count(rec, in.at.version, in)
	in.versions.compare(rec, in)

	p := in.pane(event)
	p.records++
	p.touched = true
	for i, c := range in.cols {
		v := &absent
		if uint(c.slot) < uint(len(rec.Values)) {
			v = &rec.Values[c.slot]
		}
		if c.batch != nil && v.Kind == parse.Number {
			if c.add(v.Num, event) {
				c.settle(&p.cols[i])
			}
		} else {
			c.observe(&p.cols[i], v, event)
		}
		if c.ageSlot >= 0 {
			c.observeAge(&p.cols[i], rec, v, event)
		}
		if c.isLabel && in.model.Label.Positive != "" {
			in.positives.count(v, in.model.Label.Positive, event, in.classGone)
		}
		if c.isScore && v.Kind == parse.Number && in.evidence.mean != nil {
			in.bet(p)
			p.bets.Increments(v.Num, &p.sums)
		}
	}
	fact := in.clients == nil || in.clients.observe(in, p, rec)
	if in.at.entity >= 0 {
		in.pairUp(rec, event, func(i int, same bool) {
			p.cols[i].pairs.add(same)
			if c := in.cols[i]; c.learn != nil && c.learn.wants(event) {
				c.pairs.add(same)
			}
		})
	}
	for _, c := range in.cuts {
		c.observe(p, rec, fact)
	}
	if in.truth != nil {
		in.truth.observe(p, rec, event)
	}
	if fact && (in.model.Multivariate || len(in.model.Embeddings) > 0) {
		in.observeVectors(rec, p)
	}
	if in.evidence.learning {
		in.settle()
		in.learnStep(event)
	}
}

// bet chooses the bets of a pane: those of the time of the week at which its bucket begins.
func (in *Instance) bet(p *pane) {
	if !p.betting {
		p.bets, p.betting = *in.evidence.mean.betsAt(in.bucketMinute(p)), true
	}
}

// bucketMinute is the minute at which the bucket of a pane begins, in the zone of the season.
func (in *Instance) bucketMinute(p *pane) int64 {
	return in.seasonMinute(floorDiv(p.index*in.paneNs, in.bucketNs) * in.bucketNs)
}

// lookAt notices slots that a wildcard has added.
func (in *Instance) lookAt(rec *parse.Record, slots []parse.Slot) {
	if len(slots) > len(in.bySlot) {
		in.discover(slots)
	}
	if len(in.pending) > 0 {
		in.watchPending(rec)
	}
}

var absent parse.Value

func b2i(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// eventTime is the record's own time, or the container's, or the arrival; never further ahead of the arrival than
// the lateness, because a record from the future would close everybody else's bucket.
func (in *Instance) eventTime(rec *parse.Record, arrival int64) int64 {
	t := rec.Time
	if in.at.time < 0 {
		t = 0 // the plan's first time field is then some feature's updated_at
	}
	if t == 0 {
		t = rec.WrapperTime
	}
	switch {
	case t == 0:
		in.counts.untimed++
		if arrival != 0 {
			return arrival
		}
		return max(in.newest, 1)
	case arrival != 0 && t > arrival+in.latenessNs:
		in.counts.future++
		return arrival
	}
	return t
}

// pane finds the pane of an event time.
func (in *Instance) pane(event int64) *pane {
	if p := in.panes.last; p != nil {
		if d := event - p.index*in.paneNs; d >= 0 && d < in.paneNs {
			if p.late {
				in.counts.late++
			}
			return p
		}
	}
	in.settle()
	index := floorDiv(event, in.paneNs)
	if len(in.panes.open) >= maxOpenPanes+int(in.latenessNs/in.paneNs) {
		in.closeOldest()
	}
	p := in.panes.find(index, in.cols)
	in.growCuts(p)
	in.growTruth(p)
	in.unreadable.opened(p)
	if index*in.paneNs < in.closedUntil {
		p.late = true
		in.counts.late++
	}
	return p
}

// discover looks at slots that a wildcard has added.
func (in *Instance) discover(slots []parse.Slot) {
	for i := len(in.bySlot); i < len(slots); i++ {
		in.bySlot = append(in.bySlot, noColumn)
		s := &slots[i]
		if s.Wildcard < 0 {
			continue
		}
		if in.claimAge(slots, i) {
			continue
		}
		f := in.featureFor(s.Path)
		if f == nil {
			continue
		}
		if c := in.column(s.Path); c != nil {
			if c.slot < 0 {
				c.slot = i
				in.bySlot[i] = int32(indexOf(in.cols, c))
				in.plan.SetNumeric(i, c.kind == KindNumber)
			}
			continue
		}
		if in.reference.knows(f, s.Path) {
			if c := in.addFeature(f, s.Path, i, -1); c != nil {
				in.plan.SetNumeric(i, c.kind == KindNumber)
			}
			continue
		}
		in.bySlot[i] = pendingColumn
		in.pending = append(in.pending, wild{config: f, path: s.Path, slot: i, seen: in.restoredPending[hash64(s.Path)]})
	}
}

func indexOf(cols []*column, c *column) int {
	for i := range cols {
		if cols[i] == c {
			return i
		}
	}
	return noColumn
}

// watchPending counts keys that are not columns yet. A key becomes a column, and its name a label, when as many
// records carried it as a category needs to be named: otherwise data that stands in keys would leak into names.
func (in *Instance) watchPending(rec *parse.Record) {
	kept := in.pending[:0]
	for _, w := range in.pending {
		if w.slot < len(rec.Values) && rec.Values[w.slot].Kind != parse.Absent {
			w.seen++
		}
		if w.seen < in.wildFrom {
			kept = append(kept, w)
			continue
		}
		in.bySlot[w.slot] = noColumn
		if c := in.addFeature(w.config, w.path, w.slot, -1); c != nil {
			in.plan.SetNumeric(w.slot, c.kind == KindNumber)
			in.log.Info("a new feature is followed", "feature", c.name)
			in.noteAppeared(c)
		}
	}
	in.pending = kept
}
