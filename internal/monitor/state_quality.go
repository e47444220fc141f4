package monitor

// Sections of their own, so that state written before they existed reads as it did: what they hold then begins anew.
const (
	positivesSection = "positives"
	asideSection     = "aside" // of the open bucket: what the section totals does not hold
)

// qualitySections appends what changed of the quality of a model's data.
func (in *Instance) qualitySections(add func(name string, encode func(*encoder))) {
	d := &in.dirty
	if in.positives.n > 0 && (d.columns || d.live) {
		add(in.section(positivesSection), in.positives.encode)
	}
}

// quality restores them. A section that cannot be read is left out: nothing else depends on it.
func (r *restorer) quality() {
	in := r.in
	if d, ok := open(r.get, in.section(positivesSection)); ok {
		var p positives
		if p.decode(d); d.end() == nil {
			in.positives = p
		}
	}
}

// qualityNames are the names of these sections.
func (in *Instance) qualityNames(names map[string]bool) {
	for _, name := range []string{positivesSection, asideSection} {
		names[in.section(name)] = true
	}
}
