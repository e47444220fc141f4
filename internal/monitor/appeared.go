package monitor

import "github.com/plumbline-ml/plumbline/internal/catalog"

// noteAppeared remembers that a field came up below a wildcard which was not there when the model learned what is normal: a
// change of the log's schema. Fields that come up while everything still learns are none.
func (in *Instance) noteAppeared(c *column) {
	for _, o := range in.cols {
		if o.base != nil && o != c {
			c.appeared = in.newest
			return
		}
	}
}

func (in *Instance) collectAppeared(b *catalog.Batch, c *column) {
	if c.appeared > 0 {
		b.Add(catalog.FieldAppeared, float64(c.appeared)/1e9, in.model.Name, c.name)
	}
}

func (in *Instance) encodeAppeared(e *encoder) {
	e.uint(uint64(len(in.cols)))
	for _, c := range in.cols {
		e.uint(uint64(c.id))
		e.int(c.appeared)
	}
}

func (r *restorer) appeared(d *stateDecoder) {
	for range d.length(maxStateNames) {
		_, c := r.at(d.uint())
		if at := d.int(); c != nil && !d.bad {
			c.appeared = at
		}
	}
}
