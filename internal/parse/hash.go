package parse

import (
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

// of hashes a key; most are short.
func (h *keyHash) of(key []byte) uint64 {
	if len(key) > shortKey {
		return maphash.Bytes(h.seed, key)
	}
	return h.short(keyShapeOf(key))
}

// short folds a key of up to 16 bytes with one multiplication.
func (h *keyHash) short(k keyShape) uint64 {
	hi, lo := bits.Mul64(k.lo^h.a, k.hi^h.b^k.size<<56)
	return hi ^ lo
}
