package parse

import "bytes"

var mlServerColumns = []Column{
	{"time", RoleTime, ColumnTime, "when the line was written, in the zone of the host"},
	{"model", RoleFeature, ColumnCategory, "name of the model that wrote the line"},
	{"version", RoleVersion, ColumnCategory, "version of the model"},
	{"level", RoleLabel, ColumnCategory, "level of the line"},
	{"logger", RoleFeature, ColumnCategory, "name of the logger"},
	{"message.*", RoleFeature, "", "fields of a message that is itself JSON, as a model's own log line can be"},
}

// mlServerReader reads the server's log lines, structured or as text. MLServer logs no payload; but a model that
// logs JSON gets it into the message, unescaped: the structured line is then no JSON any more, and is taken
// apart by its known keys. When fields of the message are asked for, only lines with such a message are
// records; otherwise every line of a model is.
type mlServerReader struct {
	time, model, version, level, logger, message *node
}

func prepareMLServer(p *Plan) error {
	if err := p.known(mlServerColumns); err != nil {
		return err
	}
	r := mlServerReader{time: p.bind("time"), model: p.bind("model"), version: p.bind("version"), level: p.bind("level"), logger: p.bind("logger"),
		message: p.bindGroup("message")}
	p.reader = func() formatReader { return r }
	return nil
}

func (r mlServerReader) read(p *Parser, line []byte, rec *Record) Result {
	plan := p.plan
	plan.scan.begin(rec)
	plan.gen++
	var m mlServerLine
	ok := false
	if line[0] == '{' {
		if ok = m.structured(line); !ok {
			return Result{Status: Bad, Reason: NotJSON}
		}
	} else if ok = m.plain(line); !ok {
		return Result{Status: Ignored}
	}
	if len(m.model) == 0 {
		return Result{Status: Ignored}
	}
	if r.message != nil {
		message := m.message
		if m.escaped {
			from := len(plan.scan.scratch)
			plan.scan.scratch = unescape(plan.scan.scratch, message)
			message = plan.scan.scratch[from:len(plan.scan.scratch):len(plan.scan.scratch)]
		}
		if !r.fields(plan, message, rec) {
			return Result{Status: Ignored}
		}
	}
	plan.putText(rec, r.time, m.time)
	plan.putText(rec, r.model, m.model)
	if len(m.version) > 0 {
		plan.putText(rec, r.version, m.version)
	}
	plan.putText(rec, r.level, m.level)
	plan.putText(rec, r.logger, m.logger)
	return Result{Status: Complete, Reason: plan.scan.blemish}
}

// fields reads a message that is a JSON object.
func (r mlServerReader) fields(p *Plan, message []byte, rec *Record) bool {
	i := skipSpace(message, 0)
	if i >= len(message) || message[i] != '{' {
		return false
	}
	end := p.scan.object(message, i+1, r.message, 1)
	return end >= 0 && skipSpace(message, end) == len(message) && p.verdict(rec, end).Status == Complete
}

// mlServerLine holds the parts of a line.
type mlServerLine struct {
	time, logger, level, message, model, version []byte

	escaped bool // the message has the escapes of JSON
}

// structured takes `{"time": "…", "name": "…", "level": "…", "message": "…", "model_name": "…", "model_version": "…"}` apart.
func (m *mlServerLine) structured(line []byte) bool {
	const mark, after = `"message": "`, `"model_name": "`
	at := bytes.Index(line, []byte(mark))
	end := bytes.LastIndexByte(line, '}')
	if at < 0 || end < at || len(bytes.TrimSpace(line[end+1:])) > 0 {
		return false
	}
	head, rest := line[:at], line[at+len(mark):end]
	m.time, _ = between(head, `"time": "`, `"`)
	m.logger, _ = between(head, `"name": "`, `"`)
	m.level, _ = between(head, `"level": "`, `"`)
	m.message = rest
	if tail := bytes.LastIndex(rest, []byte(after)); tail >= 0 {
		m.model = until(rest[tail+len(after):], '"')
		m.version, _ = between(rest[tail:], `"model_version": "`, `"`)
		m.message = bytes.TrimRight(rest[:tail], " ,")
	}
	m.message = bytes.TrimRight(m.message, " ")
	if n := len(m.message); n == 0 || m.message[n-1] != '"' {
		return false
	}
	m.message = m.message[:len(m.message)-1]
	// A logger that writes real JSON has every quote of the message escaped.
	m.escaped = escapedText(m.message)
	return len(m.time) > 0 && len(m.level) > 0
}

// escapedText reports whether text is the inside of a JSON string that holds an escaped quote.
func escapedText(text []byte) bool {
	quotes := false
	for i := 0; i < len(text); {
		switch text[i] {
		case '"':
			return false
		case '\\':
			n := escapeLen(text, i)
			if n <= 0 {
				return false
			}
			quotes = quotes || text[i+1] == '"'
			i += n
		default:
			i++
		}
	}
	return quotes
}

// plain takes "2024-02-27 10:36:08,908 [mlserver][iris:1] INFO - message" apart.
func (m *mlServerLine) plain(line []byte) bool {
	m.time = leadingTime(line)
	rest, ok := bytes.CutPrefix(line[len(m.time):], []byte(" ["))
	if m.time == nil || !ok {
		return false
	}
	if m.logger, rest, ok = bytes.Cut(rest, []byte("]")); !ok {
		return false
	}
	if inner, more := bytes.CutPrefix(rest, []byte("[")); more {
		if m.model, rest, ok = bytes.Cut(inner, []byte("]")); !ok {
			return false
		}
		m.model, m.version, _ = bytes.Cut(m.model, []byte(":"))
	}
	m.level, m.message, ok = bytes.Cut(bytes.TrimLeft(rest, " "), []byte(" - "))
	return ok
}
