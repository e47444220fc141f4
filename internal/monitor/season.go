package monitor

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/plumbline-ml/plumbline/detectors/sequential"
)

const (
	// halfHour is how finely a reference knows the time of the week.
	halfHour = 30 * time.Minute
	// seasonDays is how many days a reference must cover before it knows seasons: each of them twice.
	seasonDays = 14
	// matureDays is how many days it must cover before its own wander is known well.
	matureDays = 28
	// maxHalfHours bounds the history that a season is learned from: the last 366 days.
	maxHalfHours = 366 * 48
)

// season is what a reference knows of a column at each time of the week: a profile for each quantity that is watched,
// with the slow wander that a replay of the reference has shown. Nil profiles are quantities that cannot be watched.
// It is immutable.
type season struct {
	Days     float64                   `json:"days"`               // covered by the reference
	Dropped  int                       `json:"dropped,omitempty"`  // half hours that were left out, or bursts in them: outliers and incidents
	Unstable bool                      `json:"unstable,omitempty"` // even the widest slack does not explain the reference: tickets only
	Missing  *sequential.SeasonProfile `json:"missing,omitempty"`
	Repeats  *sequential.SeasonProfile `json:"repeats,omitempty"`
	Unseen   *sequential.SeasonProfile `json:"unseen,omitempty"`
	Bins     *sequential.SetsProfile   `json:"bins,omitempty"`
	Mean     *sequential.MeanProfile   `json:"mean,omitempty"`
	Steps    *sequential.StepsWander   `json:"steps,omitempty"` // of the mean of a number's bins; nil means as much as the bins show
}

// kappa is the largest of the profiles.
func (s *season) kappa() float64 {
	k := 0.
	for _, p := range [...]*sequential.SeasonProfile{s.Missing, s.Repeats, s.Unseen} {
		if p != nil {
			k = max(k, p.Kappa)
		}
	}
	if s.Bins != nil {
		k = max(k, s.Bins.Kappa)
	}
	if s.Mean != nil {
		k = max(k, s.Mean.Kappa)
	}
	if s.Steps != nil {
		k = max(k, s.Steps.Kappa)
	}
	return k
}

// halfHourCounts is what was counted of a column in one half hour, or in a part of one.
type halfHourCounts struct {
	minute int64 // of its start, in the zone of the season
	drop   bool
	part   float64 // share of a half hour that it covers; 0 means all of it
	bucketColumn
	moments moments
}

// moments are those of a score, clipped to [0,1].
type moments struct {
	n       uint64
	sum, sq float64
}

func (m *moments) add(o moments) { m.n, m.sum, m.sq = m.n+o.n, m.sum+o.sum, m.sq+o.sq }

func (b *bucketColumn) add(o *bucketColumn) {
	for i, n := range o.counts {
		b.counts[i] += n
	}
	b.present += o.present
	b.missing += o.missing
	b.repeats += o.repeats
}

// seasonMinute is the minute of an event time in the zone of the season: that of the model's logs.
func (in *Instance) seasonMinute(t int64) int64 {
	if loc := in.model.Logs.Location; loc != nil && loc != time.UTC {
		_, offset := time.Unix(0, t).In(loc).Zone()
		t += int64(offset) * int64(time.Second)
	}
	return floorDiv(t, int64(time.Minute))
}

// replay is what a replay of the reference must stay below.
func (in *Instance) replay(days float64) sequential.ReplayOptions {
	var calendar *sequential.Calendar
	if in.model.Reference.Flat {
		flat := sequential.Flat
		calendar = &flat
	}
	return sequential.ReplayOptions{
		Calendar: calendar,
		LogA:     in.evidence.logA + math.Log(capStreams), Weight: 1. / capStreams,
		PerBucket: float64(in.unitNs()) / float64(in.bucketNs), Days: days,
	}
}

