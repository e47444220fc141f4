package sequential

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Calendar says which parts of a week are expected to differ.
type Calendar uint8

const (
	// Flat expects the same at any time.
	Flat Calendar = iota
	// Daily expects every day to be like the others.
	Daily
	// Workweek expects Monday to Friday to be alike, and Saturday and Sunday.
	Workweek
	// Weekly expects every day of the week to be its own.
	Weekly
)

var calendarNames = [...]string{"flat", "daily", "workweek", "weekly"}

// String returns the name that ParseCalendar takes.
func (c Calendar) String() string {
	if int(c) < len(calendarNames) {
		return calendarNames[c]
	}
	return "unknown"
}

// ParseCalendar is the inverse of String.
func ParseCalendar(name string) (Calendar, error) {
	if i := slices.Index(calendarNames[:], name); i >= 0 {
		return Calendar(i), nil
	}
	return Flat, fmt.Errorf("calendar %q: %w", name, ErrCalendar)
}

const (
	minutesPerDay = 24 * 60
	slotMinutes   = 30
	slotsPerDay   = minutesPerDay / slotMinutes
	// The epoch was a Thursday; days count from Monday.
	epochDay = 3
	// smoothSlots to each side: half an hour.
	smoothSlots = 1
)

// Slots returns the number of slots of half an hour (one for Flat).
func (c Calendar) Slots() int {
	switch c {
	case Daily:
		return slotsPerDay
	case Workweek:
		return 2 * slotsPerDay
	case Weekly:
		return 7 * slotsPerDay
	}
	return 1
}

// Slot returns the slot of a minute. Minutes count from 1970-01-01 00:00 in the time zone of the season: Unix
// minutes plus the offset of the zone.
func (c Calendar) Slot(minute int64) int {
	day := minute / minutesPerDay
	rest := minute % minutesPerDay
	if rest < 0 {
		rest += minutesPerDay
		day--
	}
	inDay := int(rest / slotMinutes)
	weekday := int(((day+epochDay)%7 + 7) % 7)
	switch c {
	case Daily:
		return inDay
	case Workweek:
		if weekday >= 5 {
			return slotsPerDay + inDay
		}
		return inDay
	case Weekly:
		return weekday*slotsPerDay + inDay
	}
	return 0
}

// neighbours calls f with the slots that are smoothed together with one if they are alike: half an hour to each side, around midnight
// within days of the same kind (for Weekly, into the next day).
func (c Calendar) neighbours(slot int, f func(int)) {
	if c == Flat {
		f(0)
		return
	}
	block := slotsPerDay
	if c == Weekly {
		block = 7 * slotsPerDay
	}
	first := slot / block * block
	for d := -smoothSlots; d <= smoothSlots; d++ {
		f(first + (slot-first+d+block)%block)
	}
}

const (
	abruptOdds = math.Ln2 // how far apart neighbouring slots must be to be kept apart, in log-odds,
	abruptZ    = 6.       // and in standard deviations of what samples of their sizes differ by
)

// alike says whether k of n and l of m may be the same share, or shares that follow each other as they do in a season. A job
// that runs for half an hour every night makes its slot another one: smoothed with what surrounds it, every run would look
// like a change.
func alike(k, n, l, m float64) bool {
	d := math.Log((k+.5)/(n-k+.5)) - math.Log((l+.5)/(m-l+.5))
	v := 1/(k+.5) + 1/(n-k+.5) + 1/(l+.5) + 1/(m-l+.5)
	return math.Abs(d) <= abruptOdds || d*d <= abruptZ*abruptZ*v
}

// Maturity says how far a season's reference can be trusted.
type Maturity uint8

const (
	// Learning is less than 14 days: evidence may open tickets, but wake nobody.
	Learning Maturity = iota
	// Young is 14 to 28 days: the slack for slow wander is half a sigma wider.
	Young
	// Ready is 28 days or more.
	Ready
)

// String returns "learning", "young" or "ready".
func (m Maturity) String() string { return [...]string{"learning", "young", "ready"}[min(m, Ready)] }

// MaturityOf returns the state of a reference that covers so many days.
func MaturityOf(days float64) Maturity {
	switch {
	case days >= 28:
		return Ready
	case days >= 14:
		return Young
	}
	return Learning
}

// Errors of the seasons.
var (
	ErrCalendar = errors.New("want flat, daily, workweek or weekly")
	ErrProfile  = errors.New("not a profile, or not the buckets of one")
)

// SeasonProfile is what is known of a rate over the week: plain numbers for a reference file. Profiles of several
// nodes with the same calendar add: sum K and N, keep the largest Kappa and Sigma.
type SeasonProfile struct {
	Calendar string   `json:"calendar"`
	K        []uint64 `json:"k"` // by slot
	N        []uint64 `json:"n"`
	Sigma    float64  `json:"sigma"` // standard deviation of the slow wander, in log-odds
	Kappa    float64  `json:"kappa"` // how many of them the null interval is widened by
	Days     float64  `json:"days"`  // covered by the reference
}

