package rules

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"
)

// ruleNode is one rule with the places where its parts stand.
type ruleNode struct {
	node                 *yaml.Node
	alert, record, expr  *yaml.Node
	hold, keep           *yaml.Node
	labels, annotations  []pair
	group                string
	groupLabels          []pair
	labelsAt, annotateAt *yaml.Node
	misread              bool // some of its keys could not be read
}

type pair struct{ key, value *yaml.Node }

func (r *ruleNode) name() *yaml.Node {
	switch {
	case r.alert != nil:
		return r.alert
	case r.record != nil:
		return r.record
	}
	return r.node
}

// label returns the value of a label: the rule's own, or its group's.
func (r *ruleNode) label(name string) *yaml.Node {
	return lookup(r.labels, name, lookup(r.groupLabels, name, nil))
}

func lookup(pairs []pair, name string, def *yaml.Node) *yaml.Node {
	for _, p := range pairs {
		if p.key.Value == name {
			return p.value
		}
	}
	return def
}

// checker collects the problems of one file.
type checker struct {
	src      *source
	problems []Problem
	rules    []*ruleNode
}

func (c *checker) add(p Problem, expected, fix string) {
	p.Expected, p.Fix = expected, fix
	c.problems = append(c.problems, p)
}

var (
	groupKeys = []string{"name", "interval", "query_offset", "limit", "labels", "rules"}
	ruleKeys  = []string{"alert", "record", "expr", "for", "keep_firing_for", "labels", "annotations"}
	yamlLine  = regexp.MustCompile(`line (\d+): (.*)`)
	labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
)

// document reads the YAML and walks groups and rules.
func (c *checker) document(data []byte) {
	var doc yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&doc); err != nil {
		if !errors.Is(err, io.EOF) {
			c.yamlError(err)
		}
		return
	}
	var more yaml.Node
	if err := d.Decode(&more); err == nil {
		c.add(c.src.at(&more, ProblemWarning, "yaml", "a second document in the file is not read"), "one document", "remove the --- or put the rest into a file of its own")
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		c.add(c.src.at(root, ProblemError, "yaml", "a rule file is a mapping"), `"groups:" and a list of groups`, "")
		return
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		if key := root.Content[i]; key.Value == "rule_files" || key.Value == "tests" || key.Value == "scenarios" {
			c.add(c.src.at(key, ProblemError, "yaml", "this is a file of unit tests, not of rules"), `"groups:" and a list of groups`, "run it with plumbline rules test; a name that ends in _test.yaml keeps it apart")
			return
		}
	}
	for _, p := range c.mapping(root, []string{"groups"}, "the file") {
		for _, g := range c.list(p.value, "groups") {
			c.group(g)
		}
	}
}

func (c *checker) yamlError(err error) {
	line, message := 1, strings.TrimPrefix(err.Error(), "yaml: ")
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		line, _ = strconv.Atoi(m[1])
		message = m[2]
	}
	text := c.src.line(line)
	column := len(text) - len(strings.TrimLeft(text, " \t")) + 1
	fix := ""
	switch {
	case strings.Contains(text, "\t"):
		fix = "indent with spaces: YAML does not take tabs"
	case strings.Contains(message, "mapping values are not allowed"):
		fix = `put the value in quotes: it contains ": "`
	case strings.Contains(message, "cannot start any token"), strings.Contains(message, "did not find expected") && strings.ContainsAny(text, "{[\"'"):
		fix = "put the value in quotes"
	}
	c.add(c.src.point(line, column, len(strings.TrimSpace(text)), ProblemError, "yaml", message), "YAML", fix)
}

// mapping returns the pairs of a mapping, merge keys resolved, and reports keys that are unknown or twice there.
func (c *checker) mapping(n *yaml.Node, known []string, what string) []pair {
	return c.mappingAt(n, known, what, 0)
}

func (c *checker) mappingAt(n *yaml.Node, known []string, what string, depth int) []pair {
	n = deref(n)
	if depth > 10 {
		c.add(c.src.at(n, ProblemError, "yaml", "a mapping is merged into itself"), "a mapping that does not contain its own anchor", "")
		return nil
	}
	if n.Kind != yaml.MappingNode {
		if n.Tag != "!!null" {
			c.add(c.src.at(n, ProblemError, "yaml", what+" is not a mapping"), "keys and values", "")
		}
		return nil
	}
	var out, merged []pair
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], deref(n.Content[i+1])
		if key.Tag == "!!merge" {
			merged = append(merged, c.mappingAt(value, known, what, depth+1)...)
			continue
		}
		if slices.ContainsFunc(out, func(p pair) bool { return p.key.Value == key.Value }) {
			c.add(c.src.at(key, ProblemError, "yaml", fmt.Sprintf("%q is there twice", key.Value)), "each key once", "remove one of them")
			continue
		}
		if known != nil && !slices.Contains(known, key.Value) {
			fix := ""
			if s := closest(key.Value, slices.Clone(known)); s != "" {
				fix = "write " + s
			}
			c.add(c.src.at(key, ProblemError, "yaml", fmt.Sprintf("%s has no key %q", what, key.Value)), "one of "+strings.Join(known, ", "), fix)
			continue
		}
		out = append(out, pair{key, value})
	}
	for _, m := range merged {
		if !slices.ContainsFunc(out, func(p pair) bool { return p.key.Value == m.key.Value }) {
			out = append(out, m)
		}
	}
	return out
}

