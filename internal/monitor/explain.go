package monitor

import (
	"cmp"
	"math"
	"slices"

	"github.com/plumbline-ml/plumbline/detectors"
	"github.com/plumbline-ml/plumbline/detectors/sequential"
)

// What an alarm says beside its numbers. It is worked out once, when the alarm is raised, from the slots of the windows:
// they hold the recent past of every column already, in state as well, so an explanation costs nothing before
// an alarm, and a run with restarts explains as one without.

const (
	// alphaExplain is the error of the onset's set and of every interval: they hold the truth in 95 of 100 alarms.
	alphaExplain = .05
	// maxMovedBins and maxContributions bound the series of an alarm.
	maxMovedBins     = 8
	maxContributions = 10
	// leastContribution is the share below which a column is not worth a line.
	leastContribution = .01
	// enoughBefore is how many records from before the change say better than the reference what was usual then.
	enoughBefore = 200
)

// explanation belongs to an alarm and does not change while it stands.
type explanation struct {
	earliest, latest int64      // the onset's confidence set, as event times; earliest is 0 when the change may be older than the windows, both when nothing is known
	bounds           []interval // beside alarm.told
	bins             []movedBin
	columns          []contribution // of the whole model since the onset; only in the alarm that led when the page was raised
	effective        uint64         // how many independent records say as much as those since the onset; 0 when nobody knows
}

// interval holds a quantity with a probability of 95 %.
type interval struct {
	lo, hi float64
	known  bool
}

// movedBin is a bin or category whose share is no longer what it was.
type movedBin struct {
	name           string
	expected, seen float64
}

// contribution is a column's share of all that has changed in the model since the onset.
type contribution struct {
	name  string
	share float64
}

// explain works out what the alarm says, and corrects what it says already: the onset into its set, the median to that
// of the records since the onset.
func (in *Instance) explain(s *stream, by detector, l sequential.Leading, a *alarm, end int64) {
	e := &a.explanation
	e.bounds = make([]interval, len(a.told))
	if l.N > 0 && l.K <= l.N && l.K > 0 {
		lo, hi := sequential.ClopperPearson(l.K, l.N, alphaExplain)
		e.bounds[0] = a.told[0].interval(l, lo, hi)
	}
	if s.col == nil || s.key != "" || s.segment != "" {
		return // the windows hold whole columns, not what this stream looks at
	}
	e.earliest, e.latest = a.onset, a.onset
	i := indexOf(in.cols, s.col)
	past := in.past(end)
	e.locate(in, past, i, by, l, a, end)
	since := in.since(past, a.onset, i)
	if s.cause == causeMissing {
		e.bins = movedReasons(&s.col.base.ref, since)
		return
	}
	if s.cause != causeDrift {
		return
	}
	e.bins = movedBins(s.col, since)
	if g := s.col.base.grid; g != nil && len(a.told) > 1 && since.N > 0 {
		// The second line is the median; its interval is that of the order statistics around the middle.
		half := .98 / math.Sqrt(float64(since.N))
		a.told[1].seen = g.Quantile(since.Fine, .5)
		e.bounds[1] = interval{g.Quantile(since.Fine, max(0, .5-half)), g.Quantile(since.Fine, min(1, .5+half)), true}
	}
}

// locate finds the confidence set of the onset and the interval of what was seen since.
func (e *explanation) locate(in *Instance, past []stretch, i int, by detector, l sequential.Leading, a *alarm, end int64) {
	var o sequential.Onset
	var ok bool
	c := in.cols[i]
	if m, mean := by.(*meanDetector); mean {
		o, ok = locateMean(in.meanPath(past, i), edgeOf(l), m.expected, l.Side)
	} else if m, steps := by.(*stepsDetector); steps {
		o, ok = in.locateSteps(past, i, m, l)
	} else if count := counter(c, by, l); count != nil {
		o, ok = locateShare(in.sharePath(past, i, count), edgeOf(l), l.Side)
	}
	if !ok {
		return
	}
	e.earliest, e.latest = end-int64(o.Earliest)*in.paneNs, end-int64(o.Latest)*in.paneNs
	a.onset = min(max(a.onset, e.earliest), e.latest)
	if o.Open {
		e.earliest = 0
	}
	e.bounds[0] = a.told[0].interval(l, o.Lo, o.Hi)
}

