package parse

import (
	"fmt"
	"slices"
	"strings"
)

// Plan is what one model asks of a line, compiled.
type Plan struct {
	format   string
	opts     FormatOptions
	fields   []Field
	slots    []Slot
	specs    []spec // beside slots
	root     *node
	prefixes []prefixWildcard // wildcards, for formats and loggers that write "features.a" as one flat key
	hash     keyHash
	joinSlot int32 // of the key of FormatOptions.Join; -1 = none
	event    int   // index of the field that gives Record.Time; -1 = none
	wild     int   // slots made by wildcards
	born     int   // nodes made by wildcards: objects need no slot, but memory
	unknown  int   // names remembered that nobody asked for
	shadows  int
	overflow uint64
	near     int64  // when the line being read was written or arrived, Unix nanoseconds; 0 = unknown. It tells the year of times without one
	gen      uint64 // of the record being filled; nodes remember it to notice duplicate keys
	refused  *node  // stands in node.index for an element that found no room
	unasked  *node  // stands for objects in which nobody asked for anything; it never learns a key
	scan     scanner
	reader   func() formatReader // makes what one source needs
}

// spec is what a slot needs beside its path.
type spec struct {
	numeric bool
	event   bool
	context bool // alone it makes no record
	time    *timeReader
	next    int32 // another slot that asks for the same path; -1 = none
}

type prefixWildcard struct {
	prefix string
	n      *node
}

// formatReader reads one logical line (container wrapper already removed) of one source.
type formatReader interface {
	read(p *Parser, line []byte, rec *Record) Result
}

// prepareOf returns what prepares the reader of a format, or nil.
func prepareOf(format string) func(*Plan) error {
	switch format {
	case "auto", "json":
		return prepareJSON
	case "bentoml":
		return prepareBentoML
	case "csv":
		return prepareCSV(',')
	case "logfmt":
		return prepareLogfmt
	case "mlserver":
		return prepareMLServer
	case "ray-serve":
		return prepareRayServe
	case "regex":
		return prepareRegex
	case "rspamd":
		return prepareRspamd
	case "sagemaker":
		return prepareSageMaker
	case "spamassassin":
		return prepareSpamAssassin
	case "torchserve":
		return prepareTorchServe
	case "triton-trace":
		return prepareTriton
	case "tsv":
		return prepareCSV('\t')
	case "vllm":
		return prepareVLLM
	}
	return nil
}

// Formats returns the names that Compile knows, sorted.
func Formats() []string {
	return []string{"auto", "bentoml", "csv", "json", "logfmt", "mlserver", "ray-serve", "regex", "rspamd", "sagemaker", "spamassassin",
		"torchserve", "triton-trace", "tsv", "vllm"}
}

// Compile prepares to read fields from lines of a format. Slots 0..len(fields)-1 are the fields in order; a
// wildcard field's own slot always stays Absent, and the keys found below it get the slots after these.
func Compile(format string, opts FormatOptions, fields []Field) (*Plan, error) {
	prepare := prepareOf(format)
	if opts.Join != "" && format != "json" && format != "auto" {
		return nil, fmt.Errorf("format %s: join belongs to json only: leave it out", format)
	}
	if prepare == nil {
		return nil, fmt.Errorf("unknown log format %q: expected one of %s", format, strings.Join(Formats(), ", "))
	}
	p := &Plan{format: format, opts: opts.withDefaults(), fields: slices.Clone(fields), hash: newKeyHash(), event: -1, joinSlot: -1}
	p.root, p.refused, p.unasked = newNode(""), newNode(""), newNode("")
	for i := range p.fields {
		if err := p.add(i); err != nil {
			return nil, fmt.Errorf("field %q: %w", p.fields[i].Path, err)
		}
	}
	if err := p.prepareJoin(); err != nil {
		return nil, fmt.Errorf("join key %q: %w", opts.Join, err)
	}
	p.root.reclassify(p)
	p.scan = scanner{plan: p, maxDepth: p.opts.MaxDepth, maxKeys: p.opts.MaxKeys, maxValue: p.opts.MaxValue}
	if err := prepare(p); err != nil {
		return nil, fmt.Errorf("format %s: %w", format, err)
	}
	return p, nil
}

