package parse

import "bytes"

// wrapper joins the pieces that a container runtime cut a long line into.
//
// Wrappers are recognised line by line and strictly: a plain line that only begins like a wrapped one (a JSON
// record with a key named log beside others) stays what it is.
type wrapper struct {
	streams [2]stream // stdout, everything else
	inner   []byte    // decoded content of the Docker line being read
}

// stream holds the pieces of one unfinished line.
type stream struct {
	buf     []byte
	done    []byte // the line handed out last; swapped with buf
	ranges  []HeldRange
	time    int64
	dropped bool // the line grew too long; what follows belongs to it until its end
}

// take hands out the joined line and empties the stream.
func (st *stream) take(p *Parser) []byte {
	st.buf, st.done = st.done[:0], st.buf
	st.ranges = st.ranges[:0]
	if cap(st.buf) > keepScratch {
		st.buf = nil
	}
	return st.done
}

// cri reads `<RFC3339Nano> <stdout|stderr> <P|F>[:tags] <content>`.
func (p *Parser) cri(line []byte, rec *Record) (Result, bool) {
	const shortest = len("2006-01-02T15:04:05Z stdout F")
	if len(line) < shortest || line[4] != '-' || line[10] != 'T' {
		return Result{}, false
	}
	sp := bytes.IndexByte(line[:min(len(line), 40)], ' ')
	if sp < 20 || len(line) < sp+9 {
		return Result{}, false
	}
	var st *stream
	switch string(line[sp+1 : sp+8]) {
	case "stdout ":
		st = &p.wrap.streams[0]
	case "stderr ":
		st = &p.wrap.streams[1]
	default:
		return Result{}, false
	}
	tag := sp + 8
	if line[tag] != 'P' && line[tag] != 'F' {
		return Result{}, false
	}
	content := tag + 1
	for content < len(line) && line[content] == ':' { // further tags
		content++
		for content < len(line) && line[content] != ' ' && line[content] != ':' {
			content++
		}
	}
	if content < len(line) {
		if line[content] != ' ' {
			return Result{}, false
		}
		content++
	}
	var c civil
	if c.iso(line, 0) != sp || !c.zoned {
		return Result{}, false
	}
	p.wrapped, _ = c.unix(p.plan.opts.Location)
	return p.piece(st, line[content:], line[tag] == 'P', rec), true
}

// docker reads `{"log":"…\n","stream":"…","attrs":{…},"time":"…"}` with exactly these keys.
func (p *Parser) docker(line []byte, rec *Record) (Result, bool) {
	const head = `{"log":"`
	if len(line) < len(head) || string(line[:len(head)]) != head {
		return Result{}, false
	}
	s := &p.plan.scan
	s.begin(rec)
	start := len(head)
	end, _, _ := s.stringEnd(line, start)
	if end < 0 {
		return Result{}, false
	}
	text := line[start:end]
	end++
	st := &p.wrap.streams[0]
	timed, i := false, end
	for i < len(line) && line[i] == ',' {
		name, after := word(line, i+1)
		if after < 0 || after >= len(line) || line[after] != ':' {
			return Result{}, false
		}
		i = after + 1
		switch string(name) {
		case "stream":
			value, after := word(line, i)
			if after < 0 {
				return Result{}, false
			}
			if string(value) != "stdout" {
				st = &p.wrap.streams[1]
			}
			i = after
		case "time":
			value, after := word(line, i)
			var c civil
			if after < 0 || c.iso(value, 0) != len(value) {
				return Result{}, false
			}
			p.wrapped, _ = c.unix(p.plan.opts.Location)
			timed, i = true, after
		case "attrs":
			if i >= len(line) || line[i] != '{' {
				return Result{}, false
			}
			if i = s.object(line, i+1, nil, 1); i < 0 {
				return Result{}, false
			}
		default:
			return Result{}, false
		}
	}
	if !timed || i != len(line)-1 || line[i] != '}' {
		return Result{}, false
	}
	p.wrap.inner = unescape(p.wrap.inner[:0], text)
	content := p.wrap.inner
	if cap(p.wrap.inner) > keepScratch {
		p.wrap.inner = nil
	}
	partial := true
	if n := len(content); n > 0 && content[n-1] == '\n' {
		content, partial = content[:n-1], false
	}
	return p.piece(st, content, partial, rec), true
}

// word reads a short string without escapes.
func word(line []byte, i int) ([]byte, int) {
	if i >= len(line) || line[i] != '"' {
		return nil, -1
	}
	end := plainEnd(line, i+1)
	if end >= len(line) || line[end] != '"' {
		return nil, -1
	}
	return line[i+1 : end], end + 1
}

// piece takes the content of one wrapped line. The usual one is whole and passes through without a copy.
func (p *Parser) piece(st *stream, content []byte, partial bool, rec *Record) Result {
	here := HeldRange{Offset: p.offset, Length: p.length}
	if st.dropped {
		st.dropped = partial
		return Result{Status: Ignored}
	}
	if !partial && len(st.ranges) == 0 {
		return p.logical(content, rec)
	}
	if len(st.buf)+len(content) > p.plan.opts.MaxLineBytes || len(st.ranges) >= maxPieces {
		rec.Held = append(rec.Held, st.ranges...)
		st.take(p)
		st.dropped = partial
		return Result{Status: Bad, Reason: Oversize}
	}
	st.buf = append(st.buf, content...)
	if partial {
		st.ranges = append(st.ranges, here)
		st.time = p.wrapped
		return Result{Status: Pending}
	}
	p.pieces = append(p.pieces[:0], st.ranges...)
	return p.logical(st.take(p), rec)
}
