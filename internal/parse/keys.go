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

// rawKey is a key as it stands in a line, quotes and colon included, as three words that overlap. A key of up to 23 bytes
// stands at a place if and only if its words do, and comparing them does not branch on the length.
type rawKey struct {
	words [3]uint64 // from 0, from mid and from last; less than eight bytes are shifted up
	mid   uint8
	last  uint8
	shift uint8 // 0 from eight bytes on
	size  uint8 // 0 = not written down, or longer than longRaw
}

const (
	longRaw   = 23
	keyWindow = 32 // bytes that are looked at in a line, so that no look-up checks its bounds
)

func rawKeyOf(raw string) rawKey {
	n := len(raw)
	if n > longRaw {
		return rawKey{}
	}
	var b [keyWindow]byte
	copy(b[:], raw)
	k := rawKey{mid: uint8(min(max(n-8, 0), 8)), last: uint8(max(n-8, 0)), shift: uint8(64 - 8*min(n, 8)), size: uint8(n)}
	k.words = k.at(&b)
	return k
}

// at reads the words of a place.
func (k *rawKey) at(w *[keyWindow]byte) [3]uint64 {
	mid, last, shift := k.mid&15, k.last&15, k.shift&63
	return [3]uint64{
		binary.LittleEndian.Uint64(w[:8]) << shift,
		binary.LittleEndian.Uint64(w[mid:mid+8]) << shift,
		binary.LittleEndian.Uint64(w[last:last+8]) << shift,
	}
}

// follows returns the position behind the entry's key if it stands at i just as it was written down, or -1.
func (e *entry) follows(data []byte, i int) int {
	end := i + len(e.raw)
	if e.raw == "" || end > len(data) || string(data[i:end]) != e.raw {
		return -1
	}
	return end
}
