package monitor

import "strconv"

// learnSections appends the state of columns that learn: the base of each sample when it was rolled, and for all of
// them together what came since.
func (in *Instance) learnSections(add func(name string, encode func(*encoder))) {
	learning := false
	for _, c := range in.cols {
		if c.learn == nil {
			continue
		}
		learning = true
		if c.learn.rolled || in.dirty.columns {
			add(in.section("learn", strconv.FormatUint(uint64(c.id), 10)), func(e *encoder) { c.learn.encodeBase(e) })
			c.learn.rolled = false
		}
	}
	if learning || len(in.dirty.learned) > 0 {
		add(in.section("learning"), in.encodeLearning)
	}
}

// encodeBase rolls first, so that base and delta together are what was sampled.
func (l *learner) encodeBase(e *encoder) {
	l.roll()
	e.bool(l.number != nil)
	if l.number != nil {
		encodeSketch(e, &l.number.sketch, l.least)
	}
	e.bool(l.category != nil)
	if l.category != nil {
		l.category.encode(e, false, l.least)
	}
}

func (l *learner) decodeBase(d *stateDecoder) error {
	if d.bool() {
		if l.number == nil {
			l.number = &numberSample{}
		}
		decodeSketch(d, &l.number.sketch)
	}
	if d.bool() {
		if l.category == nil {
			l.category = &categorySample{}
		}
		l.category.decode(d, false)
	}
	return d.end()
}

func (in *Instance) encodeLearning(e *encoder) {
	n := 0
	for _, c := range in.cols {
		if c.learn != nil {
			n++
		}
	}
	e.uint(uint64(n))
	for _, c := range in.cols {
		if c.learn == nil {
			continue
		}
		e.uint(uint64(c.id))
		e.text(string(c.kind))
		inner := encoder{}
		c.learn.encodeDelta(&inner)
		e.bytes(inner.buf)
	}
}

func (l *learner) encodeDelta(e *encoder) {
	e.uint(l.records)
	e.uint(l.base)
	e.int(l.from)
	e.int(l.until)
	e.uint(l.usable)
	e.uint(l.numbers)
	for _, n := range l.missing {
		e.uint(n)
	}
	e.uint(l.repeats)
	e.bool(l.number != nil)
	if l.number != nil {
		encodeSketch(e, &l.number.delta, 0)
	}
	e.bool(l.category != nil)
	if l.category != nil {
		l.category.encode(e, true, l.least)
	}
}

func (l *learner) decodeDelta(d *stateDecoder) error {
	l.records, l.base = d.uint(), d.uint()
	l.from, l.until = d.int(), d.int()
	l.usable, l.numbers = d.uint(), d.uint()
	for i := range l.missing {
		l.missing[i] = d.uint()
	}
	l.repeats = d.uint()
	if d.bool() {
		if l.number == nil {
			l.number = &numberSample{}
		}
		decodeSketch(d, &l.number.delta)
		l.number.sketch.Merge(&l.number.delta)
	} else {
		l.number = nil
	}
	if d.bool() {
		if l.category == nil {
			l.category = &categorySample{}
		}
		l.category.decode(d, true)
	} else {
		l.category = nil
	}
	return d.end()
}

// learning restores the columns that learn.
func (r *restorer) learning(d *stateDecoder) error {
	in := r.in
	for range d.length(maxStateNames) {
		id := d.uint()
		kind, data := Kind(d.text()), d.bytes()
		_, c := r.at(id)
		if c == nil || c.learn == nil || d.bad {
			continue
		}
		c.kind = kind
		if base, ok := open(r.get, in.section("learn", strconv.FormatUint(id, 10))); ok {
			if err := c.learn.decodeBase(base); err != nil {
				return err
			}
		}
		if err := c.learn.decodeDelta(&stateDecoder{buf: data}); err != nil {
			return err
		}
		if c.slot >= 0 {
			in.plan.SetNumeric(c.slot, kind == KindNumber)
		}
	}
	return d.end()
}
