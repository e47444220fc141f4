package destination

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/plumbline-ml/plumbline/internal/alert"
)

// Fact is one line of the triage that a page carries.
type Fact struct {
	Name  string
	Value any // string, or []string for a list
}

const (
	maxFactRunes    = 1024
	maxListedFacts  = 50
	leadingFeatures = 3 // told in full; of the others the page gives the name and one line
)

// Facts lists what the on-call needs first, most important first, so that a destination with a size limit
// drops from the end. Empty facts are left out.
func (n Notification) Facts() []Fact {
	var out []Fact
	add := func(name, value string) {
		if value = Cut(OneLine(value), maxFactRunes); value != "" {
			out = append(out, Fact{name, value})
		}
	}
	lead := n.Leading()
	add("model", n.Common(alert.LabelModel))
	add("cause", n.Common(alert.LabelCause))
	add("feature", lead.Labels[alert.LabelFeature])
	add("segment", cmp.Or(lead.Annotations[alert.AnnotationSegment], lead.Labels["segment"]))
	add("moved", lead.Annotations[alert.AnnotationMoved])
	add("expected", lead.Annotations[alert.AnnotationExpected])
	add("seen", lead.Annotations[alert.AnnotationSeen])
	add("effect", lead.Annotations[alert.AnnotationEffect])
	add("since", cmp.Or(onset(lead), stamp(n.Since)))
	add("last_good", lead.Annotations[alert.AnnotationLastGood])
	add("n", records(lead))
	add("node", n.Where())
	list := func(name, text string) {
		if lines := paragraph(text); len(lines) > 0 {
			out = append(out, Fact{name, lines})
		}
	}
	list("contributors", lead.Annotations[alert.AnnotationContributors])
	list("version_change", n.Annotation(alert.AnnotationVersionChange))
	list("breakdown", lead.Annotations[alert.AnnotationBreakdown])
	if n.Blind() {
		add("blind", "yes: the data that would resolve it is missing; the last known state is held")
	}
	add("severity", n.Severity())
	list("description", lead.Annotations[alert.AnnotationDescription])
	if lines := n.featureLines(); len(lines) > 1 {
		out = append(out, Fact{"features", lines})
	}
	if lines := recoveredLines(n); len(lines) > 0 {
		out = append(out, Fact{"recovered", lines})
	}
	add("runbook", n.Annotation(alert.AnnotationRunbook))
	add("dashboard", n.Annotation(alert.AnnotationDashboard))
	if nodes := n.Nodes(); len(nodes) > 1 {
		out = append(out, Fact{"nodes", limited(nodes)})
	}
	if lines := descriptions(n); len(lines) > 0 {
		out = append(out, Fact{"alerts", lines})
	}
	return out
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(stampLayout)
}

// began is when the change began that an alert tells of: its onset where that is known, otherwise when it began to fire.
func began(a alert.Alert) time.Time {
	if t, err := time.Parse(stampLayout, a.Annotations[alert.AnnotationOnset]); err == nil {
		return t
	}
	return a.StartsAt
}

const stampLayout = "2006-01-02 15:04:05 UTC"

func onset(a alert.Alert) string {
	at, within := a.Annotations[alert.AnnotationOnset], a.Annotations[alert.AnnotationOnsetInterval]
	if at != "" && within != "" {
		return at + " (95%: " + within + ")"
	}
	return at + within
}

func records(a alert.Alert) string {
	n, effective := a.Annotations[alert.AnnotationRecords], a.Annotations[alert.AnnotationEffectiveRecords]
	if n != "" && effective != "" {
		return n + " records, worth " + effective + " independent ones"
	}
	if n != "" {
		n += " records"
	}
	return n
}

// featureLines says for each feature what was expected and what was seen, the leading ones first.
func (n Notification) featureLines() []string {
	var lines []string
	seen := map[string]bool{}
	for _, a := range n.listed() {
		f := a.Labels[alert.LabelFeature]
		if f == "" || seen[f] {
			continue
		}
		seen[f] = true
		line := f
		if e, s := a.Annotations[alert.AnnotationExpected], a.Annotations[alert.AnnotationSeen]; e != "" && s != "" {
			line += ": " + strings.TrimSpace(a.Annotations[alert.AnnotationMoved]+" expected "+e+", seen "+s)
			if d := a.Annotations[alert.AnnotationEffect]; d != "" && len(lines) < leadingFeatures {
				line += " (" + d + ")"
			}
		} else if t := strings.TrimPrefix(a.Annotations[alert.AnnotationSummary], a.Labels[alert.LabelModel]+": "); strings.Contains(t, f) {
			line = t
		} else if t != "" {
			line += ": " + t
		}
		if began := began(a); len(lines) < leadingFeatures && !began.IsZero() {
			line += ", since " + ShortTime(began, n.At)
		}
		if a.DataMissing {
			line += " [blind]"
		}
		lines = append(lines, Cut(OneLine(line), maxFactRunes))
	}
	return limited(lines)
}

func recoveredLines(n Notification) []string {
	if len(n.Firing()) == 0 {
		return nil
	}
	var lines []string
	for _, a := range n.Resolved() {
		name := a.Labels[alert.LabelFeature]
		if name == "" {
			name = a.Name()
		}
		lines = append(lines, Cut(OneLine(name+" at "+ShortTime(a.EndsAt, n.At)), maxFactRunes))
	}
	return limited(lines)
}

// descriptions are one line for each alert that the features do not tell of already.
func descriptions(n Notification) []string {
	var lines []string
	for i, a := range n.listed() {
		text := a.Annotations[alert.AnnotationSummary]
		if text == "" {
			text = a.Annotations[alert.AnnotationDescription]
		}
		if i == 0 || text == "" || a.Labels[alert.LabelFeature] != "" {
			continue
		}
		line := Cut(OneLine(a.Name()+": "+text), maxFactRunes)
		if !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	lines = limited(lines)
	if n.Unlisted > 0 {
		lines = append(lines, fmt.Sprintf("and %d more alerts", n.Unlisted))
	}
	return lines
}

// paragraph keeps the lines of a longer text, each made safe on its own.
func paragraph(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = Cut(OneLine(line), maxFactRunes); line != "" {
			lines = append(lines, line)
		}
	}
	return limited(lines)
}

func limited(lines []string) []string {
	if len(lines) <= maxListedFacts {
		return lines
	}
	rest := len(lines) - maxListedFacts
	return append(slices.Clone(lines[:maxListedFacts]), fmt.Sprintf("and %d more", rest))
}

// Text is a fact's value in one line.
func (f Fact) Text() string {
	if list, ok := f.Value.([]string); ok {
		return strings.Join(list, "; ")
	}
	return fmt.Sprint(f.Value)
}