// fitSeason learns the season of a column from its half hours, in order of time.
func (in *Instance) fitSeason(c *column, ref []halfHourCounts, days float64) (*season, error) {
	out := &season{Days: days}
	// An hour comes twice when daylight saving time ends.
	slices.SortStableFunc(ref, func(a, b halfHourCounts) int { return cmp.Compare(a.minute, b.minute) })
	rate := func(counts func(*halfHourCounts) (k, n uint64), tol float64) *sequential.SeasonProfile {
		obs := make([]sequential.Observation, len(ref))
		for i := range ref {
			k, n := counts(&ref[i])
			obs[i] = sequential.Observation{Minute: ref[i].minute, K: min(k, n), N: n, Drop: ref[i].drop, Part: ref[i].part}
		}
		l, err := sequential.LearnSeason(obs, sequential.LearnOptions{
			SeasonOptions: sequential.SeasonOptions{Share: tol}, ReplayOptions: in.replay(days), UpOnly: true,
		})
		if err != nil {
			return nil
		}
		l.Profile.Days = max(l.Profile.Days, days)
		out.Dropped, out.Unstable = max(out.Dropped, l.Dropped), out.Unstable || !l.Stable
		return &l.Profile
	}
	out.Missing = rate(func(h *halfHourCounts) (k, n uint64) { return h.missing, h.missing + h.present }, c.tol.Share)
	// Whether values repeat is judged far above what is natural; the wander there is without interest.
	out.Repeats = rate(func(h *halfHourCounts) (k, n uint64) { return h.repeats, h.present }, frozenFloor)
	opts := in.setsOptions(c)
	bins := make([]sequential.CountsObservation, len(ref))
	width := c.buckets()
	if c.base.grid == nil {
		width = len(c.base.categories)
		out.Unseen = rate(func(h *halfHourCounts) (k, n uint64) { return h.counts[width], h.present }, c.shareTolerance(rateUnseen))
	}
	for i := range ref {
		bins[i] = sequential.CountsObservation{Minute: ref[i].minute, Counts: ref[i].counts[:width], Drop: ref[i].drop, Part: ref[i].part}
	}
	if width > 1 && width <= sequential.MaxBins {
		l, err := sequential.LearnSets(bins, opts, in.replay(days))
		switch {
		case err == nil:
			l.Profile.Days = max(l.Profile.Days, days)
			out.Bins = &l.Profile
			out.Dropped, out.Unstable = max(out.Dropped, l.Dropped), out.Unstable || !l.Stable
		case !errors.Is(err, sequential.ErrReference):
			return nil, fmt.Errorf("learn the season of %s: %w", c.name, err)
		}
	}
	if scores := in.stepScores(c); scores != nil && out.Bins != nil {
		w, stable, err := sequential.LearnSteps(bins, scores, in.stepsOptions(c), out.Bins.Calendar, in.replay(days))
		if err == nil {
			out.Steps, out.Unstable = &w, out.Unstable || !stable
		}
	}
	if c.isScore && in.model.Score.Kind == KindProbability {
		obs := make([]sequential.MeanObservation, len(ref))
		for i := range ref {
			m := &ref[i].moments
			obs[i] = sequential.MeanObservation{Minute: ref[i].minute, N: m.n, Sum: m.sum, SumSq: m.sq, Drop: ref[i].drop, Part: ref[i].part}
		}
		l, err := sequential.LearnMean(obs, sequential.LearnMeanOptions{SeasonOptions: in.meanOptions(c), ReplayOptions: in.replay(days)})
		switch {
		case err == nil:
			l.Profile.Days = max(l.Profile.Days, days)
			out.Mean = &l.Profile
			out.Dropped, out.Unstable = max(out.Dropped, l.Dropped), out.Unstable || !l.Stable
		case !errors.Is(err, sequential.ErrReference):
			return nil, fmt.Errorf("learn the season of %s: %w", c.name, err)
		}
	}
	return out, nil
}

// flatSeason is the season of a reference that is too short for one, or that was accepted just now: the same at any
// time of the week.
func (in *Instance) flatSeason(c *column, b *bucketColumn, m moments, days float64) *season {
	rate := func(k, n uint64) *sequential.SeasonProfile {
		if n == 0 {
			return nil
		}
		return &sequential.SeasonProfile{Calendar: sequential.Flat.String(), K: []uint64{min(k, n)}, N: []uint64{n}, Days: days}
	}
	out := &season{Days: days, Missing: rate(b.missing, b.missing+b.present), Repeats: rate(b.repeats, b.present)}
	width := len(b.counts)
	if c.base.grid == nil {
		width--
		out.Unseen = rate(b.counts[width], b.present)
	}
	if width > 1 && width <= sequential.MaxBins && b.present > 0 {
		out.Bins = &sequential.SetsProfile{Calendar: sequential.Flat.String(), Counts: [][]uint64{append([]uint64(nil), b.counts[:width]...)}, Days: days}
	}
	if c.isScore && in.model.Score.Kind == KindProbability && m.n > 0 {
		out.Mean = &sequential.MeanProfile{Calendar: sequential.Flat.String(), N: []uint64{m.n}, Sum: []float64{m.sum}, SumSq: []float64{m.sq}, Days: days}
	}
	return out
}

// referenceCounts are the reference's counts as a bucket has them.
func (c *column) referenceCounts() (bucketColumn, moments) {
	ref := &c.base.ref
	b := bucketColumn{counts: make([]uint64, c.buckets()), present: ref.N, missing: ref.MissingTotal(), repeats: min(ref.Repeats, ref.N)}
	addBuckets(c.base, b.counts, ref)
	m := moments{}
	if c.isScore && c.base.grid != nil && ref.N > 0 {
		mean, sd := ref.Mean(c.base.grid), ref.SD()
		mean = min(max(mean, 0), 1)
		m.n, m.sum = ref.N, mean*float64(ref.N)
		m.sq = min(m.sum, (sd*sd+mean*mean)*float64(ref.N))
	}
	return b, m
}

