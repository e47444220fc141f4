package parse

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Roles of a Column.
const (
	RoleTime       = "time"       // when the prediction was made
	RoleScore      = "score"      // the model's number
	RoleLabel      = "label"      // the model's class
	RoleTarget     = "target"     // the true class or value, if the log has it
	RoleVersion    = "version"    // of the model
	RoleFeature    = "feature"    // an input
	RoleIdentifier = "identifier" // of the request; never a feature
)

// Kinds of a Column.
const (
	ColumnNumber      = "number"
	ColumnProbability = "probability"
	ColumnCategory    = "category"
	ColumnSequence    = "sequence" // an array of numbers
	ColumnText        = "text"     // free text, not profiled
	ColumnTime        = "time"
)

// Column describes one field of a preset or of a schema.
type Column struct {
	Path string
	Role string
	Kind string
	Note string // what it holds, for people; may be empty
}

// presetColumns lists what each preset reads when the model file lists no fields.
var presetColumns = map[string][]Column{
	"bentoml":      bentoMLColumns,
	"mlserver":     mlServerColumns,
	"ray-serve":    rayServeColumns,
	"rspamd":       rspamdColumns,
	"sagemaker":    sageMakerColumns,
	"spamassassin": spamAssassinColumns,
	"torchserve":   torchServeColumns,
	"triton-trace": tritonColumns,
	"vllm":         vLLMColumns,
}

// Preset returns the columns of a preset; ok is false for a general format. Those of bentoml are what every record has:
// the columns of a monitor stand in a schema beside the data.
func Preset(format string) (columns []Column, ok bool) {
	columns, ok = presetColumns[format]
	return slices.Clone(columns), ok
}

// known checks that a text preset has the fields that are asked for.
func (p *Plan) known(columns []Column) error {
	for _, f := range p.fields {
		if f.Path == "*" || slices.ContainsFunc(columns, func(c Column) bool { return covers(c.Path, f.Path) }) {
			continue
		}
		var names []string
		for _, c := range columns {
			names = append(names, c.Path)
		}
		return fmt.Errorf("it has no field %q: expected one of %s", f.Path, strings.Join(names, ", "))
	}
	return nil
}

// covers reports whether a column's path is, or as a wildcard contains, a field's path.
func covers(column, field string) bool {
	prefix, wildcard := strings.CutSuffix(column, "*")
	return column == field || wildcard && strings.HasPrefix(field, prefix) && len(field) > len(prefix)
}

// bind returns the node of a fixed field, or nil when the model does not ask for it.
func (p *Plan) bind(name string) *node {
	if at := p.root.find(&p.hash, []byte(name)); at >= 0 {
		return p.root.entries[at].child
	}
	if p.root.wildcard >= 0 {
		c := p.wildcardChild(p.root, []byte(name))
		if c != nil {
			p.root.insert(&p.hash, name, c)
		}
		return c
	}
	return nil
}

// bindGroup returns the node below which names from the line are looked up (symbol.*), or nil.
func (p *Plan) bindGroup(name string) *node {
	if at := p.root.find(&p.hash, []byte(name)); at >= 0 {
		return p.root.entries[at].child
	}
	return nil
}

// at returns the node of a name below a group, or nil.
func (p *Plan) at(group *node, name []byte) *node {
	if group == nil {
		return nil
	}
	i := group.find(&p.hash, name)
	if i < 0 {
		if i = p.meet(group, name); i < 0 {
			return nil
		}
	}
	return group.entries[i].child
}

// putText gives text from a text format to a node. What is not UTF-8 is repaired in scratch memory.
func (p *Plan) putText(rec *Record, n *node, text []byte) {
	if n == nil {
		return
	}
	kind := String
	if len(text) == 0 {
		kind = Empty
	} else if len(text) > p.opts.MaxValue {
		kind, text = Invalid, nil
		p.scan.blemish = Oversize
	} else if !utf8.Valid(text) {
		from := len(p.scan.scratch)
		p.scan.scratch = appendValid(p.scan.scratch, text)
		text = p.scan.scratch[from:len(p.scan.scratch):len(p.scan.scratch)]
	}
	p.put(rec, n, kind, 0, text, &p.scan.blemish)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func appendValid(dst, text []byte) []byte {
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		dst = utf8.AppendRune(dst, r)
		i += n
	}
	return dst
}

// putNumber gives a number from a text format to a node; text that is no number becomes Invalid.
func (p *Plan) putNumber(rec *Record, n *node, text []byte) {
	if n == nil {
		return
	}
	kind, x := numericText(text)
	if kind == String || kind == Bool {
		p.scan.blemish = BadNumber
		kind, x, text = Invalid, 0, nil
	}
	p.put(rec, n, kind, x, text, &p.scan.blemish)
}

// putFloat gives a number that was computed from the line.
func (p *Plan) putFloat(rec *Record, n *node, x float64) {
	if n != nil {
		p.put(rec, n, Number, x, nil, &p.scan.blemish)
	}
}
