package monitor

import (
	"math"

	"github.com/plumbline-ml/plumbline/detectors/sequential"
)

// setsDetector watches the bins of a number or the categories of a column against the reference.
type setsDetector struct {
	sets   *sequential.Sets
	ref    []uint64
	zeros  []uint64
	prefer int              // of two classes, the one that people look for
	set    sequential.Set   // that alarmed
	capped *sequential.Sets // the same of the facts only; nil when every record is one
	back   sequential.Recovery

	fixed  bool                   // it is the anchor's
	season *sequential.SetsSeason // nil when the reference is the same at any time
	slot   int                    // of the season that the detector is tuned to; noSlot when none
}

const noSlot = -1

func (s *setsDetector) reseason(o *seasons) {
	if !s.fixed {
		s.season, s.slot = o.bins, noSlot
	}
}

func (s *setsDetector) tune(minute int64) {
	if s.season == nil {
		return
	}
	if slot := s.season.Slot(minute); slot != s.slot {
		s.season.Retune(s.sets, slot)
		if s.capped != nil {
			s.season.Retune(s.capped, slot)
		}
		s.slot = slot
		for i, n := range s.season.Counts(slot) {
			s.ref[i] = uint64(n)
		}
	}
}

// recover takes the bucket against the edge of the bucket's own time.
func (s *setsDetector) recover(c *column) {
	k, n := s.sets.Counts(s.set, s.counts(c))
	if s.season == nil {
		s.back.Update(k, n)
		return
	}
	for i := range s.sets.Len() {
		if set, lo, hi := s.sets.Interval(i); set == s.set {
			s.back.UpdateWithin(k, n, lo, hi)
			return
		}
	}
}

func (s *setsDetector) counts(c *column) []uint64 { return c.bucket.counts[:len(s.ref)] }
func (s *setsDetector) update(c *column) {
	s.sets.Update(s.counts(c))
	if s.capped != nil {
		s.capped.Update(c.counted(facts).counts[:len(s.ref)])
	}
}

func (s *setsDetector) idle() {
	s.sets.Update(s.zeros)
	if s.capped != nil {
		s.capped.Update(s.zeros)
	}
}

// logEvidence is what both have, records and facts. The smaller of two is no more than the one whose reference is exact, so
// the budget holds however clients send.
func (s *setsDetector) logEvidence() float64 {
	if s.capped != nil {
		return min(s.sets.LogEvidence(), s.capped.LogEvidence())
	}
	return s.sets.LogEvidence()
}

func (s *setsDetector) reset() {
	s.sets.Reset()
	if s.capped != nil {
		s.capped.Reset()
	}
}
func (s *setsDetector) alternatives() int           { return s.sets.Components() }
func (s *setsDetector) leading() sequential.Leading { return s.sets.Leading() }
func (s *setsDetector) startRecovery(l sequential.Leading) {
	s.set, s.back = l.Set, sequential.NewRecovery(l)
}
func (s *setsDetector) recovered() bool { return s.back.Recovered() }
func (s *setsDetector) describe(c *column, l sequential.Leading) told {
	k, n := s.sets.Counts(l.Set, s.ref)
	t := told{expected: share(k, n), seen: l.Seen}
	if c.base.grid == nil {
		bin := l.Set.Bin
		if len(s.ref) == 2 && bin != s.prefer {
			// Of two classes one is what people look for; its share says the same.
			bin, t.expected, t.seen = s.prefer, 1-t.expected, 1-t.seen
		}
		t.what = "share of " + c.base.categories[bin]
		return t
	}
	t.what = rangeText(c.base.grid.CoarseEdges(), l.Set)
	return t
}

// rangeText says in words which values a set of buckets holds.
func rangeText(edges []float64, set sequential.Set) string {
	switch {
	case set.Kind == sequential.Prefix || set.Bin == 0:
		return "share at or below " + formatNumber(edges[set.Bin])
	case set.Bin == len(edges):
		return "share above " + formatNumber(edges[set.Bin-1])
	case math.Nextafter(edges[set.Bin-1], math.Inf(1)) == edges[set.Bin]:
		return "share equal to " + formatNumber(edges[set.Bin])
	default:
		return "share above " + formatNumber(edges[set.Bin-1]) + " up to " + formatNumber(edges[set.Bin])
	}
}
func (s *setsDetector) encode(e *encoder) {
	e.bytes(s.sets.MarshalAppend(nil))
	e.uint(uint64(s.set.Kind))
	e.uint(uint64(s.set.Bin))
	e.bool(s.set.Of)
	e.bytes(s.back.MarshalAppend(nil))
	if s.capped != nil {
		e.bytes(s.capped.MarshalAppend(nil))
	}
}
func (s *setsDetector) decode(d *stateDecoder) error {
	sets := d.bytes()
	set := sequential.Set{Kind: sequential.SetKind(d.uint()), Bin: d.length(sequential.MaxBins), Of: d.bool()}
	back := d.bytes()
	if err := s.sets.Unmarshal(sets); err != nil {
		return err
	}
	s.slot = noSlot
	s.set = set
	if s.capped != nil {
		if err := s.capped.Unmarshal(d.bytes()); err != nil {
			return err
		}
	}
	return s.back.Unmarshal(back)
}
