package sequential

import (
	"errors"
	"fmt"
	"math"
	"slices"
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
	Bin  int  // the last bin of a prefix, or the single bin
	Of   bool // true when the share is of the regular bins only, false when it is of all records
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
	ErrAlpha = errors.New("Alpha must lie between 0 and 1")
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
	// Exact takes the reference's shares as the truth instead of as a sample. Only simulations know the truth: with
	// the shares of a finite sample it breaks the promise.
	Exact bool
}

// Sets is the set-family e-detector of a histogram or of categories: every prefix of the ordered bins and every
// single bin is a rate stream whose null interval is the Clopper-Pearson interval of the reference, widened by the
// tolerances, and the evidence is the plain average over all sets, sides and alternatives. Its memory is fixed when
// it is built: 64 bytes times the components, and 10 components a set.
type Sets struct {
	bins, regular int
	ceil          float64
	sets          []setState
	bets          []bet
	side          []Side
	toward        []float64
	fingerprint   uint64

	m        []float64
	marks    []mark
	total    uint64 // buckets
	all      uint64 // records
	ofBins   uint64 // records in regular bins
	prefixes []uint64
}

type setState struct {
	set    Set
	lo, hi float64
	first  int // its components are first..end-1
	end    int
	k      uint64  // since Reset
	sum    float64 // of its components' evidence
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
	s := &Sets{bins: len(refCounts), regular: len(refCounts) - o.Extra, ceil: ceiling(o.Cap)}
	s.prefixes = make([]uint64, s.regular)
	list := s.list(o.Ordered)
	var all, regular uint64
	for i, c := range refCounts {
		all += c
		if i < s.regular {
			regular += c
		}
	}
	steps := o.steps()
	for _, set := range list {
		k, n := uint64(0), all
		if set.Of {
			n = regular
		}
		for bin, c := range refCounts {
			if set.Contains(bin) {
				k += c
			}
		}
		st := setState{set: set, first: len(s.bets)}
		st.lo, st.hi = o.interval(k, n, len(list))
		for _, side := range [...]Side{Up, Down} {
			edge := st.hi
			if side == Down {
				edge = st.lo
			}
			for _, g := range steps {
				if b, q, ok := betBeyond(edge, g, side); ok {
					s.bets = append(s.bets, b)
					s.side = append(s.side, side)
					s.toward = append(s.toward, q)
				}
			}
		}
		st.end = len(s.bets)
		s.sets = append(s.sets, st)
	}
	s.bets, s.side, s.toward = slices.Clip(s.bets), slices.Clip(s.side), slices.Clip(s.toward)
	s.m = make([]float64, len(s.bets))
	s.marks = make([]mark, len(s.bets))
	s.fingerprint = s.fingerprintOf()
	return s, nil
}

// list is the family: prefixes first, then single bins. With one regular bin its share is always 1, so it has no set.
func (s *Sets) list(ordered bool) []Set {
	var out []Set
	if s.regular > 1 {
		if ordered {
			for j := range s.regular - 1 {
				out = append(out, Set{Kind: Prefix, Bin: j, Of: true})
			}
		}
		for j := range s.regular {
			out = append(out, Set{Kind: Single, Bin: j, Of: true})
		}
	}
	for j := s.regular; j < s.bins; j++ {
		out = append(out, Set{Kind: Single, Bin: j})
	}
	return out
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

func (o *SetsOptions) interval(k, n uint64, sets int) (lo, hi float64) {
	if o.Exact && n > 0 {
		lo = float64(k) / float64(n)
		hi = lo
	} else {
		lo, hi = ClopperPearson(k, n, o.Alpha/float64(sets))
	}
	lo, hi = max(0, lo-o.Tol), min(1, hi+o.Tol)
	if o.Slack > 0 && lo > 0 {
		lo = expit(logit(lo) - o.Slack)
	}
	if o.Slack > 0 && hi < 1 {
		hi = expit(logit(hi) + o.Slack)
	}
	return lo, hi
}

// Components returns how many bets there are.
func (s *Sets) Components() int { return len(s.bets) }

// Len returns the number of sets, and Interval the set with that number and its null interval.
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
	if all == 0 {
		return true
	}
	for i := range s.sets {
		st := &s.sets[i]
		k, n, cumulative := counts[st.set.Bin], all, s.all
		if st.set.Of {
			n, cumulative = regular, s.ofBins
		}
		if st.set.Kind == Prefix {
			k = s.prefixes[st.set.Bin]
		}
		if n == 0 {
			// Nothing was seen that this set is a share of: not a bet.
			continue
		}
		st.k += k
		st.sum = s.step(st, float64(k), float64(n-k), mark{s.total, st.k, cumulative})
	}
	return true
}

func (s *Sets) step(st *setState, hits, misses float64, now mark) (sum float64) {
	sum = growAll(s.m[st.first:st.end], s.bets[st.first:st.end], hits, misses, s.ceil)
	for c := st.first; c < st.end; c++ {
		if s.m[c] <= 1 {
			s.marks[c] = now
		}
	}
	return sum
}

// LogEvidence returns the logarithm of the average evidence over all components that bet. It is -Inf before the first
// bet, and for a reference that allows none.
func (s *Sets) LogEvidence() float64 {
	if len(s.m) == 0 {
		return math.Inf(-1)
	}
	sum := 0.0
	for i := range s.sets {
		sum += s.sets[i].sum
	}
	return math.Log(sum / float64(len(s.m)))
}

// Reset forgets all evidence, as after an alarm.
func (s *Sets) Reset() {
	clear(s.m)
	clear(s.marks)
	s.total, s.all, s.ofBins = 0, 0, 0
	for i := range s.sets {
		s.sets[i].k, s.sets[i].sum = 0, 0
	}
}

// Leading returns the set, side and alternative with the most evidence.
func (s *Sets) Leading() Leading {
	out := Leading{LogEvidence: math.Inf(-1), Hi: 1, Seen: math.NaN()}
	best := -1
	for c := range s.m {
		if best < 0 || s.m[c] > s.m[best] {
			best = c
		}
	}
	if best < 0 {
		return out
	}
	for i := range s.sets {
		if st := &s.sets[i]; best >= st.first && best < st.end {
			return s.describe(st, best)
		}
	}
	return out
}

func (s *Sets) describe(st *setState, c int) Leading {
	since, n := s.marks[c], s.all
	if st.set.Of {
		n = s.ofBins
	}
	out := Leading{
		Set: st.set, Side: s.side[c], Toward: s.toward[c], LogEvidence: math.Log(s.m[c]),
		BucketsAgo: s.total - since.buckets, K: st.k - since.k, N: n - since.n,
		Lo: st.lo, Hi: st.hi, Seen: math.NaN(),
	}
	if out.N > 0 {
		out.Seen = float64(out.K) / float64(out.N)
	}
	return out
}
