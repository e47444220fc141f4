package sequential

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// ErrScores says that the scores of a Steps make no mean.
var ErrScores = errors.New("want a score in [0,1] for each of 2 to 512 bins, not all of them equal")

// shareDeviations is how many standard deviations a bell curve moves while the share below its middle moves by 1 at the
// slope that it has there: the square root of 2 pi.
const shareDeviations = 2.5066282746310002

// StepsOptions configures a Steps.
type StepsOptions struct {
	// Z is how many standard errors of the reference's mean belong to the null interval. 0 means 3.5.
	Z float64
	// Tol is the smallest change worth a page, as a share as in SetsOptions: the mean may move by as many of the
	// reference's standard deviations as move the middle of a bell curve by that share (.02: a twentieth of one), and
	// by Tol itself where the deviation is large.
	Tol float64
	// Cap is the most log-evidence that one bucket may bring; see BucketCap. 0 means no cap.
	Cap float64
	// Varying says that SetsSeason.RetuneSteps will change the reference with the time of the week.
	Varying bool
}

// Steps is a Mean of a step function: each bin of a histogram has a score in [0,1], and the mean score is watched. It
// notices that a feature moved as a whole sooner than a Sets of the same bins, and sees nothing else.
//
// The function of the value is what is bounded, and its expectation is that of the reference's counts: nothing is taken
// from a histogram that is not exactly there. (Bounding the mean of the values themselves by the middles of bins is what
// would lose the promise, because the logarithm of a factor is concave.) So the sums of a bucket follow from the counts
// that were taken where the records came in, and cost nothing there. With the deciles of a bell curve as bins and their
// means as scores, four records in a hundred are lost against the mean of the values.
//
// It is a value of fixed size apart from the scores, which it shares with who built it.
type Steps struct {
	mean   Mean
	scores []float64
	o      StepsOptions
	center float64 // the reference's mean
}

// NewSteps builds a Steps from the reference's counts. The scores are kept, not copied.
func NewSteps(scores []float64, refCounts []uint64, o StepsOptions) (Steps, error) {
	n := len(scores)
	if n < 2 || n > MaxBins || len(refCounts) != n || slices.ContainsFunc(scores, func(x float64) bool { return !(x >= 0 && x <= 1) }) || slices.Max(scores) == slices.Min(scores) {
		return Steps{}, fmt.Errorf("%d scores for %d bins: %w", n, len(refCounts), ErrScores)
	}
	if !(o.Tol >= 0) || math.IsInf(o.Tol, 1) || !(o.Z >= 0) {
		return Steps{}, ErrTol
	}
	s := Steps{scores: scores, o: o}
	ref := scored(scores, refCounts)
	lo, hi := 0., 1. // the interval comes with the time of the week; until then nothing is bet on
	if !o.Varying {
		lo, hi = s.interval(ref, 0)
	}
	s.center = ref.mean()
	s.mean = NewMean(MeanOptions{Lo: lo, Hi: hi, Cap: o.Cap, Varying: o.Varying})
	return s, nil
}

// scored are the moments of the scores of a histogram.
func scored[N uint32 | uint64](scores []float64, counts []N) moments {
	var m moments
	for i, c := range counts {
		n := float64(c)
		m.n += n
		m.sum += n * scores[i]
		m.sq += n * scores[i] * scores[i]
	}
	return m
}

// seasonOptions are those of the null interval around a reference of these moments.
func (o *StepsOptions) seasonOptions(m moments) SeasonOptions {
	return SeasonOptions{Z: o.Z, Tol: o.Tol * min(1, shareDeviations*math.Sqrt(m.variance()))}
}

func (s *Steps) interval(m moments, slack float64) (lo, hi float64) {
	return m.interval(s.o.seasonOptions(m), slack)
}

// RetuneSteps gives the detector the reference of a slot, whose mean score may wander by slack on both sides. It keeps
// the evidence.
func (p *SetsSeason) RetuneSteps(d *Steps, slot int, slack float64) bool {
	counts := p.counts[slot]
	if len(counts) != len(d.scores) || !d.o.Varying {
		return false
	}
	m := scored(d.scores, counts)
	d.center = .5
	if m.n > 0 {
		d.center = m.mean()
	}
	d.mean.Retune(d.interval(m, slack))
	return true
}

