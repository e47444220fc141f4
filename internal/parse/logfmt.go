package parse

import "bytes"

// logfmtReader reads key=value pairs separated by spaces; values with spaces stand in double quotes. A key is
// looked up as it is written, dots included. A key without a value is true.
type logfmtReader struct{}

func prepareLogfmt(p *Plan) error {
	p.reader = func() formatReader { return logfmtReader{} }
	return nil
}

func (logfmtReader) read(p *Parser, line []byte, rec *Record) Result {
	plan := p.plan
	plan.scan.begin(rec)
	plan.gen++
	pairs := 0
	for i := 0; ; {
		for i < len(line) && (line[i] == ' ' || line[i] == '\t') {
			i++
		}
		if i >= len(line) {
			break
		}
		if pairs++; pairs > plan.opts.MaxKeys {
			return Result{Status: Bad, Reason: Keys}
		}
		start := i
		for i < len(line) && line[i] != '=' && line[i] != ' ' {
			i++
		}
		n := plan.at(plan.root, line[start:i])
		if i >= len(line) || line[i] == ' ' {
			if n != nil {
				plan.put(rec, n, Bool, 1, nil, &plan.scan.blemish)
			}
			continue
		}
		i++
		if i < len(line) && line[i] == '"' {
			text, end := quoted(&plan.scan, line, i+1)
			if end < 0 {
				return Result{Status: Bad, Reason: Truncated}
			}
			plan.putAny(rec, n, text)
			i = end
			continue
		}
		end := len(line)
		if at := bytes.IndexByte(line[i:], ' '); at >= 0 {
			end = i + at
		}
		plan.putAny(rec, n, line[i:end])
		i = end
	}
	return plan.verdict(rec, 0)
}

// quoted reads a quoted value to its closing quote. An escape that JSON does not know stays as it is written.
func quoted(s *scanner, line []byte, i int) ([]byte, int) {
	start, escaped := i, false
	for ; i < len(line) && line[i] != '"'; i++ {
		if line[i] == '\\' {
			escaped = true
			i++
		}
	}
	if i >= len(line) {
		return nil, -1
	}
	raw := line[start:i]
	if !escaped {
		return raw, i + 1
	}
	from := len(s.scratch)
	for k := 0; k < len(raw); {
		n := 1
		if raw[k] == '\\' {
			n = max(escapeLen(raw, k), 1)
		}
		if n == 6 && k+12 <= len(raw) && escapeLen(raw, k+6) == 6 { // perhaps a pair of surrogates
			n = 12
		}
		if n > 1 {
			s.scratch = unescape(s.scratch, raw[k:k+n])
		} else {
			s.scratch = append(s.scratch, raw[k])
		}
		k += n
	}
	return s.scratch[from:len(s.scratch):len(s.scratch)], i + 1
}
