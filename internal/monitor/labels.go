package monitor

import (
	"strconv"
	"time"

	"github.com/plumbline-ml/plumbline/detectors"
)

// Quantiles of a number that are published.
var quantiles = []float64{.05, .25, .5, .75, .95}

// quantileTexts are the quantiles as the label says them.
var quantileTexts = func() (out []string) {
	for _, q := range quantiles {
		out = append(out, strconv.FormatFloat(q, 'g', -1, 64))
	}
	return out
}()

// Quantiles of an age that are published; the last is the oldest.
var ageQuantiles = []float64{.5, .99, 1}

// statisticNames in the order of statisticValues. Every series is multiplied by features and windows and held by everybody
// downstream, so there are no more than people look at; compare and the detectors have the rest.
var statisticNames = []string{"psi", "psi_expected", "ks", "js", "wasserstein_iqr", "chi2_p"}

func statisticValues(d *detectors.Description) [6]float64 {
	return [...]float64{d.PSI, d.PSIExpected, d.KS, d.JS, d.WassersteinIQR, d.Chi2P}
}

// binWindow is the window whose bins are published: the longest of at most an hour, or the shortest there is.
func binWindow(windows []*window) int {
	best := 0
	for k, w := range windows {
		if w.length <= time.Hour {
			best = k
		}
	}
	return best
}

// columnLabels are the label values of everything that is published of a column, made once: a publish a second should
// not make garbage out of names that never change.
type columnLabels struct {
	column     []string   // model, feature, role
	stale      []string   // model, feature
	missing    [][]string // by reason
	categories [][]string // named ones and other
	quantiles  [][]string // of the reference
	bins       [][]string // of the reference
	windows    []windowLabels
}

type windowLabels struct {
	column     []string // model, feature, role, window
	stale      []string // model, feature, window
	quantiles  [][]string
	categories [][]string
	bins       [][]string
	statistics [][]string
	ages       [][]string
}

func (c *column) makeLabels(m *Model, windows []*window) {
	l := columnLabels{column: []string{m.Name, c.name, c.role}, stale: []string{m.Name, c.name}}
	with := func(more ...string) []string { // of just the size: there are thousands
		return append(append(make([]string, 0, 3+len(more)), m.Name, c.name, c.role), more...)
	}
	for r := range detectors.NumMissingReasons {
		l.missing = append(l.missing, with(r.String()))
	}
	var categories, bins []string
	if c.base != nil && c.base.grid == nil {
		categories = append(append(categories, c.base.categories...), nameOther)
	}
	if c.base != nil && c.base.grid != nil {
		for _, e := range c.base.grid.CoarseEdges() {
			bins = append(bins, strconv.FormatFloat(e, 'g', -1, 64))
		}
		bins = append(bins, "+Inf")
	}
	for _, name := range categories {
		l.categories = append(l.categories, with(name))
	}
	for _, q := range quantileTexts {
		if c.base != nil && c.base.grid != nil {
			l.quantiles = append(l.quantiles, with(q))
		}
	}
	for _, le := range bins {
		l.bins = append(l.bins, with(le))
	}
	for k, w := range windows {
		wl := windowLabels{column: with(w.label), stale: []string{m.Name, c.name, w.label}}
		for _, q := range quantileTexts {
			if c.base != nil && c.base.grid != nil {
				wl.quantiles = append(wl.quantiles, with(w.label, q))
			}
		}
		for _, name := range categories {
			wl.categories = append(wl.categories, with(w.label, name))
		}
		for _, le := range bins {
			if k == binWindow(windows) {
				wl.bins = append(wl.bins, with(w.label, le))
			}
		}
		for _, s := range statisticNames {
			wl.statistics = append(wl.statistics, with(w.label, s))
		}
		for _, q := range ageQuantiles {
			if c.ageSlot >= 0 {
				wl.ages = append(wl.ages, []string{m.Name, c.name, w.label, strconv.FormatFloat(q, 'g', -1, 64)})
			}
		}
		l.windows = append(l.windows, wl)
	}
	c.labels = l
}
