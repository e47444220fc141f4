package monitor

import (
	"github.com/plumbline-ml/plumbline/detectors"
	"github.com/plumbline-ml/plumbline/internal/parse"
)

const (
	// maxEntities is how many entities are followed: a sample is enough to see that values stand still.
	maxEntities = 128
	// entityRest is how long an entity must not have come until another one may take its place, in event time.
	entityRest = int64(6 * 3600 * 1e9)
	// leastPairs is how many pairs of values of one entity a reference must hold to say how often they change.
	leastPairs = 200
	// leastUpdates is the share of pairs that must differ: what hardly ever changes cannot stop to.
	leastUpdates = .002
	// updatesLeft is the part of the updates that may be left without anything being wrong.
	updatesLeft = .4
)

// entities remembers, for a sample of the entities that records are about (fields.entity), a 16-bit hash of the last value
// of each column. A feature store that stopped goes on answering with the right distribution; only that the same entity
// gets the same value as before gives it away. Neither an entity nor a value can be read off the table.
//
// Memory: 128 entities with two bytes a column, at most 64 KiB a model, and as much in state.
type entities struct {
	table [maxEntities]entity
}

type entity struct {
	key  uint64 // hash of its name; 0 for none
	seen int64  // event time
	last []uint16
}

// pairUp compares the values of a record with those that its entity had before, and calls visit for each column in which both
// are there.
func (in *Instance) pairUp(rec *parse.Record, event int64, visit func(i int, same bool)) {
	if in.at.entity < 0 || in.at.entity >= len(rec.Values) {
		return
	}
	name := rec.Values[in.at.entity].Str
	if len(name) == 0 {
		return
	}
	key := detectors.HashKey(0, name) | 1
	if in.entities == nil {
		in.entities = &entities{}
	}
	e := &in.entities.table[key>>32%maxEntities] // the upper half is mixed as well as the lower
	if e.key != key {
		if e.key != 0 && event-e.seen < entityRest {
			return
		}
		*e = entity{key: key, last: e.last[:0]}
	}
	e.seen = max(e.seen, event)
	for i, c := range in.cols {
		if c.role != RoleFeature || uint(c.slot) >= uint(len(rec.Values)) {
			continue
		}
		h := valueHash(&rec.Values[c.slot])
		if h == 0 {
			continue
		}
		for len(e.last) <= i {
			e.last = append(e.last, 0)
		}
		if e.last[i] != 0 {
			visit(i, e.last[i] == h)
		}
		e.last[i] = h
	}
}

// valueHash is a hash of a value that is there, never 0.
func valueHash(v *parse.Value) uint16 {
	var h uint32
	switch {
	case v.Kind == parse.Number || v.Kind == parse.Bool:
		h = hashNumber(v.Num)
	case v.Kind == parse.String && len(v.Str) > 0:
		h = hashBytes(v.Str)
	default:
		return 0
	}
	return max(uint16(h^h>>16), 1)
}

func (t *entities) encode(e *encoder, cols []*column) {
	n := 0
	for i := range t.table {
		if t.table[i].key != 0 {
			n++
		}
	}
	e.uint(uint64(n))
	for i := range t.table {
		x := &t.table[i]
		if x.key == 0 {
			continue
		}
		e.uint(uint64(i))
		e.u64(x.key)
		e.int(x.seen)
		e.uint(uint64(len(x.last)))
		for k, h := range x.last {
			e.uint(uint64(cols[k].id))
			e.uint(uint64(h))
		}
	}
}

func (r *restorer) entities(d *stateDecoder) {
	t := &entities{}
	for range d.length(maxEntities) {
		i := d.length(maxEntities - 1)
		x := entity{key: d.u64(), seen: d.int()}
		for range d.length(maxStateNames) {
			at, c := r.at(d.uint())
			h := uint16(d.uint())
			if c == nil || d.bad {
				continue
			}
			for len(x.last) <= at {
				x.last = append(x.last, 0)
			}
			x.last[at] = h
		}
		if d.bad {
			return
		}
		t.table[i] = x
	}
	r.in.entities = t
}

// pairs are how often the same entity came again with a value, and with the same one.
type pairs struct{ same, compared uint64 }

func (p *pairs) add(same bool) {
	p.compared++
	if same {
		p.same++
	}
}
