package sequential

import (
	"fmt"
	"math"
)

// Trail keeps the counts of recent buckets, the last ones one by one and older ones in pairs, fours, eights and so
// on, so that the onset of a change can be looked for after an alarm. With 24 entries a level and 7 levels it
// reaches back 3,000 buckets (two days of minutes) in 168 entries of 4 bytes a bin.
type Trail struct {
	bins, perLevel int
	levels         []level
}

// level is a ring of entries that are 2^i buckets long, and an open one that is being filled.
type level struct {
	counts []uint32 // perLevel entries of bins
	first  int      // the oldest entry
	n      int      // entries in use
	half   []uint32 // the first of two entries that will be merged into one of the next level
	filled bool     // whether half is in use
}

// ErrTrail says that a trail cannot have that size.
var ErrTrail = fmt.Errorf("want 1 to %d bins, 2 to 1024 entries a level and 1 to 30 levels", MaxBins)

// NewTrail builds an empty trail. For a rate, the bins are the k records and the others.
func NewTrail(bins, perLevel, levels int) (*Trail, error) {
	if bins < 1 || bins > MaxBins || perLevel < 2 || perLevel > 1024 || levels < 1 || levels > 30 {
		return nil, fmt.Errorf("%d bins, %d entries, %d levels: %w", bins, perLevel, levels, ErrTrail)
	}
	t := &Trail{bins: bins, perLevel: perLevel, levels: make([]level, levels)}
	for i := range t.levels {
		t.levels[i] = level{counts: make([]uint32, bins*perLevel), half: make([]uint32, bins)}
	}
	return t, nil
}

// Add takes the counts of the next bucket, empty or not. A count beyond 4 billion is kept as that. It returns false,
// and takes nothing, when the number of bins is another one. It allocates nothing.
func (t *Trail) Add(counts []uint64) bool {
	if len(counts) != t.bins {
		return false
	}
	l := &t.levels[0]
	slot := t.push(0)
	for i, c := range counts {
		l.counts[slot+i] = uint32(min(c, math.MaxUint32))
	}
	return true
}

// push makes room for one entry in a level, hands the oldest one on when it is full, and returns where to write.
func (t *Trail) push(which int) int {
	l := &t.levels[which]
	if l.n == t.perLevel {
		t.handOn(which, l.counts[l.first*t.bins:][:t.bins])
		l.first = (l.first + 1) % t.perLevel
		l.n--
	}
	slot := (l.first + l.n) % t.perLevel * t.bins
	l.n++
	return slot
}

// handOn merges two entries into one of the next level; the last level forgets.
func (t *Trail) handOn(which int, entry []uint32) {
	if which+1 == len(t.levels) {
		return
	}
	l := &t.levels[which]
	if !l.filled {
		copy(l.half, entry)
		l.filled = true
		return
	}
	l.filled = false
	slot := t.push(which + 1)
	into := t.levels[which+1].counts[slot:][:t.bins]
	for i := range into {
		into[i] = uint32(min(uint64(l.half[i])+uint64(entry[i]), math.MaxUint32))
	}
}

// Each calls f with every entry, oldest first: how many buckets it holds, and their counts, which are valid during
// the call only.
func (t *Trail) Each(f func(buckets uint64, counts []uint32)) {
	for i := len(t.levels) - 1; i >= 0; i-- {
		l := &t.levels[i]
		for e := range l.n {
			f(1<<i, l.counts[(l.first+e)%t.perLevel*t.bins:][:t.bins])
		}
		// What waits to be merged is younger than this level and older than the next finer one.
		if i > 0 && t.levels[i-1].filled {
			f(1<<(i-1), t.levels[i-1].half)
		}
	}
}

// Reset forgets everything.
func (t *Trail) Reset() {
	for i := range t.levels {
		t.levels[i].n, t.levels[i].first, t.levels[i].filled = 0, 0, false
	}
}

// MarshalAppend appends the trail to dst: at most 5 bytes a bin and entry, mostly 1 or 2.
func (t *Trail) MarshalAppend(dst []byte) []byte {
	e := encoder{dst}
	e.header(kindTrail, t.print())
	for i := range t.levels {
		l := &t.levels[i]
		e.varint(uint64(l.n))
		for j := range l.n {
			e.counts(l.counts[(l.first+j)%t.perLevel*t.bins:][:t.bins])
		}
		if l.filled {
			e.varint(1)
			e.counts(l.half)
		} else {
			e.varint(0)
		}
	}
	return e.out
}

func (e *encoder) counts(c []uint32) {
	for _, v := range c {
		e.varint(uint64(v))
	}
}

func (t *Trail) print() uint64 {
	f := newFingerprint()
	f.word(uint64(t.bins)<<32 | uint64(t.perLevel)<<8 | uint64(len(t.levels)))
	return uint64(f)
}

// Unmarshal restores a trail of the same size. On error the receiver is unchanged.
func (t *Trail) Unmarshal(data []byte) error {
	d := decoder{in: data}
	if err := d.header(kindTrail, t.print()); err != nil {
		return err
	}
	n, err := NewTrail(t.bins, t.perLevel, len(t.levels))
	if err != nil {
		return err
	}
	for i := range n.levels {
		l := &n.levels[i]
		count := d.varint()
		if count > uint64(t.perLevel) {
			d.bad = true
			break
		}
		l.n = int(count)
		d.counts(l.counts[:l.n*t.bins])
		switch d.varint() {
		case 0:
		case 1:
			l.filled = true
			d.counts(l.half)
		default:
			d.bad = true
		}
	}
	if err := d.done(); err != nil {
		return err
	}
	*t = *n
	return nil
}

func (d *decoder) counts(into []uint32) {
	for i := range into {
		v := d.varint()
		if v > math.MaxUint32 {
			d.bad = true
		}
		into[i] = uint32(v)
	}
}
