package monitor

import (
	"github.com/plumbline-ml/plumbline/detectors"
)

// distinctDay is how long one half of the count of different categories lasts: the two together are one to two days.
const distinctDay = int64(24 * 3600 * 1e9)

// distinct counts the different categories of a column that have no name, by HyperLogLog: those with a name are counted as
// they are. A column without such categories costs nothing, one with them 8 KiB and up to 6 KiB of state, written when a
// new one came.
type distinct struct {
	now, before *detectors.HLL
	day         int64
	dirty       bool
}

// count notes a category without a name.
func (d *distinct) count(name []byte, event int64) {
	if day := floorDiv(event, distinctDay); d.now == nil || day > d.day {
		if d.now != nil && day == d.day+1 {
			d.before = d.now
		} else {
			d.before = nil
		}
		d.now, d.day, d.dirty = &detectors.HLL{}, day, true
	}
	if d.now.Add(detectors.HashKey(0, name)) {
		d.dirty = true
	}
}

// estimate is about how many there were.
func (d *distinct) estimate() float64 {
	switch {
	case d.now == nil:
		return 0
	case d.before == nil:
		return d.now.Estimate()
	}
	both := *d.now
	both.Merge(d.before)
	return both.Estimate()
}

// cardinality is about how many different categories came over the last one to two days: the named ones of the longest window
// and those without a name.
func (in *Instance) cardinality(i int) float64 {
	c := in.cols[i]
	named := 0
	if n := len(in.windows); n > 0 && i < len(in.windows[n-1].running) {
		h := &in.windows[n-1].running[i]
		for k := range min(h.bins(), len(c.base.categories)) {
			if h.count(k) > 0 {
				named++
			}
		}
	}
	return float64(named) + c.distinct.estimate()
}

func (in *Instance) encodeDistinct(e *encoder) {
	n := 0
	for _, c := range in.cols {
		if c.distinct.now != nil {
			n++
		}
	}
	e.uint(uint64(n))
	for _, c := range in.cols {
		d := &c.distinct
		if d.now == nil {
			continue
		}
		e.uint(uint64(c.id))
		e.int(d.day)
		for _, h := range [...]*detectors.HLL{d.now, d.before} {
			var data []byte
			if h != nil {
				data, _ = h.MarshalBinary() // it cannot fail
			}
			e.bytes(data)
		}
		d.dirty = false
	}
}

func (r *restorer) distinct(d *stateDecoder) {
	for range d.length(maxStateNames) {
		_, c := r.at(d.uint())
		x := distinct{day: d.int()}
		for _, h := range [...]**detectors.HLL{&x.now, &x.before} {
			if data := d.bytes(); len(data) > 0 {
				*h = &detectors.HLL{}
				if (*h).UnmarshalBinary(data) != nil {
					d.fail()
				}
			}
		}
		if c != nil && !d.bad {
			c.distinct = x
		}
	}
}

// distinctDirty says whether a new category without a name came since the last commit.
func (in *Instance) distinctDirty() bool {
	for _, c := range in.cols {
		if c.distinct.dirty {
			return true
		}
	}
	return false
}
