package monitor

import (
	"bytes"
	"slices"

	"github.com/plumbline-ml/plumbline/internal/parse"
)

// maxVersions is how many versions of a model are counted by name.
const maxVersions = 20

// maxPendingVersions bounds the versions that wait until they were seen often enough to be named.
const maxPendingVersions = 1000

// versionCount counts the records of one version.
type versionCount struct {
	name   string
	n      uint64
	recent uint64 // records since the last bucket was closed
	labels []string
}

// versions counts records by the version that they carry. A version is a raw value until it was seen often enough;
// until then, and beyond maxVersions, its records are counted under "other".
type versions struct {
	limit   uint64 // records until a version is named
	named   []*versionCount
	none    uint64 // records without a version
	other   uint64
	pending map[uint64]uint64 // hash of the version → records so far
	last    *versionCount
	current string // the version of most records of the last bucket
	changed int64  // event time of the last change of current; 0 before the first
}

const nameOther = "other"

func (v *versions) count(rec *parse.Record, slot int, in *Instance) {
	if slot < 0 || slot >= len(rec.Values) {
		v.none++
		return
	}
	val := &rec.Values[slot]
	if len(val.Str) == 0 {
		v.none++
		return
	}
	if v.last != nil && string(val.Str) == v.last.name {
		v.last.n++
		v.last.recent++
		return
	}
	for _, c := range v.named {
		if string(val.Str) == c.name {
			c.n++
			c.recent++
			v.last = c
			return
		}
	}
	v.countUnnamed(val.Str, in)
}

func (v *versions) countUnnamed(text []byte, in *Instance) {
	if len(v.named) >= maxVersions || len(text) > maxNameBytes {
		v.other++
		in.counts.dropped[limitVersion]++
		return
	}
	h := hash64(string(text))
	n := v.pending[h] + 1
	if n < v.limit {
		v.other++
		if v.pending == nil {
			v.pending = map[uint64]uint64{}
		}
		if n > 1 || len(v.pending) < maxPendingVersions {
			v.pending[h] = n
		}
		return
	}
	delete(v.pending, h)
	c := &versionCount{name: string(bytes.ToValidUTF8(text, []byte("\uFFFD"))), n: 1, recent: 1}
	v.named = append(v.named, c)
	slices.SortFunc(v.named, func(a, b *versionCount) int { return cmpText(a.name, b.name) })
	v.last = c
	in.log.Info("a version is counted by name from now on", "version", c.name)
}

// closeBucket notices a change of the version that answers most requests: two versions side by side during a rollout
// are one change, not many.
func (v *versions) closeBucket(begin int64) (changed bool) {
	var most *versionCount
	for _, c := range v.named {
		if c.recent > 0 && (most == nil || c.recent > most.recent) {
			most = c
		}
	}
	if most != nil && most.name != v.current {
		if v.current != "" {
			v.changed, changed = begin, true
		}
		v.current = most.name
	}
	for _, c := range v.named {
		c.recent = 0
	}
	return changed
}