// Sums turns the counts of a bucket into the sums of the current bets.
func (s *Steps) sums(counts []uint64) Sums {
	var out Sums
	for i, c := range counts {
		if c == 0 {
			continue
		}
		x, n := s.scores[i], float64(c)
		out.N += c
		out.Sum += n * x
		out.SumSq += n * x * x
		for j := range out.logs {
			if s.mean.bets.active[j] {
				out.logs[j] += n * math.Log(s.mean.bets.base[j]+s.mean.bets.slope[j]*x)
			}
		}
	}
	return out
}

// Update takes the counts of one bucket. Call it for empty buckets too: they are not a bet. It allocates nothing.
func (s *Steps) Update(counts []uint64) {
	sums := s.sums(counts)
	s.mean.Update(&sums)
}

// Moments are the sums of a bucket for a MeanRecovery, which takes no bets.
func (s *Steps) Moments(counts []uint64) Sums {
	m := scored(s.scores, counts)
	return Sums{N: uint64(m.n), Sum: m.sum, SumSq: m.sq}
}

// Expected is the reference's mean score.
func (s *Steps) Expected() float64 { return s.center }

// Components returns how many bets the evidence is averaged over.
func (s *Steps) Components() int { return s.mean.Components() }

// Interval returns the current null interval of the mean score.
func (s *Steps) Interval() (lo, hi float64) { return s.mean.Interval() }

// LogEvidence returns the logarithm of the average evidence over the bets. It is -Inf before the first one.
func (s *Steps) LogEvidence() float64 { return s.mean.LogEvidence() }

// Reset forgets all evidence, as after an alarm.
func (s *Steps) Reset() { s.mean.Reset() }

// Leading returns the bet with the most evidence; Seen, Lo and Hi are mean scores.
func (s *Steps) Leading() Leading { return s.mean.Leading() }

// MarshalAppend appends the evidence, without the options, to dst: at most 560 bytes.
func (s *Steps) MarshalAppend(dst []byte) []byte { return s.mean.MarshalAppend(dst) }

// Unmarshal restores evidence that a detector with the same options and reference saved. On error the receiver is
// unchanged.
func (s *Steps) Unmarshal(data []byte) error { return s.mean.Unmarshal(data) }

// StepsWander is how a mean score moves around its season: its standard deviation, and how many of them belong to the
// null interval.
type StepsWander struct {
	Sigma float64 `json:"sigma"`
	Kappa float64 `json:"kappa"`
}

// Slack is what the wander adds to both sides of the null interval.
func (w *StepsWander) Slack() float64 { return w.Kappa * w.Sigma }

// Valid says whether the numbers are those of a wander.
func (w *StepsWander) Valid() bool {
	return w.Sigma >= 0 && w.Kappa >= 0 && !math.IsInf(w.Slack(), 1) && !math.IsNaN(w.Slack())
}

// BoundSteps is the wander of the mean score for a profile whose reference did not measure it. When the shares below the
// edges of an ordered histogram move by s in log-odds, none moves by more than s/4, and neither does a mean of ascending
// scores in [0,1].
func (p *SetsProfile) BoundSteps() StepsWander {
	return StepsWander{Sigma: p.Sigma / 4, Kappa: p.Kappa}
}

// LearnSteps finds the wander of the mean score in a reference, in the calendar that LearnSets chose for its bins. stable
// is false when even the widest slack does not explain the reference.
func LearnSteps(ref []CountsObservation, scores []float64, o StepsOptions, calendar string, replay ReplayOptions) (w StepsWander, stable bool, err error) {
	cal, err := ParseCalendar(calendar)
	if err != nil {
		return StepsWander{}, false, err
	}
	replay.Calendar = &cal
	obs, all := make([]MeanObservation, len(ref)), moments{}
	for i, b := range ref {
		if len(b.Counts) != len(scores) {
			return StepsWander{}, false, fmt.Errorf("bucket %d has %d bins for %d scores: %w", i, len(b.Counts), len(scores), ErrBins)
		}
		m := scored(scores, b.Counts)
		obs[i] = MeanObservation{Minute: b.Minute, N: uint64(m.n), Sum: m.sum, SumSq: m.sq, Drop: b.Drop, Part: b.Part}
		all.n, all.sum, all.sq = all.n+m.n, all.sum+m.sum, all.sq+m.sq
	}
	l, err := LearnMean(obs, LearnMeanOptions{SeasonOptions: o.seasonOptions(all), ReplayOptions: replay})
	return StepsWander{Sigma: l.Profile.Sigma, Kappa: l.Profile.Kappa}, l.Stable, err
}
