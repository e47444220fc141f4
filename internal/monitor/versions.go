package monitor

import (
	"bytes"
	"slices"

	"github.com/plumbline-ml/plumbline/internal/catalog"
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

	trial, before versionNumbers // since the newest version was named, and until then
}

// versionNumbers are what is compared between versions.
type versionNumbers struct {
	n         uint64 // records
	positives uint64
	scores    uint64
	sum       float64 // of the scores
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
	hit     *versionCount // of the newest record; nil when it has no version with a name
	current string        // the version of most records of the last bucket
	changed int64         // event time of the last change of current; 0 before the first
}

const nameOther = "other"

func (v *versions) count(rec *parse.Record, slot int, in *Instance) {
	v.hit = nil
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
		v.hit = v.last
		return
	}
	for _, c := range v.named {
		if string(val.Str) == c.name {
			c.n++
			c.recent++
			v.last, v.hit = c, c
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
	v.last, v.hit = c, c
	// All versions are counted anew from here on: what is compared was the same traffic.
	for _, o := range v.named {
		if o.trial.n > 0 {
			o.before = o.trial
		}
		o.trial = versionNumbers{}
	}
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
	if most != nil && most.name != v.current && v.outnumbers(most) {
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

// outnumbers says whether a version answers at least twice as many requests as the current one: versions that share the
// traffic do not take turns at being new.
func (v *versions) outnumbers(c *versionCount) bool {
	for _, o := range v.named {
		if o.name == v.current {
			return c.recent >= 2*o.recent
		}
	}
	return true
}

// compare counts the prediction of a record for its version.
func (v *versions) compare(rec *parse.Record, in *Instance) {
	c := v.hit
	if c == nil {
		return
	}
	c.trial.n++
	if at := in.at.label; at >= 0 && at < len(rec.Values) && in.model.Label.Positive != "" && string(rec.Values[at].Str) == in.model.Label.Positive {
		c.trial.positives++
	}
	if at := in.at.score; at >= 0 && at < len(rec.Values) && rec.Values[at].Kind == parse.Number {
		c.trial.scores++
		c.trial.sum += rec.Values[at].Num
	}
}

// collectVersions appends what is compared between versions, as soon as there are two.
func (in *Instance) collectVersions(b *catalog.Batch) {
	if len(in.versions.named) < 2 {
		return
	}
	for _, c := range in.versions.named {
		t := &c.trial
		if t.n < in.model.MinCategoryCount {
			t = &c.before // it answers no more: what it did before the newest came
		}
		if t.n < in.model.MinCategoryCount {
			continue
		}
		name := in.model.Name
		b.Add(catalog.VersionStat, float64(t.n), name, c.name, "records")
		if in.model.Label != nil && in.model.Label.Positive != "" {
			b.Add(catalog.VersionStat, share(t.positives, t.n), name, c.name, "share of "+in.model.Label.Positive)
		}
		if t.scores > 0 {
			b.Add(catalog.VersionStat, t.sum/float64(t.scores), name, c.name, "mean score")
		}
	}
}

func (v *versions) encodeNumbers(e *encoder) {
	e.uint(uint64(len(v.named)))
	for _, c := range v.named {
		e.text(c.name)
		for _, t := range [...]*versionNumbers{&c.trial, &c.before} {
			e.uint(t.n)
			e.uint(t.positives)
			e.uint(t.scores)
			e.float(finite(t.sum))
		}
	}
}

func (v *versions) decodeNumbers(d *stateDecoder) {
	for range d.length(maxVersions) {
		name := d.text()
		trial := versionNumbers{d.uint(), d.uint(), d.uint(), d.float()}
		before := versionNumbers{d.uint(), d.uint(), d.uint(), d.float()}
		for _, c := range v.named {
			if c.name == name && !d.bad {
				c.trial, c.before = trial, before
			}
		}
	}
}
