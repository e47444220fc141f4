package backtest

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/plumbline-ml/plumbline/internal/alert"
)

// Head is what the replay read, and how many pages that made a week.
func (r *Result) Head(took time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d lines, %d records, %d unreadable", r.Lines, r.Records, r.Errors)
	if s := took.Seconds(); s > 0 {
		fmt.Fprintf(&b, " in %s (%.0f lines/s)", took.Round(10*time.Millisecond), float64(r.Lines)/s)
	}
	span := r.To.Sub(r.From)
	fmt.Fprintf(&b, "\n%s to %s (%s), rules every %s\n", stamp(r.From), stamp(r.To), days(span), r.Step)
	fmt.Fprintln(&b, r.Verdict.sentence())
	return b.String()
}

func (v *Verdict) sentence() string {
	switch {
	case v.Pages == 0:
		return "nobody would have been paged"
	case v.PerWeek == nil:
		return fmt.Sprintf("pages: %d", v.Pages)
	default:
		return fmt.Sprintf("pages: %d, that is %.2g a week", v.Pages, *v.PerWeek)
	}
}

// CausesTable counts pages by cause.
func (v *Verdict) CausesTable() (header []string, rows [][]string) {
	for _, c := range v.ByCause {
		rate := "-"
		if c.PerWeek != nil {
			rate = fmt.Sprintf("%.2g", *c.PerWeek)
		}
		rows = append(rows, []string{or(c.Cause, "none"), strconv.Itoa(c.Pages), rate})
	}
	return []string{"cause", ">pages", ">a week"}, rows
}

// PagesTable lists notifications in order of time.
func (v *Verdict) PagesTable() (header []string, rows [][]string) { return pagesTable(v.Notes) }

func pagesTable(pages []Page) (header []string, rows [][]string) {
	for _, p := range pages {
		rows = append(rows, []string{stamp(p.At), ends(p.ResolvedAt, "still open"), p.Severity, p.Receiver, p.Summary})
	}
	return []string{"notified at", "resolved", "severity", "receiver", "what it says"}, rows
}

// AlertsTable lists alerts in order of time.
func (v *Verdict) AlertsTable() (header []string, rows [][]string) { return alertsTable(v.Alerts) }

func alertsTable(alerts []Alert) (header []string, rows [][]string) {
	for _, a := range alerts {
		rows = append(rows, []string{stamp(a.StartsAt), ends(a.EndsAt, "still firing"), a.Labels[alert.LabelSeverity], a.Name, labels(a.Labels)})
	}
	return []string{"fired at", "until", "severity", "alert", "labels"}, rows
}

// ScoresNote says what the columns of ScoresTable mean.
func (r *Result) ScoresNote() string {
	note := "alarm time: share of the log in which a page was open."
	if len(r.Incidents) == 0 {
		return note + " Which pages were right is not known; --incident FROM/TO says when something was wrong."
	}
	return note + " covered: incidents (--incident) in which a page was open. false: pages open in none.\nF1: of alarm time against incident time, 1 at best. Rules that do not beat both dummies know nothing."
}

// ScoresTable holds the rules against rules that never and that always fire.
func (r *Result) ScoresTable() (header []string, rows [][]string) {
	header = []string{"rules", ">pages", ">alarm time"}
	if len(r.Incidents) > 0 {
		header = append(header, ">covered", ">false", ">F1")
	}
	for _, s := range r.Scores() {
		row := []string{s.Name, strconv.Itoa(s.Pages), fmt.Sprintf("%.3g %%", 100*s.AlarmTime)}
		if s.Covered != nil {
			row = append(row, fmt.Sprintf("%d of %d", *s.Covered, len(r.Incidents)), strconv.Itoa(*s.False), fmt.Sprintf("%.2f", *s.F1))
		}
		rows = append(rows, row)
	}
	return header, rows
}

// Scores are those of the rules, of the others that they are compared with, and of the dummies.
func (r *Result) Scores() []Score {
	list := []Score{r.Score}
	if r.Diff != nil {
		list = append(list, r.Diff.Verdict.Score)
	}
	return append(list, r.Baselines...)
}

// Sections are the tables of a comparison, each with its heading.
func (d *Diff) Sections() []Section {
	var out []Section
	add := func(title string, header []string, rows [][]string) {
		if len(rows) > 0 {
			out = append(out, Section{fmt.Sprintf("%s: %d", title, len(rows)), header, rows})
		}
	}
	theirs := strings.Join(d.Rules, ", ")
	list := func(where string, o Only) {
		header, rows := pagesTable(o.Notes)
		add("notifications only "+where, header, rows)
		header, rows = alertsTable(o.Alerts)
		add("alerts only "+where, header, rows)
	}
	list("with these rules", d.OnlyHere)
	list("with "+theirs, d.OnlyThere)
	return out
}

// Sentence says how the other rules did.
func (d *Diff) Sentence() string {
	s := fmt.Sprintf("with %s: %s", strings.Join(d.Rules, ", "), d.Verdict.sentence())
	if len(d.Sections()) == 0 {
		s += "; the same alerts and notifications"
	}
	return s
}

// Section is a table under a heading.
type Section struct {
	Title  string
	Header []string
	Rows   [][]string
}

func ends(t *time.Time, otherwise string) string {
	if t == nil {
		return otherwise
	}
	return stamp(*t)
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func labels(l map[string]string) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(l)) {
		if k != alert.LabelName && k != alert.LabelSeverity {
			parts = append(parts, k+"="+l[k])
		}
	}
	return strings.Join(parts, " ")
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }

func days(d time.Duration) string {
	if d >= 48*time.Hour {
		return fmt.Sprintf("%.0f days", d.Hours()/24)
	}
	return d.Round(time.Minute).String()
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
