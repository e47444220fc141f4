package monitor

import (
	"fmt"
	"slices"
	"strconv"
)

// encodeColumns writes which columns there are, and the references that were learned here.
func (in *Instance) encodeColumns(e *encoder) {
	e.u64(shapeHash(in.model))
	e.uint(uint64(in.nextID))
	e.uint(uint64(len(in.cols)))
	for _, c := range in.cols {
		e.uint(uint64(c.id))
		e.text(c.role)
		e.text(c.path)
		e.u64(in.learnHash(c))
		e.text(string(c.kind))
		e.bool(c.base != nil)
		if c.base == nil {
			continue
		}
		e.u64(c.base.hash)
		own := in.reference == nil || in.reference.baseline(c, in.model) == nil
		e.bool(own)
		if own {
			c.base.encode(e)
		}
	}
}

// learnHash covers what decides the reference that a column learns by itself.
func (in *Instance) learnHash(c *column) uint64 {
	m := in.model
	r := m.Reference
	parts := []string{c.path, r.File, r.For.String(), r.From.String(), r.Until.String(), uintText(r.Records), uintText(m.MinCategoryCount), uintText(uint64(m.MaxCategories))}
	if r.Rolling > 0 || r.Flat || len(r.Exclude) > 0 {
		parts = append(parts, r.Rolling.String(), strconv.FormatBool(r.Flat), fmt.Sprint(r.Exclude))
	}
	if c.config != nil {
		parts = append(parts, string(c.config.Kind))
		parts = append(parts, c.config.Categories...)
	}
	return hash64(parts...)
}

func (b *baseline) encode(e *encoder) {
	e.bool(b.grid != nil)
	if b.grid != nil {
		data, err := b.grid.MarshalBinary()
		if err != nil {
			data = nil // a grid that was built can be written
		}
		e.bytes(data)
	} else {
		e.uint(uint64(len(b.categories)))
		for _, name := range b.categories {
			e.text(name)
		}
	}
	b.ref.encode(e)
	e.int(b.from)
	e.int(b.until)
}

func (in *Instance) encodeTotals(e *encoder) {
	e.uint(uint64(len(in.cols)))
	for _, c := range in.cols {
		e.uint(uint64(c.id))
		e.counts(c.total.hist)
		e.float(c.total.sum)
		for _, n := range c.total.missing {
			e.uint(n)
		}
		e.counts(c.bucket.counts)
		e.uint(c.bucket.present)
		e.uint(c.bucket.missing)
		e.uint(c.bucket.repeats)
	}
	e.bool(in.bucket.open)
	e.int(in.bucket.index)
	e.uint(in.bucket.records)
	e.bool(in.evidence.mean != nil)
	if m := in.evidence.mean; m != nil {
		e.bytes(m.sums.MarshalAppend(m.betsAt(in.seasonMinute(in.bucket.index*in.bucketNs)), nil))
	}
	for _, w := range in.windows {
		e.bool(w.started)
		e.int(w.newest)
	}
}

func (in *Instance) encodeLive(e *encoder) {
	e.uint(in.counts.late)
	e.uint(in.counts.future)
	e.uint(in.counts.untimed)
	for _, n := range in.counts.dropped {
		e.uint(n)
	}
	e.int(in.newest)
	e.int(in.lastArrival)
	e.int(in.closedUntil)
	v := &in.versions
	e.uint(v.none)
	e.uint(v.other)
	e.uint(uint64(len(v.named)))
	for _, c := range v.named {
		e.text(c.name)
		e.uint(c.n)
		e.uint(c.recent)
	}
	e.text(v.current)
	e.int(v.changed)
	e.uint(uint64(len(v.pending)))
	hashes := make([]uint64, 0, len(v.pending))
	for h := range v.pending {
		hashes = append(hashes, h)
	}
	slices.Sort(hashes)
	for _, h := range hashes {
		e.u64(h)
		e.uint(v.pending[h])
	}
	e.uint(uint64(len(in.cols)))
	for _, c := range in.cols {
		e.uint(uint64(c.id))
		e.bool(c.hasLast)
		e.u32(c.last)
		e.int(c.lastGood)
	}
	e.uint(uint64(len(in.pending)))
	for _, w := range in.pending {
		e.u64(hash64(w.path))
		e.uint(w.seen)
	}
	e.uint(uint64(len(in.panes.open)))
	for _, p := range in.panes.open {
		e.int(p.index)
	}
}

func (in *Instance) encodePane(e *encoder, p *pane) {
	e.int(p.index)
	e.uint(p.records)
	e.bool(p.late)
	e.uint(uint64(len(p.cols)))
	for i := range p.cols {
		e.uint(uint64(in.cols[i].id))
		p.cols[i].encode(e)
	}
	e.bool(in.evidence.mean != nil)
	if m := in.evidence.mean; m != nil {
		in.bet(p)
		e.bytes(p.sums.MarshalAppend(&p.bets, nil))
	}
}

func (in *Instance) encodeSlot(e *encoder, w *window, s *slot) {
	e.int(s.index)
	e.uint(s.records)
	n := s.packed.len()
	if s.open {
		n = len(s.cols)
	}
	e.uint(uint64(n))
	inner := encoder{buf: (*w.buf)[:0]}
	for i := range n {
		e.uint(uint64(in.cols[i].id))
		inner.buf = inner.buf[:0]
		switch { // state has one form for all slots
		case s.open && !s.cols[i].empty():
			s.cols[i].view(&w.scratch).encode(&inner)
		case !s.open && len(s.packed.at(i)) > 0:
			s.unpack(i, &w.scratch)
			w.scratch.encode(&inner)
		}
		e.bytes(inner.buf)
	}
	*w.buf = inner.buf
}

func (in *Instance) encodeEvidence(e *encoder) {
	ev := &in.evidence
	e.bool(ev.started)
	e.int(ev.last)
	e.float(max(ev.ratio, 0))
	e.uint(uint64(len(ev.pages)))
	for _, t := range ev.pages {
		e.int(t)
	}
	e.uint(uint64(len(causes)))
	for _, cause := range causes {
		e.text(cause)
		e.uint(ev.raised[cause])
	}
	e.uint(uint64(len(ev.streams)))
	for _, s := range ev.streams {
		e.uint(s.stateID())
		e.text(s.stateCause())
		inner := encoder{}
		s.encode(&inner)
		e.bytes(inner.buf)
	}
}

func (s *stream) encode(e *encoder) {
	e.float(s.ratio)
	e.bool(s.alarm != nil)
	if a := s.alarm; a != nil {
		e.int(a.raised)
		e.int(a.onset)
		e.uint(a.records)
		e.uint(uint64(a.by) | uint64(b2i(a.ticket))<<3) // by is below 8
		e.uint(uint64(len(a.told)))
		for _, t := range a.told {
			e.text(t.what)
			e.float(finite(t.expected))
			e.float(finite(t.seen))
		}
	}
	e.uint(uint64(len(s.detectors)))
	for _, d := range s.detectors {
		inner := encoder{}
		d.encode(&inner)
		e.bytes(inner.buf)
	}
	e.uint(uint64(len(s.named)))
	for _, cause := range s.named {
		e.text(cause)
	}
	if a := s.alarm; a != nil {
		e.text(a.cause)
		e.text(a.unit)
		e.float(finite(a.factor))
		a.explanation.encode(e)
	}
}
