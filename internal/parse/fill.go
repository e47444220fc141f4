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

// forget makes everything at and below a node Absent again. What it visits is counted as keys are: a line that repeats
// a key with a big object over and over is given up before it costs much.
func (p *Plan) forget(n *node, s *scanner) {
	p.clear(n, s.rec)
	if s.keys += len(n.entries); s.keys > s.maxKeys {
		return
	}
	for i := range n.entries {
		if c := n.entries[i].child; c != nil && !c.shadow {
			p.forget(c, s)
		}
	}
}

// clear makes the slots of one node Absent.
func (p *Plan) clear(n *node, rec *Record) {
	for slot := n.slot; slot >= 0; slot = p.specs[slot].next {
		rec.Values[slot].Kind = Absent
		if p.specs[slot].event {
			rec.Time = 0
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
	if n.wildcard < 0 {
		return nil
	}
	if at >= p.opts.MaxVector {
		p.overflow++
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

// putAny gives text from a format without types to a node, and takes it for what it looks like. Str keeps the
// text, so that a class named 1 or true can still be counted by name.
func (p *Plan) putAny(rec *Record, n *node, text []byte) {
	if n == nil {
		return
	}
	if len(text) == 0 || !couldBeNumber[text[0]] {
		p.putText(rec, n, text)
		return
	}
	kind, x := String, 0.0
	if y, end, ok := number(text, 0); ok && end == len(text) {
		kind, x = Number, y
	} else if numberEnd(text, 0) == len(text) {
		if x, ok = slowFloat(text); ok {
			kind = Number
		} else {
			kind, text = Invalid, nil
			p.scan.blemish = BadNumber
		}
	} else {
		switch string(text) {
		case "NaN", "nan":
			kind = NaN
		case "inf", "Infinity", "Inf", "+Inf", "+inf":
			kind = PosInf
		case "-inf", "-Infinity", "-Inf":
			kind = NegInf
		case "true", "True", "TRUE":
			kind, x = Bool, 1
		case "false", "False", "FALSE":
			kind = Bool
		case "null", "NULL", "None", "nil", "<NA>":
			kind, text = Null, nil
		case "NA", "N/A":
			if n.slot >= 0 && p.specs[n.slot].numeric {
				kind, text = Null, nil
			}
		}
		if kind == String {
			p.putText(rec, n, text)
			return
		}
	}
	p.put(rec, n, kind, x, text, &p.scan.blemish)
}

// couldBeNumber marks the bytes with which a number, or a word that stands for a value, begins.
var couldBeNumber = func() (t [256]bool) {
	for _, c := range "0123456789-+nNiItTfF<" {
		t[c] = true
	}
	return t
}()

func joinPath(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// sequence reads an array that arrived as text, as NumPy prints it: "[1.  2.5 nan]". Where elements were left out
// ("...") it ends.
func (p *Plan) sequence(rec *Record, n *node, text []byte) {
	if len(n.index) == 0 && n.wildcard < 0 {
		return
	}
	at := 0
	for i := 1; i < len(text) && (at < len(n.index) || n.wildcard >= 0 && at <= p.opts.MaxVector); {
		start := i
		for i < len(text) && text[i] != ' ' && text[i] != ',' && text[i] != ']' && text[i] != '\n' {
			i++
		}
		if word := text[start:i]; len(word) > 0 {
			kind, x := numericText(word)
			if kind == String {
				return
			}
			if child := p.element(n, at); child != nil {
				p.put(rec, child, kind, x, word, &p.scan.blemish)
			}
			at++
		}
		i++
	}
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
