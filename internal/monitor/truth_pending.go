package monitor

import "slices"

// pendingEntry waits for its other half: a prediction for its truth, or a truth for its prediction.
type pendingEntry struct {
	id    uint64 // hash; 0 once it has been taken
	at    uint32 // event time in seconds
	score uint16 // of a prediction, in 65,535ths
	bin   uint8
	class uint8 // predicted, or true
}

// pendings are entries in the order in which they came, found by id. Some 40 bytes an entry, at most limit of them.
//
// State is written in blocks: an entry never changes, so a block is written while it is filled, and from then on only which of its
// entries were taken.
type pendings struct {
	limit  int
	first  uint64 // number of the oldest entry
	blocks []*pendingBlock
	count  int               // entries that wait
	index  map[uint64]uint64 // id → number
	gone   []uint64          // numbers of blocks that were dropped since the last commit
}

const pendingBlockSize = 2048

type pendingBlock struct {
	number  uint64 // of its first entry, divided by the size
	entries []pendingEntry
	taken   [pendingBlockSize / 64]uint64
	left    int
	fresh   bool // entries were added since the last commit
	dirty   bool // entries were taken since
}

// add appends an entry. fresh is false when its id waits already; dropped says that the oldest entry had to go.
func (p *pendings) add(e pendingEntry) (dropped, fresh bool) {
	if p.index == nil {
		p.index = map[uint64]uint64{}
	}
	if _, there := p.index[e.id]; there {
		return false, false
	}
	if p.count >= p.limit {
		dropped = p.dropOldest()
	}
	n := len(p.blocks)
	if n == 0 || len(p.blocks[n-1].entries) == pendingBlockSize {
		next := p.first / pendingBlockSize
		if n > 0 {
			next = p.blocks[n-1].number + 1
		}
		p.blocks = append(p.blocks, &pendingBlock{number: next, entries: make([]pendingEntry, 0, pendingBlockSize)})
		n = len(p.blocks)
	}
	b := p.blocks[n-1]
	p.index[e.id] = b.number*pendingBlockSize + uint64(len(b.entries))
	b.entries = append(b.entries, e)
	b.left++
	b.fresh = true
	p.count++
	return dropped, true
}

func (p *pendings) block(number uint64) (*pendingBlock, int) {
	for i := range p.blocks {
		// Blocks follow each other without gaps except where empty ones were dropped.
		if p.blocks[i].number == number {
			return p.blocks[i], i
		}
	}
	return nil, -1
}

// find is a binary search over the blocks, which are in the order of their numbers.
func (p *pendings) find(number uint64) *pendingBlock {
	lo, hi := 0, len(p.blocks)
	for lo < hi {
		if mid := (lo + hi) / 2; p.blocks[mid].number < number {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(p.blocks) && p.blocks[lo].number == number {
		return p.blocks[lo]
	}
	return nil
}

// take removes and returns an entry.
func (p *pendings) take(id uint64) (pendingEntry, bool) {
	n, ok := p.index[id]
	if !ok {
		return pendingEntry{}, false
	}
	b := p.find(n / pendingBlockSize)
	at := int(n % pendingBlockSize)
	e := b.entries[at]
	if p.remove(b, at); b.left == 0 {
		p.trim()
	}
	return e, true
}

func (p *pendings) remove(b *pendingBlock, at int) {
	delete(p.index, b.entries[at].id)
	b.taken[at/64] |= 1 << (at % 64)
	b.left--
	b.dirty = true
	p.count--
}

// trim drops blocks in which nothing waits any longer, except the one that is being filled.
func (p *pendings) trim() {
	last := len(p.blocks) - 1
	p.blocks = slices.DeleteFunc(p.blocks, func(b *pendingBlock) bool {
		if b.left > 0 || b == p.blocks[last] && len(b.entries) < pendingBlockSize {
			return false
		}
		p.first = max(p.first, (b.number+1)*pendingBlockSize)
		p.gone = append(p.gone, b.number)
		return true
	})
}

func (p *pendings) dropOldest() bool {
	for _, b := range p.blocks {
		for at := range b.entries {
			if b.taken[at/64]&(1<<(at%64)) == 0 {
				if p.remove(b, at); b.left == 0 {
					p.trim()
				}
				return true
			}
		}
	}
	return false
}

// expire removes the entries that are older than a time. Entries come nearly in the order of time, so that a block is looked into only
// until the first one that is young enough; a straggler goes with its block.
func (p *pendings) expire(before uint32) (n uint64) {
	for _, b := range p.blocks {
		young := false
		for at := range b.entries {
			if b.taken[at/64]&(1<<(at%64)) != 0 {
				continue
			}
			if b.entries[at].at >= before {
				young = true
				break
			}
			p.remove(b, at)
			n++
		}
		if young {
			break
		}
	}
	if n > 0 {
		p.trim()
	}
	return n
}

// encode writes the entries of a block; encodeTaken which of them were taken.
func (b *pendingBlock) encode(e *encoder) {
	e.u64(b.number)
	e.uint(uint64(len(b.entries)))
	last := int64(0)
	for i := range b.entries {
		x := &b.entries[i]
		e.u64(x.id)
		e.int(int64(x.at) - last)
		last = int64(x.at)
		e.uint(uint64(x.score))
		e.uint(uint64(x.bin)<<1 | uint64(x.class))
	}
}

func (b *pendingBlock) encodeTaken(e *encoder) {
	e.u64(b.number)
	for _, w := range b.taken {
		e.uint(w)
	}
}

func (p *pendings) decode(d *stateDecoder) error {
	b := &pendingBlock{number: d.u64()}
	last := int64(0)
	for range d.length(pendingBlockSize) {
		x := pendingEntry{id: d.u64()}
		last += d.int()
		x.at, x.score = uint32(last), uint16(d.uint())
		packed := d.uint()
		x.bin, x.class = uint8(packed>>1), uint8(packed&1)
		b.entries = append(b.entries, x)
	}
	if err := d.end(); err != nil {
		return err
	}
	b.left = len(b.entries)
	b.entries = slices.Grow(b.entries, pendingBlockSize-len(b.entries))
	p.blocks = append(p.blocks, b)
	return nil
}

func (p *pendings) decodeTaken(d *stateDecoder) error {
	number := d.u64()
	var taken [pendingBlockSize / 64]uint64
	for i := range taken {
		taken[i] = d.uint()
	}
	if err := d.end(); err != nil {
		return err
	}
	if b, _ := p.block(number); b != nil {
		b.taken = taken
	}
	return nil
}

// restored sorts the blocks and builds what is not in state.
func (p *pendings) restored() {
	slices.SortFunc(p.blocks, func(a, b *pendingBlock) int { return int(min(max(int64(a.number)-int64(b.number), -1), 1)) })
	p.index = map[uint64]uint64{}
	p.count = 0
	for _, b := range p.blocks {
		b.left = 0
		for at := range b.entries {
			if b.taken[at/64]&(1<<(at%64)) == 0 {
				p.index[b.entries[at].id] = b.number*pendingBlockSize + uint64(at)
				b.left++
				p.count++
			}
		}
		p.first = max(p.first, b.number*pendingBlockSize)
	}
}
