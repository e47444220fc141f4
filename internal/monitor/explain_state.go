package monitor

// encode appends the explanation to the state of its alarm. It comes last there, so that state of a version without
// explanations can still be read.
func (x *explanation) encode(e *encoder) {
	e.int(x.earliest)
	e.int(x.latest)
	e.uint(uint64(len(x.bounds)))
	for _, b := range x.bounds {
		e.bool(b.known)
		e.float(finite(b.lo))
		e.float(finite(b.hi))
	}
	e.uint(uint64(len(x.bins)))
	for _, b := range x.bins {
		e.text(b.name)
		e.float(b.expected)
		e.float(b.seen)
	}
	e.uint(uint64(len(x.columns)))
	for _, c := range x.columns {
		e.text(c.name)
		e.float(c.share)
	}
	e.uint(x.effective)
}

func (x *explanation) decode(d *stateDecoder) {
	x.earliest, x.latest = d.int(), d.int()
	for range d.length(8) {
		known, lo, hi := d.bool(), d.float(), d.float()
		x.bounds = append(x.bounds, interval{lo, hi, known})
	}
	for range d.length(maxMovedBins) {
		x.bins = append(x.bins, movedBin{d.text(), d.float(), d.float()})
	}
	for range d.length(maxContributions) {
		x.columns = append(x.columns, contribution{d.text(), d.float()})
	}
	if len(d.buf) > 0 { // absent in older states
		x.effective = d.uint()
	}
}
