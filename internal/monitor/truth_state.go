package monitor

import (
	"math"
	"strconv"
)

// identity covers what counts and pending predictions depend on.
func (t *truth) identity() uint64 {
	m := t.in.model
	parts := []string{t.cfg.Path, t.cfg.ID, t.cfg.Positive, m.ID, strconv.FormatFloat(t.cfg.Threshold, 'g', -1, 64), strconv.FormatBool(t.scored), strconv.FormatInt(t.width, 10)}
	if m.Label != nil {
		parts = append(parts, m.Label.Path, m.Label.Positive)
	}
	if m.Score != nil {
		parts = append(parts, m.Score.Path)
	}
	return hash64(parts...)
}

func (in *Instance) truthSections(add func(name string, encode func(*encoder)), remove func(name string), all bool) {
	t := in.truth
	if t == nil {
		return
	}
	if t.dirty || all {
		add(in.section("truth"), t.encode)
	}
	t.dirty = false
	for i := range t.slots {
		if s := &t.slots[i]; s.used && (s.dirty || all) {
			add(in.section("truth", "slot", strconv.Itoa(i)), func(e *encoder) { e.int(s.index); s.t.encode(e) })
			s.dirty = false
		}
	}
	for kind, p := range t.tables() {
		for _, number := range p.gone {
			remove(in.section("truth", kind, uintText(number)))
			remove(in.section("truth", kind+"-taken", uintText(number)))
		}
		p.gone = nil
		for _, b := range p.blocks {
			if b.fresh || all {
				add(in.section("truth", kind, uintText(b.number)), b.encode)
			}
			if b.dirty || all {
				add(in.section("truth", kind+"-taken", uintText(b.number)), b.encodeTaken)
			}
			b.fresh, b.dirty = false, false
		}
	}
}

func (t *truth) tables() map[string]*pendings {
	return map[string]*pendings{"waiting": &t.waiting, "early": &t.early}
}

func (in *Instance) neededTruth(names map[string]bool) {
	t := in.truth
	if t == nil {
		return
	}
	names[in.section("truth")] = true
	for i := range t.slots {
		if t.slots[i].used {
			names[in.section("truth", "slot", strconv.Itoa(i))] = true
		}
	}
	for kind, p := range t.tables() {
		for _, b := range p.blocks {
			names[in.section("truth", kind, uintText(b.number))] = true
			names[in.section("truth", kind+"-taken", uintText(b.number))] = true
		}
	}
}

func (t *truth) encode(e *encoder) {
	e.u64(t.identity())
	for _, n := range t.counts {
		e.uint(n)
	}
	e.int(t.newest)
	e.int(t.from)
	e.bool(t.base != nil && t.base.learned)
	if t.base != nil && t.base.learned {
		t.base.encode(e)
	}
	t.learn.encode(e)
	t.total.encode(e)
	t.bucket.encode(e)
	e.uint(uint64(len(t.in.panes.open)))
	for _, p := range t.in.panes.open {
		e.int(p.index)
		p.truth.encode(e)
	}
	for _, p := range [...]*pendings{&t.waiting, &t.early} {
		e.u64(p.first)
		e.uint(uint64(len(p.blocks)))
		for _, b := range p.blocks {
			e.u64(b.number)
		}
	}
}

func (t *truthTally) encode(e *encoder) {
	for c := range 2 {
		e.counts(t.n[c])
		e.counts(t.truly[c][0])
		e.counts(t.truly[c][1])
		// Most bins are empty, and then so are their sums.
		for b, n := range t.n[c] {
			if n > 0 {
				e.float(t.sum[c][b])
			}
			if t.truly[c][0][b]+t.truly[c][1][b] > 0 {
				e.float(t.scores[c][b])
			}
		}
	}
	e.counts(t.delays[:])
}

// decode reads a tally of so many bins.
func (t *truthTally) decode(d *stateDecoder, bins int) {
	*t = newTruthTally(bins)
	read := func(into []uint64) {
		got := d.counts(nil, math.MaxUint16)
		if len(got) != len(into) {
			d.fail()
			return
		}
		copy(into, got)
	}
	for c := range 2 {
		read(t.n[c])
		read(t.truly[c][0])
		read(t.truly[c][1])
		for b, n := range t.n[c] {
			if n > 0 {
				t.sum[c][b] = d.float()
			}
			if t.truly[c][0][b]+t.truly[c][1][b] > 0 {
				t.scores[c][b] = d.float()
			}
		}
	}
	read(t.delays[:])
}

// truth restores what was joined and what waits.
func (r *restorer) truth() error {
	in := r.in
	t := in.truth
	if t == nil {
		return nil
	}
	d, ok := open(r.get, in.section("truth"))
	if !ok {
		return nil
	}
	if d.u64() != t.identity() {
		in.log.Info("the truth is another one now: its counts and what waits for it start anew")
		return nil
	}
	bins := len(t.edges)
	for i := range t.counts {
		t.counts[i] = d.uint()
	}
	t.newest, t.from = d.int(), d.int()
	if d.bool() {
		var b truthBase
		b.decode(d, bins)
		if t.base == nil && !d.bad {
			t.setBase(&b)
		}
	}
	t.learn.decode(d, bins)
	t.total.decode(d, bins)
	t.bucket.decode(d, bins)
	for range d.length(maxStateNames) {
		index := d.int()
		var tally truthTally
		if tally.decode(d, bins); d.bad {
			return errState
		}
		for _, p := range in.panes.open {
			if p.index == index {
				p.truth = tally
			}
		}
	}
	for _, k := range [...]struct {
		name string
		p    *pendings
	}{{"waiting", &t.waiting}, {"early", &t.early}} {
		k.p.first = d.u64()
		var numbers []uint64
		for range d.length(maxStateNames) {
			numbers = append(numbers, d.u64())
		}
		if d.bad {
			return errState
		}
		if err := r.pendings(k.name, k.p, numbers); err != nil {
			return err
		}
	}
	if err := d.end(); err != nil {
		return err
	}
	for i := range t.slots {
		d, ok := open(r.get, in.section("truth", "slot", strconv.Itoa(i)))
		if !ok {
			continue
		}
		s := &t.slots[i]
		s.index, s.used = d.int(), true
		if s.t.decode(d, bins); d.end() != nil {
			return errState
		}
	}
	return nil
}

func (r *restorer) pendings(kind string, p *pendings, numbers []uint64) error {
	for _, number := range numbers {
		d, ok := open(r.get, r.in.section("truth", kind, uintText(number)))
		if !ok {
			return errState
		}
		if err := p.decode(d); err != nil {
			return err
		}
	}
	for _, number := range numbers {
		if d, ok := open(r.get, r.in.section("truth", kind+"-taken", uintText(number))); ok {
			if err := p.decodeTaken(d); err != nil {
				return err
			}
		}
	}
	p.restored()
	return nil
}

// dropTruthIntervals moves what stands in open panes into the totals; see dropIntervals.
func (in *Instance) dropTruthIntervals() {
	t := in.truth
	if t == nil {
		return
	}
	for _, p := range in.panes.open {
		t.total.add(&p.truth)
	}
	t.bucket.reset()
	t.dirty = true
}

// growTruth gives a pane its tally.
func (in *Instance) growTruth(p *pane) {
	if t := in.truth; t != nil && p.truth.n[0] == nil {
		p.truth = newTruthTally(len(t.edges))
	}
}