// add gives field i its slot and its place in the tree of paths.
func (p *Plan) add(i int) error {
	f := &p.fields[i]
	segments, wildcard, err := splitPath(f.Path)
	if err != nil {
		return err
	}
	sp := spec{numeric: f.Numeric, context: f.Context, next: -1}
	if f.Time {
		if sp.time, err = newTimeReader(f.Layout, f.Pattern, p.opts); err != nil {
			return err
		}
		sp.time.near = &p.near
		if p.event < 0 && !wildcard {
			p.event, sp.event, sp.context = i, true, true
		}
	} else if f.Pattern != "" || f.Layout != "" {
		return fmt.Errorf("layout and pattern belong to a time field: set time: true, or leave them out")
	}
	p.slots = append(p.slots, Slot{Path: f.Path, Wildcard: -1})
	p.specs = append(p.specs, sp)
	n := p.root
	for _, segment := range segments {
		n = p.child(n, segment)
	}
	if wildcard {
		if n.wildcard < 0 {
			n.wildcard = int32(i)
		}
		prefix := strings.TrimSuffix(f.Path, "*")
		p.prefixes = append(p.prefixes, prefixWildcard{prefix: prefix, n: n})
		return nil
	}
	slot := int32(i)
	if n.slot >= 0 { // asked for twice: chain the slots
		last := n.slot
		for p.specs[last].next >= 0 {
			last = p.specs[last].next
		}
		p.specs[last].next = slot
	} else {
		n.slot = slot
	}
	p.classify(n)
	if len(segments) > 1 {
		// Loggers and text formats write "features.a" and "scores[0]" as one flat key.
		for _, flat := range []string{strings.Join(segments, "."), f.Path} {
			if p.root.find(&p.hash, []byte(flat)) < 0 {
				p.root.insert(&p.hash, flat, n)
			}
		}
	}
	return nil
}

// splitPath cuts a path at its dots and at brackets with a number: a[3].b is a.3.b.
func splitPath(path string) (segments []string, wildcard bool, err error) {
	if path == "" {
		return nil, false, fmt.Errorf("the path is empty: expected a key such as score or prediction.score")
	}
	if path == "*" {
		return nil, true, nil
	}
	if rest, ok := strings.CutSuffix(path, ".*"); ok && !strings.HasSuffix(rest, `\`) {
		path, wildcard = rest, true
	}
	var b strings.Builder
	cut := func() {
		segments = append(segments, b.String())
		b.Reset()
	}
	for i := 0; i < len(path); i++ {
		switch c := path[i]; {
		case c == '\\' && i+1 < len(path) && strings.IndexByte(`.\*[`, path[i+1]) >= 0:
			i++
			b.WriteByte(path[i])
		case c == '.':
			cut()
		case c == '[' && elementIn(path[i:]) != "":
			if i > 0 {
				cut()
			}
			number := elementIn(path[i:])
			b.WriteString(number)
			i += len(number) + 1
		default:
			b.WriteByte(c)
		}
	}
	cut()
	for _, s := range segments {
		if s == "" {
			return nil, false, fmt.Errorf("the path has an empty part: write a.b, without leading, trailing or doubled dots")
		}
	}
	if slices.Contains(segments, "*") {
		return nil, false, fmt.Errorf(`a wildcard stands at the end only: write features.* (a key that is a star is written "\*")`)
	}
	return segments, wildcard, nil
}

// elementIn returns the number in the bracket that a text begins with; empty if there is none, or if something follows
// that is neither the next part nor the end.
func elementIn(text string) string {
	number, rest, ok := strings.Cut(text[1:], "]")
	if !ok || strings.Trim(number, "0123456789") != "" || rest != "" && rest[0] != '.' && rest[0] != '[' {
		return ""
	}
	return number
}

// Format returns the name that the plan was compiled for.
func (p *Plan) Format() string { return p.format }

// Slots returns the places of Record.Values so far; it grows when a wildcard finds a new key. Read only.
func (p *Plan) Slots() []Slot { return p.slots }

// Overflow returns how often a value was left out because wildcards had used up MaxFields, or its key was too long.
func (p *Plan) Overflow() uint64 { return p.overflow }

// SetNumeric changes, for one slot, whether numbers that arrive as strings are wanted as Number: a caller
// that has found out the kind of a wildcard's column says so here.
func (p *Plan) SetNumeric(slot int, numeric bool) {
	p.specs[slot].numeric = numeric
	p.root.reclassify(p)
}
