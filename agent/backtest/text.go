package backtest

import (
	"fmt"
	"maps"
	"os"
	"slices"
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
	weeks := span.Hours() / (24 * 7)
	switch {
	case r.Pages == 0:
		b.WriteString("nobody would have been paged\n")
	case weeks < 1:
		fmt.Fprintf(&b, "pages: %d\n", r.Pages)
	default:
		fmt.Fprintf(&b, "pages: %d, that is %.2g a week\n", r.Pages, float64(r.Pages)/weeks)
	}
	return b.String()
}

// PagesTable lists notifications in order of time.
func (r *Result) PagesTable() (header []string, rows [][]string) {
	for _, p := range r.Notes {
		rows = append(rows, []string{stamp(p.At), p.Severity, p.Receiver, p.Summary})
	}
	return []string{"notified at", "severity", "receiver", "what it says"}, rows
}

// AlertsTable lists alerts in order of time.
func (r *Result) AlertsTable() (header []string, rows [][]string) {
	for _, a := range r.Alerts {
		ends := "still firing"
		if a.EndsAt != nil {
			ends = stamp(*a.EndsAt)
		}
		rows = append(rows, []string{stamp(a.StartsAt), ends, a.Labels[alert.LabelSeverity], a.Name, labels(a.Labels)})
	}
	return []string{"fired at", "until", "severity", "alert", "labels"}, rows
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
