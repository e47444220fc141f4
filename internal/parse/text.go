package parse

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// plainEnd returns the position of the first byte from i on that is a quote, a backslash, a control
// character or not ASCII, or len(data). It looks at eight bytes at a time.
func plainEnd(data []byte, i int) int {
	for i+8 <= len(data) {
		// Each byte that is a hit has its high bit set; a false hit can only stand above a true one (a borrow), so the
		// lowest is right.
		if hit := notPlain(binary.LittleEndian.Uint64(data[i:])); hit != 0 {
			return i + bits.TrailingZeros64(hit)>>3
		}
		for i += 8; i+32 <= len(data); i += 32 { // long texts
			four := data[i : i+32 : i+32]
			if notPlain(binary.LittleEndian.Uint64(four))|notPlain(binary.LittleEndian.Uint64(four[8:]))|
				notPlain(binary.LittleEndian.Uint64(four[16:]))|notPlain(binary.LittleEndian.Uint64(four[24:])) != 0 {
				break
			}
		}
	}
	for i < len(data) {
		if c := data[i]; c == '"' || c == '\\' || c < 0x20 || c >= 0x80 {
			return i
		}
		i++
	}
	return i
}

// stringEnd reads a string to its closing quote from at on, which is inside of it, and checks the escapes. It returns
// the position of the quote, or -1 after setting fault.
func (s *scanner) stringEnd(data []byte, at int) (end int, escaped, ascii bool) {
	i := at
	ascii = true
	for {
		i = plainEnd(data, i)
		if i >= len(data) {
			return s.fail(Truncated), escaped, ascii
		}
		switch c := data[i]; {
		case c == '"':
			return i, escaped, ascii
		case c >= 0x80:
			ascii = false
			for i++; i < len(data) && data[i] >= 0x80; i++ {
			}
		case c == '\\':
			escaped = true
			for i+6 <= len(data) && data[i] == '\\' { // escapes stand together in text that is not English
				switch {
				case data[i+1] != 'u':
					if !shortEscape[data[i+1]] {
						return s.fail(NotJSON), escaped, ascii
					}
					i += 2
				case hexDigit[data[i+2]]|hexDigit[data[i+3]]|hexDigit[data[i+4]]|hexDigit[data[i+5]] > 15:
					return s.fail(NotJSON), escaped, ascii
				default:
					i += 6
				}
			}
			if i < len(data) && data[i] == '\\' {
				n := escapeLen(data, i)
				if n <= 0 {
					return s.fail(escapeFault(n)), escaped, ascii
				}
				i += n
			}
		default:
			return s.fail(NotJSON), escaped, ascii
		}
	}
}

// shortEscape marks what may follow a backslash, u excepted.
var shortEscape = func() (t [256]bool) {
	for _, c := range `"\/bfnrt` {
		t[c] = true
	}
	return t
}()

// hexDigit holds the values of hexadecimal digits, and 255 for other bytes.
var hexDigit = func() (t [256]uint8) {
	for i := range t {
		t[i] = 255
		if x := hexValue(byte(i)); x >= 0 {
			t[i] = uint8(x)
		}
	}
	return t
}()

// decoded reads the rest of a string that is not plain from at on; start is behind the opening quote. It
// returns the text and the position behind the closing quote, or -1. The text is part of data when that is
// possible, and in scratch when it had escapes or was not UTF-8; of a text that is longer than maxValue it is nil.
func (s *scanner) decoded(data []byte, start, at int) ([]byte, int) {
	i, escaped, ascii := s.stringEnd(data, at)
	if i < 0 {
		return nil, -1
	}
	raw := data[start:i]
	if len(raw) > s.maxValue {
		return nil, i + 1
	}
	if !escaped && (ascii || utf8.Valid(raw)) {
		return raw, i + 1
	}
	from := len(s.scratch)
	s.scratch = unescape(s.scratch, raw)
	return s.scratch[from:len(s.scratch):len(s.scratch)], i + 1
}

// text reads a string whose opening quote stands before i and says what it is: a String, Empty, or Invalid when it is
// longer than maxValue. The position is that behind the closing quote, or -1.
func (s *scanner) text(data []byte, i int) (kind Kind, text []byte, end int) {
	end = plainEnd(data, i)
	text = data[i:end]
	if end < len(data) && data[end] == '"' {
		end++
	} else if text, end = s.decoded(data, i, end); end < 0 {
		return Invalid, nil, -1
	}
	switch {
	case len(text) == 0 && end-i == 1:
		return Empty, nil, end
	case len(text) == 0 || len(text) > s.maxValue:
		s.blemish = Oversize
		return Invalid, nil, end
	}
	return String, text, end
}

// unescape appends the text of a JSON string whose escapes were checked. Bytes that are not UTF-8 and
// surrogates without partner become U+FFFD, as encoding/json does it.
func unescape(dst, raw []byte) []byte {
	for i := 0; i < len(raw); {
		j := plainEnd(raw, i)
		dst = append(dst, raw[i:j]...)
		if i = j; i >= len(raw) {
			break
		}
		if raw[i] != '\\' {
			r, n := utf8.DecodeRune(raw[i:])
			dst = utf8.AppendRune(dst, r)
			i += n
			continue
		}
		switch c := raw[i+1]; c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r := hex4(raw[i+2:])
			i += 6
			if r >= 0xD800 && r < 0xE000 {
				low := rune(-1)
				if i+6 <= len(raw) && raw[i] == '\\' && raw[i+1] == 'u' {
					low = hex4(raw[i+2:])
				}
				if r < 0xDC00 && low >= 0xDC00 && low < 0xE000 {
					r = 0x10000 + (r-0xD800)<<10 + (low - 0xDC00)
					i += 6
				} else {
					r = utf8.RuneError
				}
			}
			dst = utf8.AppendRune(dst, r)
			continue
		default: // quote, backslash, slash
			dst = append(dst, c)
		}
		i += 2
	}
	return dst
}

func hex4(b []byte) rune {
	return hexValue(b[0])<<12 | hexValue(b[1])<<8 | hexValue(b[2])<<4 | hexValue(b[3])
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
