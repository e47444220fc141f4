package parse

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
)

// number reads a JSON number at i and returns its value, rounded as strconv.ParseFloat rounds it, and the
// position behind it. It refuses (ok is false) what is no number as well as the rare number that the short way
// cannot round for certain; the caller then asks numberEnd and slowFloat.
//
// Signs and numbers of digits differ from value to value, which makes loops over digits expensive: the
// processor guesses their ends wrong. So eight bytes are taken at a time, the decimal point is squeezed
// out with shifts, and the digits are added up in parallel.
func number(data []byte, i int) (x float64, end int, ok bool) {
	if i+9 > len(data) {
		return plainNumber(data, i)
	}
	first, sign := i, (uint64(data[i]^'-')-1)>>63
	i += int(sign)
	eight := binary.LittleEndian.Uint64(data[i:])
	other := nonDigits(eight)
	whole := bits.TrailingZeros64(other) >> 3 // digits before the point
	if whole == 0 || whole == 8 || whole > 1 && byte(eight) == '0' {
		return plainNumber(data, first)
	}
	if c := byte(eight >> (8 * whole)); c != '.' {
		if c|0x20 == 'e' {
			return plainNumber(data, first)
		}
		m := eightDigits(eight << (64 - 8*whole))
		return math.Float64frombits(math.Float64bits(float64(m)) | sign<<63), i + whole, true
	}
	before := uint64(1)<<(8*whole) - 1
	squeezed := eight&before | eight>>8&^before
	other &= other - 1
	if other != 0 { // the number ends within these eight bytes
		n := bits.TrailingZeros64(other) >> 3
		if n == whole+1 || byte(eight>>(8*n))|0x20 == 'e' {
			return plainNumber(data, first)
		}
		m := eightDigits(squeezed << (72 - 8*n))
		x = float64(m) / pow10Exact[(n-whole-1)&15]
		return math.Float64frombits(math.Float64bits(x) | sign<<63), i + n, true
	}
	m, digits := eightDigits(squeezed<<8), 7
	for i += 8; ; i += 8 {
		if i+8 > len(data) {
			return plainNumber(data, first)
		}
		eight = binary.LittleEndian.Uint64(data[i:])
		if other = nonDigits(eight); other != 0 {
			break
		}
		m = m*100_000_000 + eightDigits(eight)
		digits += 8
	}
	n := bits.TrailingZeros64(other) >> 3
	if n > 0 {
		m = m*pow10Int[n&7] + eightDigits(eight<<(64-8*n))
		digits += n
	}
	if digits > 19 || digits == whole || byte(eight>>(8*n))|0x20 == 'e' { // digits == whole: nothing stands behind the point
		return plainNumber(data, first)
	}
	i += n
	if digits <= 15 {
		x, ok = float64(m)/pow10Exact[digits-whole], true
	} else {
		x, ok = scale(m, whole-digits)
	}
	return math.Float64frombits(math.Float64bits(x) | sign<<63), i, ok
}

// pow10Int holds the powers of ten that shift less than eight digits.
var pow10Int = [8]uint64{1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000}

// nonDigits returns a word with the high bit of each byte set that is no ASCII digit.
func nonDigits(x uint64) uint64 {
	x ^= ones * '0'
	return (x&^highs + ones*0x76 | x) & highs
}

// plainNumber is number without tricks: for the end of a line, long integers and exponents.
func plainNumber(data []byte, i int) (x float64, end int, ok bool) {
	neg := false
	if i < len(data) && data[i] == '-' {
		neg = true
		i++
	}
	var m uint64
	start := i
	for i < len(data) && data[i]-'0' <= 9 {
		m = m*10 + uint64(data[i]-'0')
		i++
	}
	digits := i - start
	if digits == 0 || data[start] == '0' && digits > 1 {
		return 0, i, false
	}
	exp := 0
	if i < len(data) && data[i] == '.' {
		i++
		point := i
		for i < len(data) && data[i]-'0' <= 9 {
			m = m*10 + uint64(data[i]-'0')
			i++
		}
		if i == point {
			return 0, i, false
		}
		exp = point - i
		digits -= exp
	}
	if digits > 19 && significant(data[start:i]) > 19 {
		return 0, i, false // m has overflowed
	}
	if i < len(data) && data[i]|0x20 == 'e' {
		e, after, good := exponent(data, i+1)
		if !good {
			return 0, i, false
		}
		exp += e
		i = after
	}
	x, ok = scale(m, exp)
	if neg {
		x = -x
	}
	return x, i, ok
}

