package backtest

import (
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"github.com/plumbline-ml/plumbline/internal/alert"
	"github.com/plumbline-ml/plumbline/internal/catalog"
	"github.com/plumbline-ml/plumbline/internal/monitor"
)

// Bounds of a report, so that a browser can show it. What is beyond them is said, and is in the JSON.
const (
	maxDrawnModels = 8
	maxDrawnRows   = 30 // of alerts
	maxListed      = 500
	maxStreams     = 6 // of evidence, per model
	evidenceTop    = 2.0
)

// ErrNoReport is what WriteHTML returns for a result of a run without Options.Report.
var ErrNoReport = errors.New("backtest: the run kept nothing to draw")

//go:embed report.html
var reportText string

// WriteHTML writes a report in one file that needs no other: no script, no font, no picture from elsewhere.
func (r *Result) WriteHTML(w io.Writer) error {
	if r.timeline == nil {
		return ErrNoReport
	}
	t, err := template.New("report").Funcs(template.FuncMap{
		"stamp": stamp, "ends": ends, "or": or, "labels": labels, "add": func(a, b int) int { return a + b },
		"first": func(list []Page) []Page { return list[:min(len(list), maxListed)] },
		"days":  func() string { return days(r.To.Sub(r.From)) },
		"cells": func(header []string) []string { return plain(header) },
	}).Parse(reportText)
	if err != nil {
		return err
	}
	causes, causeRows := r.CausesTable()
	scores, scoreRows := r.ScoresTable()
	alerts, alertRows := r.AlertsTable()
	return t.Execute(w, map[string]any{
		"R": r, "Chart": r.chart(), "Sentence": r.Verdict.sentence(), "Note": r.ScoresNote(),
		"Causes": Section{"", causes, causeRows}, "Scores": Section{"", scores, scoreRows},
		"Alerts": Section{"", alerts, alertRows[:min(len(alertRows), maxListed)]}, "MaxListed": maxListed,
	})
}

// plain takes away the mark of columns that are set to the right.
func plain(header []string) []string {
	out := slices.Clone(header)
	for i, h := range out {
		if h[0] == '>' {
			out[i] = h[1:]
		}
	}
	return out
}

func (r *Result) chart() *chart {
	c := &chart{Width: chartWidth, Left: plotLeft, Right: plotRight, Top: 46, axis: axis{r.From.UnixMilli(), r.To.UnixMilli()}}
	y := c.Top
	add := func(p panel) {
		c.Panels = append(c.Panels, p)
		y = p.Y + p.H + panelGap
	}
	for _, m := range r.timeline.models[:min(len(r.timeline.models), maxDrawnModels)] {
		if p, ok := r.scorePanel(c.axis, m, y); ok {
			add(p)
		}
		add(r.recordsPanel(c.axis, m, y))
		add(r.evidencePanel(c.axis, m, y))
	}
	add(r.alertsPanel(c.axis, y))
	c.Bottom = y - panelGap
	c.Height = c.Bottom + 28
	c.Ticks = c.axis.timeTicks()
	for i := range r.Notes[:min(len(r.Notes), maxListed)] {
		if p := &r.Notes[i]; p.PagedAt != nil {
			c.Marks = append(c.Marks, tick{At: c.axis.x(p.PagedAt.UnixMilli()), Text: fmt.Sprint(i + 1), Title: stamp(*p.PagedAt) + " " + p.Summary})
		}
	}
	c.Marks = spread(c.Marks)
	return c
}

// spread takes numbers away from marks that stand closer than their text is wide; the lines stay.
func spread(marks []tick) []tick {
	last := math.Inf(-1)
	for i := range marks {
		if marks[i].At-last < 14 {
			marks[i].Text = ""
			continue
		}
		last = marks[i].At
	}
	return marks
}

