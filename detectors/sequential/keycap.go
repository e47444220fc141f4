package sequential

import (
	"errors"
	"fmt"
)

// ErrKeyCap says that a cap cannot have that size.
var ErrKeyCap = errors.New("want a power of two of 16 to 1048576 keys, and a cap of 1 to 65535")

// keyWays is how many keys share one place of the table.
const keyWays = 4

// KeyCap decides which records count in a capped stream: at most so many of one client in one bucket. A campaign of
// 5,000 mails from 37 senders is then 37 facts or a few hundred, not 5,000. Run a capped detector beside the raw one:
// page when the capped one does; when only the raw one does, suspect abuse and open a ticket.
//
// Memory is fixed: 12 bytes a key. When more clients come than there is room for, the one with the fewest records in
// its place makes room; if it comes again its count starts again. So a client with few records among very many may
// count a few times too often, and never too rarely; one with many records stays.
type KeyCap struct {
	limit uint16
	mask  uint64
	keys  []uint64
	seen  []uint16
}

// NewKeyCap builds a table for about so many clients a bucket.
func NewKeyCap(keys int, limit int) (*KeyCap, error) {
	if keys < 16 || keys > 1<<20 || keys&(keys-1) != 0 || limit < 1 || limit > 65535 {
		return nil, fmt.Errorf("%d keys, cap %d: %w", keys, limit, ErrKeyCap)
	}
	return &KeyCap{limit: uint16(limit), mask: uint64(keys/keyWays - 1), keys: make([]uint64, keys), seen: make([]uint16, keys)}, nil
}

// Count takes one record of the client with that hash (of 64 good bits, salted) and says whether it counts in the
// capped stream. It allocates nothing.
func (c *KeyCap) Count(hash uint64) bool {
	place := int(hash&c.mask) * keyWays
	keys, seen := c.keys[place:place+keyWays], c.seen[place:place+keyWays]
	least := 0
	for i, n := range seen {
		if n > 0 && keys[i] == hash {
			if n >= c.limit {
				return false
			}
			seen[i]++
			return true
		}
		if n < seen[least] {
			least = i
		}
	}
	keys[least], seen[least] = hash, 1
	return true
}

// Reset starts the next bucket.
func (c *KeyCap) Reset() { clear(c.seen) }
