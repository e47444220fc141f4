package monitor

import (
	"math"

	"github.com/plumbline-ml/plumbline/detectors"
	"github.com/plumbline-ml/plumbline/detectors/sequential"
)

// clientsSection is where the clients of the open hours stand, by hash, with what was counted by facts. When only the label was
// counted so it was called "clients".
const clientsSection = "clients2"

func (in *Instance) encodeClients(e *encoder) {
	cl := in.clients
	e.uint(uint64(cl.cap))
	e.float(cl.distinct)
	e.uint(uint64(len(cl.open)))
	for _, b := range cl.open {
		e.int(b.index)
		e.bytes(b.cap.MarshalAppend(nil))
		seen, err := b.seen.MarshalBinary()
		if err != nil {
			seen = nil // it never fails
		}
		e.bytes(seen)
	}
	e.uint(uint64(len(in.cols)))
	for _, c := range in.cols {
		e.uint(uint64(c.id))
		var f bucketColumn
		if c.facts != nil {
			f = *c.facts
		}
		e.counts(f.counts)
		e.uint(f.missing)
		e.uint(f.repeats)
		e.bool(c.hasLastFact)
		e.u32(c.lastFact)
	}
	m := in.evidence.mean
	e.bool(m != nil)
	if m != nil {
		e.bytes(m.factSums.MarshalAppend(m.betsAt(in.seasonMinute(in.bucket.index*in.bucketNs)), nil))
	}
	e.uint(uint64(len(in.panes.open)))
	for _, p := range in.panes.open {
		e.int(p.index)
		e.uint(uint64(len(p.facts)))
		for i, row := range p.facts {
			e.uint(uint64(in.cols[i].id))
			e.uint(uint64(len(row)))
			for _, n := range row {
				e.uint(uint64(n))
			}
		}
		e.bool(p.factSums != nil && p.betting)
		if p.factSums != nil && p.betting {
			e.bytes(p.factSums.MarshalAppend(&p.bets, nil))
		}
	}
}

// paneFacts are the facts of a pane in state.
type paneFacts struct {
	rows map[int]factRow
	sums []byte
}

// clients restores what encodeClients wrote. What does not fit begins anew: the clients of an hour count once more, and nothing else.
func (r *restorer) clients() {
	in := r.in
	if in.clients == nil {
		return
	}
	d, ok := open(r.get, in.section(clientsSection))
	if !ok {
		return
	}
	limit := d.uint()
	next := clients{cap: in.clients.cap, span: in.clients.span, distinct: d.float()}
	for range d.length(clientSpans) {
		b := newClientSpan(d.int(), next.cap)
		table, seen := d.bytes(), d.bytes()
		if d.bad || b.cap.Unmarshal(table) != nil || b.seen.UnmarshalBinary(seen) != nil {
			b.seen = detectors.HLL{}
		}
		next.open = append(next.open, b)
	}
	buckets := map[*column]bucketColumn{}
	for range d.length(maxStateNames) {
		_, c := r.at(d.uint())
		f := bucketColumn{counts: d.counts(nil, maxCategoryLimit+1), missing: d.uint(), repeats: d.uint()}
		hasLast, last := d.bool(), d.u32()
		if c != nil && c.base != nil && len(f.counts) == c.buckets() && !d.bad {
			f.present = sum(f.counts)
			buckets[c] = f
			c.hasLastFact, c.lastFact = hasLast, last
		}
	}
	var sums []byte
	if d.bool() {
		sums = d.bytes()
	}
	panes := map[int64]paneFacts{}
	for range d.length(maxStateNames) {
		index := d.int()
		f := paneFacts{rows: map[int]factRow{}}
		for range d.length(maxStateNames) {
			i, c := r.at(d.uint())
			row := make(factRow, d.length(maxCategoryLimit+1+factExtras))
			for k := range row {
				row[k] = uint32(min(d.uint(), math.MaxUint32))
			}
			if c != nil && c.base != nil && len(row) == c.buckets()+factExtras {
				f.rows[i] = row
			}
		}
		if d.bool() {
			f.sums = d.bytes()
		}
		if d.bad {
			return
		}
		panes[index] = f
	}
	if d.end() != nil {
		return
	}
	if limit != uint64(next.cap) {
		next.open = nil // they were counted up to another number
	}
	*in.clients = next
	for c, f := range buckets {
		c.facts = &f
	}
	if m := in.evidence.mean; m != nil && sums != nil && m.factSums.Unmarshal(&m.with, sums) != nil {
		m.factSums.Reset()
	}
	for _, p := range in.panes.open {
		f := panes[p.index]
		p.facts = make([]factRow, len(in.cols))
		for i, row := range f.rows {
			p.facts[i] = row
		}
		if f.sums != nil && in.evidence.mean != nil {
			in.bet(p)
			p.factSums = &sequential.Sums{}
			if p.factSums.Unmarshal(&p.bets, f.sums) != nil {
				p.factSums.Reset()
			}
		}
	}
}
