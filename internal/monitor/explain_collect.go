package monitor

import "github.com/plumbline-ml/plumbline/internal/catalog"

// collectExplanation appends what an alarm says of its onset, its size and its bins.
func (in *Instance) collectExplanation(b *catalog.Batch, s *stream) {
	a := s.alarm
	labels := []string{in.model.Name, s.feature, a.cause, s.segment}
	if a.latest != 0 { // 0 when the windows do not hold what the stream looks at
		b.Add(catalog.AlarmLatest, float64(a.latest)/1e9, labels...)
	}
	if a.earliest != 0 {
		b.Add(catalog.AlarmEarliest, float64(a.earliest)/1e9, labels...)
	}
	for i, bound := range a.bounds[:min(len(a.bounds), len(a.told))] {
		if !bound.known {
			continue
		}
		addFinite(b, catalog.AlarmSeenLow, bound.lo, append(labels[:4:4], a.told[i].what)...)
		addFinite(b, catalog.AlarmSeenHigh, bound.hi, append(labels[:4:4], a.told[i].what)...)
	}
	for _, bin := range a.bins {
		b.Add(catalog.AlarmBinWas, bin.expected, append(labels[:4:4], bin.name)...)
		b.Add(catalog.AlarmBinSeen, bin.seen, append(labels[:4:4], bin.name)...)
	}
}

// collectContributions appends the ranking of the newest alarm that stands and has one.
func (in *Instance) collectContributions(b *catalog.Batch) {
	var newest *alarm
	for _, s := range in.evidence.streams {
		if a := s.alarm; a != nil && len(a.columns) > 0 && (newest == nil || a.raised > newest.raised) {
			newest = a
		}
	}
	if newest == nil {
		return
	}
	for _, c := range newest.columns {
		b.Add(catalog.Contribution, c.share, in.model.Name, c.name)
	}
}
