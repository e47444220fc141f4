package parse

import (
	"encoding/binary"
	"math/bits"
)

// shortKey is the length up to which a key fits into a keyShape.
const shortKey = 16

// keyShape is a short key as two words, padded with zero bytes. Two keys of up to 16 bytes are equal if and only if
// their shapes are, and comparing shapes does not branch on the length: the processor cannot guess the lengths of keys
// that come in another order in every line.
type keyShape struct {
	lo, hi uint64
	size   uint64 // length; longKey for a longer one
}

const longKey = 1 << 32

func keyShapeOf(key []byte) keyShape {
	n := len(key)
	k := keyShape{size: uint64(n)}
	switch {
	case n > shortKey:
		k.size = longKey
	case n >= 8:
		k.lo = binary.LittleEndian.Uint64(key)
		k.hi = binary.LittleEndian.Uint64(key[n-8:]) >> (8 * (16 - n))
	case n >= 4:
		k.lo = uint64(binary.LittleEndian.Uint32(key)) | uint64(binary.LittleEndian.Uint32(key[n-4:]))<<(8*(n-4))
	case n > 0:
		k.lo = uint64(key[0]) | uint64(key[n>>1])<<(8*(n>>1)) | uint64(key[n-1])<<(8*(n-1))
	}
	return k
}

// quick looks up the key at i when it is short, plain, known and written as `"key":`, as almost all are that were not
// predicted. It returns the position of the value and the entry, or -1 as the entry when the long way has to decide.
func (h *keyHash) quick(data []byte, i int, n *node) (int, int32) {
	if i+shortKey+4 > len(data) || data[i] != '"' || len(n.table) == 0 {
		return i, -1
	}
	i++
	lo, hi := binary.LittleEndian.Uint64(data[i:]), binary.LittleEndian.Uint64(data[i+8:])
	size := uint(bits.TrailingZeros64(notPlain(lo))) >> 3
	if size == 8 {
		size += uint(bits.TrailingZeros64(notPlain(hi))) >> 3
	}
	if size == shortKey || data[i+int(size)] != '"' || data[i+int(size)+1] != ':' {
		return i, -1
	}
	k := keyShape{
		lo:   lo & (1<<(8*size) - 1), // a shift by 64 or more leaves 0, and 0 - 1 keeps every byte
		hi:   hi & (1<<(8*(max(size, 8)-8)) - 1),
		size: uint64(size),
	}
	mask := uint64(len(n.table) - 1)
	for at := h.short(k) & mask; ; at = (at + 1) & mask {
		known := n.table[at]
		if known == 0 {
			return i, -1
		}
		e := &n.entries[known-1]
		if e.shape != k {
			continue
		}
		if e.raw == "" {
			return i, -1 // it is still to be written down
		}
		i += int(size) + 2
		if data[i] <= ' ' {
			i = skipSpace(data, i)
		}
		return i, int32(known - 1)
	}
}

// notPlain has the high bit set of each byte that ends the plain part of a string: quote, backslash, control
// character or beyond ASCII. Only the lowest such bit is sure.
func notPlain(x uint64) uint64 {
	quote := x ^ ones*'"'
	slash := x ^ ones*'\\'
	return ((quote-ones)&^quote | (slash-ones)&^slash | (x-ones*0x20)&^x | x) & highs
}

// rawEnds are the first and the last eight bytes of a key as it stands in a line, quotes and colon included. Less than
// eight are shifted up; of more than sixteen it holds the first sixteen.
type rawEnds struct {
	first, last uint64
	from        uint8 // where last begins
	shift       uint8 // 0 from eight bytes on
}

func endsOf(raw string) rawEnds {
	var b [shortKey]byte
	n := copy(b[:], raw)
	e := rawEnds{from: uint8(max(n-8, 0)), shift: uint8(64 - 8*min(n, 8))}
	e.first = binary.LittleEndian.Uint64(b[:]) << e.shift
	e.last = binary.LittleEndian.Uint64(b[e.from:]) << e.shift
	return e
}

// follows returns the position behind the entry's key if it stands at i just as it was written down, or -1.
func (e *entry) follows(data []byte, i int) int {
	end := i + len(e.raw)
	if i+shortKey > len(data) || len(e.raw) > shortKey {
		if e.raw == "" || end > len(data) || string(data[i:end]) != e.raw {
			return -1
		}
		return end
	}
	first, last := binary.LittleEndian.Uint64(data[i:]), binary.LittleEndian.Uint64(data[i+int(e.ends.from):])
	if (first<<(e.ends.shift&63)^e.ends.first)|(last<<(e.ends.shift&63)^e.ends.last) != 0 || e.raw == "" {
		return -1
	}
	return end
}