// scorePanel draws median and quartiles of the score in the model's shortest window.
func (r *Result) scorePanel(a axis, m *monitor.Model, y float64) (panel, bool) {
	if m.Score == nil {
		return panel{}, false
	}
	by := map[string]*curve{}
	window := ""
	for _, c := range r.timeline.of(catalog.FeatureQuantile, m.Name) {
		if window == "" || windowLength(c.labels[3]) < windowLength(window) {
			window = c.labels[3]
		}
	}
	for _, c := range r.timeline.of(catalog.FeatureQuantile, m.Name) {
		if c.labels[3] == window {
			by[c.labels[4]] = c
		}
	}
	p := panel{Title: m.Name + ": score", Y: y, H: 150, TitleY: y - 10}
	median := by["0.5"]
	if median == nil {
		p.H, p.NothingY = 30, y+20
		return p, true
	}
	p.Note = "median, quartiles, 5 % and 95 % over " + window + "; dashed: median of the reference"
	s := scale{low: math.Inf(1), high: math.Inf(-1), top: y, height: p.H}
	for _, c := range by {
		for _, pt := range c.points {
			s.low, s.high = min(s.low, pt.value), max(s.high, pt.value)
		}
	}
	if s.high <= s.low {
		s.low, s.high = s.low-.5, s.high+.5
	}
	p.Ticks = s.ticks()
	if by["0.25"] != nil && by["0.75"] != nil {
		p.Band = a.between(by["0.25"], by["0.75"], s, r.timeline.step)
	}
	for _, q := range []string{"0.05", "0.95"} {
		if by[q] != nil {
			p.Lines = append(p.Lines, path{D: a.draw(by[q], s, r.timeline.step), Class: "thin"})
		}
	}
	for _, c := range r.timeline.of(catalog.RefQuantile, m.Name) {
		if c.labels[3] == "0.5" {
			p.Lines = append(p.Lines, path{D: a.draw(c, s, r.timeline.step), Class: "ref"})
		}
	}
	p.Lines = append(p.Lines, path{D: a.draw(median, s, r.timeline.step), Class: "c0 strong"})
	return p, true
}

// windowLength reads the label of a window.
func windowLength(window string) time.Duration {
	d, err := model.ParseDuration(window)
	if err != nil {
		return math.MaxInt64
	}
	return time.Duration(d)
}

// recordsPanel draws how many records each window holds, as a share of the most it ever held: windows differ by orders
// of magnitude and share one panel.
func (r *Result) recordsPanel(a axis, m *monitor.Model, y float64) panel {
	p := panel{Title: m.Name + ": records per window", Y: y, H: 80, TitleY: y - 10, Note: "100 % is the most that the window held"}
	s := scale{low: 0, high: 100, top: y, height: p.H}
	p.Ticks = []tick{{At: s.y(0), Text: "0"}, {At: s.y(50), Text: "50 %"}, {At: s.y(100), Text: "100 %"}}
	curves := r.timeline.of(catalog.WindowRecords, m.Name)
	slices.SortFunc(curves, func(a, b *curve) int { return cmp.Compare(windowLength(a.labels[1]), windowLength(b.labels[1])) })
	for i, c := range curves {
		top := c.max()
		if top == 0 {
			continue
		}
		share := &curve{stride: c.stride}
		for _, pt := range c.points {
			share.points = append(share.points, point{pt.at, 100 * pt.value / top})
		}
		p.Lines = append(p.Lines, legend(path{
			D: a.draw(share, s, r.timeline.step), Class: fmt.Sprintf("c%d", i%maxStreams), Title: fmt.Sprintf("%s: up to %.0f", c.labels[1], top),
		}, i, y))
	}
	if len(p.Lines) == 0 {
		p.NothingY = y + p.H/2
	}
	return p
}

