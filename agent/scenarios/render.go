package scenarios

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/plumbline-ml/plumbline/agent/terminal"
)

// Render writes outcomes as a table, then what is not as expected, then what is known to be missed. pages adds the whole text of
// each page.
func Render(w io.Writer, outcomes []Outcome, pages bool) error {
	style := terminal.StyleFor(w)
	var rows [][]string
	var strange, missed []string
	for _, o := range outcomes {
		verdict := style.Green("ok")
		switch {
		case !o.OK() && len(o.Wrong) == 0:
			verdict = style.Red("NOTICED")
			strange = append(strange, o.Row.Key()+": came out right; take it off the list of misses")
		case !o.OK():
			verdict = style.Red("WRONG")
			strange = append(strange, o.Row.Key()+": "+strings.Join(o.Wrong, "; "))
		case len(o.Wrong) > 0:
			verdict = style.Yellow("not yet")
			missed = append(missed, o.Row.Key()+": "+strings.Join(o.Wrong, "; ")+" ("+o.Missed.Why+")")
		}
		rows = append(rows, o.cells(verdict)...)
	}
	if err := terminal.Table(w, style, []string{"what happens", "", "paged for", ">after", ">resolved after", "the page", "as expected"}, rows); err != nil {
		return err
	}
	for _, part := range []struct {
		title string
		lines []string
	}{{"Not as expected", strange}, {"Not noticed yet, or not as it should be", missed}} {
		if len(part.lines) > 0 {
			fmt.Fprintf(w, "\n%s:\n  %s\n", style.Bold(part.title), strings.Join(part.lines, "\n  "))
		}
	}
	if pages {
		for _, o := range outcomes {
			for _, p := range o.Pages {
				fmt.Fprintf(w, "\n%s\n%s", style.Bold(o.Row.Key()), p.Text)
			}
		}
	}
	return nil
}

// cells are the lines of the table for one outcome: one for each page, or one that says that there was none.
func (o Outcome) cells(verdict string) [][]string {
	name, traffic := o.Row.Name, "steady"
	if o.Row.Twin {
		name = "  twin: " + name
	}
	if o.Row.Season {
		traffic = "day/night"
	}
	if len(o.Pages) == 0 {
		said := ""
		if len(o.Tickets) > 0 {
			said = "(ticket: " + strings.Join(o.Tickets, ", ") + ")"
		}
		return [][]string{{name, traffic, "nobody", "", "", said, verdict}}
	}
	var out [][]string
	for _, p := range o.Pages {
		resolved := "open"
		if p.Resolved >= 0 {
			resolved = length(p.Resolved - o.Row.ends())
		}
		out = append(out, []string{name, traffic, p.Cause, length(p.At - faultFrom), resolved, p.Summary, verdict})
		name, traffic, verdict = "", "", ""
	}
	return out
}

// ends is when the fault is over.
func (r Row) ends() time.Duration {
	if r.Fault.To > 0 {
		return time.Duration(r.Fault.To)
	}
	return faultTo
}

func length(d time.Duration) string {
	if d < 0 {
		return "-" + model.Duration(-d).String()
	}
	return model.Duration(d).String()
}
