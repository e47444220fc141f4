package monitor

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ErrModelFile is what every error about a model file matches with errors.Is.
var ErrModelFile = errors.New("model file is not valid")

// Problem is one thing that is wrong in a file that a user wrote.
type Problem struct {
	File         string
	Line, Column int    // 1-based; 0 when the file as a whole is meant
	Key          string // dotted path of the offending key; empty for syntax errors
	Text         string // what is wrong
	Expected     string // what stands there in a good file; may be empty
	Fix          string // what to write instead; may be empty
}

// Error is file:line:column: key: text; expected …; write ….
func (p *Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	b.WriteString(": ")
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	b.WriteString(p.Text)
	if p.Expected != "" {
		b.WriteString("; expected " + p.Expected)
	}
	if p.Fix != "" {
		b.WriteString("; " + p.Fix)
	}
	return b.String()
}

// Is makes every problem an ErrModelFile.
func (p *Problem) Is(target error) bool { return target == ErrModelFile }

// Problems lists what is wrong inside an error of ParseModel or LoadModels, in the order of the file.
func Problems(err error) []*Problem {
	var found []*Problem
	var walk func(error)
	walk = func(err error) {
		switch e := err.(type) {
		case nil:
		case *Problem:
			found = append(found, e)
		case interface{ Unwrap() []error }:
			for _, inner := range e.Unwrap() {
				walk(inner)
			}
		default:
			walk(errors.Unwrap(err))
		}
	}
	walk(err)
	return found
}

// maxProblems bounds what one file can make us print.
const maxProblems = 20

// decoder walks the YAML nodes of one file and collects problems instead of stopping at the first.
type decoder struct {
	file     string
	problems []error
	places   map[string]*yaml.Node // where each path of a record is written
}

// wrote notes where a path of a record is written, so that a later check can point there.
func (d *decoder) wrote(path string, n *yaml.Node) {
	if d.places == nil {
		d.places = map[string]*yaml.Node{}
	}
	if d.places[path] == nil {
		d.places[path] = n
	}
}

// planned are keys that one might expect and that are not read. They are refused like any other unknown key, with
// what to write instead.
var planned = map[string]string{
	"reference.registry": "a registry is not supported: build a file, and name it with file",
}

func (d *decoder) fail(n *yaml.Node, key, text, expected, fix string) {
	if len(d.problems) >= maxProblems {
		return
	}
	p := &Problem{File: d.file, Key: key, Text: text, Expected: expected, Fix: fix}
	if n != nil {
		p.Line, p.Column = n.Line, n.Column
	}
	d.problems = append(d.problems, p)
}

// err is everything that is wrong, in the order of the file.
func (d *decoder) err() error {
	slices.SortStableFunc(d.problems, func(a, b error) int {
		p, ok := a.(*Problem)
		q, both := b.(*Problem)
		if !ok || !both || p.File != q.File {
			return 0
		}
		return cmp.Or(cmp.Compare(p.Line, q.Line), cmp.Compare(p.Column, q.Column))
	})
	return errors.Join(d.problems...)
}

// entry is one key of a mapping.
type entry struct {
	name string
	key  *yaml.Node
	val  *yaml.Node
	path string // dotted, for messages
}

// mapping returns the entries of a mapping node, refuses keys that are not in known, and keys that stand twice.
func (d *decoder) mapping(n *yaml.Node, path string, known ...string) []entry {
	n = deref(n)
	if n.Kind != yaml.MappingNode {
		d.fail(n, path, "is "+kindName(n), "a mapping with "+list(known), "")
		return nil
	}
	seen := map[string]bool{}
	var entries []entry
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		full := join(path, k.Value)
		switch {
		case k.Kind != yaml.ScalarNode:
			d.fail(k, path, "has a key that is not a plain word", "one of "+list(known), "")
		case k.Value == "<<":
			d.fail(k, path, "merge keys are not read", "", "write the keys out")
		case seen[k.Value]:
			d.fail(k, full, "stands twice", "", "keep one of them")
		case !contains(known, k.Value):
			fix := planned[full]
			if guess := nearest(k.Value, known); fix == "" && guess != "" {
				fix = "did you mean " + guess + "?"
			}
			d.fail(k, full, "unknown key", "one of "+list(known), fix)
		default:
			entries = append(entries, entry{name: k.Value, key: k, val: deref(v), path: full})
		}
		seen[k.Value] = true
	}
	return entries
}

// text returns a scalar's text. Null and empty are refused.
func (d *decoder) text(e entry, expected string) (string, bool) {
	if e.val.Kind != yaml.ScalarNode {
		d.fail(e.val, e.path, "is "+kindName(e.val), expected, "")
		return "", false
	}
	if e.val.Tag == "!!null" || e.val.Value == "" {
		d.fail(e.val, e.path, "is empty", expected, "")
		return "", false
	}
	return e.val.Value, true
}

// texts reads a list of texts; one text alone is a list of one.
func (d *decoder) texts(e entry, expected string) []string {
	if e.val.Kind == yaml.ScalarNode {
		if s, ok := d.text(e, expected); ok {
			return []string{s}
		}
		return nil
	}
	if e.val.Kind != yaml.SequenceNode {
		d.fail(e.val, e.path, "is "+kindName(e.val), expected, "")
		return nil
	}
	var out []string
	for i, item := range e.val.Content {
		if s, ok := d.text(entry{val: deref(item), path: fmt.Sprintf("%s[%d]", e.path, i)}, expected); ok {
			out = append(out, s)
		}
	}
	if len(e.val.Content) == 0 {
		d.fail(e.val, e.path, "is an empty list", expected, "")
	}
	return out
}

func (d *decoder) boolean(e entry) bool {
	if e.val.Kind == yaml.ScalarNode && e.val.Tag == "!!bool" {
		return e.val.Value == "true" || e.val.Value == "True" || e.val.Value == "TRUE"
	}
	d.fail(e.val, e.path, "is "+kindName(e.val), "true or false", "")
	return false
}

func deref(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		if n.Tag == "!!null" {
			return "empty"
		}
		return fmt.Sprintf("%q", clip(n.Value))
	default:
		return "something else"
	}
}

// clip keeps messages short when somebody writes a novel into a key.
func clip(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}

func contains(words []string, w string) bool {
	for _, k := range words {
		if k == w {
			return true
		}
	}
	return false
}

func list(words []string) string { return strings.Join(words, ", ") }

// nearest finds the known word that is at most two slips of the finger away, or empty.
func nearest(word string, known []string) string {
	best, at := 3, ""
	for _, k := range known {
		if d := distance(strings.ToLower(word), k); d < best && d < len(k) {
			best, at = d, k
		}
	}
	return at
}

// distance counts insertions, deletions, replacements and swaps of neighbours between two words.
func distance(a, b string) int {
	prev2, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return prev[len(b)]
}
