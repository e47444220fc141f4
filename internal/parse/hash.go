package parse

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"
)

// keyHash hashes the keys of objects. Its secret differs from process to process, so that nobody can write
// keys that all fall into one place.
type keyHash struct {
	seed maphash.Seed
	a, b uint64
}

func newKeyHash() keyHash {
	seed := maphash.MakeSeed()
	return keyHash{seed: seed, a: maphash.String(seed, "a"), b: maphash.String(seed, "b")}
}

// of folds keys of up to 16 bytes with one multiplication; most are that short.
func (h *keyHash) of(key []byte) uint64 {
	var x, y uint64
	switch n := len(key); {
	case n > 16:
		return maphash.Bytes(h.seed, key)
	case n >= 8:
		x, y = binary.LittleEndian.Uint64(key), binary.LittleEndian.Uint64(key[n-8:])
	case n >= 4:
		x, y = uint64(binary.LittleEndian.Uint32(key)), uint64(binary.LittleEndian.Uint32(key[n-4:]))
	case n > 0:
		x = uint64(key[0]) | uint64(key[n>>1])<<8 | uint64(key[n-1])<<16
	}
	hi, lo := bits.Mul64(x^h.a, y^h.b^uint64(len(key))<<56)
	return hi ^ lo
}
