package simulate

import (
	"fmt"
	"hash/fnv"
	"slices"
)

// Sample is what one replication of a case found.
type Sample struct {
	Pages   int     // false pages
	Periods float64 // of the budget, that nothing changed in
	Delay   int     // of the change, in the case's unit; 0 when the case has no change
}

// Case is one line of a table: a way in which a stream behaves, and a detector that watches it.
type Case struct {
	Group string
	Name  string
	// Allowed is how many false pages a period may have; 0 means that false pages are not what the case is about.
	Allowed float64
	// Want is the median delay to compare with, in Unit: a row of detectors.md. 0 means none.
	Want float64
	// Limit is the most that the median delay may be; 0 means 1.25 times Want.
	Limit float64
	Unit  string
	// Contrast marks cases that show what happens without a safeguard: they are expected to break the budget.
	Contrast bool
	// Silent marks cases in which an alarm in the changed part is wrong: the delay must be Missed.
	Silent bool
	// Cost is about how many milliseconds a replication takes, Runs how many are wanted; 0 means 40.
	Cost, Runs int
	Run        func(r *RNG) Sample
}

// All returns every case, in the order of the table.
func All() []Case {
	out := slices.Concat(eventCases(), setCases(), seasonalCases(), learnedCases(), productCases(), modelCases(), wanderingCases(), conventionCases(), classicCases())
	for i := range out {
		if out[i].Runs == 0 {
			out[i].Runs = 40
		}
	}
	return out
}

// RNG returns the generator of one replication of the case: it depends on the seed, on the names of the case and on
// the number of the replication, not on the order in which cases run.
func (c *Case) RNG(seed uint64, replication int) *RNG {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d/%s/%s", seed, c.Group, c.Name)
	return NewRNG(h.Sum64(), uint64(replication))
}

// Tally adds up the samples of one case.
type Tally struct {
	Runs    int
	Pages   int
	Periods float64
	Delays  []int
}

// Add adds one sample.
func (t *Tally) Add(s Sample) {
	t.Runs++
	t.Pages += s.Pages
	t.Periods += s.Periods
	if s.Delay > 0 {
		t.Delays = append(t.Delays, s.Delay)
	}
}

// PerPeriod is the number of false pages a period, and Upper its Garwood 95 % upper bound.
func (t *Tally) PerPeriod() float64 { return float64(t.Pages) / max(t.Periods, 1e-9) }

// Upper is Garwood's 95 % upper bound of the false pages a period.
func (t *Tally) Upper() float64 { return GarwoodUpper(t.Pages, .95) / max(t.Periods, 1e-9) }

// Verdict compares a tally with what its case promises.
type Verdict uint8

const (
	// Kept is within the promise.
	Kept Verdict = iota
	// Undecided has too few replications to say.
	Undecided
	// Broken is outside the promise.
	Broken
)

// String returns "ok", "undecided" or "BROKEN".
func (v Verdict) String() string { return [...]string{"ok", "undecided", "BROKEN"}[v] }

// upperShare is how far Garwood's upper bound may be above the budget.
const upperShare = 1.5

// Judge compares the tally with the case. A budget is kept when the upper bound is at most 1.5 times what is
// allowed, broken when even the lower bound is above what is allowed, and undecided in between.
func (c *Case) Judge(t *Tally) Verdict {
	worst := Kept
	if c.Allowed > 0 {
		switch {
		case t.Upper() <= upperShare*c.Allowed:
		case t.Pages > 0 && GarwoodLower(t.Pages, .95) > c.Allowed*t.Periods:
			worst = Broken
		default:
			worst = Undecided
		}
	}
	if c.Contrast {
		return Kept
	}
	if c.Silent && t.Alarmed() > 0 {
		return Broken
	}
	if limit := c.MaxDelay(); !c.Silent && limit > 0 && len(t.Delays) > 0 && float64(Median(t.Delays)) > limit {
		// Too late, or too few replications to be sure: the order statistic that is below the median of the truth
		// with 95 %.
		worst = max(worst, Undecided)
		if float64(lowerMedian(t.Delays)) > limit {
			worst = Broken
		}
	}
	return worst
}

// MaxDelay is the most that the median delay may be; 0 means no limit.
func (c *Case) MaxDelay() float64 {
	if c.Limit > 0 {
		return c.Limit
	}
	return 1.25 * c.Want
}

// Alarmed counts the replications whose change was noticed.
func (t *Tally) Alarmed() (n int) {
	for _, d := range t.Delays {
		if d < Missed {
			n++
		}
	}
	return n
}