// significant counts the digits of a decimal without its leading zeros.
func significant(text []byte) int {
	n := 0
	for _, c := range text {
		if c != '.' && (n > 0 || c != '0') {
			n++
		}
	}
	return n
}

// exponent reads the part of a number behind the e.
func exponent(data []byte, i int) (e, end int, ok bool) {
	neg := false
	if i < len(data) && (data[i] == '-' || data[i] == '+') {
		neg = data[i] == '-'
		i++
	}
	start := i
	for i < len(data) && data[i]-'0' <= 9 {
		if e < 100_000 {
			e = e*10 + int(data[i]-'0')
		}
		i++
	}
	if neg {
		e = -e
	}
	return e, i, i > start
}

// eightDigits returns the value of eight ASCII digits, the first in the lowest byte: neighbours are joined
// to pairs, pairs to fours, fours to the eight. A zero byte counts as the digit 0.
func eightDigits(x uint64) uint64 {
	x &= ones * 0x0F
	x = x*10 + x>>8
	const mask = 0x000000FF000000FF
	return ((x&mask)*(100+1_000_000<<32) + (x>>16&mask)*(1+10_000<<32)) >> 32
}

// scale returns m·10^e rounded to the nearest float64, ties to even.
//
// Where both m and the power are exact in float64, one operation rounds once (Clinger 1990). Otherwise m is
// multiplied by the 64 leading bits of the power (after Lemire, "Number parsing at a gigabyte per second",
// 2021). The power is cut off and so is the lower word, so the true product lies less than two units of the
// upper word above the computed one. Where that could change the rounding, less than once in 500 numbers, ok is false.
func scale(m uint64, e int) (x float64, ok bool) {
	if m == 0 {
		return 0, true
	}
	if m < 1<<53 && e >= 0 && e <= 22 {
		return float64(m) * pow10Exact[e], true
	}
	if m < 1<<53 && e < 0 && e >= -22 {
		return float64(m) / pow10Exact[-e], true
	}
	if e < minPow10 || e > maxPow10 {
		return 0, false
	}
	zeros := bits.LeadingZeros64(m)
	hi, _ := bits.Mul64(m<<zeros, pow10Bits[e-minPow10])
	top := hi >> 63           // 1 if the product has its highest bit
	drop := 9 + uint(top)     // bits of hi below the rounding bit
	kept := hi >> drop        // 53 bits and the rounding bit
	low := hi & (1<<drop - 1) // what decides a tie
	if low == 1<<drop-1 || low == 0 && kept&1 == 1 {
		return 0, false
	}
	kept = (kept + kept&1) >> 1
	// 10^e has its leading bit at floor(e·log2(10)).
	exp := 1023 + (e*217706)>>16 + 63 - zeros + int(top)
	if kept == 1<<53 {
		kept >>= 1
		exp++
	}
	return math.Float64frombits(uint64(exp)<<52 | kept&(1<<52-1)), true
}

