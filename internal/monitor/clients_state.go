package monitor

import "github.com/plumbline-ml/plumbline/detectors"

// clientsSection is where the clients of the open hours stand, by hash, with what was counted by facts.
const clientsSection = "clients"

func (in *Instance) encodeClients(e *encoder) {
	cl := in.clients
	cl.fit(in)
	e.uint(uint64(cl.cap))
	e.float(cl.distinct)
	e.uint(cl.effective)
	var counts []uint64
	if in.label != nil && in.label.facts != nil {
		counts = in.label.facts.counts
	}
	e.counts(counts)
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
	e.uint(uint64(len(in.panes.open)))
	for _, p := range in.panes.open {
		e.int(p.index)
		e.counts(p.facts)
	}
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
	next := clients{cap: in.clients.cap, span: in.clients.span, distinct: d.float(), effective: d.uint()}
	counts := d.counts(nil, maxCategoryLimit+1)
	for range d.length(clientSpans) {
		b := newClientSpan(d.int(), next.cap)
		table, seen := d.bytes(), d.bytes()
		if d.bad || b.cap.Unmarshal(table) != nil || b.seen.UnmarshalBinary(seen) != nil {
			b.seen = detectors.HLL{}
		}
		next.open = append(next.open, b)
	}
	panes := map[int64][]uint64{}
	for range d.length(maxStateNames) {
		index := d.int()
		panes[index] = d.counts(nil, maxCategoryLimit+1)
	}
	if d.end() != nil {
		return
	}
	if limit != uint64(next.cap) {
		next.open = nil // they were counted up to another number
	}
	*in.clients = next
	in.clients.fit(in)
	if c := in.label; c != nil && c.facts != nil && len(counts) == len(c.facts.counts) {
		copy(c.facts.counts, counts)
	}
	for _, p := range in.panes.open {
		if c := in.label; c != nil && c.base != nil && len(panes[p.index]) == c.bins() {
			p.facts = panes[p.index]
		}
	}
}