// evidencePanel draws the streams that came closest to an alarm.
func (r *Result) evidencePanel(a axis, m *monitor.Model, y float64) panel {
	p := panel{Title: m.Name + ": evidence", Y: y, H: 120, TitleY: y - 10, Note: fmt.Sprintf("1 is an alarm; cut off at %.0f; the %d streams with the most", evidenceTop, maxStreams)}
	s := scale{low: 0, high: evidenceTop, top: y, height: p.H}
	p.Ticks = s.ticks()
	one := s.y(1)
	p.Lines = append(p.Lines, path{D: fmt.Sprintf("M%.1f %.1fL%.1f %.1f", plotLeft, one, plotRight, one), Class: "limit"})
	curves := r.timeline.of(catalog.EvidenceRatio, m.Name)
	slices.SortStableFunc(curves, func(a, b *curve) int {
		topA, atA := a.peakAt()
		topB, atB := b.peakAt()
		return cmp.Or(cmp.Compare(topB, topA), cmp.Compare(atA, atB)) // of those that reached an alarm, the first
	})
	for i, c := range curves[:min(len(curves), maxStreams)] {
		title := c.labels[2]
		if c.labels[1] != "" {
			title = c.labels[1] + " " + title
		}
		p.Lines = append(p.Lines, legend(path{D: a.draw(c, s, r.timeline.step), Class: fmt.Sprintf("c%d", i), Title: title}, i, y))
	}
	if len(curves) == 0 {
		p.NothingY = y + p.H/2
	}
	return p
}

// legend puts the name of a line left of the panel, below its title.
func legend(p path, i int, y float64) path {
	p.Title = cut(p.Title, 30)
	p.LegendX, p.LegendY = 4, y+12+float64(i)*15
	return p
}

// alertsPanel draws a row for each set of labels, a bar for each time it fired.
func (r *Result) alertsPanel(a axis, y float64) panel {
	p := panel{Title: "alerts", Y: y, TitleY: y - 10}
	type row struct {
		key   string
		rank  int
		spans []Alert
	}
	rows := map[string]*row{}
	for _, al := range r.Alerts {
		key := alert.KeyOf(al.Labels)
		if rows[key] == nil {
			rows[key] = &row{key: key, rank: slices.Index([]string{alert.SeverityCritical, alert.SeverityWarning}, al.Labels[alert.LabelSeverity])}
			if rows[key].rank < 0 {
				rows[key].rank = 2
			}
		}
		rows[key].spans = append(rows[key].spans, al)
	}
	order := make([]*row, 0, len(rows))
	for _, ro := range rows {
		order = append(order, ro)
	}
	slices.SortFunc(order, func(a, b *row) int {
		return cmp.Or(a.rank-b.rank, a.spans[0].StartsAt.Compare(b.spans[0].StartsAt), cmp.Compare(a.key, b.key))
	})
	shown := order[:min(len(order), maxDrawnRows)]
	if n := len(order) - len(shown); n > 0 {
		p.Note = fmt.Sprintf("%d more rows are in the JSON", n)
	}
	for i, ro := range shown {
		top := y + float64(i)*rowHeight
		for k, al := range ro.spans {
			s := lasting(al.StartsAt, al.EndsAt, r.To)
			from, to := a.x(s.From.UnixMilli()), a.x(s.To.UnixMilli())
			b := bar{X: from, Y: top + 3, W: max(2, to-from), H: rowHeight - 6, Class: []string{"critical", "warning", "info"}[ro.rank]}
			b.X = min(b.X, plotRight-b.W)
			b.Title = fmt.Sprintf("%s %s, %s to %s", al.Name, labels(al.Labels), stamp(al.StartsAt), ends(al.EndsAt, "the end"))
			if k == 0 {
				subject := or(al.Labels[alert.LabelFeature], al.Labels[alert.LabelModel])
				b.Label, b.LabelY = cut(al.Name+" "+subject, 36), top+rowHeight-5
			}
			p.Bars = append(p.Bars, b)
		}
	}
	p.H = max(30, float64(len(shown))*rowHeight)
	if len(shown) == 0 {
		p.NothingY = y + 20
	}
	return p
}

func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
