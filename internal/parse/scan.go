package parse

import "encoding/binary"

// scanner reads one JSON text into a record. It follows the grammar of RFC 8259 as encoding/json does, also in
// the parts that nobody asked for, plus the words NaN, Infinity and -Infinity.
//
// Its functions take the position of the next byte and return the position behind what they read, or -1
// after setting fault.
type scanner struct {
	plan     *Plan
	rec      *Record
	scratch  []byte // decoded strings of the current line; never shrunk below what values alias
	keys     int    // keys, asked elements and forgotten values of this line so far: the work that is not bounded by its bytes
	maxDepth int
	maxKeys  int
	maxValue int
	fault    Reason // why the line is bad
	blemish  Reason // why a value of a good line is Invalid
}

// begin prepares for a new line.
func (s *scanner) begin(rec *Record) {
	s.rec = rec
	s.keys, s.fault, s.blemish = 0, None, None
	if cap(s.scratch) > keepScratch {
		s.scratch = nil
	}
	s.scratch = s.scratch[:0]
}

func (s *scanner) fail(r Reason) int {
	s.fault = r
	return -1
}

// wrong is fail for a byte that cannot stand at i; a text that just ends is Truncated.
func (s *scanner) wrong(data []byte, i int) int {
	if i >= len(data) {
		return s.fail(Truncated)
	}
	return s.fail(NotJSON)
}

func skipSpace(data []byte, i int) int {
	for i < len(data) && (data[i] == ' ' || data[i] == '\t' || data[i] == '\r' || data[i] == '\n') {
		i++
	}
	return i
}

// object reads what follows '{' into what n asks for; n is nil when nobody asks for anything in there.
//
// Loggers write the same keys in the same order, so each entry remembers which one followed it and how it
// was written, and the next key costs one comparison. A wrong guess costs a look-up.
func (s *scanner) object(data []byte, i int, n *node, depth int) int {
	if depth > s.maxDepth {
		return s.fail(Depth)
	}
	if n == nil {
		n = s.plan.unasked
	}
	i = skipSpace(data, i)
	if i < len(data) && data[i] == '}' {
		return i + 1
	}
	prev, want := int32(-1), n.first
	for {
		at := int32(-1)
		if want >= 0 {
			if i < len(data) && data[i] == ' ' {
				i++
			}
			e := &n.entries[want]
			if rest := data[i:]; len(rest) >= keyWindow && e.words.size > 0 {
				w := (*[keyWindow]byte)(rest)
				mid, last, shift := e.words.mid&15, e.words.last&15, e.words.shift&63
				if (binary.LittleEndian.Uint64(w[:8])<<shift^e.words.words[0])|
					(binary.LittleEndian.Uint64(w[mid:mid+8])<<shift^e.words.words[1])|
					(binary.LittleEndian.Uint64(w[last:last+8])<<shift^e.words.words[2]) == 0 {
					i += int(e.words.size)
					at = want
				}
			} else if end := e.follows(data, i); end >= 0 {
				i, at = end, want
			}
			if at >= 0 && i < len(data) && data[i] <= ' ' {
				i = skipSpace(data, i) // more white space than the last time
			}
		}
		if at < 0 {
			if end, known := s.plan.hash.quick(data, i, n); known >= 0 && known != want {
				i, at = end, known
			} else if i, at = s.key(data, i, n, want); i < 0 {
				return -1
			}
			if prev >= 0 {
				n.entries[prev].next = at
			} else {
				n.first = at
			}
		}
		if s.keys++; s.keys > s.maxKeys {
			return s.fail(Keys)
		}
		var child *node
		prev, want = at, -1
		if at >= 0 {
			e := &n.entries[at]
			child, want = e.child, e.next
		}
		switch {
		case i >= len(data):
			return s.fail(Truncated)
		case child == nil:
			if end := numberEnd(data, i); end >= 0 {
				i = end
			} else {
				if data[i] == '{' && at >= 0 {
					child = s.plan.shadowOf(n, at)
				}
				i = s.value(data, i, child, depth)
			}
		case child.fastNum && (data[i] == '-' || data[i]-'0' <= 9):
			x, end, ok := number(data, i)
			if !ok {
				i = s.oddNumber(data, i, child)
				break
			}
			s.rec.set(child.slot, Number, x, data[i:end])
			i = end
		case child.fastStr && data[i] == '"':
			kind, text, end := s.text(data, i+1)
			if end < 0 {
				return -1
			}
			s.rec.set(child.slot, kind, 0, text)
			i = end
		default:
			i = s.value(data, i, child, depth)
		}
		if i < 0 {
			return -1
		}
		if i < len(data) && data[i] == ',' {
			i++
			continue
		}
		if i = skipSpace(data, i); i >= len(data) {
			return s.fail(Truncated)
		}
		if data[i] == '}' {
			return i + 1
		}
		if data[i] != ',' {
			return s.fail(NotJSON)
		}
		i++
	}
}

