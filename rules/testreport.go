package rules

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Report is what Test found. It marshals to JSON as it stands.
type Report struct {
	Files  []FileReport `json:"files"`
	Passed int          `json:"passed"`
	Failed int          `json:"failed"`
}

// FileReport is the part of one test file. Error is set when the file itself or its rules could not be read.
type FileReport struct {
	File  string       `json:"file"`
	Error string       `json:"error,omitempty"`
	Tests []TestReport `json:"tests"`
}

// TestReport is the outcome of one item below tests or scenarios.
type TestReport struct {
	Name     string        `json:"name"`
	Failures []TestFailure `json:"failures"`
}

// TestFailure is one expectation that was not met.
type TestFailure struct {
	What     string   `json:"what"`      // alert name, or expression
	EvalTime string   `json:"eval_time"` // as in the file
	Message  string   `json:"message"`
	Diff     []string `json:"diff,omitempty"` // lines that begin with "-" (expected) or "+" (got)
}

// OK reports whether everything passed.
func (r Report) OK() bool { return r.Failed == 0 }

// Render writes the report for people.
func (r Report) Render(w io.Writer) error {
	for _, f := range r.Files {
		if f.Error != "" {
			if _, err := fmt.Fprintf(w, "FAIL %s\n     %s\n", f.File, strings.ReplaceAll(f.Error, "\n", "\n     ")); err != nil {
				return err
			}
			continue
		}
		for _, t := range f.Tests {
			mark := "ok  "
			if len(t.Failures) > 0 {
				mark = "FAIL"
			}
			if _, err := fmt.Fprintf(w, "%s %s: %s\n", mark, f.File, t.Name); err != nil {
				return err
			}
			for _, x := range t.Failures {
				if _, err := fmt.Fprintf(w, "     %s at %s: %s\n", x.What, x.EvalTime, x.Message); err != nil {
					return err
				}
				for _, line := range x.Diff {
					if _, err := fmt.Fprintf(w, "       %s\n", line); err != nil {
						return err
					}
				}
			}
		}
	}
	_, err := fmt.Fprintf(w, "%d passed, %d failed\n", r.Passed, r.Failed)
	return err
}

func (r *Report) add(f FileReport) {
	r.Files = append(r.Files, f)
	if f.Error != "" {
		r.Failed++
	}
	for _, t := range f.Tests {
		if len(t.Failures) > 0 {
			r.Failed++
		} else {
			r.Passed++
		}
	}
}

// shownAlert is an alert as a test compares it.
type shownAlert struct{ labels, annotations map[string]string }

// diffAlerts compares two sets of alerts and returns nil when they are equal. Alerts with the same labels are compared annotation by
// annotation; others are listed as missing or unexpected.
func diffAlerts(want, got []shownAlert) []string {
	var out []string
	left := slices.Clone(got)
	for _, w := range want {
		at := slices.IndexFunc(left, func(g shownAlert) bool {
			return maps.Equal(w.labels, g.labels) && maps.Equal(w.annotations, g.annotations)
		})
		if at < 0 {
			at = slices.IndexFunc(left, func(g shownAlert) bool { return maps.Equal(w.labels, g.labels) })
		}
		if at < 0 {
			out = append(out, "- "+showMap(w.labels))
			for _, k := range slices.Sorted(maps.Keys(w.annotations)) {
				out = append(out, lines("-   "+k+": ", w.annotations[k])...)
			}
			continue
		}
		g := left[at]
		left = slices.Delete(left, at, at+1)
		if maps.Equal(w.annotations, g.annotations) {
			continue
		}
		out = append(out, "  "+showMap(w.labels))
		keys := maps.Clone(w.annotations)
		if keys == nil {
			keys = map[string]string{}
		}
		maps.Copy(keys, g.annotations)
		for _, k := range slices.Sorted(maps.Keys(keys)) {
			if w.annotations[k] == g.annotations[k] {
				continue
			}
			if _, ok := w.annotations[k]; ok {
				out = append(out, lines("-   "+k+": ", w.annotations[k])...)
			}
			if _, ok := g.annotations[k]; ok {
				out = append(out, lines("+   "+k+": ", g.annotations[k])...)
			}
		}
	}
	for _, g := range left {
		out = append(out, "+ "+showMap(g.labels))
		for _, k := range slices.Sorted(maps.Keys(g.annotations)) {
			out = append(out, lines("+   "+k+": ", g.annotations[k])...)
		}
	}
	return out
}

func lines(prefix, text string) []string {
	parts := strings.Split(text, "\n")
	out := []string{prefix + parts[0]}
	pad := prefix[:1] + strings.Repeat(" ", len(prefix)-1)
	for _, p := range parts[1:] {
		out = append(out, pad+p)
	}
	return out
}

// showMap writes labels as PromQL does.
func showMap(m map[string]string) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, fmt.Sprintf("%s=%q", k, m[k]))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
