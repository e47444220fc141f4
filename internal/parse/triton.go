package parse

import "bytes"

var tritonColumns = []Column{
	{"model", RoleFeature, ColumnCategory, "name of the model"},
	{"version", RoleVersion, ColumnCategory, "version of the model"},
	{"input.*", RoleFeature, "", "elements of the input tensors: input.<tensor>.<index>"},
	{"output.*", RoleFeature, "", "elements of the output tensors: output.<tensor>.<index>"},
	{"duration_us", RoleFeature, ColumnNumber, "microseconds from REQUEST_START to REQUEST_END, if timestamps are traced too"},
	{"request_id", RoleIdentifier, ColumnText, "id that the caller gave"},
}

// tritonReader reads trace files of level TENSORS: one long line, an array in which the elements of a trace follow
// each other. A record is a trace. Its times are monotonic, so it has no event time. Of a tensor whose
// first dimension is a batch of several, the first row is read and the record carries the reason Unsupported.
type tritonReader struct {
	*tritonPlan
	rest       []byte
	start, end float64
}

type tritonPlan struct {
	model, version, input, output, duration, request *node

	json *extractor
}

const (
	trID = iota
	trActivity
	trModel
	trVersion
	trRequest
	trName
	trData
	trShape
	trMark
	trNS
)

func prepareTriton(p *Plan) error {
	if err := p.known(tritonColumns); err != nil {
		return err
	}
	inner, err := newExtractor(p.opts, "id", "activity", "model_name", "model_version", "request_id", "tensor.name", "tensor.data", "tensor.shape",
		"timestamps.0.name", "timestamps.0.ns")
	if err != nil {
		return err
	}
	r := &tritonPlan{model: p.bind("model"), version: p.bind("version"), input: p.bindGroup("input"), output: p.bindGroup("output"),
		duration: p.bind("duration_us"), request: p.bind("request_id"), json: inner}
	p.reader = func() formatReader { return &tritonReader{tritonPlan: r} }
	return nil
}

func (r *tritonReader) read(p *Parser, line []byte, rec *Record) Result {
	i := skipSpace(line, 0)
	if i < len(line) && (line[i] == '[' || line[i] == ',') {
		i++
	}
	r.rest = line[i:]
	p.plan.scan.begin(rec)
	r.json.begin()
	return r.next(p, rec)
}

// next reads the elements up to the next trace that has something to tell.
func (r *tritonReader) next(p *Parser, rec *Record) Result {
	plan := p.plan
	plan.gen++
	plan.scan.rec, plan.scan.blemish = rec, None
	r.start, r.end = 0, 0
	id, started := 0.0, false
	for {
		r.rest = r.rest[skipSpace(r.rest, 0):]
		if len(r.rest) == 0 || r.rest[0] == ']' {
			res := plan.verdict(rec, 0)
			r.rest = nil
			return res
		}
		end, reason := r.json.read(r.rest, 0)
		if end < 0 {
			return Result{Status: Bad, Reason: reason}
		}
		v := r.json.rec.Values
		if v[trID].Kind != Number {
			return Result{Status: Bad, Reason: Unsupported}
		}
		if started && v[trID].Num != id {
			if res := plan.verdict(rec, 0); res.Status == Complete {
				res.More = true
				return res
			}
			rec.reset(plan)
			r.start, r.end = 0, 0
		}
		id, started = v[trID].Num, true
		r.element(plan, v, rec)
		r.rest = r.rest[end:]
		r.rest = r.rest[skipSpace(r.rest, 0):]
		if len(r.rest) > 0 && r.rest[0] == ',' {
			r.rest = r.rest[1:]
		} else if len(r.rest) > 0 && r.rest[0] != ']' {
			return Result{Status: Bad, Reason: NotJSON}
		}
	}
}

// element takes what one element of the array says about its trace.
func (r *tritonReader) element(p *Plan, v []Value, rec *Record) {
	if v[trModel].Kind == String {
		p.putText(rec, r.model, v[trModel].Str)
		if v[trVersion].Kind == Number || v[trVersion].Kind == String {
			p.putText(rec, r.version, v[trVersion].Str)
		}
		if v[trRequest].Kind == String {
			p.putText(rec, r.request, v[trRequest].Str)
		}
	}
	switch string(r.json.text(trMark)) {
	case "REQUEST_START":
		r.start = v[trNS].Num
	case "REQUEST_END":
		if r.end = v[trNS].Num; r.start > 0 && r.end >= r.start {
			p.putFloat(rec, r.duration, (r.end-r.start)/1e3)
		}
	}
	var group *node
	switch string(r.json.text(trActivity)) {
	case "TENSOR_QUEUE_INPUT":
		group = r.input
	case "TENSOR_BACKEND_OUTPUT":
		group = r.output
	}
	if n := p.at(group, r.json.text(trName)); n != nil {
		r.tensor(p, n, r.json.text(trData), r.json.text(trShape), rec)
	}
}

// tensor reads "0.1,0.1,0.1" of shape "1,16".
func (r *tritonReader) tensor(p *Plan, n *node, data, shape []byte, rec *Record) {
	elements, rows := 1, 1
	first := true
	for dim := range bytes.SplitSeq(shape, []byte(",")) {
		x, ok := looseFloat(dim)
		if !ok || x < 1 || x > 1e9 {
			x = 1
		}
		if first {
			rows, first = int(x), false
		} else {
			elements = min(elements*int(x), 1<<30)
		}
	}
	if bytes.IndexByte(shape, ',') < 0 { // one dimension: a vector, not a batch
		elements, rows = rows, 1
	}
	if rows > 1 {
		p.scan.blemish = Unsupported
	}
	for i := 0; i < elements && i < maxArrayIndex && len(data) > 0; i++ {
		cell := until(data, ',')
		data = data[min(len(cell)+1, len(data)):]
		if string(cell) == "..." { // written by people, in documentation
			return
		}
		p.putAny(rec, p.element(n, i), bytes.Trim(cell, `"`))
	}
}
