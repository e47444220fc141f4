package monitor

// Sections of their own, so that state written before they existed reads as it did: what they hold then begins anew.
const (
	positivesSection = "positives"
	appearedSection  = "appeared"
	distinctSection  = "distinct"
	entitiesSection  = "entities"
	pairsSection     = "pairs"    // of the open bucket, and of columns that learn
	versionsSection  = "versions" // beside the section live
	rebaseSection    = "rebase"
	rareSection      = "rare" // beside the references in the section columns
	volumeSection    = "volume"
	linesSection     = "lines"
	asideSection     = "aside" // of the open bucket: what the section totals does not hold
)

// qualitySections appends what changed of the quality of a model's data.
func (in *Instance) qualitySections(add func(name string, encode func(*encoder))) {
	d := &in.dirty
	if in.rebase.times+in.rebase.failed > 0 && (d.columns || d.detectors) {
		add(in.section(rebaseSection), in.encodeRebase)
	}
	if d.columns {
		add(in.section(appearedSection), in.encodeAppeared)
		add(in.section(rareSection), in.encodeRare)
	}
	if in.volume != nil && (d.columns || d.totals || d.detectors) {
		add(in.section(volumeSection), in.volume.encode)
	}
	if d.columns || d.totals {
		add(in.section(asideSection), in.encodeAside)
	}
	if d.columns || d.lines {
		add(in.section(linesSection), in.lines.encode)
	}
	if in.unreadable != nil && (d.columns || d.totals || d.live) {
		add(in.section(unreadableSection), in.encodeUnreadable)
	}
	if d.columns || d.live && in.distinctDirty() {
		add(in.section(distinctSection), in.encodeDistinct)
	}
	if in.entities != nil && (d.columns || d.live) {
		add(in.section(entitiesSection), func(e *encoder) { in.entities.encode(e, in.cols) })
	}
	if in.at.entity >= 0 && (d.columns || d.totals || d.live) {
		add(in.section(pairsSection), in.encodePairs)
	}
	if len(in.versions.named) > 0 && (d.columns || d.live) {
		add(in.section(versionsSection), in.versions.encodeNumbers)
	}
	if in.positives.n > 0 && (d.columns || d.live) {
		add(in.section(positivesSection), in.positives.encode)
	}
}

// quality restores them. A section that cannot be read is left out: nothing else depends on it.
func (r *restorer) quality() {
	in := r.in
	if d, ok := open(r.get, in.section(asideSection)); ok {
		r.aside(d)
	}
	if d, ok := open(r.get, in.section(linesSection)); ok {
		var l lines
		if l.decode(d); d.end() == nil {
			in.lines = l
		}
	}
	r.unreadable()
	if d, ok := open(r.get, in.section(volumeSection)); ok && in.volume != nil && r.sameShape {
		var v volume
		if v.decode(d); d.end() == nil {
			*in.volume = v
		}
	}
	if d, ok := open(r.get, in.section(appearedSection)); ok {
		r.appeared(d)
	}
	if d, ok := open(r.get, in.section(distinctSection)); ok {
		r.distinct(d)
	}
	if d, ok := open(r.get, in.section(entitiesSection)); ok && in.at.entity >= 0 {
		r.entities(d)
	}
	if d, ok := open(r.get, in.section(pairsSection)); ok {
		r.pairs(d)
	}
	if d, ok := open(r.get, in.section(versionsSection)); ok {
		in.versions.decodeNumbers(d)
	}
	if d, ok := open(r.get, in.section(positivesSection)); ok {
		var p positives
		if p.decode(d); d.end() == nil {
			in.positives = p
		}
	}
}

// encodeAside writes what the open bucket holds beside the section totals.
func (in *Instance) encodeAside(e *encoder) {
	n := 0
	for _, c := range in.cols {
		if c.bucket.aged > 0 {
			n++
		}
	}
	e.uint(uint64(n))
	for _, c := range in.cols {
		if c.bucket.aged > 0 {
			e.uint(uint64(c.id))
			e.uint(c.bucket.aged)
			e.uint(c.bucket.stale)
		}
	}
	n = 0
	for _, c := range in.cols {
		n += int(b2i(c.bucket.missing > 0))
	}
	e.uint(uint64(n))
	for _, c := range in.cols {
		if c.bucket.missing > 0 {
			e.uint(uint64(c.id))
			for _, k := range c.bucket.reasons {
				e.uint(k)
			}
		}
	}
}

// encodeRare writes what references that were learned here know of rare categories.
func (in *Instance) encodeRare(e *encoder) {
	n := 0
	for _, c := range in.cols {
		if c.base != nil && c.base.rare.least > 0 {
			n++
		}
	}
	e.uint(uint64(n))
	for _, c := range in.cols {
		if c.base == nil || c.base.rare.least == 0 {
			continue
		}
		e.uint(uint64(c.id))
		e.uint(c.base.rare.least)
		e.uint(c.base.rare.upTo)
		e.uint(c.base.rare.next)
		e.uint(c.base.rare.distinct)
	}
}

func (r *restorer) readRare() {
	r.rare = map[uint32]rareCounts{}
	d, ok := open(r.get, r.in.section(rareSection))
	if !ok {
		return
	}
	for range d.length(maxStateNames) {
		id := uint32(d.uint())
		r.rare[id] = rareCounts{d.uint(), d.uint(), d.uint(), d.uint()}
		if d.bad {
			r.rare = nil
			return
		}
	}
}

func (in *Instance) encodePairs(e *encoder) {
	e.uint(uint64(len(in.cols)))
	for _, c := range in.cols {
		e.uint(uint64(c.id))
		for _, n := range [...]uint64{c.pairs.same, c.pairs.compared, c.bucket.pairs.same, c.bucket.pairs.compared} {
			e.uint(n)
		}
	}
}

func (r *restorer) pairs(d *stateDecoder) {
	for range d.length(maxStateNames) {
		_, c := r.at(d.uint())
		learned, bucket := pairs{d.uint(), d.uint()}, pairs{d.uint(), d.uint()}
		if c != nil && !d.bad {
			c.pairs, c.bucket.pairs = learned, bucket
		}
	}
}

func (r *restorer) aside(d *stateDecoder) {
	for range d.length(maxStateNames) {
		_, c := r.at(d.uint())
		aged, stale := d.uint(), d.uint()
		if c != nil && !d.bad {
			c.bucket.aged, c.bucket.stale = aged, stale
		}
	}
	if len(d.buf) == 0 {
		return // written before reasons were judged apart
	}
	for range d.length(maxStateNames) {
		_, c := r.at(d.uint())
		var reasons [numMissing]uint64
		for i := range reasons {
			reasons[i] = d.uint()
		}
		if c != nil && !d.bad {
			c.bucket.reasons = reasons
		}
	}
}

// qualityNames are the names of these sections.
func (in *Instance) qualityNames(names map[string]bool) {
	for _, name := range []string{positivesSection, appearedSection, distinctSection, entitiesSection, pairsSection, versionsSection, rebaseSection, rareSection, volumeSection, asideSection, linesSection, unreadableSection} {
		names[in.section(name)] = true
	}
}