// numberEnd returns the position behind the JSON number at i, or -1 if there is none.
func numberEnd(data []byte, i int) int {
	if i+9 <= len(data) {
		at := i + int((uint64(data[i]^'-')-1)>>63)
		eight := binary.LittleEndian.Uint64(data[at:])
		other := nonDigits(eight)
		whole := bits.TrailingZeros64(other) >> 3
		if whole > 0 && whole < 7 && (whole == 1 || byte(eight) != '0') {
			c := byte(eight >> (8 * whole))
			if c == '.' {
				other &= other - 1
				n := bits.TrailingZeros64(other) >> 3
				if n == 8 {
					for at+n < len(data) && data[at+n]-'0' <= 9 {
						n++
					}
				}
				if n > whole+1 && at+n < len(data) && data[at+n]|0x20 != 'e' {
					return at + n
				}
			} else if c|0x20 != 'e' {
				return at + whole
			}
		}
	}
	return plainNumberEnd(data, i)
}

// plainNumberEnd is numberEnd byte by byte.
func plainNumberEnd(data []byte, i int) int {
	if i < len(data) && data[i] == '-' {
		i++
	}
	start := i
	for i < len(data) && data[i]-'0' <= 9 {
		i++
	}
	if i == start || data[start] == '0' && i > start+1 {
		return -1
	}
	if i < len(data) && data[i] == '.' {
		i++
		start = i
		for i < len(data) && data[i]-'0' <= 9 {
			i++
		}
		if i == start {
			return -1
		}
	}
	if i < len(data) && data[i]|0x20 == 'e' {
		_, end, ok := exponent(data, i+1)
		if !ok {
			return -1
		}
		i = end
	}
	return i
}

// skipNumbers steps over elements of an array that begins or goes on at i, as long as they are short numbers without a sign, an exponent
// or a space, and returns where the next element begins: an array of millions of numbers that nobody asked for
// costs less than a word of eight bytes costs for each number. It does not say that anything is wrong: what it cannot step over, others look at.
func skipNumbers(data []byte, i int) int {
	for i+8 <= len(data) {
		w := binary.LittleEndian.Uint64(data[i:])
		other, commas, points := nonDigits(w), bytesEqual(w, ','), bytesEqual(w, '.')
		if other != commas|points || commas == 0 || other&(other<<8) != 0 || other&0x80 != 0 {
			return i // something else, a long number, or a comma or point that no digit precedes
		}
		// A zero that begins a number is all of it, or all before its point.
		zeros := bytesEqual(w, '0') & (commas<<8 | 0x80)
		end := 64 - bits.LeadingZeros64(commas) // behind the last comma, in bits
		within := uint64(1)<<(end-1)<<1 - 1
		if zeros<<8&^other&within != 0 {
			return i
		}
		if points != 0 {
			// A bit is carried from each point through the digits behind it: it must not arrive at another point.
			m, p := gather(other), gather(points)
			if digits := ^m & 0xff; ((p<<1)+digits)&^digits&p != 0 {
				return i
			}
		}
		i += end >> 3
	}
	return i
}

// bytesEqual returns a word with the high bit of each byte set that is c.
func bytesEqual(w uint64, c byte) uint64 {
	x := w ^ ones*uint64(c)
	return ^(x&^highs + ones*0x7f | x) & highs
}

// gather moves the high bits of the bytes of a word together: the lowest byte's is the lowest.
func gather(w uint64) uint64 { return w >> 7 * 0x0102040810204080 >> 56 }

// slowFloat converts the text of a number; ok is false if float64 cannot hold it.
func slowFloat(text []byte) (float64, bool) {
	x, err := strconv.ParseFloat(string(text), 64)
	return x, err == nil
}

// looseFloat reads the numbers of text formats that JSON does not allow: +1, .5, 5., 007. It takes decimal
// digits only: strconv would also take hexadecimal numbers and underscores, which are names more often.
func looseFloat(text []byte) (float64, bool) {
	if len(text) == 0 || len(text) > 64 {
		return 0, false
	}
	digits := false
	for _, c := range text {
		switch {
		case c-'0' <= 9:
			digits = true
		case c != '+' && c != '-' && c != '.' && c != 'e' && c != 'E':
			return 0, false
		}
	}
	if !digits {
		return 0, false
	}
	x, err := strconv.ParseFloat(string(text), 64)
	return x, err == nil
}
