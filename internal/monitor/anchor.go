package monitor

import (
	"slices"

	"github.com/plumbline-ml/plumbline/detectors/sequential"
)

// wider is the tolerance against an anchor: twice that against the rolling reference. Slow change is what a rolling
// reference is for; change that adds up to this much is worth a look.
func (t Tolerance) wider() Tolerance {
	return Tolerance{Odds: t.Odds * t.Odds, Share: min(2*t.Share, 1), Distribution: min(2*t.Distribution, 1)}
}

// addAnchor adds to the column's streams detectors that judge it by its anchor. They stand beside those of the rolling
// reference in the same streams, so an incident is told once, whichever of them notices it. A stream's evidence is the
// average over its detectors: one more, without evidence yet, lowers it.
func (in *Instance) addAnchor(c *column) {
	wide := *c
	wide.tol, wide.season = c.tol.wider(), c.anchor
	made, err := in.makeSeasons(&wide, c.anchor.unpack(), c.anchorKappa)
	if err != nil {
		in.log.Error("the anchor of a column cannot be used", "column", c.name, "error", err)
		return
	}
	for _, s := range in.evidence.streams {
		if s.col != c || s.key != "" {
			continue
		}
		switch s.cause {
		case causeMissing:
			in.anchorRate(s, &wide, rateMissing, made)
		case causeQuality:
			in.anchorRate(s, &wide, rateUnseen, made)
		case causeDrift:
			if made.bins == nil {
				continue
			}
			bins := len(made.bins.Counts(0))
			ref := slices.Repeat([]uint64{1}, bins)
			sets, err := sequential.NewSets(ref, in.setsOptions(&wide))
			if err != nil {
				continue
			}
			d := &setsDetector{sets: sets, ref: ref, zeros: make([]uint64, bins), prefer: in.preferred(c), slot: noSlot, capped: in.cappedSets(c, ref)}
			d.reseason(made)
			d.fixed = true
			s.detectors = append(s.detectors, d)
			if m := in.newStepsDetector(&wide, ref); m != nil {
				m.reseason(made)
				m.fixed = true
				s.detectors = append(s.detectors, m)
			}
		}
	}
}

func (in *Instance) anchorRate(s *stream, wide *column, kind rateKind, made *seasons) {
	if kind == rateUnseen && made.unseen == nil {
		return // a quality stream about something else
	}
	d := in.newRateDetector(wide, kind)
	d.reseason(made)
	d.fixed = true
	s.detectors = append(s.detectors, d)
}