// key reads a key and its colon, and looks the key up; guess is the entry that was expected.
func (s *scanner) key(data []byte, i int, n *node, guess int32) (int, int32) {
	i = skipSpace(data, i)
	start := i
	if i >= len(data) || data[i] != '"' {
		return s.wrong(data, i), -1
	}
	i++
	var key []byte
	end := plainEnd(data, i)
	if end < len(data) && data[end] == '"' {
		key = data[i:end]
		end++
	} else if key, end = s.decoded(data, i, end); end < 0 {
		return -1, -1
	}
	i = end
	if i >= len(data) || data[i] != ':' {
		if i = skipSpace(data, i); i >= len(data) || data[i] != ':' {
			return s.wrong(data, i), -1
		}
	}
	if i++; i < len(data) && data[i] <= ' ' {
		i = skipSpace(data, i)
	}
	if n == s.plan.unasked || key == nil {
		return i, -1
	}
	at := n.find(&s.plan.hash, key)
	if at < 0 {
		if at = s.plan.meet(n, key); at < 0 {
			return i, -1
		}
	}
	e := &n.entries[at]
	if (e.raw == "" || at == guess) && len(key) <= maxKeyBytes && i-start <= 2*maxKeyBytes && e.redone < 8 {
		// Never written down, or written down in another way: quotes and colon with other white space.
		e.raw = string(data[start:i])
		e.words = rawKeyOf(e.raw)
		e.redone++
	}
	return i, at
}

// value reads any value into a node that was asked for. A value that nobody asked for (n is nil, or a shadow that only
// remembers keys) is checked as much: a torn or foreign line must not pass for a record because the damage lies in a
// part that is not wanted.
func (s *scanner) value(data []byte, i int, n *node, depth int) int {
	if i >= len(data) {
		return s.fail(Truncated)
	}
	c := data[i]
	if n == nil || n.shadow {
		return s.unaskedValue(data, i, n, depth)
	}
	if n.gen == s.plan.gen {
		// The key stood in this record before: the last one counts, as a whole.
		if s.plan.forget(n, s); s.keys > s.maxKeys {
			return s.fail(Keys)
		}
	} else if n.born && n.slot >= 0 && (c == '{' || c == '[') {
		s.plan.clear(n, s.rec) // a scalar before this took the short way
	}
	n.gen = s.plan.gen
	switch c {
	case '{':
		if n.born || n.inner() {
			if n.slot >= 0 {
				s.plan.put(s.rec, n, Composite, 0, nil, &s.blemish)
			}
			return s.object(data, i+1, n, depth+1)
		}
		s.plan.put(s.rec, n, Composite, 0, nil, &s.blemish)
		return s.object(data, i+1, nil, depth+1)
	case '[':
		s.plan.put(s.rec, n, Composite, 0, nil, &s.blemish)
		if len(n.index) > 0 || n.wildcard >= 0 && !n.born {
			return s.array(data, i+1, n, depth+1)
		}
		return s.array(data, i+1, nil, depth+1)
	case '"':
		kind, text, end := s.text(data, i+1)
		if end < 0 {
			return -1
		}
		s.plan.put(s.rec, n, kind, 0, text, &s.blemish)
		if kind == String && text[0] == '[' && n.inner() {
			s.plan.sequence(s.rec, n, text)
		}
		return end
	}
	if kind, word := constant(data, i); word != "" {
		return s.word(data, i, n, word, kind)
	}
	return s.oddNumber(data, i, n)
}

