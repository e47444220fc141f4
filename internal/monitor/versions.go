package monitor

import (
	"bytes"
	"slices"

	"github.com/plumbline-ml/plumbline/detectors"
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

	order         uint64         // in which versions were named, from 1 on
	trial, before versionNumbers // since the newest version was named, and until then
}

// versionNumbers are what is compared between versions.
type versionNumbers struct {
	n         uint64 // records
	positives uint64
	scores    uint64
	sum       float64 // of the scores
	squares   float64 // of them
}

func (n *versionNumbers) moments() detectors.Moments {
	if n.scores < 2 {
		return detectors.Moments{N: n.scores}
	}
	size := float64(n.scores)
	mean := n.sum / size
	return detectors.Moments{N: n.scores, Mean: mean, Variance: max(0, n.squares-size*mean*mean) / (size - 1)}
}

// versions counts records by the version that they carry. A version is a raw value until it was seen often enough;
// until then, and beyond maxVersions, its records are counted under "other".
type versions struct {
	limit   uint64 // records until a version is named
	named   []*versionCount
	none    uint64 // records without a version
	other   uint64
	pending map[uint64]uint64 // hash of the version → records so far
	order   uint64            // of the newest
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
	v.order++
	c := &versionCount{order: v.order, name: string(bytes.ToValidUTF8(text, []byte("\uFFFD"))), n: 1, recent: 1}
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
		c.trial.squares += rec.Values[at].Num * rec.Values[at].Num
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
	in.compareVersions(b)
}

// alphaVersions is the error of the intervals between versions.
const alphaVersions = .05

// compareVersions appends by how much the newest version differs from each other one: on the same traffic while both answer, or else from
// what the other did before.
func (in *Instance) compareVersions(b *catalog.Batch) {
	var newest *versionCount
	for _, c := range in.versions.named {
		if newest == nil || c.order > newest.order {
			newest = c
		}
	}
	least := in.model.MinCategoryCount
	if newest.trial.n < least {
		return
	}
	for _, c := range in.versions.named {
		other, traffic := &c.trial, "same"
		if other.n < least {
			other, traffic = &c.before, "before"
		}
		if c == newest || other.n < least {
			continue
		}
		add := func(what string, d detectors.Difference) {
			for i, v := range [...]float64{d.Value, d.Lower, d.Upper} {
				addFinite(b, catalog.VersionDiff, v, in.model.Name, newest.name, c.name, traffic, what, [...]string{"value", "lower", "upper"}[i])
			}
			addFinite(b, catalog.VersionDiffP, d.P, in.model.Name, newest.name, c.name, traffic, what)
		}
		if in.model.Label != nil && in.model.Label.Positive != "" {
			add("share of "+in.model.Label.Positive, detectors.ProportionDifference(newest.trial.positives, newest.trial.n, other.positives, other.n, alphaVersions))
		}
		if newest.trial.squares > 0 && other.squares > 0 {
			add("mean score", detectors.MeanDifference(newest.trial.moments(), other.moments(), alphaVersions))
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
	e.uint(v.order)
	for _, c := range v.named {
		e.uint(c.order)
		e.float(finite(c.trial.squares))
		e.float(finite(c.before.squares))
	}
}

func (v *versions) decodeNumbers(d *stateDecoder) {
	var known []*versionCount
	for range d.length(maxVersions) {
		name := d.text()
		trial := versionNumbers{n: d.uint(), positives: d.uint(), scores: d.uint(), sum: d.float()}
		before := versionNumbers{n: d.uint(), positives: d.uint(), scores: d.uint(), sum: d.float()}
		var at *versionCount
		for _, c := range v.named {
			if c.name == name && !d.bad {
				c.trial, c.before = trial, before
				at = c
			}
		}
		known = append(known, at)
	}
	if len(d.buf) == 0 {
		return // written before differences were
	}
	v.order = d.uint()
	for _, c := range known {
		order, trial, before := d.uint(), d.float(), d.float()
		if c != nil && !d.bad {
			c.order, c.trial.squares, c.before.squares = order, trial, before
		}
	}
}
