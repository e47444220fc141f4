package sequential

import (
	"errors"
	"fmt"
	"math"
)

// SetKind says how a set of bins is made.
type SetKind uint8

const (
	// NoSet is the zero value, for detectors that have no bins.
	NoSet SetKind = iota
	// Prefix is all ordered bins up to and including one.
	Prefix
	// Single is one bin.
	Single
)

// Set is a set of bins whose share is one rate stream of the family.
type Set struct {
	Kind SetKind
	Of   bool // true when the share is of the regular bins only, false when it is of all records
	Bin  int  // the last bin of a prefix, or the single bin
}

// Contains says whether a bin belongs to the set.
func (s Set) Contains(bin int) bool {
	return s.Kind == Prefix && bin <= s.Bin || s.Kind == Single && bin == s.Bin
}

// MaxBins is the largest number of bins of one Sets.
const MaxBins = 512

// Errors of NewSets.
var (
	ErrBins  = errors.New("bins are out of bounds")
	ErrAlpha = errors.New("alpha must lie between 0 and 1")
	ErrTol   = errors.New("a tolerance must be a finite number of at least 0")
)

// defaultSetSteps are the distances beyond a set's null interval, in log-odds, that are bet on.
var defaultSetSteps = []float64{.1, .25, .6, 1.2, 2.5}

// SetsOptions configures a Sets.
type SetsOptions struct {
	// Alpha is the probability, over the draw of the reference, that it misleads anywhere in this feature: the error
	// of the whole model (5 %, say) divided by the number of features. It is shared by the sets.
	Alpha float64
	// Tol widens every null interval by a share on both sides: the smallest change of a share worth a page.
	Tol float64
	// Slack widens every null interval in log-odds on both sides: a smallest effect as an odds ratio (its logarithm),
	// or kappa*sigma of a slow wander.
	Slack float64
	// Cap is the most log-evidence that one bucket may bring; see BucketCap. 0 means no cap.
	Cap float64
	// Ordered adds the prefixes of the regular bins to the single bins: for numbers, where neighbours move together.
	Ordered bool
	// Extra is how many of the last bins stand outside the order (missing, unseen): single bins, shares of all
	// records. The other bins are the regular ones, and their sets are shares of the records in regular bins, so
	// that a rise of missing values is not told as a fall of everything else.
	Extra int
	// Multipliers are the odds ratios (> 1) beyond the interval that are bet on. Nil means exp of .1, .25, .6, 1.2, 2.5.
	Multipliers []float64
	// Varying says that Retune will change the reference with the time of the week.
	Varying bool
	// Exact takes the reference's shares as the truth instead of as a sample. Only simulations know the truth: with
	// the shares of a finite sample it breaks the promise.
	Exact bool
}

// Sets is the set-family e-detector of a histogram or of categories: every prefix of the ordered bins and every
// single bin is a rate stream whose null interval is the Clopper-Pearson interval of the reference, widened by the
// tolerances, and the evidence is the plain average over all sets, sides and alternatives. Its memory is fixed when
// it is built: 40 bytes times the components, 10 components a set, and 72 bytes a set.
type Sets struct {
	bins, regular int
	o             SetsOptions
	ceil          float64
	steps         []float64
	factors       []float64 // e^step
	sets          []setState
	family        int     // sets, those that are counted twice twice
	active        float64 // components that bet, by weight; all of them when Varying
	fingerprint   uint64

	// Components of set i: those that bet on a rise, then those that bet on a fall, from i*2*len(steps).
	bets     []bet
	m        []float64
	marks    []smallMark
	total    uint64 // buckets
	all      uint64 // records
	ofBins   uint64 // records in regular bins
	prefixes []uint64

	reference []uint64 // scratch of SetsSeason.Retune
}

type setState struct {
	set    Set
	weight float64
	lo, hi float64
	bets   [2]bool    // by side: whether anything lies beyond the interval
	k      uint64     // since Reset
	sum    [2]float64 // of the evidence by side
}

