package parse

// skip reads a value that nobody asked for. It checks as much as reading it would: a torn or foreign line
// must not pass for a record because the damage lies in a part that is not wanted.
func (s *scanner) skip(data []byte, i int, depth int) int {
	if i >= len(data) {
		return s.fail(Truncated)
	}
	c := data[i]
	if c == '"' {
		if end := plainEnd(data, i+1); end < len(data) && data[end] == '"' {
			return end + 1
		}
		return s.skipString(data, i+1)
	}
	if c == '-' || c-'0' <= 9 { // one branch: the sign of the next number cannot be guessed
		if end := numberEnd(data, i); end >= 0 {
			return end
		}
	}
	switch c {
	case '{':
		return s.skipObject(data, i+1, depth+1)
	case '[':
		return s.skipArray(data, i+1, depth+1)
	case 't':
		return s.word(data, i, nil, "true", Bool, 1)
	case 'f':
		return s.word(data, i, nil, "false", Bool, 0)
	case 'n':
		return s.word(data, i, nil, "null", Null, 0)
	case 'N':
		return s.word(data, i, nil, "NaN", NaN, 0)
	case 'I':
		return s.word(data, i, nil, "Infinity", PosInf, 0)
	case '-':
		if i+1 < len(data) && data[i+1] == 'I' {
			return s.word(data, i, nil, "-Infinity", NegInf, 0)
		}
	}
	return s.fail(s.brokenNumber(data, i))
}

// skipString reads to the closing quote and checks the escapes.
func (s *scanner) skipString(data []byte, i int) int {
	for {
		i = plainEnd(data, i)
		if i >= len(data) {
			return s.fail(Truncated)
		}
		switch c := data[i]; {
		case c == '"':
			return i + 1
		case c >= 0x80:
			i++
		case c == '\\':
			n := escapeLen(data, i)
			if n <= 0 {
				return s.fail(escapeFault(n))
			}
			i += n
		default:
			return s.fail(NotJSON)
		}
	}
}

// escapeLen returns the length of the escape sequence at i, 0 if it is none, -1 if the text ends in it.
func escapeLen(data []byte, i int) int {
	if i+1 >= len(data) {
		return -1
	}
	switch data[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		for k := i + 2; k < i+6; k++ {
			if k >= len(data) {
				return -1
			}
			if hexValue(data[k]) < 0 {
				return 0
			}
		}
		return 6
	}
	return 0
}

func escapeFault(n int) Reason {
	if n < 0 {
		return Truncated
	}
	return NotJSON
}

func hexValue(c byte) rune {
	switch {
	case c-'0' <= 9:
		return rune(c - '0')
	case c-'a' <= 5:
		return rune(c-'a') + 10
	case c-'A' <= 5:
		return rune(c-'A') + 10
	}
	return -1
}

func (s *scanner) skipObject(data []byte, i, depth int) int {
	if depth > s.maxDepth {
		return s.fail(Depth)
	}
	i = skipSpace(data, i)
	if i < len(data) && data[i] == '}' {
		return i + 1
	}
	for {
		if i < len(data) && data[i] <= ' ' {
			i = skipSpace(data, i)
		}
		if i >= len(data) || data[i] != '"' {
			return s.wrong(data, i)
		}
		if s.keys++; s.keys > s.maxKeys {
			return s.fail(Keys)
		}
		if end := plainEnd(data, i+1); end < len(data) && data[end] == '"' {
			i = end + 1
		} else if i = s.skipString(data, end); i < 0 {
			return -1
		}
		if i >= len(data) || data[i] != ':' {
			if i = skipSpace(data, i); i >= len(data) || data[i] != ':' {
				return s.wrong(data, i)
			}
		}
		if i++; i < len(data) && data[i] <= ' ' {
			i = skipSpace(data, i)
		}
		if i = s.skip(data, i, depth); i < 0 {
			return -1
		}
		if i < len(data) && data[i] <= ' ' {
			i = skipSpace(data, i)
		}
		if i >= len(data) {
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

// skipArray does not count elements: an array of numbers that nobody asked for costs no more than its bytes.
func (s *scanner) skipArray(data []byte, i, depth int) int {
	if depth > s.maxDepth {
		return s.fail(Depth)
	}
	i = skipSpace(data, i)
	if i < len(data) && data[i] == ']' {
		return i + 1
	}
	for {
		if i = s.skip(data, skipSpace(data, i), depth); i < 0 {
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
