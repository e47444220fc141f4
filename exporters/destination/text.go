package destination

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/plumbline-ml/plumbline/internal/alert"
)

// Render runs a text through the routes' template language. It is how destinations use templates without
// knowing whose they are.
type Render func(text string, n Notification) (string, error)

// Summary is the one line that wakes somebody: what moved, in which model, how many features with it, on
// which node and since when.
func (n Notification) Summary() string {
	lead := n.Leading()
	text := OneLine(lead.Annotations[alert.AnnotationSummary])
	if text == "" {
		text = OneLine(lead.Annotations[alert.AnnotationDescription])
	}
	if text == "" {
		text = OneLine(lead.Name())
		if f := lead.Labels[alert.LabelFeature]; f != "" {
			text += " on " + OneLine(f)
		}
	}
	text = strings.TrimRight(text, ". ")
	if text == "" {
		text = "an alert without a name fires"
	}
	if m := OneLine(n.Common(alert.LabelModel)); m != "" && !strings.Contains(text, m) {
		text = m + ": " + text
	}
	if where := n.Where(); where != "" && !strings.Contains(text, where) {
		text += " on " + where
	}
	var more []string
	if since := n.sinceText(); since != "" {
		more = append(more, "since "+since)
	}
	if f := n.Features(); len(f) > 1 {
		more = append(more, fmt.Sprintf("%d features", len(f)))
	} else if k := len(n.listed()) + n.Unlisted; k > 1 {
		more = append(more, fmt.Sprintf("%d alerts", k))
	}
	if len(more) > 0 {
		text += ", " + strings.Join(more, ", ")
	}
	if n.Blind() && n.Action != Resolve {
		text += " (blind: its data is missing, so it cannot resolve)"
	}
	if n.Action == Resolve {
		text = "resolved: " + text
	}
	return text
}

// listed are the alerts that the text counts: those that fire, or all when none does.
func (n Notification) listed() []alert.Alert {
	if f := n.Firing(); len(f) > 0 {
		return f
	}
	return n.Alerts
}

// Features lists the features that are involved, the leading one first.
func (n Notification) Features() []string { return distinct(n.listed(), alert.LabelFeature) }

// Nodes lists the nodes that are involved.
func (n Notification) Nodes() []string {
	if n.Node != "" {
		return []string{n.Node}
	}
	nodes := distinct(n.listed(), alert.LabelNode)
	slices.Sort(nodes)
	return nodes
}

// Where is the node, or how many there are.
func (n Notification) Where() string {
	switch nodes := n.Nodes(); len(nodes) {
	case 0:
		return ""
	case 1:
		return OneLine(nodes[0])
	default:
		return fmt.Sprintf("%d nodes", len(nodes))
	}
}

// Blind says that some alert fires only because the data that would resolve it is missing.
func (n Notification) Blind() bool {
	return slices.ContainsFunc(n.Firing(), func(a alert.Alert) bool { return a.DataMissing })
}

// sinceText is when it began, in UTC: the onset of what the leading alert tells of, or the start of the incident. The date is left out
// when it lies less than a day before the notification.
func (n Notification) sinceText() string {
	at := n.Since
	if lead := n.Leading(); lead.Annotations[alert.AnnotationOnset] != "" {
		at = began(lead)
	}
	if at.IsZero() {
		return ""
	}
	return ShortTime(at, n.At)
}

// ShortTime prints a moment for people who read it at now.
func ShortTime(t, now time.Time) string {
	if d := now.Sub(t); d < 0 || d >= 24*time.Hour {
		return t.UTC().Format("2006-01-02 15:04 UTC")
	}
	return t.UTC().Format("15:04 UTC")
}

// Annotation finds the first alert in the page's order that has an annotation.
func (n Notification) Annotation(name string) string {
	for _, a := range n.Alerts {
		if v := a.Annotations[name]; v != "" {
			return v
		}
	}
	return ""
}

// OneLine makes text safe to stand in a line: control characters, line breaks among them, become spaces, and
// bytes that are not UTF-8 become question marks.
func OneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError:
			return '?'
		case unicode.IsControl(r), r == '\u2028', r == '\u2029', r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
			return ' '
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// Cut keeps at most n runes. What is cut ends in three dots, at the end of a word if one is near.
func Cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	const dots = "..."
	count, room := 0, 0 // room: where the text must end to leave room for the dots
	for i := range s {
		if count == n-len(dots) {
			room = i
		}
		if count == n {
			if n <= len(dots) {
				return s[:i]
			}
			kept := s[:room]
			if j := strings.LastIndexByte(kept, ' '); j > len(kept)-32 && j > 0 {
				kept = kept[:j]
			}
			return kept + dots
		}
		count++
	}
	return s
}