// NewSets builds the detector of one feature from the reference's count of every bin. A set about which the reference
// says nothing, or beyond whose interval nothing lies, does not bet on that side.
func NewSets(refCounts []uint64, o SetsOptions) (*Sets, error) {
	if len(refCounts) == 0 || len(refCounts) > MaxBins || o.Extra < 0 || o.Extra > len(refCounts) {
		return nil, fmt.Errorf("%d bins of which %d are extra, at most %d: %w", len(refCounts), o.Extra, MaxBins, ErrBins)
	}
	if !o.Exact && !(o.Alpha > 0 && o.Alpha < 1) {
		return nil, fmt.Errorf("alpha %v: %w", o.Alpha, ErrAlpha)
	}
	if !(o.Tol >= 0 && o.Tol < 1) || !(o.Slack >= 0) || math.IsInf(o.Slack, 1) {
		return nil, fmt.Errorf("share %v, log-odds %v: %w", o.Tol, o.Slack, ErrTol)
	}
	s := &Sets{bins: len(refCounts), regular: len(refCounts) - o.Extra, o: o, ceil: ceiling(o.Cap), steps: o.steps()}
	s.prefixes, s.factors = make([]uint64, s.regular), factorsOf(s.steps)
	s.sets, s.family = s.list(o.Ordered)
	s.bets = make([]bet, 2*len(s.steps)*len(s.sets))
	s.m = make([]float64, len(s.bets))
	s.marks = make([]smallMark, len(s.bets))
	s.tune(refCounts, o.Slack)
	s.fingerprint = s.fingerprintOf()
	return s, nil
}

// Retune replaces the reference by that of another part of the week and keeps the evidence: the null of a bucket may
// be anything that was fixed before the bucket began. The detector must have been built with Varying. It returns
// false, and changes nothing, when it was not, or when the number of bins is another one. It allocates nothing.
func (s *Sets) Retune(refCounts []uint64, slack float64) bool {
	if len(refCounts) != s.bins || !s.o.Varying || !(slack >= 0) {
		return false
	}
	s.tune(refCounts, s.o.Slack+slack)
	return true
}

func (s *Sets) tune(refCounts []uint64, slack float64) {
	var all, regular uint64
	for i, c := range refCounts {
		if all += c; i < s.regular {
			regular = all
			s.prefixes[i] = all
		}
	}
	s.active = 0
	steps := len(s.steps)
	for i := range s.sets {
		st := &s.sets[i]
		k, n := refCounts[st.set.Bin], all
		if st.set.Of {
			n = regular
		}
		if st.set.Kind == Prefix {
			k = s.prefixes[st.set.Bin]
		}
		st.lo, st.hi = s.o.interval(k, n, s.family, slack)
		for side, edge := range [2]float64{Up: st.hi, Down: st.lo} {
			st.bets[side] = betsBeyond(s.bets[(2*i+side)*steps:][:steps], s.steps, s.factors, edge, Side(side))
			if st.bets[side] || s.o.Varying {
				s.active += st.weight * float64(steps)
			}
		}
	}
}

// list is the family: prefixes first, then single bins. With one regular bin its share is always 1, so it has no
// set. The first prefix is the first bin, and the last prefix is all but the last bin: their evidence is that of
// these bins to the last digit, so they are not computed but counted twice.
func (s *Sets) list(ordered bool) (out []setState, family int) {
	last := s.regular - 1
	out = make([]setState, 0, s.bins+max(0, last-2)) // no more than there are: every column has some
	if ordered {
		for j := 1; j < last-1; j++ {
			out = append(out, setState{set: Set{Kind: Prefix, Bin: j, Of: true}, weight: 1})
		}
	}
	for j := 0; j <= last && last > 0; j++ {
		weight := 1.
		if ordered && (j == 0 || j == last && last > 1) {
			weight = 2
		}
		out = append(out, setState{set: Set{Kind: Single, Bin: j, Of: true}, weight: weight})
	}
	for j := s.regular; j < s.bins; j++ {
		out = append(out, setState{set: Set{Kind: Single, Bin: j}, weight: 1})
	}
	for i := range out {
		family += int(out[i].weight)
	}
	return out, family
}

func (o *SetsOptions) steps() []float64 {
	if o.Multipliers == nil {
		return defaultSetSteps
	}
	var out []float64
	for _, mult := range o.Multipliers {
		if g := math.Log(mult); g > 0 && !math.IsInf(g, 1) && len(out) < maxComponents/2 {
			out = append(out, g)
		}
	}
	return out
}

func (o *SetsOptions) interval(k, n uint64, sets int, slack float64) (lo, hi float64) {
	switch {
	case o.Exact && n > 0:
		lo = float64(k) / float64(n)
		hi = lo
	case o.Varying:
		// Many references a day: the fast interval.
		lo, hi = shareInterval(float64(k), float64(n), o.Alpha/float64(sets))
	default:
		lo, hi = ClopperPearson(k, n, o.Alpha/float64(sets))
	}
	lo, hi = max(0, lo-o.Tol), min(1, hi+o.Tol)
	if slack > 0 && lo > 0 {
		lo = expit(logit(lo) - slack)
	}
	if slack > 0 && hi < 1 {
		hi = expit(logit(hi) + slack)
	}
	return lo, hi
}

// Components returns how many bets the evidence is averaged over.
func (s *Sets) Components() int { return int(s.active) }

// Len returns the number of sets that are computed.
func (s *Sets) Len() int { return len(s.sets) }

