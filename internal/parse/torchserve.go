package parse

import "bytes"

var torchServeColumns = []Column{
	{"time", RoleTime, ColumnTime, "when the line was written, in the zone of the host"},
	{"model", RoleFeature, ColumnCategory, "name of the model"},
	{"version", RoleVersion, ColumnCategory, "version of the model, if the request names it"},
	{"metric.*", RoleFeature, ColumnNumber, "value of a metric line by its name (metric.PredictionTime, metric.QueueTime, …)"},
	{"status", RoleLabel, ColumnCategory, "status code of an access line"},
	{"latency_ms", RoleScore, ColumnNumber, "milliseconds of an access line"},
	{"method", RoleFeature, ColumnCategory, "HTTP method of an access line"},
	{"kind", RoleFeature, ColumnCategory, "what an access line asked for: predictions, explanations, wfpredict, v1, v2"},
}

// torchServeReader reads model_metrics.log, ts_metrics.log and access_log.log, also mixed in one stream. A metric
// line is a record if the model asks for a metric of its name, an access line if it asks for status, latency,
// method or kind; the others are ignored, so that fields of one kind are never missing from the other.
type torchServeReader struct {
	time, model, version, status, latency, method, kind, metric *node
}

func prepareTorchServe(p *Plan) error {
	if err := p.known(torchServeColumns); err != nil {
		return err
	}
	r := torchServeReader{time: p.bind("time"), model: p.bind("model"), version: p.bind("version"), status: p.bind("status"),
		latency: p.bind("latency_ms"), method: p.bind("method"), kind: p.bind("kind"), metric: p.bindGroup("metric")}
	p.reader = func() formatReader { return r }
	return nil
}

func (r torchServeReader) read(p *Parser, line []byte, rec *Record) Result {
	p.plan.scan.begin(rec)
	p.plan.gen++
	res := Result{Status: Ignored}
	if at := bytes.Index(line, []byte("|#")); at > 0 {
		if r.metric != nil {
			res = r.metricLine(p.plan, line, at, rec)
		}
	} else if r.status != nil || r.latency != nil || r.method != nil || r.kind != nil {
		res = r.accessLine(p.plan, line, rec)
	}
	if res.Status == Complete && r.time != nil {
		p.plan.putText(rec, r.time, leadingTime(line))
		res.Reason = p.plan.scan.blemish
	}
	return res
}

// metricLine reads "… - Name.Unit:12.99|#ModelName:m,Level:Model|#hostname:…", at being the first "|#".
func (r torchServeReader) metricLine(p *Plan, line []byte, at int, rec *Record) Result {
	sample, dimensions := line[:at], line[at+2:]
	if start := bytes.LastIndex(sample, []byte(" - ")); start >= 0 {
		sample = sample[start+3:]
	}
	if start := bytes.LastIndex(sample, []byte("[METRICS]")); start >= 0 {
		sample = sample[start+len("[METRICS]"):]
	}
	name, value := sample, []byte(nil)
	if colon := bytes.LastIndexByte(sample, ':'); colon > 0 {
		name, value = sample[:colon], sample[colon+1:]
	}
	dot := bytes.LastIndexByte(name, '.')
	if kind, _ := numericText(value); dot <= 0 || kind == String || kind == Bool {
		return Result{Status: Bad, Reason: NoMatch}
	}
	n := p.at(r.metric, name[:dot])
	if n == nil {
		return Result{Status: Ignored}
	}
	p.putNumber(rec, n, value)
	dimensions, _, _ = bytes.Cut(dimensions, []byte("|"))
	for _, key := range []string{"ModelName:", "model_name:"} {
		if rest, ok := bytes.CutPrefix(dimensions, []byte(key)); ok {
			p.putText(rec, r.model, until(rest, ','))
		} else if v, ok := between(dimensions, ","+key, ","); ok {
			p.putText(rec, r.model, v)
		}
	}
	if v, ok := between(dimensions, "model_version:", ","); ok {
		p.putText(rec, r.version, v)
	}
	return Result{Status: Complete}
}

// accessLine reads `… - /127.0.0.1:64003 "POST /predictions/resnet-18 HTTP/1.1" 200 118`.
func (r torchServeReader) accessLine(p *Plan, line []byte, rec *Record) Result {
	open := bytes.IndexByte(line, '"')
	if open < 0 {
		return Result{Status: Ignored}
	}
	request, rest, ok := bytes.Cut(line[open+1:], []byte(`" `))
	if !ok {
		return Result{Status: Ignored}
	}
	method, target, ok := bytes.Cut(request, []byte(" "))
	status, latency, ok2 := bytes.Cut(rest, []byte(" "))
	if !ok || !ok2 || len(target) < 2 || target[0] != '/' {
		return Result{Status: Ignored}
	}
	kind, _ := numericText(latency)
	if code, _ := numericText(status); code != Number || kind != Number {
		return Result{Status: Ignored}
	}
	target = until(until(target[1:], ' '), '?')
	head, model, _ := bytes.Cut(target, []byte("/"))
	switch string(head) {
	case "predictions", "explanations", "wfpredict":
	case "v1", "v2":
		model, _ = bytes.CutPrefix(model, []byte("models/"))
		model = until(model, ':')
	default:
		return Result{Status: Ignored} // ping, metrics, management
	}
	model, version, _ := bytes.Cut(model, []byte("/"))
	p.putText(rec, r.kind, head)
	p.putText(rec, r.method, method)
	p.putText(rec, r.model, model)
	if version = until(bytes.TrimPrefix(version, []byte("versions/")), '/'); len(version) > 0 && string(version) != "infer" {
		p.putText(rec, r.version, version)
	}
	p.putText(rec, r.status, status)
	p.putNumber(rec, r.latency, latency)
	return Result{Status: Complete}
}

// until returns text up to the first c.
func until(text []byte, c byte) []byte {
	if at := bytes.IndexByte(text, c); at >= 0 {
		return text[:at]
	}
	return text
}
