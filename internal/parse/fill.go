package parse

import "strconv"

// set puts a value into a slot. The later value of a key that stands twice in a line replaces the earlier
// one, and nothing was counted yet.
func (r *Record) set(slot int32, kind Kind, num float64, str []byte) {
	v := &r.Values[slot]
	if v.Kind == Absent {
		r.touched = append(r.touched, slot)
	}
	v.Kind, v.Num, v.Str = kind, num, str
}

// put gives a value to every slot that a node has.
func (p *Plan) put(rec *Record, n *node, kind Kind, num float64, str []byte, blemish *Reason) {
	slot := p.slotOf(n, rec)
	for ; slot >= 0; slot = p.specs[slot].next {
		sp := &p.specs[slot]
		k, x := kind, num
		if sp.numeric && k == String {
			k, x = numericText(str)
		}
		if sp.time != nil {
			var ns int64
			if k, x, ns = sp.time.value(kind, num, str); k == Invalid {
				*blemish = BadTime
			}
			if sp.event {
				rec.Time = ns
			}
		}
		rec.set(slot, k, x, str)
		if k == Invalid {
			rec.Values[slot].Str = nil
		}
	}
}

// forget makes everything at and below a node Absent again.
func (p *Plan) forget(n *node, rec *Record) {
	for slot := n.slot; slot >= 0; slot = p.specs[slot].next {
		rec.Values[slot].Kind = Absent
		if p.specs[slot].event {
			rec.Time = 0
		}
	}
	for i := range n.entries {
		if c := n.entries[i].child; c != nil {
			p.forget(c, rec)
		}
	}
}

// element returns the node of an array's element, or nil if nobody asks for it.
func (p *Plan) element(n *node, at int) *node {
	if at < len(n.index) && n.index[at] != nil {
		if n.index[at] == p.refused {
			return nil
		}
		return n.index[at]
	}
	if n.wildcard < 0 || n.born || at >= maxArrayIndex {
		return nil
	}
	key := strconv.Itoa(at)
	if known := n.find(&p.hash, []byte(key)); known >= 0 {
		return n.entries[known].child
	}
	c := p.bear(n.wildcard, joinPath(n.path, key))
	for len(n.index) <= at {
		n.index = append(n.index, nil)
	}
	if c == nil {
		n.index[at] = p.refused
		return nil
	}
	n.index[at] = c
	n.insert(&p.hash, key, c)
	return c
}

func joinPath(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// numericText reads a number that arrived as text. What is no number stays a String.
func numericText(text []byte) (Kind, float64) {
	if x, end, ok := number(text, 0); ok && end == len(text) {
		return Number, x
	}
	switch string(text) {
	case "NaN", "nan", "-nan":
		return NaN, 0
	case "inf", "Infinity", "+inf", "Inf", "+Inf":
		return PosInf, 0
	case "-inf", "-Infinity", "-Inf":
		return NegInf, 0
	case "True", "true":
		return Bool, 1
	case "False", "false":
		return Bool, 0
	}
	if x, ok := looseFloat(text); ok {
		return Number, x
	}
	return String, 0
}
