package sequential

import (
	"encoding/binary"
	"errors"
)

var errKeyCapState = errors.New("the state is not one of a table of clients of this size")

// MarshalAppend appends the table: for each key that is there its place, its hash and its count.
func (c *KeyCap) MarshalAppend(b []byte) []byte {
	used := 0
	for _, n := range c.seen {
		if n > 0 {
			used++
		}
	}
	b = binary.AppendUvarint(b, uint64(used))
	last := 0
	for i, n := range c.seen {
		if n == 0 {
			continue
		}
		b = binary.AppendUvarint(b, uint64(i-last))
		b = binary.LittleEndian.AppendUint64(b, c.keys[i])
		b = binary.AppendUvarint(b, uint64(n))
		last = i
	}
	return b
}

// Unmarshal reads what MarshalAppend wrote; on error the table is empty.
func (c *KeyCap) Unmarshal(b []byte) error {
	c.Reset()
	bad := false
	number := func() uint64 {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			bad = true
			return 0
		}
		b = b[n:]
		return v
	}
	at := uint64(0)
	for range min(number(), uint64(len(c.keys))) {
		gap := number()
		if bad || gap >= uint64(len(c.keys)) || len(b) < 8 {
			bad = true
			break
		}
		at += gap
		key := binary.LittleEndian.Uint64(b)
		b = b[8:]
		n := number()
		if bad || at >= uint64(len(c.keys)) || n == 0 || n > 65535 {
			bad = true
			break
		}
		c.keys[at], c.seen[at] = key, uint16(n)
	}
	if bad || len(b) != 0 {
		c.Reset()
		return errKeyCapState
	}
	return nil
}
