package monitor

import (
	"cmp"
	"slices"

	"github.com/plumbline-ml/plumbline/detectors/sequential"
)

// stretch is a piece of the recent past: a slot of some window, or a gap in which nothing was kept.
type stretch struct {
	from, until int64 // event time
	slot        *slot // nil for a gap
}

// past is what the windows remember, oldest first and without overlap: the last minutes in the fine slots of the
// shortest window, what is older in the coarser ones of the others. An onset is told as finely as that.
func (in *Instance) past(end int64) []stretch {
	windows := slices.Clone(in.windows)
	slices.SortStableFunc(windows, func(a, b *window) int { return cmp.Compare(a.length, b.length) })
	var out []stretch // newest first
	bound := end
	for _, w := range windows {
		if !w.started {
			continue
		}
		width := w.width * in.paneNs
		// The finer window begins somewhere inside a slot of this one: it gives way up to that slot's end, unless
		// all of it lies in there.
		if limit := -floorDiv(-bound, width) * width; limit < end && len(out) > 0 {
			for len(out) > 0 && out[len(out)-1].from < limit {
				bound = out[len(out)-1].until
				out = out[:len(out)-1]
			}
		}
		for i := w.newest; i > w.newest-int64(w.slots); i-- {
			s := w.at(i)
			from := i * width
			until := min(from+width, end)
			if !s.used || s.index != i || until > bound || from >= until {
				continue
			}
			if until < bound {
				out = append(out, stretch{from: until, until: bound})
			}
			out = append(out, stretch{from, until, s})
			bound = from
		}
	}
	slices.Reverse(out)
	return out
}

// tallyOf is the column's part of a stretch, valid until the next call; nil when there is none.
func (in *Instance) tallyOf(s *stretch, i int, scratch *tally) *tally {
	switch {
	case s.slot == nil:
		return nil
	case s.slot.open:
		if i < len(s.slot.cols) {
			return s.slot.cols[i].view(scratch)
		}
		return nil
	default:
		s.slot.unpack(i, scratch)
		return scratch
	}
}

// panes is the length of a stretch.
func (s *stretch) panes(length int64) uint64 { return uint64(max(1, (s.until-s.from)/length)) }

// sharePath is the past of a share.
func (in *Instance) sharePath(past []stretch, i int, count func(t *tally) (k, n uint64)) []sequential.Span {
	out := make([]sequential.Span, len(past))
	var scratch tally
	for j := range past {
		out[j].Buckets = past[j].panes(in.paneNs)
		if t := in.tallyOf(&past[j], i, &scratch); t != nil {
			out[j].K, out[j].N = count(t)
		}
	}
	return out
}

// meanPath is the past of a mean.
func (in *Instance) meanPath(past []stretch, i int) []sequential.MeanSpan {
	out := make([]sequential.MeanSpan, len(past))
	var scratch tally
	center := in.cols[i].base.grid.Center()
	for j := range past {
		out[j].Units = past[j].panes(in.paneNs)
		if t := in.tallyOf(&past[j], i, &scratch); t != nil {
			n := float64(t.N)
			out[j].N, out[j].Sum, out[j].SumSq = t.N, t.Dev+n*center, t.DevSq+2*center*t.Dev+n*center*center
		}
	}
	return out
}

// since adds up the stretches of a column that began at the onset or later; the newest one counts in any case.
func (in *Instance) since(past []stretch, onset int64, i int) *tally {
	out := newTally(in.cols[i])
	var scratch tally
	for j := range past {
		if past[j].from < onset && j != len(past)-1 {
			continue
		}
		if t := in.tallyOf(&past[j], i, &scratch); t != nil && (len(t.Fine) == 0 || len(t.Fine) == len(out.Fine)) {
			out.add(t)
		}
	}
	return &out
}
