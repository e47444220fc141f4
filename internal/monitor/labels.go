package monitor

import (
	"strconv"
	"time"

	"github.com/plumbline-ml/plumbline/detectors"
)

// Quantiles of a number that are published.
var quantiles = []float64{.05, .25, .5, .75, .95}

// quantileTexts are the quantiles as the label says them.
var quantileTexts = formatAll(quantiles)

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
	column     []string  // model, feature, role
	stale      []string  // model, feature
	missing    labelList // by reason
	categories labelList // named ones and other
	quantiles  labelList // of the reference
	bins       labelList // of the reference
	windows    []windowLabels
}

type windowLabels struct {
	column     []string // model, feature, role, window
	stale      []string // model, feature, window
	quantiles  labelList
	categories labelList
	bins       labelList
	statistics labelList
	ages       labelList // made with the first age: where ages stand may be found later than the column
}

// labelList are label values that differ in the last one only, one list behind the other: there are hundreds for each column.
type labelList struct {
	flat []string
	each int
}

func newLabelList(common []string, last []string) labelList {
	l := labelList{each: len(common) + 1}
	if len(last) > 0 {
		l.flat = make([]string, 0, l.each*len(last))
	}
	for _, v := range last {
		l.flat = append(append(l.flat, common...), v)
	}
	return l
}

// at are the label values of one; they cannot be appended to in place.
func (l *labelList) at(i int) []string { return l.flat[i*l.each : (i+1)*l.each : (i+1)*l.each] }

var ageQuantileTexts = formatAll(ageQuantiles)

var missingTexts = func() (out []string) {
	for r := range detectors.NumMissingReasons {
		out = append(out, r.String())
	}
	return out
}()

func formatAll(values []float64) (out []string) {
	for _, v := range values {
		out = append(out, strconv.FormatFloat(v, 'g', -1, 64))
	}
	return out
}

func (c *column) makeLabels(m *Model, windows []*window) {
	column := []string{m.Name, c.name, c.role}
	l := columnLabels{column: column, stale: column[:2:2], missing: newLabelList(column, missingTexts)}
	number := c.base != nil && c.base.grid != nil
	var categories, bins, quantiles []string
	if c.base != nil && !number {
		categories = append(append(categories, c.base.categories...), nameOther)
	}
	if number {
		bins, quantiles = append(formatAll(c.base.grid.CoarseEdges()), "+Inf"), quantileTexts
	}
	l.categories, l.quantiles, l.bins = newLabelList(column, categories), newLabelList(column, quantiles), newLabelList(column, bins)
	l.windows = make([]windowLabels, len(windows))
	for k, w := range windows {
		of := append(column[:3:3], w.label)
		wl := windowLabels{column: of, stale: []string{m.Name, c.name, w.label}}
		wl.quantiles, wl.categories, wl.statistics = newLabelList(of, quantiles), newLabelList(of, categories), newLabelList(of, statisticNames)
		if k == binWindow(windows) {
			wl.bins = newLabelList(of, bins)
		}
		l.windows[k] = wl
	}
	c.labels = l
}
