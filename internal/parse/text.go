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
		x := binary.LittleEndian.Uint64(data[i:])
		quote := x ^ ones*'"'
		slash := x ^ ones*'\\'
		// Each term has the high bit of a byte set if that byte is a hit; a false hit can only stand above a
		// true one (a borrow), so the lowest is right.
		hit := ((quote-ones)&^quote | (slash-ones)&^slash | (x-ones*0x20)&^x | x) & highs
		if hit != 0 {
			return i + bits.TrailingZeros64(hit)>>3
		}
		i += 8
	}
	for i < len(data) {
		if c := data[i]; c == '"' || c == '\\' || c < 0x20 || c >= 0x80 {
			return i
		}
		i++
	}
	return i
}

// decoded reads the rest of a string that is not plain from at on; start is behind the opening quote. It
// returns the text and the position behind the closing quote, or -1. The text is part of data when that is
// possible, and in scratch when it had escapes or was not UTF-8.
func (s *scanner) decoded(data []byte, start, at int) ([]byte, int) {
	i, escaped, ascii := at, false, true
	for {
		i = plainEnd(data, i)
		if i >= len(data) {
			return nil, s.fail(Truncated)
		}
		c := data[i]
		if c == '"' {
			break
		}
		switch {
		case c >= 0x80:
			ascii = false
			i++
		case c == '\\':
			n := escapeLen(data, i)
			if n <= 0 {
				return nil, s.fail(escapeFault(n))
			}
			escaped = true
			i += n
		default:
			return nil, s.fail(NotJSON)
		}
	}
	raw := data[start:i]
	if !escaped && (ascii || utf8.Valid(raw)) {
		return raw, i + 1
	}
	from := len(s.scratch)
	s.scratch = unescape(s.scratch, raw)
	return s.scratch[from:len(s.scratch):len(s.scratch)], i + 1
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
