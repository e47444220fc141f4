package rules

import (
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// source is the text of a file, by lines, for problems to point into.
type source struct {
	file  string
	lines []string
}

func newSource(file string, data []byte) *source {
	return &source{file: file, lines: strings.Split(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n")}
}

func (s *source) line(n int) string {
	if n < 1 || n > len(s.lines) {
		return ""
	}
	return s.lines[n-1]
}

// at makes a problem that points at a YAML node.
func (s *source) at(n *yaml.Node, severity, check, message string) Problem {
	length := 1
	if n.Kind == yaml.ScalarNode && n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0 && !strings.Contains(n.Value, "\n") {
		length = max(1, utf8.RuneCountInString(n.Value))
	}
	return s.point(n.Line, n.Column, length, severity, check, message)
}

func (s *source) point(line, column, length int, severity, check, message string) Problem {
	line = min(max(line, 1), len(s.lines)) // YAML knows more kinds of line ends than we do
	text := s.line(line)
	if rest := utf8.RuneCountInString(text) - column + 1; length > rest {
		length = rest
	}
	length = max(1, length)
	return Problem{File: s.file, Line: line, Column: column, Length: length, Severity: severity, Check: check, Text: text, Message: message}
}

// within makes a problem that points at bytes [from, to) of the value of a scalar node, wherever YAML's quoting and folding put them.
func (s *source) within(n *yaml.Node, from, to int, severity, check, message string) Problem {
	line, column := s.locate(n, from)
	length := utf8.RuneCountInString(firstLine(n.Value[min(from, len(n.Value)):min(max(from, to), len(n.Value))]))
	return s.point(line, column, max(1, length), severity, check, message)
}

func firstLine(s string) string {
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		return s[:i]
	}
	return s
}

// locate maps a byte offset in the value of a scalar to line and column in the file. It walks value and source side by side: white
// space stands for any white space, everything else stands for itself, escapes of quoted scalars are stepped over.
func (s *source) locate(n *yaml.Node, offset int) (line, column int) {
	line, column = n.Line, n.Column
	var text []rune
	if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		line, column = line+1, 1 // the text begins below its | or >
		text = []rune(s.line(line))
	} else {
		text = []rune(s.line(line))
		if n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
			column++
		}
	}
	next := func() bool { // to the start of the next line
		if line >= len(s.lines) {
			return false
		}
		line, column = line+1, 1
		text = []rune(s.line(line))
		return true
	}
	skipSpace := func() {
		for {
			for column <= len(text) && (text[column-1] == ' ' || text[column-1] == '\t') {
				column++
			}
			if column <= len(text) || !next() {
				return
			}
		}
	}
	for i, r := range n.Value {
		space := r == ' ' || r == '\t' || r == '\n'
		if !space {
			skipSpace()
			for column <= len(text) && text[column-1] != r && (text[column-1] == '\\' || text[column-1] == '\'') {
				column++
			}
		}
		if i >= offset {
			return line, column
		}
		switch {
		case space && column <= len(text) && (text[column-1] == ' ' || text[column-1] == '\t'):
			column++
		case !space && column <= len(text):
			column++
			if r == '\'' && n.Style&yaml.SingleQuotedStyle != 0 {
				column++ // it is written twice
			}
		}
	}
	return line, column
}