// SeasonOptions says how wide the null interval around a season is.
type SeasonOptions struct {
	// Tol is the smallest effect worth a page, in log-odds: ln 1.1 for 10 % of odds. 0 means none.
	Tol float64
	// Share widens the interval of a rate by a share on both sides, after everything else: the smallest change of a
	// share worth a page. 0 means none. A mean has no use for it.
	Share float64
	// Odds widens the interval of a mean in log-odds on both sides, after everything else. 0 means none.
	Odds float64
	// Z is how many standard errors the uncertainty of the reference is. 0 means 3.5.
	Z float64
}

// Season is the null interval of a rate at any time of the week: the profile, its uncertainty, the smallest effect
// and the slack for slow wander. It is immutable: 24 bytes a slot, at most 8 kB.
type Season struct {
	calendar Calendar
	lo, hi   []float64
	center   []float64
	maturity Maturity
}

func (o *SeasonOptions) check() error {
	if !(o.Tol >= 0) || !(o.Z >= 0) || !(o.Share >= 0 && o.Share <= 1) || !(o.Odds >= 0) || math.IsInf(o.Odds, 1) {
		return fmt.Errorf("tolerance %v, share %v, log-odds %v, z %v: %w", o.Tol, o.Share, o.Odds, o.Z, ErrTol)
	}
	return nil
}

// Slot returns the part of the week of a minute.
func (s *Season) Slot(minute int64) int { return s.calendar.Slot(minute) }

// defaultZ is 3.5 standard errors: a probability of 1 in 2,000 a slot.
const defaultZ = 3.5

// NewSeason builds the intervals of a profile.
func NewSeason(p SeasonProfile, o SeasonOptions) (*Season, error) {
	cal, err := ParseCalendar(p.Calendar)
	if err != nil {
		return nil, err
	}
	n := cal.Slots()
	if len(p.K) != n || len(p.N) != n || !(p.Sigma >= 0) || !(p.Kappa >= 0) || math.IsInf(p.Sigma*p.Kappa, 1) {
		return nil, fmt.Errorf("%d and %d slots for %s, sigma %v, kappa %v: %w", len(p.K), len(p.N), cal, p.Sigma, p.Kappa, ErrProfile)
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	for i, k := range p.K {
		if k > p.N[i] {
			return nil, fmt.Errorf("slot %d has %d of %d: %w", i, k, p.N[i], ErrProfile)
		}
	}
	s := &Season{calendar: cal, maturity: MaturityOf(p.Days)}
	f := newFit(cal, p.K, p.N, o)
	for slot := range n {
		lo, hi, center := f.interval(slot, o.Tol+p.Kappa*p.Sigma)
		s.lo, s.hi, s.center = append(s.lo, lo), append(s.hi, hi), append(s.center, center)
	}
	return s, nil
}

// Interval returns the null interval at a minute, for Rate.UpdateWithin.
func (s *Season) Interval(minute int64) (lo, hi float64) {
	slot := s.calendar.Slot(minute)
	return s.lo[slot], s.hi[slot]
}

// Expected returns the rate that the reference had at that time of the week.
func (s *Season) Expected(minute int64) float64 { return s.center[s.calendar.Slot(minute)] }

// Maturity says how far the reference can be trusted.
func (s *Season) Maturity() Maturity { return s.maturity }

// fit is a profile being used: smoothed counts and the overall rate that thin slots lean on.
type fit struct {
	calendar Calendar
	k, n     []float64 // smoothed
	overall  float64
	z, share float64
}

// shrink is how many records of the overall rate every slot gets on top.
const shrink = 10

func newFit(cal Calendar, k, n []uint64, o SeasonOptions) *fit {
	f := &fit{calendar: cal, k: make([]float64, len(k)), n: make([]float64, len(n)), z: o.Z, share: o.Share}
	if f.z == 0 {
		f.z = defaultZ
	}
	var sumK, sumN float64
	for slot := range k {
		sumK += float64(k[slot])
		sumN += float64(n[slot])
		cal.neighbours(slot, func(j int) {
			if alike(float64(k[slot]), float64(n[slot]), float64(k[j]), float64(n[j])) {
				f.k[slot] += float64(k[j])
				f.n[slot] += float64(n[j])
			}
		})
	}
	f.overall = (sumK + .5) / (sumN + 1)
	return f
}

// rate is the profile's estimate in a slot.
func (f *fit) rate(slot int) float64 {
	return (f.k[slot] + shrink*f.overall) / (f.n[slot] + shrink)
}

// interval widens the estimate by its uncertainty and by slack in log-odds. A slot without records allows anything.
func (f *fit) interval(slot int, slack float64) (lo, hi, center float64) {
	center = f.rate(slot)
	lo, hi = shareInterval(f.k[slot], f.n[slot], math.Erfc(f.z/math.Sqrt2))
	if lo > 0 {
		lo = expit(logit(lo) - slack)
	}
	if hi < 1 {
		hi = expit(logit(hi) + slack)
	}
	return min(max(lo-f.share, 0), center), max(min(hi+f.share, 1), center), center
}
