package parse

import (
	"bytes"
	"encoding/base64"
	"unicode/utf8"
)

var sageMakerColumns = []Column{
	{"time", RoleTime, ColumnTime, "when the endpoint answered"},
	{"input.*", RoleFeature, "", "what went in: CSV columns by number (input.0), JSON by path (input.instances.0.features.3)"},
	{"output.*", RoleFeature, "", "what came out, in the same way (output.0, output.predictions.0.score)"},
	{"event_id", RoleIdentifier, ColumnText, "id of the event"},
	{"inference_id", RoleIdentifier, ColumnText, "id that the caller gave"},
}

// sageMakerReader reads data capture: request and response are merged in one line, each as CSV, JSON or base64
// text inside the JSON. CSV has no column names. A request of several CSV rows is a record for each.
type sageMakerReader struct {
	*sageMakerPlan
	in, out payload
	row     int
}

type sageMakerPlan struct {
	time, eventID, inferenceID, input, output *node

	json *extractor
}

// payload is one of the two captured bodies.
type payload struct {
	rest  []byte // CSV rows that were not read yet
	plain []byte // memory for what base64 held
	json  bool
}

const (
	smInputData = iota
	smInputEncoding
	smOutputData
	smOutputEncoding
	smTime
	smEvent
	smInference
)

func prepareSageMaker(p *Plan) error {
	if err := p.known(sageMakerColumns); err != nil {
		return err
	}
	inner, err := newExtractor(p.opts, "captureData.endpointInput.data", "captureData.endpointInput.encoding", "captureData.endpointOutput.data",
		"captureData.endpointOutput.encoding", "eventMetadata.inferenceTime", "eventMetadata.eventId", "eventMetadata.inferenceId")
	if err != nil {
		return err
	}
	r := &sageMakerPlan{time: p.bind("time"), eventID: p.bind("event_id"), inferenceID: p.bind("inference_id"),
		input: p.bindGroup("input"), output: p.bindGroup("output"), json: inner}
	p.reader = func() formatReader { return &sageMakerReader{sageMakerPlan: r} }
	return nil
}

func (r *sageMakerReader) read(p *Parser, line []byte, rec *Record) Result {
	p.plan.scan.begin(rec)
	if reason := r.json.whole(line); reason != None {
		return Result{Status: Bad, Reason: reason}
	}
	v := r.json.rec.Values
	if v[smInputData].Kind == Absent && v[smOutputData].Kind == Absent {
		return Result{Status: Ignored}
	}
	if !r.in.open(v[smInputData], v[smInputEncoding]) || !r.out.open(v[smOutputData], v[smOutputEncoding]) {
		return Result{Status: Bad, Reason: Unsupported}
	}
	r.row = 0
	return r.next(p, rec)
}

// next reads the next row of both bodies.
func (r *sageMakerReader) next(p *Parser, rec *Record) Result {
	s := &p.plan.scan
	s.rec, s.blemish = rec, None
	p.plan.gen++
	for _, f := range [...]struct {
		n  *node
		at int
	}{{r.eventID, smEvent}, {r.inferenceID, smInference}, {r.time, smTime}} {
		if text := r.json.text(f.at); text != nil {
			p.plan.putText(rec, f.n, text)
		}
	}
	if !r.in.row(p.plan, r.input, rec) || !r.out.row(p.plan, r.output, rec) {
		return Result{Status: Bad, Reason: s.fault}
	}
	r.row++
	more := len(r.in.rest) > 0 || len(r.out.rest) > 0
	return Result{Status: Complete, Reason: s.blemish, More: more && r.row < p.plan.opts.MaxKeys}
}

// open prepares a body; it is false for an encoding that cannot be read.
func (b *payload) open(data, encoding Value) bool {
	b.rest, b.json = nil, false
	if data.Kind != String {
		return true
	}
	text := data.Str
	if encoding.Kind != String {
		return false
	}
	switch string(encoding.Str) {
	case "CSV":
	case "JSON":
		b.json = true
	case "BASE64":
		if cap(b.plain) > keepScratch {
			b.plain = nil
		}
		var err error
		if b.plain, err = base64.StdEncoding.AppendDecode(b.plain[:0], text); err != nil || !utf8.Valid(b.plain) {
			return false
		}
		text = bytes.TrimSpace(b.plain)
		b.json = len(text) > 0 && (text[0] == '{' || text[0] == '[')
	default:
		return false
	}
	b.rest = bytes.TrimRight(text, "\r\n")
	return true
}

// row reads one CSV row, or the whole of a JSON body.
func (b *payload) row(p *Plan, n *node, rec *Record) bool {
	if len(b.rest) == 0 || n == nil {
		b.rest = nil
		return true
	}
	s := &p.scan
	s.keys, s.fault = 0, None
	if b.json {
		at := skipSpace(b.rest, 0)
		end := -1
		if at < len(b.rest) {
			end = s.value(b.rest, at, n, 1)
		}
		if end >= 0 && skipSpace(b.rest, end) != len(b.rest) {
			end = s.fail(NotJSON)
		}
		b.rest = nil
		return end >= 0
	}
	line, rest, _ := bytes.Cut(b.rest, []byte("\n"))
	b.rest = rest
	line = bytes.TrimSuffix(line, []byte("\r"))
	for i, column := 0, 0; i <= len(line); column++ {
		cell, next, ok := csvCell(s, line, i, ',')
		if !ok || column >= p.opts.MaxKeys {
			if s.fault = Truncated; ok {
				s.fault = Keys
			}
			return false
		}
		p.putAny(rec, p.element(n, column), cell)
		i = next
	}
	return true
}
