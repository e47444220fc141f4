package parse

import "math"

// extractor reads a few fixed fields from the JSON in which a preset's lines are wrapped.
type extractor struct {
	plan *Plan
	rec  Record
}

func newExtractor(opts FormatOptions, names ...string) (*extractor, error) {
	fields := make([]Field, len(names))
	for i, name := range names {
		fields[i].Path = name
	}
	opts.MaxValue, opts.Join = math.MaxInt, "" // what is wrapped may be as long as the line
	plan, err := Compile("json", opts, fields)
	if err != nil {
		return nil, err
	}
	return &extractor{plan: plan}, nil
}

// read fills the extractor's record from the object at i and returns the position behind it, or -1 and why not.
// Earlier values stay valid until begin.
func (x *extractor) read(line []byte, i int) (int, Reason) {
	x.rec.reset(x.plan)
	s := &x.plan.scan
	s.rec = &x.rec
	s.keys, s.fault, s.blemish = 0, None, None
	if i = skipSpace(line, i); i < len(line) && line[i] != '{' {
		return -1, NotJSON
	}
	end := s.top(line, i)
	return end, s.fault
}

// begin gives up the values of the line before.
func (x *extractor) begin() { x.plan.scan.begin(&x.rec) }

// whole is read for a line that holds nothing but the object.
func (x *extractor) whole(line []byte) Reason {
	x.begin()
	end, reason := x.read(line, 0)
	if end >= 0 && skipSpace(line, end) != len(line) {
		return NotJSON
	}
	return reason
}

// text returns a field that is a string.
func (x *extractor) text(i int) []byte {
	if v := &x.rec.Values[i]; v.Kind == String {
		return v.Str
	}
	return nil
}
