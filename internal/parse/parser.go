package parse

// Parser reads the lines of one source.
type Parser struct {
	plan    *Plan
	reader  formatReader
	wrap    wrapper
	expired []HeldRange
	offset  int64 // of the raw line being read
	length  int
	pieces  []HeldRange // earlier raw lines of the logical line being read
	wrapped int64       // container time of the logical line, 0 = none
	arrived int64       // see Arrived
}

// NewParser makes the parser of one source.
func (p *Plan) NewParser() *Parser {
	return &Parser{plan: p, reader: p.reader()}
}

// Arrived says when the lines that follow were written, roughly, in Unix nanoseconds: times that carry no year are put next to
// it, unless the container runtime wrote a better one. Without it, or with 0, they need FormatOptions.Year.
func (p *Parser) Arrived(at int64) { p.arrived = at }

// Line reads one raw line, given without its line end, that starts at offset in its source.
//
// After Pending the caller holds [offset, offset+len(line)) until the range appears in Record.Held or in
// Expired. Record.Held is set whatever the status is.
func (p *Parser) Line(line []byte, offset int64, rec *Record) Result {
	p.offset, p.length = offset, len(line)
	p.pieces = p.pieces[:0]
	p.wrapped = 0
	rec.Held = rec.Held[:0]
	rec.WrapperTime = 0
	rec.reset(p.plan)
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	if len(line) == 0 {
		return Result{Status: Ignored}
	}
	switch c := line[0]; {
	case c == '{':
		if res, done := p.docker(line, rec); done {
			return res
		}
	case c-'0' <= 9:
		if res, done := p.cri(line, rec); done {
			return res
		}
	}
	p.wrapped = 0
	return p.logical(line, rec)
}

// logical reads a line whose wrapper was removed and whose pieces were joined.
func (p *Parser) logical(line []byte, rec *Record) Result {
	rec.WrapperTime = p.wrapped
	if p.plan.near = p.wrapped; p.wrapped == 0 {
		p.plan.near = p.arrived
	}
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	if blank(line) {
		rec.Held = append(rec.Held, p.pieces...)
		return Result{Status: Ignored}
	}
	res := p.reader.read(p, line, rec)
	if res.Status != Pending {
		rec.Held = append(rec.Held, p.pieces...)
	}
	return res
}

// blank reports whether a line holds nothing; holes in a file are read as zero bytes.
func blank(line []byte) bool {
	for _, c := range line {
		if c != ' ' && c != '\t' && c != 0 {
			return false
		}
	}
	return true
}

// Next reads the next record of the same line. Call it only after a Result with More, before the next Line.
func (p *Parser) Next(rec *Record) Result {
	more, ok := p.reader.(rowReader)
	if !ok {
		return Result{Status: Ignored}
	}
	rec.Held = rec.Held[:0]
	rec.reset(p.plan)
	rec.WrapperTime = p.wrapped
	return more.next(p, rec)
}

// rowReader is a formatReader whose lines can hold several records.
type rowReader interface {
	next(p *Parser, rec *Record) Result
}

// Finish says that the source has ended: what still waits for its rest is read as it is, one record for each call,
// until the answer is Ignored and Record.Held is empty. Lines that waited for another one are then in Expired.
func (p *Parser) Finish(rec *Record) Result {
	rec.Held = rec.Held[:0]
	rec.reset(p.plan)
	for i := range p.wrap.streams {
		st := &p.wrap.streams[i]
		n := len(st.ranges)
		if n == 0 {
			continue
		}
		last := st.ranges[n-1]
		p.offset, p.length = last.Offset, last.Length
		p.pieces = append(p.pieces[:0], st.ranges[:n-1]...)
		p.wrapped = st.time
		res := p.logical(st.take(p), rec)
		if res.Status == Pending { // the first half of something: finish gives it up
			rec.reset(p.plan)
			continue
		}
		rec.Held = append(rec.Held, last)
		return res
	}
	if f, ok := p.reader.(finisher); ok {
		f.finish(p)
	}
	return Result{Status: Ignored}
}

// finisher is a formatReader that holds lines.
type finisher interface {
	finish(p *Parser)
}

// Expired returns the held lines that were given up since the last call: they will not become a record. The
// caller releases them.
func (p *Parser) Expired() []HeldRange {
	given := p.expired
	p.expired = p.expired[len(p.expired):]
	return given
}
