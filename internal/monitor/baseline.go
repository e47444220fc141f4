package monitor

import (
	"slices"
	"strconv"

	"github.com/plumbline-ml/plumbline/detectors"
)

// baseline is the reference of one column. It is immutable: the data under test never move it.
type baseline struct {
	kind        Kind
	grid        *detectors.Grid // of a number
	categories  []string        // of a category: those with a name, most frequent first
	table       nameTable       // finds the index of a name in categories
	ref         tally           // what the reference holds, in the bins of the column
	rare        rareCounts      // of a category
	from, until int64           // event time of its records
	whole       bool            // there is no more to learn
	declared    bool            // somebody named the file that it is from
	season      *packedSeason   // of a file that has one
	hash        uint64          // of everything that makes counts comparable
}

// records is how many records the reference was made from.
func (b *baseline) records() uint64 { return b.ref.seen() }

// finish derives what follows from the rest.
func (b *baseline) finish() {
	parts := []string{string(b.kind), strconv.FormatUint(b.ref.N, 10), strconv.FormatUint(b.ref.MissingTotal(), 10)}
	if b.grid != nil {
		for _, e := range b.grid.FineEdges() {
			parts = append(parts, strconv.FormatFloat(e, 'g', -1, 64))
		}
		for _, b := range b.grid.SumEnds() {
			parts = append(parts, strconv.Itoa(b))
		}
	} else {
		b.table = newNameTable(b.categories)
		parts = append(parts, b.categories...)
	}
	for _, c := range b.ref.Fine {
		parts = append(parts, strconv.FormatUint(c, 10))
	}
	if b.season != nil {
		parts = append(parts, string(b.season.data))
	}
	b.hash = hash64(parts...)
}

// newNumberBaseline bins weighted values on a grid of their own.
func newNumberBaseline(grid *detectors.Grid, ref tally) *baseline {
	b := &baseline{kind: KindNumber, grid: grid, ref: ref}
	b.finish()
	return b
}

// newCategoryBaseline names the categories that may be named: at most limit, each seen at least min times or allowed.
// The rest is "other".
func newCategoryBaseline(counts map[string]uint64, unnamed uint64, allowed []string, least uint64, limit int, ref tally) *baseline {
	type entry struct {
		name string
		n    uint64
	}
	var named []entry
	other := unnamed
	for name, n := range counts {
		if n >= least || slices.Contains(allowed, name) {
			named = append(named, entry{name, n})
		} else {
			other += n
		}
	}
	for _, name := range allowed {
		if _, ok := counts[name]; !ok {
			named = append(named, entry{name, 0})
		}
	}
	slices.SortFunc(named, func(a, b entry) int {
		// Allowed names go first when there is no room for all.
		x, y := slices.Contains(allowed, a.name), slices.Contains(allowed, b.name)
		switch {
		case x != y && len(named) > limit:
			if x {
				return -1
			}
			return 1
		case a.n != b.n:
			if a.n > b.n {
				return -1
			}
			return 1
		default:
			return cmpText(a.name, b.name)
		}
	})
	b := &baseline{kind: KindCategory, ref: ref}
	b.ref.Fine = nil
	for i, e := range named {
		if i >= limit {
			other += e.n
			continue
		}
		b.categories = append(b.categories, e.name)
		b.ref.Fine = append(b.ref.Fine, e.n)
	}
	b.ref.Fine = append(b.ref.Fine, other)
	b.ref.N = 0
	for _, n := range b.ref.Fine {
		b.ref.N += n
	}
	b.finish()
	return b
}