// interval is an interval of what leads as one of what is told: the page may tell the share of the other class.
func (t told) interval(l sequential.Leading, lo, hi float64) interval {
	if t.seen != l.Seen && t.seen == 1-l.Seen {
		lo, hi = 1-hi, 1-lo
	}
	return interval{min(lo, t.seen), max(hi, t.seen), true}
}

// edgeOf is the edge of the null interval that the change went beyond.
func edgeOf(l sequential.Leading) float64 {
	if l.Side == sequential.Down {
		return l.Lo
	}
	return l.Hi
}

// counter is how a detector's leading share is counted in a tally; nil when it is no share.
func counter(c *column, by detector, l sequential.Leading) func(t *tally) (k, n uint64) {
	if a, ok := by.(*apartDetector); ok && a.most() >= 0 {
		by = a.rates[a.most()]
	}
	switch d := by.(type) {
	case *rateDetector:
		return func(t *tally) (k, n uint64) {
			switch {
			case d.kind == rateMissing:
				return t.MissingTotal(), t.MissingTotal() + t.N
			case d.kind >= rateAbsent:
				return t.Missing[d.kind-rateAbsent], t.MissingTotal() + t.N
			case d.kind == rateRepeated:
				return t.Repeats, t.N
			case d.kind == rateUpdates:
				return t.pairs.compared - t.pairs.same, t.pairs.compared
			case d.kind == rateStale:
				if t.ages == nil {
					return 0, 0
				}
				return t.ages.stale, t.ages.n
			case len(t.Fine) == 0:
				return 0, 0
			default:
				return t.Fine[len(t.Fine)-1], t.N
			}
		}
	case *setsDetector:
		counts := make([]uint64, c.buckets())
		return func(t *tally) (k, n uint64) {
			clear(counts)
			addBuckets(c.base, counts, t)
			return d.sets.Counts(l.Set, counts[:len(d.ref)])
		}
	}
	return nil
}

// locateShare finds the onset twice: first against the edge of the null interval, then against what the records before
// that onset say was usual, which is nearer to the truth when the reference is a little off.
func locateShare(path []sequential.Span, edge float64, side sequential.Side) (sequential.Onset, bool) {
	first, ok := sequential.LocateOnset(path, edge, side, alphaExplain)
	if !ok || first.Open {
		return first, ok
	}
	var ago, k, n uint64
	for _, s := range slices.Backward(path) {
		if ago >= first.Earliest {
			k, n = k+s.K, n+s.N
		}
		ago += s.Buckets
	}
	before := (float64(k) + .5) / (float64(n) + 1)
	if n < enoughBefore || (before > edge) == (side == sequential.Up) {
		return first, true
	}
	if second, ok := sequential.LocateOnset(path, before, side, alphaExplain); ok {
		return second, true
	}
	return first, true
}

func locateMean(path []sequential.MeanSpan, edge, expected float64, side sequential.Side) (sequential.Onset, bool) {
	first, ok := sequential.LocateMeanOnset(path, edge, side, alphaExplain)
	if !ok || first.Open {
		return first, ok
	}
	var ago, n uint64
	sum := 0.
	for _, s := range slices.Backward(path) {
		if ago >= first.Earliest {
			sum, n = sum+s.Sum, n+s.N
		}
		ago += s.Units
	}
	if n < enoughBefore {
		return first, true
	}
	before := sum / float64(n)
	if (before > edge) == (side == sequential.Up) {
		before = expected
	}
	if second, ok := sequential.LocateMeanOnset(path, before, side, alphaExplain); ok {
		return second, true
	}
	return first, true
}

