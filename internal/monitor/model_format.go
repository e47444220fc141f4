package monitor

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/plumbline-ml/plumbline/internal/parse"
)

// format checks the format and the options that belong to some formats only.
func (d *decoder) format(m *Model, e entry, set map[string]entry) {
	known := parse.Formats()
	if m.Logs.Format != "" && !contains(known, m.Logs.Format) {
		fix := ""
		if guess := nearest(m.Logs.Format, known); guess != "" {
			fix = "did you mean " + guess + "?"
		}
		d.fail(set["format"].val, join(e.path, "format"), fmt.Sprintf("%q is not a format", clip(m.Logs.Format)), "one of "+list(known), fix)
		return
	}
	for _, o := range []struct {
		key     string
		formats []string
	}{
		{"pattern", []string{"regex"}},
		{"columns", []string{"csv", "tsv"}},
		{"delimiter", []string{"csv"}},
		{"join", []string{"json"}},
	} {
		if k, ok := set[o.key]; ok && !contains(o.formats, m.Logs.Format) {
			d.fail(k.key, k.path, "does not belong to format "+m.Logs.Format, "format: "+strings.Join(o.formats, " or "), "")
		}
	}
	if k, ok := set["format"]; ok && m.Logs.Format == "regex" && m.Logs.Pattern == "" {
		if _, given := set["pattern"]; !given {
			d.fail(k.val, join(e.path, "pattern"), "is missing", "a regular expression with named groups", "add pattern: '^(?P<ts>\\S+) (?P<score>\\S+)$'")
		}
	}
	if k, ok := set["pattern"]; ok && m.Logs.Pattern != "" {
		re, err := regexp.Compile(m.Logs.Pattern)
		switch {
		case err != nil:
			d.fail(k.val, k.path, "is not a regular expression: "+err.Error(), "RE2 syntax", "")
		case !slices.ContainsFunc(re.SubexpNames(), func(s string) bool { return s != "" }):
			d.fail(k.val, k.path, "has no named group", "a group (?P<name>…) for each field", "")
		}
	}
}

// onegroup checks a pattern that cuts a time out of a text.
func (d *decoder) onegroup(e entry, pattern string) {
	if pattern == "" {
		return
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		d.fail(e.val, e.path, "is not a regular expression: "+err.Error(), "RE2 syntax", "")
	} else if re.NumSubexp() != 1 {
		d.fail(e.val, e.path, fmt.Sprintf("has %d groups", re.NumSubexp()), "exactly one group around the time", "")
	}
}

// compile checks that the parser takes the model's fields, and points at the one that it does not take.
func (d *decoder) compile(m *Model, root *yaml.Node) {
	if len(d.problems) > 0 {
		return
	}
	_, err := m.Compile()
	if err == nil {
		return
	}
	format, opts := m.Format()
	for _, f := range m.Fields() {
		if _, one := parse.Compile(format, opts, []parse.Field{f}); one != nil {
			n := d.places[f.Path]
			if n == nil {
				n = root
			}
			d.fail(n, "", one.Error(), "", "")
		}
	}
	if len(d.problems) == 0 {
		d.fail(root, "logs", err.Error(), "", "")
	}
}

// Format is what parse.Compile wants to know about the model's lines.
func (m *Model) Format() (string, parse.FormatOptions) {
	o := m.Logs.Limits
	o.Location, o.Columns, o.Pattern, o.Join = m.Logs.Location, m.Logs.Columns, m.Logs.Pattern, m.Logs.Join
	if m.Logs.Delimiter != "" {
		o.Delimiter = m.Logs.Delimiter[0]
	}
	return m.Logs.Format, o
}

// Compile makes the parser's plan for the model: one for each instance, because plans grow with what they meet.
func (m *Model) Compile() (*parse.Plan, error) {
	format, opts := m.Format()
	return parse.Compile(format, opts, m.Fields())
}

// places says which slot of a record holds what. −1 means that the model does not ask for it.
type places struct {
	time, version, score, label int
	entity, client              int
	replica, id                 int
	truth, truthID              int   // in the model's own log; −1 when the truth stands elsewhere
	segments                    []int // beside Model.Segments
	features                    []int // beside Model.Features
	updated                     []int // beside Model.Features; −1 without updated_at
}

// Fields lists what the model asks of a line, in the order of the parser's slots.
func (m *Model) Fields() []parse.Field {
	fields, _ := m.layout()
	return fields
}

func (m *Model) layout() ([]parse.Field, places) {
	var fields []parse.Field
	add := func(f parse.Field) int {
		fields = append(fields, f)
		return len(fields) - 1
	}
	p := places{time: -1, version: -1, score: -1, label: -1, entity: -1, client: -1, replica: -1, id: -1, truth: -1, truthID: -1}
	if m.Timestamp.Path != "" {
		// The first time field of a plan is the event time, so it stands before every updated_at.
		p.time = add(parse.Field{Path: m.Timestamp.Path, Time: true, Pattern: m.Timestamp.Pattern, Layout: m.Timestamp.Layout})
	}
	if m.Version != "" {
		p.version = add(parse.Field{Path: m.Version})
	}
	if m.Entity != "" {
		p.entity = add(parse.Field{Path: m.Entity})
	}
	if m.Client != "" {
		p.client = add(parse.Field{Path: m.Client, Context: true})
	}
	if m.ID != "" {
		p.id = add(parse.Field{Path: m.ID, Context: true})
	}
	if m.Truth != nil && !m.Truth.Separate() {
		p.truth = add(parse.Field{Path: m.Truth.Path})
		if m.Truth.ID != "" {
			p.truthID = add(parse.Field{Path: m.Truth.ID, Context: true})
		}
	}
	if m.Replica != "" {
		p.replica = add(parse.Field{Path: m.Replica, Context: true})
	}
	if m.Score != nil {
		p.score = add(parse.Field{Path: m.Score.Path, Numeric: true})
	}
	if m.Label != nil {
		p.label = add(parse.Field{Path: m.Label.Path})
	}
	for i := range m.Features {
		f := &m.Features[i]
		p.features = append(p.features, add(parse.Field{Path: f.Path, Numeric: f.Kind == KindNumber}))
	}
	for i := range m.Features {
		at := -1
		if f, ok := m.Features[i].ageField(); ok {
			at = add(f)
		}
		p.updated = append(p.updated, at)
	}
	for i := range m.Segments {
		p.segments = append(p.segments, add(parse.Field{Path: m.Segments[i].Path, Context: true}))
	}
	return fields, p
}
