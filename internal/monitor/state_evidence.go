package monitor

import "slices"

// maxCauses bounds the causes inside the state.
const maxCauses = 64

// evidenceSection is where evidence stands. Before causes were written by name it was called "evidence".
const evidenceSection = "evidence2"

// evidence restores the detectors and the alarms. unnamed are the causes of a state that does not name them.
func (r *restorer) evidence(d *stateDecoder, unnamed []string) error {
	in := r.in
	ev := &in.evidence
	ev.started, ev.last, ev.ratio = d.bool(), d.int(), d.float()
	for range d.length(maxPages) {
		ev.pages = append(ev.pages, d.int())
	}
	for _, cause := range unnamed {
		ev.raised[cause] = d.uint()
	}
	if unnamed == nil {
		for range d.length(maxCauses) {
			cause, n := d.text(), d.uint()
			if _, known := ev.raised[cause]; known {
				ev.raised[cause] = n
			}
		}
	}
	for range d.length(maxStateNames) {
		id := d.uint()
		_, c := r.at(id)
		cause, data := d.text(), d.bytes()
		if c == nil && id != modelStream || d.bad {
			continue
		}
		i := slices.IndexFunc(ev.streams, func(s *stream) bool { return s.col == c && s.stateCause() == cause })
		if i < 0 {
			continue
		}
		if err := ev.streams[i].decode(&stateDecoder{buf: data}); err != nil {
			in.log.Info("a detector is another one now; its evidence starts anew", "column", ev.streams[i].feature, "cause", ev.streams[i].cause)
			ev.streams[i].reset()
			ev.streams[i].alarm, ev.streams[i].ratio = nil, 0
		}
	}
	in.cache.stale = true
	return d.end()
}

func (s *stream) decode(d *stateDecoder) error {
	s.ratio = d.float()
	if d.bool() {
		a := &alarm{cause: s.cause, raised: d.int(), onset: d.int(), records: d.uint()}
		by := d.length(15)
		a.by, a.ticket = by&7, by>>3 == 1
		for range d.length(8) {
			a.told = append(a.told, told{d.text(), d.float(), d.float()})
		}
		if a.by >= len(s.detectors) {
			return errState
		}
		s.alarm = a
	}
	n := d.length(8)
	if _, steps := s.detectors[len(s.detectors)-1].(*stepsDetector); n != len(s.detectors) && !(steps && n == len(s.detectors)-1) {
		return errState // but a state from before numbers had a mean has the rest
	}
	for _, det := range s.detectors[:n] {
		inner := &stateDecoder{buf: d.bytes()}
		if err := det.decode(inner); err != nil {
			return err
		}
	}
	if len(d.buf) == 0 {
		return d.end() // written before alarms had a cause of their own and explanations
	}
	s.named = nil
	for range d.length(maxCauses) {
		s.named = append(s.named, d.text())
	}
	if a := s.alarm; a != nil {
		a.cause, a.unit, a.factor = d.text(), d.text(), d.float()
		if len(d.buf) > 0 {
			a.explanation.decode(d)
		}
	}
	return d.end()
}
