package monitor

// foldParts adds an open pane to what goes on when the reference is replaced: parts and truths do not rest on it.
func (in *Instance) foldParts(p *pane) {
	for _, c := range in.cuts {
		c.fold(p)
	}
	if in.truth != nil {
		in.truth.fold(p)
	}
}

// carryParts takes segments, replicas and the truth over from before the reference was replaced: their names, counters and what waits go on;
// what a part is compared with begins anew with the columns.
func (in *Instance) carryParts(old *Instance) {
	for i, c := range old.cuts {
		fresh := in.cuts[i]
		for _, p := range c.parts {
			p.stream = nil
		}
		c.in, in.cuts[i] = in, c
		c.bucket.reset()
		c.layout()
		for k, p := range c.parts {
			s := fresh.parts[k].stream
			if s == nil {
				continue
			}
			s.part, s.segment = p, p.segment
			if c.replica {
				s.detectors = []detector{newReplicaDetector(p)}
			} else {
				s.detectors = []detector{newSegmentDetector(p)}
			}
			p.stream = s
		}
		c.suspect()
		c.lastAt = -1
	}
	t := old.truth
	if t == nil {
		return
	}
	if f := in.truth; f.base != nil {
		t.base, t.calibra = f.base, f.calibra
	}
	t.in, in.truth = in, t
	t.bucket.reset()
	watched := false
	for _, s := range in.evidence.streams {
		if d, ok := s.detectors[0].(*errorDetector); ok {
			d.t, watched = t, true
		}
	}
	if !watched {
		t.addStreams()
	}
}