// movedBins are the bins or categories whose shares since the onset and in the reference cannot be the same, the
// largest change first.
func movedBins(c *column, since *tally) []movedBin {
	seen, ref := make([]uint64, c.buckets()), make([]uint64, c.buckets())
	addBuckets(c.base, seen, since)
	addBuckets(c.base, ref, &c.base.ref)
	return moved(seen, ref, func(bin int) string { return c.binName(bin) })
}

// movedReasons are the reasons for which more values, or fewer, are missing than in the reference, as shares of all
// records. What is there is no reason.
func movedReasons(ref, since *tally) []movedBin {
	counts := func(t *tally) []uint64 { return append(slices.Clone(t.Missing[:]), t.N) }
	return slices.DeleteFunc(moved(counts(since), counts(ref), func(reason int) string {
		if reason == numMissing {
			return ""
		}
		return detectors.MissingReason(reason).String()
	}), func(b movedBin) bool { return b.name == "" })
}

func moved(seen, ref []uint64, name func(bin int) string) []movedBin {
	var n, m uint64
	for i := range seen {
		n, m = n+seen[i], m+ref[i]
	}
	if n == 0 || m == 0 {
		return nil
	}
	var out []movedBin
	alpha := alphaExplain / float64(2*len(seen))
	for i := range seen {
		lo, hi := sequential.ClopperPearson(seen[i], n, alpha)
		was, were := sequential.ClopperPearson(ref[i], m, alpha)
		if lo > were || hi < was {
			out = append(out, movedBin{name(i), share(ref[i], m), share(seen[i], n)})
		}
	}
	slices.SortStableFunc(out, func(a, b movedBin) int {
		return cmp.Compare(math.Abs(b.seen-b.expected), math.Abs(a.seen-a.expected))
	})
	return out[:min(len(out), maxMovedBins)]
}

// binName says which values a histogram bucket or a category holds.
func (c *column) binName(bin int) string {
	if c.base.grid == nil {
		if bin < len(c.base.categories) {
			return c.base.categories[bin]
		}
		return nameOther
	}
	edges := c.base.grid.CoarseEdges()
	switch {
	case len(edges) == 0:
		return "all"
	case bin == 0:
		return "at or below " + formatNumber(edges[0])
	case bin >= len(edges):
		return "above " + formatNumber(edges[len(edges)-1])
	case math.Nextafter(edges[bin-1], math.Inf(1)) == edges[bin]:
		return "equal to " + formatNumber(edges[bin])
	default:
		return "above " + formatNumber(edges[bin-1]) + " up to " + formatNumber(edges[bin])
	}
}

// contributions ranks the columns by how much of what has changed in the model since the onset lies in them: the
// log-likelihood ratio between what was seen and the reference, over bins, categories and missing values, less what
// chance brings on average. It is about the data, not about evidence: tolerances and caps play no part.
func (in *Instance) contributions(onset, end int64) []contribution {
	var out []contribution
	total := 0.
	past := in.past(end)
	for i, c := range in.cols {
		if c.base == nil {
			continue
		}
		t := in.since(past, onset, i)
		if t.N+t.MissingTotal() == 0 {
			continue
		}
		seen, ref := make([]uint64, c.buckets()), make([]uint64, c.buckets())
		addBuckets(c.base, seen, t)
		addBuckets(c.base, ref, &c.base.ref)
		g := detectors.GTest(append(ref, c.base.ref.MissingTotal()), append(seen, t.MissingTotal()))
		// Below three standard errors of what chance brings, a column has not changed.
		if excess := (g.Statistic - float64(g.DoF)) / 2; excess > 1.5*math.Sqrt(2*float64(g.DoF)) && !math.IsInf(excess, 1) {
			out = append(out, contribution{c.name, excess})
			total += excess
		}
	}
	slices.SortStableFunc(out, func(a, b contribution) int { return cmp.Compare(b.share, a.share) })
	for i := range out {
		out[i].share /= total
	}
	out = slices.DeleteFunc(out, func(c contribution) bool { return c.share < leastContribution })
	return out[:min(len(out), maxContributions)]
}
