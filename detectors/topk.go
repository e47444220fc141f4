package detectors

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
)

// Limits of TopK.
const (
	MaxTopK      = 4096
	MaxTopKBytes = 256 // longer names are cut here before they are counted
)

// TopK finds the most frequent names of a stream in bounded memory: the space-saving algorithm of Metwally, Agrawal and
// El Abbadi (2005). With k places, every name that holds more than 1/k of the records is among them; a name's true
// count lies between Count-Error and Count. While no more than k different names were seen, all counts are exact.
//
// Memory: k names of at most 256 bytes. Add does not allocate for names that have a place. Merge keeps the bounds but,
// beyond k names, not the exact places: it depends on the order.
type TopK struct {
	k     int
	n     uint64
	index map[string]int // name -> place in heap
	heap  []TopName      // smallest count first
}

// TopName is a name with its count.
type TopName struct {
	Name  string
	Count uint64 // at least the true count
	Error uint64 // at most this much too high
}

// NewTopK makes a counter with k places, 1 to 4096.
func NewTopK(k int) (*TopK, error) {
	if k < 1 || k > MaxTopK {
		return nil, fmt.Errorf("count names: %w: %d places, possible are 1 to %d", ErrOption, k, MaxTopK)
	}
	return &TopK{k: k, index: make(map[string]int, k)}, nil
}

// N is how many records were counted.
func (t *TopK) N() uint64 { return t.n }

// Exact says whether every count is exact: no name had to give up its place.
func (t *TopK) Exact() bool {
	for i := range t.heap {
		if t.heap[i].Error > 0 {
			return false
		}
	}
	return true
}

// Add counts a name.
func (t *TopK) Add(name []byte) {
	if len(name) > MaxTopKBytes {
		name = name[:MaxTopKBytes]
	}
	t.n++
	if i, ok := t.index[string(name)]; ok {
		t.heap[i].Count++
		t.down(i)
		return
	}
	t.place(TopName{string(name), 1, 0})
}

// place gives a name that has none a place, the one of the rarest when all are taken.
func (t *TopK) place(e TopName) {
	if len(t.heap) < t.k {
		t.heap = append(t.heap, e)
		t.index[e.Name] = len(t.heap) - 1
		t.up(len(t.heap) - 1)
		return
	}
	out := t.heap[0]
	delete(t.index, out.Name)
	e.Count += out.Count
	e.Error += out.Count
	t.heap[0] = e
	t.index[e.Name] = 0
	t.down(0)
}

// rarer orders the heap. Equal counts go by name, so that which name gives up its place depends on what was counted and
// not on how the heap came about: a restored counter goes on as the saved one does.
func (t *TopK) rarer(i, j int) bool {
	a, b := &t.heap[i], &t.heap[j]
	return a.Count < b.Count || a.Count == b.Count && a.Name < b.Name
}

// Get returns what is known of a name: the zero TopName when it has no place.
func (t *TopK) Get(name []byte) TopName {
	if i, ok := t.index[string(name)]; ok {
		return t.heap[i]
	}
	return TopName{}
}

// Remove forgets a name; what was counted stays in N.
func (t *TopK) Remove(name []byte) {
	i, ok := t.index[string(name)]
	if !ok {
		return
	}
	last := len(t.heap) - 1
	t.swap(i, last)
	t.heap = t.heap[:last]
	delete(t.index, string(name))
	if i < last {
		t.up(i)
		t.down(i)
	}
}

func (t *TopK) swap(i, j int) {
	t.heap[i], t.heap[j] = t.heap[j], t.heap[i]
	t.index[t.heap[i].Name], t.index[t.heap[j].Name] = i, j
}

func (t *TopK) up(i int) {
	for i > 0 && t.rarer(i, (i-1)/2) {
		t.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
}

func (t *TopK) down(i int) {
	for {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < len(t.heap); c++ {
			if t.rarer(c, least) {
				least = c
			}
		}
		if least == i {
			return
		}
		t.swap(i, least)
		i = least
	}
}

// Names lists the names, most frequent first; equal counts by name.
func (t *TopK) Names() []TopName {
	out := slices.Clone(t.heap)
	slices.SortFunc(out, func(a, b TopName) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// Merge adds another counter: a name that only one side has may have been forgotten by the other, which then had it at
// most as often as its rarest place. Source: Agarwal et al., "Mergeable summaries" (2012).
func (t *TopK) Merge(o *TopK) {
	floor := func(c *TopK) uint64 {
		if len(c.heap) < c.k {
			return 0
		}
		return c.heap[0].Count
	}
	mine, theirs := floor(t), floor(o)
	all := make(map[string]TopName, len(t.heap)+len(o.heap))
	for _, e := range t.heap {
		e.Count += theirs
		e.Error += theirs
		all[e.Name] = e
	}
	for _, e := range o.heap {
		if a, ok := all[e.Name]; ok {
			a.Count += e.Count - theirs
			a.Error += e.Error - theirs
			all[e.Name] = a
			continue
		}
		e.Count += mine
		e.Error += mine
		all[e.Name] = e
	}
	names := make([]TopName, 0, len(all))
	for _, e := range all {
		names = append(names, e)
	}
	slices.SortFunc(names, func(a, b TopName) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name))
	})
	t.n += o.n
	t.heap = t.heap[:0]
	clear(t.index)
	for _, e := range names[:min(t.k, len(names))] {
		t.place(e)
	}
}

const topKVersion = 1

// MarshalBinary encodes the counter. It holds the names: a caller who must not write rare names to disk filters them
// first.
func (t *TopK) MarshalBinary() ([]byte, error) {
	out := []byte{topKVersion}
	out = binary.AppendUvarint(out, uint64(t.k))
	out = binary.AppendUvarint(out, t.n)
	out = binary.AppendUvarint(out, uint64(len(t.heap)))
	for _, e := range t.Names() {
		out = binary.AppendUvarint(out, uint64(len(e.Name)))
		out = append(out, e.Name...)
		out = binary.AppendUvarint(out, e.Count)
		out = binary.AppendUvarint(out, e.Error)
	}
	return out, nil
}

// UnmarshalBinary decodes what MarshalBinary wrote; on error t is unchanged.
func (t *TopK) UnmarshalBinary(data []byte) error {
	d := decoder{buf: data}
	version, k, n, used := d.byte(), d.uvarint(), d.uvarint(), d.uvarint()
	if d.bad || version != topKVersion || k < 1 || k > MaxTopK || used > k || used > uint64(len(data)) {
		return fmt.Errorf("read name counts: %w", ErrCodec)
	}
	fresh := TopK{k: int(k), n: n, index: make(map[string]int, used)}
	for range used {
		size := d.uvarint()
		if size > MaxTopKBytes {
			return fmt.Errorf("read name counts: %w", ErrCodec)
		}
		e := TopName{Name: string(d.take(int(size))), Count: d.uvarint(), Error: d.uvarint()}
		if _, twice := fresh.index[e.Name]; d.bad || twice || e.Count == 0 || e.Error > e.Count {
			return fmt.Errorf("read name counts: %w", ErrCodec)
		}
		fresh.place(e)
	}
	if err := d.end(); err != nil {
		return fmt.Errorf("read name counts: %w", err)
	}
	*t = fresh
	return nil
}