// Interval returns the i-th set of the family and its null interval.
func (s *Sets) Interval(i int) (set Set, lo, hi float64) {
	return s.sets[i].set, s.sets[i].lo, s.sets[i].hi
}

// Counts returns k and n of a set for one bucket's counts: what a Recovery of that set takes.
func (s *Sets) Counts(set Set, counts []uint64) (k, n uint64) {
	for bin, c := range counts {
		if set.Contains(bin) {
			k += c
		}
		if !set.Of || bin < s.regular {
			n += c
		}
	}
	return k, n
}

// Update takes the counts of one bucket, one a bin, in the order of the reference's. Call it for empty buckets too:
// they are not a bet. It returns false, and takes nothing, when the number of bins is not the reference's. It
// allocates nothing.
func (s *Sets) Update(counts []uint64) bool {
	if len(counts) != s.bins {
		return false
	}
	s.total++
	var regular uint64
	for j, c := range counts[:s.regular] {
		regular += c
		s.prefixes[j] = regular
	}
	all := regular
	for _, c := range counts[s.regular:] {
		all += c
	}
	s.all += all
	s.ofBins += regular
	for i := range s.sets {
		st := &s.sets[i]
		k, n, cumulative := counts[st.set.Bin], all, s.all
		if st.set.Of {
			n, cumulative = regular, s.ofBins
		}
		if st.set.Kind == Prefix {
			k = s.prefixes[st.set.Bin]
		}
		st.k += k
		now := mark{s.total, st.k, cumulative}
		for side, bet := range st.bets {
			// When nothing was seen that this set is a share of, it is not a bet.
			if bet && n > 0 {
				st.sum[side] = s.grow(2*i+side, float64(k), float64(n-k))
			}
			s.remark(2*i+side, now)
		}
	}
	return true
}

// grow is the hot loop: one exponential a component.
func (s *Sets) grow(block int, hits, misses float64) (sum float64) {
	steps := len(s.steps)
	return growAll(s.m[block*steps:][:steps], s.bets[block*steps:][:steps], hits, misses, s.ceil)
}

// remark moves the onset of components to this bucket when nothing since the old one speaks for their alternative, as
// for Rate.
func (s *Sets) remark(block int, now mark) {
	steps := len(s.steps)
	marks, bets := s.marks[block*steps:][:steps], s.bets[block*steps:][:steps]
	small := now.small()
	for c, v := range s.m[block*steps:][:steps] {
		if v > 1 {
			old := marks[c].mark()
			k, n := float64(now.k-old.k), float64(now.n-old.n)
			if k*bets[c].hit+(n-k)*bets[c].miss > 0 {
				continue
			}
		}
		marks[c] = small
	}
}

// LogEvidence returns the logarithm of the average evidence over all components that bet. It is -Inf before the first
// bet, and for a reference that allows none.
func (s *Sets) LogEvidence() float64 {
	if s.active == 0 {
		return math.Inf(-1)
	}
	sum := 0.0
	for i := range s.sets {
		st := &s.sets[i]
		sum += st.weight * (st.sum[Up] + st.sum[Down])
	}
	return math.Log(sum / s.active)
}

// Reset forgets all evidence, as after an alarm.
func (s *Sets) Reset() {
	clear(s.m)
	clear(s.marks)
	s.total, s.all, s.ofBins = 0, 0, 0
	for i := range s.sets {
		s.sets[i].k, s.sets[i].sum = 0, [2]float64{}
	}
}

// Leading returns the set, side and alternative with the most evidence.
func (s *Sets) Leading() Leading {
	out := Leading{LogEvidence: math.Inf(-1), Hi: 1, Seen: math.NaN()}
	best := 0
	for c := range s.m {
		if s.m[c] > s.m[best] {
			best = c
		}
	}
	if s.active == 0 || s.m[best] == 0 {
		return out
	}
	steps := len(s.steps)
	st := &s.sets[best/(2*steps)]
	out.Set, out.Lo, out.Hi = st.set, st.lo, st.hi
	out.LogEvidence = math.Log(s.m[best])
	out.Side = Side(best / steps % 2)
	edge := st.hi
	if out.Side == Down {
		edge = st.lo
	}
	_, out.Toward, _ = betBeyond(edge, s.steps[best%steps], out.Side)
	since, now := s.marks[best].mark(), s.now(st)
	out.BucketsAgo, out.K, out.N = now.buckets-since.buckets, now.k-since.k, now.n-since.n
	if out.N > 0 {
		out.Seen = float64(out.K) / float64(out.N)
	}
	return out
}

// now is what a mark of this set would be in this bucket.
func (s *Sets) now(st *setState) mark {
	if st.set.Of {
		return mark{s.total, st.k, s.ofBins}
	}
	return mark{s.total, st.k, s.all}
}
