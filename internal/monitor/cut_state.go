package monitor

import (
	"strconv"

	"github.com/plumbline-ml/plumbline/detectors"
)

// identity covers what the counts of a cut depend on.
func (c *cut) identity() uint64 {
	parts := []string{c.by, strconv.FormatBool(c.replica), strconv.FormatBool(c.mac != nil), strconv.Itoa(len(c.parts))}
	if c.mac != nil {
		parts = append(parts, string(c.hashed([]byte("identity")))) // another key gives other names
	}
	if !c.replica {
		parts = append(parts, c.in.model.Segments[c.number].Path)
	} else {
		parts = append(parts, c.in.model.Replica)
	}
	for _, p := range c.parts {
		if p.fixed {
			parts = append(parts, p.name)
		}
	}
	return hash64(parts...)
}

// cutSections appends the state of the cuts that changed: names and counts, and apart from them, because it is large and
// most fields never need it, what is known of values without a name.
func (in *Instance) cutSections(add func(name string, encode func(*encoder)), all bool) {
	for _, c := range in.cuts {
		if c.dirty || all {
			add(in.section(c.tag()), c.encode)
		}
		if c.fresh || all {
			add(in.section(c.tag(), "unnamed"), c.encodeUnnamed)
		}
		c.dirty, c.fresh = false, false
	}
}

func (in *Instance) neededCuts(names map[string]bool) {
	for _, c := range in.cuts {
		names[in.section(c.tag())] = true
		names[in.section(c.tag(), "unnamed")] = true
	}
}

func (c *cut) encode(e *encoder) {
	e.u64(c.identity())
	e.u64(c.bar)
	e.int(c.epoch)
	e.uint(uint64(c.moves))
	e.uint(uint64(len(c.parts)))
	keys := make([]string, len(c.parts))
	for key, at := range c.index {
		keys[at] = key
	}
	for i, p := range c.parts {
		e.text(keys[i])
		e.text(p.name)
		e.uint(p.recent)
		e.uint(p.before)
	}
	e.uint(uint64(len(c.cells)))
	for _, x := range c.cells {
		e.uint(uint64(x.kind))
		e.uint(uint64(x.column))
		e.uint(uint64(x.index))
		e.u64(x.base)
	}
	c.total.encode(e)
	c.bucket.encode(e)
	open := c.in.panes.open
	e.uint(uint64(len(open)))
	for _, p := range open {
		e.int(p.index)
		p.cuts[c.number].encode(e)
	}
}

func (t *cutTally) encode(e *encoder) {
	e.counts(t.n)
	e.uint(uint64(len(t.sums)))
	for _, v := range t.sums {
		e.float(finite(v))
	}
}

// maxCutCounts bounds the counts of one tally inside the state.
const maxCutCounts = 1 << 20

func (t *cutTally) decode(d *stateDecoder) {
	t.n = d.counts(nil, maxCutCounts)
	t.sums = nil
	for range d.length(maxCutCounts) {
		t.sums = append(t.sums, d.float())
	}
}

func (c *cut) encodeUnnamed(e *encoder) {
	data, _ := c.unnamed.MarshalBinary() // cannot fail
	e.bytes(data)
	data, _ = c.distinct.MarshalBinary()
	e.bytes(data)
}

// cuts restores names and counts. A cut that is another one now begins anew: its names and counts were about something else.
func (r *restorer) cuts() error {
	r.in.layoutCuts() // the columns have other numbers now
	for _, c := range r.in.cuts {
		if d, ok := open(r.get, r.in.section(c.tag())); ok {
			if d.u64() != c.identity() {
				r.in.log.Info("a segment or the replicas are counted differently now; their counts start anew", "by", c.by)
				continue
			}
			if err := r.cut(d, c); err != nil {
				return err
			}
		}
		if d, ok := open(r.get, r.in.section(c.tag(), "unnamed")); ok {
			top, distinct := d.bytes(), d.bytes()
			var hll detectors.HLL
			unnamed, _ := detectors.NewTopK(candidates)
			if unnamed.UnmarshalBinary(top) != nil || hll.UnmarshalBinary(distinct) != nil || d.end() != nil {
				return errState
			}
			c.unnamed, c.distinct = unnamed, hll
		}
	}
	return nil
}

func (r *restorer) cut(d *stateDecoder, c *cut) error {
	c.bar, c.epoch, c.moves = d.u64(), d.int(), int(d.uint())
	if d.length(maxCutCounts) != len(c.parts) {
		return errState
	}
	for i, p := range c.parts {
		key, name := d.text(), d.text()
		recent, before := d.uint(), d.uint()
		if d.bad {
			return errState
		}
		p.recent, p.before = recent, before
		if i >= firstPlace && !p.fixed && name != "" {
			c.assign(p, name)
			c.index[key] = i
		}
	}
	var old []cell
	for range d.length(maxCutCounts) {
		x := cell{cellKind(d.uint()), uint32(d.uint()), int(d.uint()), d.u64()}
		// A column that counts differently now keeps its number only if it is the same one.
		if at, column := r.at(uint64(x.column)); x.kind > cellMissing {
			if at == noColumn {
				x.column = modelStream
			} else {
				x.column = column.id
			}
		}
		old = append(old, x)
	}
	read := func() cutTally {
		var t cutTally
		t.decode(d)
		if len(t.n) != len(old)*len(c.parts) || len(t.sums) != len(c.parts) {
			d.fail()
			return c.newTally()
		}
		c.relay(&t, old)
		return t
	}
	c.total, c.bucket = read(), read()
	for range d.length(maxStateNames) {
		index := d.int()
		t := read()
		if d.bad {
			return errState
		}
		for _, p := range c.in.panes.open {
			if p.index == index {
				p.cuts[c.number] = t
			}
		}
	}
	return d.end()
}

// dropCutIntervals moves what stands in open panes into the totals; see dropIntervals.
func (in *Instance) dropCutIntervals() {
	for _, c := range in.cuts {
		for _, p := range in.panes.open {
			c.fold(p)
		}
		c.bucket.reset()
	}
}

// suspected derives from the restored evidence which replicas are under suspicion.
func (r *restorer) suspected(err error) error {
	for _, c := range r.in.cuts {
		c.suspect()
	}
	return err
}