// unaskedValue steps over a value.
func (s *scanner) unaskedValue(data []byte, i int, n *node, depth int) int {
	switch c := data[i]; {
	case c == '"':
		end := plainEnd(data, i+1)
		if end >= len(data) || data[end] != '"' {
			if end, _, _ = s.stringEnd(data, end); end < 0 {
				return -1
			}
		}
		return end + 1
	case c == '-' || c-'0' <= 9: // one branch: the sign of the next number cannot be guessed
		if end := numberEnd(data, i); end >= 0 {
			return end
		}
	case c == '{':
		return s.object(data, i+1, n, depth+1)
	case c == '[':
		return s.array(data, i+1, nil, depth+1)
	}
	if kind, word := constant(data, i); word != "" {
		return s.word(data, i, nil, word, kind)
	}
	return s.fail(s.brokenNumber(data, i))
}

// constant says which literal begins at i, if any does.
func constant(data []byte, i int) (Kind, string) {
	switch data[i] {
	case 't':
		return Bool, "true"
	case 'f':
		return Bool, "false"
	case 'n':
		return Null, "null"
	case 'N':
		return NaN, "NaN"
	case 'I':
		return PosInf, "Infinity"
	case '-':
		if i+1 < len(data) && data[i+1] == 'I' {
			return NegInf, "-Infinity"
		}
	}
	return Absent, ""
}

// word reads a literal; n is nil when nobody asked.
func (s *scanner) word(data []byte, i int, n *node, word string, kind Kind) int {
	if len(data)-i < len(word) || string(data[i:i+len(word)]) != word {
		if len(data)-i < len(word) && string(data[i:]) == word[:len(data)-i] {
			return s.fail(Truncated)
		}
		return s.fail(NotJSON)
	}
	end := i + len(word)
	if n != nil {
		text, num := data[i:end], 0.0
		if kind == Null {
			text = nil
		}
		if word == "true" {
			num = 1
		}
		s.plan.put(s.rec, n, kind, num, text, &s.blemish)
	}
	return end
}

// oddNumber reads a number that did not take the fast way: its node wants more, it has many digits, or it is none.
func (s *scanner) oddNumber(data []byte, i int, n *node) int {
	if x, end, ok := number(data, i); ok {
		s.plan.put(s.rec, n, Number, x, data[i:end], &s.blemish)
		return end
	}
	if i+1 < len(data) && data[i] == '-' && data[i+1] == 'I' {
		return s.word(data, i, n, "-Infinity", NegInf)
	}
	end := numberEnd(data, i)
	if end < 0 {
		return s.fail(s.brokenNumber(data, i))
	}
	x, ok := 0.0, false
	if end-i <= maxNumberBytes {
		x, ok = slowFloat(data[i:end])
	}
	if !ok {
		s.plan.put(s.rec, n, Invalid, 0, nil, &s.blemish)
		s.blemish = BadNumber
		return end
	}
	s.plan.put(s.rec, n, Number, x, data[i:end], &s.blemish)
	return end
}

// brokenNumber tells a number that the end of the text cut off from what is no number.
func (s *scanner) brokenNumber(data []byte, i int) Reason {
	if i >= len(data) {
		return Truncated
	}
	if data[i] != '-' && data[i]-'0' > 9 {
		return NotJSON
	}
	for _, c := range data[i:] {
		if c-'0' > 9 && c != '-' && c != '+' && c != '.' && c != 'e' && c != 'E' {
			return NotJSON
		}
	}
	return Truncated
}

// array reads what follows '[' into the elements that n asks for; n is nil when nobody asks for any. Elements are counted
// up to the last one that can be asked for: an array that nobody asked for costs no more than its bytes.
func (s *scanner) array(data []byte, i int, n *node, depth int) int {
	if depth > s.maxDepth {
		return s.fail(Depth)
	}
	i = skipSpace(data, i)
	if i < len(data) && data[i] == ']' {
		return i + 1
	}
	for at := 0; ; at++ {
		var child *node
		if n != nil && (at < len(n.index) || n.wildcard >= 0 && at <= s.plan.opts.MaxVector) {
			if s.keys++; s.keys > s.maxKeys {
				return s.fail(Keys)
			}
			child = s.plan.element(n, at)
		} else {
			i = skipNumbers(data, i) // nobody asks for those behind it either
		}
		if i = s.value(data, skipSpace(data, i), child, depth); i < 0 {
			return -1
		}
		i = skipSpace(data, i)
		if i >= len(data) {
			return s.fail(Truncated)
		}
		if data[i] == ']' {
			return i + 1
		}
		if data[i] != ',' {
			return s.fail(NotJSON)
		}
		i++
	}
}