// valid says whether a season of a file has the shape of a column with so many bins.
func (s *season) valid(bins int) error {
	var errs []error
	for _, p := range [...]*sequential.SeasonProfile{s.Missing, s.Repeats, s.Unseen} {
		if p != nil {
			_, err := sequential.NewSeason(*p, sequential.SeasonOptions{})
			errs = append(errs, err)
		}
	}
	if p := s.Bins; p != nil {
		_, err := sequential.NewSetsSeason(*p)
		errs = append(errs, err)
		if err == nil && len(p.Counts[0]) != bins {
			errs = append(errs, fmt.Errorf("season has %d bins, the column %d", len(p.Counts[0]), bins))
		}
	}
	if p := s.Mean; p != nil {
		_, err := sequential.NewMeanSeason(*p, sequential.SeasonOptions{})
		errs = append(errs, err)
	}
	if s.Steps != nil && !s.Steps.Valid() {
		errs = append(errs, fmt.Errorf("the mean of the bins wanders by %v times %v: %w", s.Steps.Kappa, s.Steps.Sigma, sequential.ErrProfile))
	}
	if !(s.Days >= 0) || math.IsInf(s.Days, 1) {
		errs = append(errs, errors.New("season covers no number of days"))
	}
	return errors.Join(errs...)
}

// check says whether a season fits the column: it comes from a file.
func (s *season) check(c *column, in *Instance) error {
	_, err := in.makeSeasons(c, s, s.kappa())
	return err
}

// seasons are the null intervals of a column by time of the week, made from its season.
type seasons struct {
	missing, repeats, unseen *sequential.Season
	bins                     *sequential.SetsSeason
	mean                     *sequential.MeanSeason
	steps                    float64 // how far the mean of the bins may wander
}

// makeSeasons makes the intervals. All profiles are given the model's kappa: each one's own is the smallest that its
// replay got away with, and among many the lucky ones would spend the budget of all.
func (in *Instance) makeSeasons(c *column, s *season, kappa float64) (*seasons, error) {
	out := &seasons{}
	var errs []error
	rate := func(p *sequential.SeasonProfile, tol float64) *sequential.Season {
		if p == nil {
			return nil
		}
		wide := *p
		wide.Kappa = kappa
		r, err := sequential.NewSeason(wide, sequential.SeasonOptions{Share: tol})
		errs = append(errs, err)
		return r
	}
	out.missing, out.unseen, out.repeats = rate(s.Missing, c.tol.Share), rate(s.Unseen, c.shareTolerance(rateUnseen)), rate(s.Repeats, 0)
	if s.Bins != nil {
		wide := *s.Bins
		wide.Kappa = kappa
		r, err := sequential.NewSetsSeason(wide)
		width := c.buckets()
		if c.base.grid == nil {
			width = len(c.base.categories)
		}
		if err == nil && len(r.Counts(0)) != width {
			err = fmt.Errorf("season has %d bins, the column %d: %w", len(r.Counts(0)), width, sequential.ErrProfile)
		}
		out.bins = r
		errs = append(errs, err)
		steps := wide.BoundSteps()
		if s.Steps != nil {
			steps.Sigma = s.Steps.Sigma
		}
		out.steps = steps.Slack()
		if !steps.Valid() {
			errs = append(errs, sequential.ErrProfile)
		}
	}
	if s.Mean != nil {
		wide := *s.Mean
		wide.Kappa = kappa
		r, err := sequential.NewMeanSeason(wide, in.meanOptions(c))
		out.mean = r
		errs = append(errs, err)
	}
	return out, errors.Join(errs...)
}

func (in *Instance) meanOptions(c *column) sequential.SeasonOptions {
	return sequential.SeasonOptions{Z: meanSigmas, Odds: math.Log(c.tol.Odds)}
}

// seasonal is a detector whose null interval follows the time of the week.
type seasonal interface {
	reseason(*seasons)
	tune(minute int64) // of the beginning of the bucket that is handed over next
}

// tune sets the stream's detectors to the time of the week.
func (s *stream) tune(minute int64) {
	for _, d := range s.detectors {
		if d, ok := d.(seasonal); ok {
			d.tune(minute)
		}
	}
}

// reseason gives the seasons to the detectors of the columns that have one, after one of them changed. Evidence stays:
// the null interval of a bucket may be anything that was fixed before the bucket began.
func (in *Instance) reseason() {
	kappa := 0.
	for _, c := range in.cols {
		if c.season != nil {
			kappa = max(kappa, c.season.kappa)
		}
	}
	for _, c := range in.cols {
		if c.season == nil || !c.watched || c.seasonKappa == kappa && c.seasonMade == c.season {
			continue
		}
		s := c.season.unpack()
		made, err := in.makeSeasons(c, s, kappa)
		if err != nil {
			in.log.Error("the season of a column cannot be used; it is judged by no reference now", "column", c.name, "error", err)
			made = &seasons{}
		}
		c.seasonKappa, c.seasonMade = kappa, c.season
		for _, s := range in.evidence.streams {
			if s.col != c {
				continue
			}
			for _, d := range s.detectors {
				if d, ok := d.(seasonal); ok {
					d.reseason(made)
				}
			}
		}
	}
	// Sums that were made with other bets do not add to what comes.
	if m := in.evidence.mean; m != nil && m.season != nil {
		for _, p := range in.panes.open {
			if p.betting && p.bets != *m.betsAt(in.bucketMinute(p)) {
				p.resetSums()
				p.touched = true
			}
		}
	}
}
