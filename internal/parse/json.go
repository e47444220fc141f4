package parse

// jsonReader reads one JSON object a line, or an array of objects: a record each.
type jsonReader struct {
	rest []byte // of an array, behind the element that was read last
	join *joiner
}

func prepareJSON(p *Plan) error {
	p.reader = func() formatReader {
		r := &jsonReader{}
		if p.opts.Join != "" {
			r.join = &joiner{slot: p.joinSlot}
		}
		return r
	}
	return nil
}

func (r *jsonReader) read(p *Parser, line []byte, rec *Record) Result {
	s := &p.plan.scan
	s.begin(rec)
	i := 0
	if len(line) >= 3 && line[0] == 0xEF && line[1] == 0xBB && line[2] == 0xBF { // byte order mark
		i = 3
	}
	i = skipSpace(line, i)
	if i < len(line) && line[i] == '[' && len(p.plan.root.index) == 0 {
		r.rest = line[i+1:]
		return r.next(p, rec)
	}
	end := s.top(line, i)
	if end >= 0 && skipSpace(line, end) != len(line) {
		end = s.fail(NotJSON)
	}
	res := p.plan.verdict(rec, end)
	if r.join != nil && res.Status == Complete {
		return r.join.pair(p, line, rec)
	}
	return res
}

func (r *jsonReader) finish(p *Parser) {
	if r.join != nil {
		r.join.finish(p)
	}
}

// top reads an object or an array at i into the root of the plan.
func (s *scanner) top(line []byte, i int) int {
	s.plan.gen++
	switch {
	case i >= len(line):
		return s.fail(Truncated)
	case line[i] == '{':
		return s.object(line, i+1, s.plan.root, 1)
	case line[i] == '[':
		return s.array(line, i+1, s.plan.root, 1)
	}
	return s.fail(NotJSON)
}

// next reads the next object of an array.
func (r *jsonReader) next(p *Parser, rec *Record) Result {
	s := &p.plan.scan
	scratch := s.scratch
	s.begin(rec)
	s.scratch = scratch
	i := skipSpace(r.rest, 0)
	if i < len(r.rest) && r.rest[i] == ']' {
		if skipSpace(r.rest, i+1) != len(r.rest) {
			return Result{Status: Bad, Reason: NotJSON}
		}
		return Result{Status: Ignored}
	}
	if i < len(r.rest) && r.rest[i] != '{' {
		return Result{Status: Bad, Reason: Unsupported}
	}
	end := s.top(r.rest, i)
	if end < 0 {
		return p.plan.verdict(rec, end)
	}
	end = skipSpace(r.rest, end)
	switch {
	case end < len(r.rest) && r.rest[end] == ',':
		r.rest = r.rest[end+1:]
		res := p.plan.verdict(rec, end)
		res.More = true
		return res
	case end < len(r.rest) && r.rest[end] == ']' && skipSpace(r.rest, end+1) == len(r.rest):
		return p.plan.verdict(rec, end)
	}
	return p.plan.verdict(rec, s.wrong(r.rest, end))
}

// verdict turns the outcome of the scanner into a Result. A line without any asked field, time and context excepted, is
// some other line of the same program.
func (p *Plan) verdict(rec *Record, end int) Result {
	if end < 0 {
		return Result{Status: Bad, Reason: p.scan.fault}
	}
	for _, slot := range rec.touched {
		if rec.Values[slot].Kind != Absent && !p.specs[slot].context {
			return Result{Status: Complete, Reason: p.scan.blemish}
		}
	}
	return Result{Status: Ignored}
}
