package backtest

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// The picture's measures, in the units of the SVG's viewBox.
const (
	chartWidth = 1100.0
	plotLeft   = 250.0
	plotRight  = chartWidth - 40
	panelGap   = 36.0
	rowHeight  = 17.0
)

// chart is all panels on one time axis.
type chart struct {
	Width, Height float64
	Left, Right   float64
	Top, Bottom   float64 // of the panels, between which marks are drawn
	Panels        []panel
	Ticks         []tick // of time
	Marks         []tick // pages
	axis          axis
}

// Where the template puts what belongs to no panel.
func (c *chart) PlotWidth() float64 { return c.Right - c.Left }
func (c *chart) Middle() float64    { return (c.Left + c.Right) / 2 }
func (c *chart) TickX() float64     { return c.Left - 6 }
func (c *chart) AxisY() float64     { return c.Bottom + 6 }
func (c *chart) AxisTextY() float64 { return c.Bottom + 20 }
func (c *chart) MarkY() float64     { return c.Top - 26 }
func (c *chart) FlagY() float64     { return c.Top - 30 }

type panel struct {
	Title    string
	Note     string
	Y, H     float64
	Ticks    []tick // of the value
	Band     string
	Lines    []path
	Bars     []bar
	TitleY   float64
	NothingY float64 // where to say that there is nothing to show; zero when there is something
}

type tick struct {
	At    float64
	Text  string
	Title string
}

type path struct {
	D, Class, Title string
	LegendX         float64
	LegendY         float64
}

type bar struct {
	X, Y, W, H float64
	Class      string
	Title      string
	Label      string // of the row, at its first bar
	LabelY     float64
}

// axis maps event time to x.
type axis struct{ from, to int64 }

func (a axis) x(ms int64) float64 {
	if a.to <= a.from {
		return plotLeft
	}
	f := float64(min(max(ms, a.from), a.to)-a.from) / float64(a.to-a.from)
	return plotLeft + f*(plotRight-plotLeft)
}

// scale maps values to y within a panel.
type scale struct{ low, high, top, height float64 }

func (s scale) y(v float64) float64 {
	return s.top + s.height*(1-(min(max(v, s.low), s.high)-s.low)/(s.high-s.low))
}

// ticks are round numbers within the scale, some four of them.
func (s scale) ticks() []tick {
	step := niceStep((s.high - s.low) / 4)
	var out []tick
	for i := math.Ceil(s.low/step-1e-9) + 0; i*step <= s.high+step*1e-9; i++ {
		out = append(out, tick{At: s.y(i * step), Text: strconv.FormatFloat(i*step+0, 'g', 5, 64)})
	}
	return out
}

func niceStep(raw float64) float64 {
	if raw <= 0 || math.IsInf(raw, 0) || math.IsNaN(raw) {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(raw)))
	switch f := raw / unit; {
	case f < 1.5:
		return unit
	case f < 3.5:
		return 2 * unit
	case f < 7.5:
		return 5 * unit
	}
	return 10 * unit
}

// timeTicks are round times, eight at the most, with dates where the axis is longer than a day.
func (a axis) timeTicks() []tick {
	span := time.Duration(a.to-a.from) * time.Millisecond
	day := 24 * time.Hour
	step := 365 * day
	for _, s := range []time.Duration{time.Second, 10 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour, day, 2 * day, 7 * day, 14 * day, 28 * day, 56 * day, 91 * day, 182 * day} {
		if span/s <= 8 {
			step = s
			break
		}
	}
	layout := time.DateOnly
	switch {
	case step < time.Minute:
		layout = time.TimeOnly
	case span <= day:
		layout = "15:04"
	case step < day:
		layout = "Jan 2 15:04"
	}
	var out []tick
	for t := time.UnixMilli(a.from).UTC().Truncate(step); t.UnixMilli() <= a.to; t = t.Add(step) {
		if t.UnixMilli() >= a.from {
			out = append(out, tick{At: a.x(t.UnixMilli()), Text: t.Format(layout)})
		}
	}
	return out
}

// draw writes a curve as an SVG path, broken where samples are missing.
func (a axis) draw(c *curve, s scale, step time.Duration) string {
	var b strings.Builder
	for i, p := range c.points {
		verb := "L"
		if i == 0 || p.at-c.points[i-1].at > gap(c, step) {
			verb = "M"
		}
		fmt.Fprintf(&b, "%s%.1f %.1f", verb, a.x(p.at), s.y(p.value))
	}
	return b.String()
}

func gap(c *curve, step time.Duration) int64 { return 2 * int64(c.stride) * step.Milliseconds() }

// between writes the area from one curve to another as an SVG path; they are sampled at the same moments.
func (a axis) between(low, high *curve, s scale, step time.Duration) string {
	n := min(len(low.points), len(high.points))
	var b strings.Builder
	for from := 0; from < n; {
		to := from + 1
		for to < n && low.points[to].at-low.points[to-1].at <= gap(low, step) {
			to++
		}
		for i := from; i < to; i++ {
			verb := "L"
			if i == from {
				verb = "M"
			}
			fmt.Fprintf(&b, "%s%.1f %.1f", verb, a.x(low.points[i].at), s.y(low.points[i].value))
		}
		for i := to - 1; i >= from; i-- {
			fmt.Fprintf(&b, "L%.1f %.1f", a.x(high.points[i].at), s.y(high.points[i].value))
		}
		b.WriteString("Z")
		from = to
	}
	return b.String()
}