func (c *checker) list(n *yaml.Node, what string) []*yaml.Node {
	n = deref(n)
	if n.Kind == yaml.SequenceNode {
		return n.Content
	}
	if n.Tag != "!!null" {
		c.add(c.src.at(n, ProblemError, "yaml", what+" is not a list"), `items that begin with "- "`, "")
	}
	return nil
}

func deref(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

func (c *checker) group(n *yaml.Node) {
	pairs := c.mapping(n, groupKeys, "a group")
	name := lookup(pairs, "name", nil)
	if name == nil || name.Value == "" {
		c.add(c.src.at(n, ProblemError, "yaml", "a group without a name"), "name: …", "")
		name = &yaml.Node{}
	}
	for _, other := range c.rules {
		if other.group == name.Value && name.Value != "" {
			c.add(c.src.at(name, ProblemError, "yaml", fmt.Sprintf("group %q is in this file twice", name.Value)), "a name of its own", "")
			break
		}
	}
	for _, key := range []string{"interval", "query_offset"} {
		c.duration(lookup(pairs, key, nil), key)
	}
	if l := lookup(pairs, "limit", nil); l != nil {
		if v, err := strconv.Atoi(l.Value); err != nil || v < 0 {
			c.add(c.src.at(l, ProblemError, "yaml", fmt.Sprintf("limit %q is not a number of alerts", l.Value)), "a whole number, 0 for none", "")
		}
	}
	var groupLabels []pair
	if l := lookup(pairs, "labels", nil); l != nil {
		groupLabels = c.texts(l, "labels", ProblemError)
	}
	if rules := lookup(pairs, "rules", nil); rules != nil {
		for _, r := range c.list(rules, "rules") {
			c.rule(r, name.Value, groupLabels)
		}
	}
}

func (c *checker) duration(n *yaml.Node, key string) {
	if n == nil {
		return
	}
	if _, err := model.ParseDuration(n.Value); err != nil {
		fix := ""
		if _, err := strconv.Atoi(n.Value); err == nil {
			fix = "write " + n.Value + "s or " + n.Value + "m"
		}
		c.add(c.src.at(n, ProblemError, "yaml", fmt.Sprintf("%s: %q is not a duration", key, n.Value)), "a number with a unit: 30s, 5m, 1h30m, 2d", fix)
	}
}

// texts checks a mapping of names to texts: labels or annotations.
func (c *checker) texts(n *yaml.Node, what, severity string) []pair {
	pairs := c.mapping(n, nil, what)
	for _, p := range pairs {
		if p.value.Kind != yaml.ScalarNode {
			c.add(c.src.at(p.value, severity, "yaml", fmt.Sprintf("%s: %s is not a text", what, p.key.Value)), "a text", `put a value that begins with { or [ in quotes`)
			continue
		}
		if !labelName.MatchString(p.key.Value) {
			c.add(c.src.at(p.key, severity, "yaml", fmt.Sprintf("%s: %q is not a name", what, p.key.Value)), "letters, digits and _, not beginning with a digit", "")
		}
	}
	return pairs
}

func (c *checker) rule(n *yaml.Node, group string, groupLabels []pair) {
	before := len(c.problems)
	pairs := c.mapping(n, ruleKeys, "a rule")
	misread := len(c.problems) > before // what seems to be missing is most likely there under a misspelt key
	if pairs == nil {
		return
	}
	r := &ruleNode{node: n, group: group, groupLabels: groupLabels,
		alert: lookup(pairs, "alert", nil), record: lookup(pairs, "record", nil), expr: lookup(pairs, "expr", nil),
		hold: lookup(pairs, "for", nil), keep: lookup(pairs, "keep_firing_for", nil),
		misread: misread, labelsAt: lookup(pairs, "labels", nil), annotateAt: lookup(pairs, "annotations", nil)}
	switch {
	case r.alert != nil && r.record != nil:
		c.add(c.src.at(r.record, ProblemError, "yaml", "a rule is either an alert or a record"), "one of the two", "remove one, or make two rules")
	case r.alert == nil && r.record == nil:
		c.add(c.src.at(n, ProblemError, "yaml", "a rule without a name"), `"alert: Name" or "record: name"`, "")
	case r.name().Value == "":
		c.add(c.src.at(r.name(), ProblemError, "yaml", "the name is empty"), "a name", "")
	}
	c.duration(r.hold, "for")
	c.duration(r.keep, "keep_firing_for")
	if r.labelsAt != nil {
		r.labels = c.texts(r.labelsAt, "labels", ProblemError)
	}
	if r.annotateAt != nil {
		r.annotations = c.texts(r.annotateAt, "annotations", ProblemError)
	}
	if r.record != nil {
		for what, part := range map[string]*yaml.Node{"for": r.hold, "keep_firing_for": r.keep, "annotations": r.annotateAt} {
			if part != nil {
				c.add(c.src.at(part, ProblemError, "yaml", "a recording rule has no "+what), "record, expr, labels", "remove "+what)
			}
		}
		if !model.UTF8Validation.IsValidMetricName(r.record.Value) || strings.ContainsAny(r.record.Value, "{} ") {
			c.add(c.src.at(r.record, ProblemError, "yaml", fmt.Sprintf("%q is not the name of a metric", r.record.Value)), "level:metric:operation", "")
		}
	}
	if r.expr == nil || strings.TrimSpace(r.expr.Value) == "" {
		if !misread {
			c.add(c.src.at(r.name(), ProblemError, "yaml", "the rule has no expr"), "expr: a PromQL expression", "")
		}
		r.expr = nil
	}
	c.rules = append(c.rules, r)
}
