package standin

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	width = 78 // inner width of the box
	label = 14 // width of a detail's name
)

// Render prints an incident as the on-call would see it on the screen of a phone: one box in plain ASCII.
func Render(inc Incident) string { return render(inc, false) }

// RenderColor is Render with terminal colours for the status and the severity.
func RenderColor(inc Incident) string { return render(inc, true) }

func render(inc Incident, color bool) string {
	var b strings.Builder
	bar := "+" + strings.Repeat("-", width+2) + "+\n"
	row := func(s string) { fmt.Fprintf(&b, "| %s |\n", pad(s, width)) }
	e := inc.Last

	b.WriteString(bar)
	status := strings.ToUpper(string(inc.Status))
	at := inc.OpenedAt
	if inc.Status == Resolved {
		at = inc.ResolvedAt
	}
	head := fmt.Sprintf("#%d %s", inc.Number, status)
	right := fmt.Sprintf("%s  %s", strings.ToUpper(e.Severity), stamp(at))
	line := head + strings.Repeat(" ", max(width-runes(head)-runes(right), 1)) + right
	if color {
		line = paint(line, status, string(inc.Status), "")
		line = paint(line, strings.ToUpper(e.Severity), "", e.Severity)
		fmt.Fprintf(&b, "| %s |\n", line)
	} else {
		row(line)
	}
	for _, s := range wrap(clean(e.Summary), width) {
		row(s)
	}
	b.WriteString(bar)
	if inc.Status == Resolved {
		row(fmt.Sprintf("open for %s, from %s to %s", inc.ResolvedAt.Sub(inc.OpenedAt).Round(time.Second), stamp(inc.OpenedAt), stamp(inc.ResolvedAt)))
	}
	field := func(name, value string) {
		if value == "" {
			return
		}
		for i, s := range wrap(clean(value), width-label) {
			if i > 0 {
				name = ""
			}
			row(pad(clean(name), label) + s)
		}
	}
	field("source", e.Source)
	field("component", e.Component)
	field("class", e.Class)
	if !e.Timestamp.IsZero() {
		field("detected", stamp(e.Timestamp))
	}
	if inc.Triggers > 1 {
		field("events", fmt.Sprintf("%d: opened, then updated %d times", inc.Triggers, inc.Triggers-1))
	}
	for _, d := range e.Details {
		detail(field, d)
	}
	for _, l := range e.Links {
		field("> "+l.Text, l.Href)
	}
	field("sent by", strings.TrimSpace(e.Client+" "+e.ClientURL))
	b.WriteString(bar)
	return b.String()
}

func detail(field func(name, value string), d Detail) {
	list, ok := d.Value.([]any)
	if !ok {
		field(d.Name, plain(d.Value))
		return
	}
	name := d.Name
	for _, v := range list {
		field(name, "- "+plain(v))
		name = " "
	}
}

func plain(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case []Detail:
		parts := make([]string, len(v))
		for i, d := range v {
			parts[i] = d.Name + ": " + plain(d.Value)
		}
		return strings.Join(parts, ", ")
	}
	return fmt.Sprint(v)
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func runes(s string) int { return utf8.RuneCountInString(s) }

// clean takes out what could move the cursor or start a line: a page must not be able to draw outside its box.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return ' '
		}
		return r
	}, s)
}

func pad(s string, n int) string {
	if k := runes(s); k < n {
		return s + strings.Repeat(" ", n-k)
	}
	return string([]rune(s)[:n])
}

// wrap breaks a text into lines of at most n runes, between words where there are any.
func wrap(s string, n int) []string {
	var lines []string
	line := ""
	for _, w := range strings.Fields(s) {
		for runes(w) > n {
			if line != "" {
				lines, line = append(lines, line), ""
			}
			lines = append(lines, string([]rune(w)[:n]))
			w = string([]rune(w)[n:])
		}
		switch {
		case line == "":
			line = w
		case runes(line)+1+runes(w) <= n:
			line += " " + w
		default:
			lines, line = append(lines, line), w
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// paint colours the first occurrence of a word.
func paint(line, word, status, severity string) string {
	code := ""
	switch {
	case status == string(Resolved):
		code = "32"
	case status != "":
		code = "1;31"
	case severity == "critical":
		code = "31"
	case severity == "warning", severity == "error":
		code = "33"
	}
	if code == "" || word == "" {
		return line
	}
	return strings.Replace(line, word, "\x1b["+code+"m"+word+"\x1b[0m", 1)
}
