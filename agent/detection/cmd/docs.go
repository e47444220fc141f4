package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/plumbline-ml/plumbline/detectors/sequential/simulate"
)

// The comments between which a page has the tables.
const (
	docsBegin = "<!-- detection:begin -->"
	docsEnd   = "<!-- detection:end -->"
)

var errMarks = errors.New("the page has no place for the tables: it wants " + docsBegin + " and " + docsEnd)

// updateDocs puts the tables of a run into a page.
func updateDocs(path string, t *table) error {
	page, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("write the tables: %w", err)
	}
	before, rest, ok := bytes.Cut(page, []byte(docsBegin))
	_, after, ok2 := bytes.Cut(rest, []byte(docsEnd))
	if !ok || !ok2 {
		return fmt.Errorf("write the tables into %s: %w", path, errMarks)
	}
	page = slices.Concat(before, []byte(docsBegin+"\n"+markdown(t)+docsEnd), after)
	if err := os.WriteFile(path, page, 0o644); err != nil {
		return fmt.Errorf("write the tables: %w", err)
	}
	return nil
}

const (
	classicsGroup = "the classics at their defaults"
	quietClassics = classicsGroup + ", no change, per 10,000 events: "
)

// markdown is the run as tables, a group each; those of the classics are put together.
func markdown(t *table) string {
	var b strings.Builder
	var groups []string
	of := map[string][]line{}
	for _, l := range t.Cases {
		if of[l.Group] == nil {
			groups = append(groups, l.Group)
		}
		of[l.Group] = append(of[l.Group], l)
	}
	fmt.Fprintf(&b, "Seed %d; %s of processor time.\n", t.Seed, duration(t.CPUSeconds))
	var classics []string
	for _, g := range groups {
		if strings.HasPrefix(g, classicsGroup) {
			classics = append(classics, g)
			continue
		}
		fmt.Fprintf(&b, "\n**%s**\n\n", g)
		if of[g][0].Allowed > 0 {
			b.WriteString("| | pages a period | 95 % upper bound | allowed | runs |\n|---|---:|---:|---:|---:|\n")
		} else {
			b.WriteString("| | median delay | published | ratio | limit | runs |\n|---|---:|---:|---:|---:|---:|\n")
		}
		for _, l := range of[g] {
			b.WriteString(row(l))
		}
	}
	if len(classics) > 0 {
		matrices(&b, classics, of)
	}
	return b.String()
}

func row(l line) string {
	name := l.Name
	if l.Contrast {
		name = "*for contrast:* " + name
	}
	if !slices.Contains([]string{"ok", "contrast"}, l.Verdict) {
		name += " (**" + l.Verdict + "**)"
	}
	if l.Allowed > 0 {
		return fmt.Sprintf("| %s | %.2f | %.2f | %g | %d |\n", name, float64(l.Pages)/max(l.Periods, 1e-9), l.Upper, l.Allowed, l.Runs)
	}
	limit := blank(l.Limit)
	if l.Silent {
		limit = "never"
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s | %d |\n", name, delay(l, " "+l.Unit), blank(l.Want), strings.Trim(ratio(l.Ratio), "-"), limit, l.Runs)
}

// delay is a median delay, with how many runs missed the change.
func delay(l line, unit string) string {
	if l.Delay >= simulate.Missed {
		return "never"
	}
	s := fmt.Sprintf("%d%s", l.Delay, unit)
	if l.Missed > 0 {
		s += fmt.Sprintf(" (%d of %d missed)", l.Missed, l.Runs)
	}
	return s
}

func blank(x float64) string { return strings.Trim(number(x), "-") }

// matrices show the classics beside the e-detector: what they alarm for nothing, and how long they take.
func matrices(b *strings.Builder, groups []string, of map[string][]line) {
	names := func(prefix string) (out []string) {
		for _, g := range groups {
			for _, l := range of[g] {
				if strings.HasPrefix(g, prefix) && !slices.Contains(out, l.Name) {
					out = append(out, l.Name)
				}
			}
		}
		return out
	}
	matrix := func(prefix, title, corner string, own func(what string) string, cell func(l line) string) {
		columns := names(prefix)
		if len(columns) == 0 {
			return
		}
		fmt.Fprintf(b, "\n**%s: %s**\n", classicsGroup, title)
		fmt.Fprintf(b, "\n| %s | e-detector | %s |\n|---|%s\n", corner, strings.Join(columns, " | "), strings.Repeat("---:|", len(columns)+1))
		for _, g := range groups {
			what, ok := strings.CutPrefix(g, prefix)
			if !ok {
				continue
			}
			cells := []string{what, own(what)}
			for _, c := range columns {
				i := slices.IndexFunc(of[g], func(l line) bool { return l.Name == c })
				if i < 0 {
					cells = append(cells, "")
					continue
				}
				cells = append(cells, cell(of[g][i]))
			}
			fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
		}
	}
	find := func(group, name string) (line, bool) {
		i := slices.IndexFunc(of[group], func(l line) bool { return l.Name == name })
		if i < 0 {
			return line{}, false
		}
		return of[group][i], true
	}
	perPeriod := func(l line) string { return fmt.Sprintf("%.2f", float64(l.Pages)/max(l.Periods, 1e-9)) }
	matrix(quietClassics, "alarms in 10,000 events", "nothing changes", func(what string) string {
		name := map[string]string{"a rate of 5 %": "rate 0.05", "a rate of 30 %": "rate 0.3"}[what]
		if l, ok := find(simulate.EventsQuiet, name); ok {
			return perPeriod(l)
		}
		return ""
	}, perPeriod)
	short := func(l line) string {
		if l.Delay >= simulate.Missed {
			return "never"
		}
		if l.Missed > 0 {
			return fmt.Sprintf("%d (%d of %d)", l.Delay, l.Missed, l.Runs)
		}
		return fmt.Sprint(l.Delay)
	}
	matrix(simulate.ClassicsChange, "median delay in events, runs that missed it in brackets", "something changes", func(what string) string {
		if to, ok := strings.CutPrefix(what, "rate .05, "); ok {
			if l, ok := find(simulate.EventsChange, to); ok {
				return short(l)
			}
		}
		if l, ok := find(simulate.NumberChange, what); ok {
			return short(l)
		}
		return ""
	}, short)
}
