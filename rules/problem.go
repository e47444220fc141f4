package rules

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Severities of a Problem. An error keeps the rules from being loaded; a warning does not.
const (
	ProblemError   = "error"
	ProblemWarning = "warning"
)

// Problem is one finding of Check. It marshals to JSON as it stands.
type Problem struct {
	File     string `json:"file"`
	Line     int    `json:"line"`   // from 1; 0 when the file as a whole is meant
	Column   int    `json:"column"` // from 1, in characters
	Length   int    `json:"length"` // characters to underline, at least 1
	Severity string `json:"severity"`
	Check    string `json:"check"` // short name of the check, see docs/rules.md
	Text     string `json:"text"`  // the offending line of the file
	Message  string `json:"message"`
	Expected string `json:"expected,omitempty"`
	Fix      string `json:"fix,omitempty"`
}

// Error implements error, so that a refused reload can name each problem in one line.
func (p Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	b.WriteString(": " + p.Message)
	if p.Expected != "" {
		b.WriteString("; expected " + p.Expected)
	}
	if p.Fix != "" {
		b.WriteString("; " + p.Fix)
	}
	return b.String()
}

// HasErrors reports whether one of the problems keeps rules from being loaded.
func HasErrors(problems []Problem) bool {
	return slices.ContainsFunc(problems, func(p Problem) bool { return p.Severity == ProblemError })
}

// RenderProblems writes problems for people: the line, a caret below the text that is meant, what was expected and what to write.
func RenderProblems(w io.Writer, problems []Problem) error {
	for _, p := range problems {
		var b strings.Builder
		b.WriteString(p.File)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
		}
		fmt.Fprintf(&b, ": %s: %s [%s]\n", p.Severity, p.Message, p.Check)
		if p.Line > 0 && p.Text != "" {
			number := fmt.Sprintf("%5d", p.Line)
			fmt.Fprintf(&b, "%s | %s\n", number, p.Text)
			fmt.Fprintf(&b, "%s | %s%s\n", strings.Repeat(" ", len(number)), indentLike(p.Text, p.Column-1), strings.Repeat("^", max(1, p.Length)))
		}
		if p.Expected != "" {
			fmt.Fprintf(&b, "        expected: %s\n", p.Expected)
		}
		if p.Fix != "" {
			fmt.Fprintf(&b, "        fix: %s\n", p.Fix)
		}
		if _, err := io.WriteString(w, b.String()); err != nil {
			return err
		}
	}
	return nil
}

// indentLike is n characters of white space that are as wide as the start of text: tabs stay tabs.
func indentLike(text string, n int) string {
	var b strings.Builder
	for _, r := range text {
		if n <= 0 {
			break
		}
		if r == '\t' {
			b.WriteRune('\t')
		} else {
			b.WriteByte(' ')
		}
		n--
	}
	b.WriteString(strings.Repeat(" ", max(0, n)))
	return b.String()
}

func sortProblems(list []Problem) {
	slices.SortStableFunc(list, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Severity, b.Severity))
	})
}

// closest returns the candidate that word was most likely meant to be, or "" when none is near.
func closest(word string, candidates []string) string {
	n := utf8.RuneCountInString(word)
	best, found := 1+max(1, min(n/4, 4)), ""
	slices.Sort(candidates)
	for _, c := range candidates {
		d := distance(word, c)
		if d < best || (d == best && found != "" && strings.HasPrefix(c, word) && !strings.HasPrefix(found, word)) {
			best, found = d, c
		}
	}
	return found
}

// distance counts the letters to change, add, remove or swap with their neighbour to get from a to b.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, last, row := []int(nil), []int(nil), make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i, r := range x {
		before, last = last, row
		row = make([]int, len(y)+1)
		row[0] = i + 1
		for j, s := range y {
			cost := 1
			if r == s {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && r == y[j-1] && x[i-1] == s {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(y)]
}
