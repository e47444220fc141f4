package parse

import "bytes"

var rayServeColumns = []Column{
	{"time", RoleTime, ColumnTime, "when the call ended, in the zone of the host"},
	{"deployment", RoleFeature, ColumnCategory, "name of the deployment"},
	{"application", RoleFeature, ColumnCategory, "name of the application (JSON only)"},
	{"route", RoleFeature, ColumnCategory, "route of the request"},
	{"method", RoleFeature, ColumnCategory, "method that was called: __CALL__, GET, …"},
	{"status", RoleLabel, ColumnCategory, "OK, ERROR or a status code"},
	{"latency_ms", RoleScore, ColumnNumber, "milliseconds of the call"},
}

// rayServeReader reads the line that a replica writes when a call has ended, in JSON or as text. Other lines of
// the replica are ignored; it logs no payload.
type rayServeReader struct{ *rayServePlan }

type rayServePlan struct {
	time, deployment, application, route, method, status, latency *node

	json *extractor
}

func prepareRayServe(p *Plan) error {
	if err := p.known(rayServeColumns); err != nil {
		return err
	}
	inner, err := newExtractor(p.opts, "message", "asctime", "deployment", "application", "route")
	if err != nil {
		return err
	}
	r := &rayServePlan{time: p.bind("time"), deployment: p.bind("deployment"), application: p.bind("application"), route: p.bind("route"),
		method: p.bind("method"), status: p.bind("status"), latency: p.bind("latency_ms"), json: inner}
	p.reader = func() formatReader { return rayServeReader{r} }
	return nil
}

func (r rayServeReader) read(p *Parser, line []byte, rec *Record) Result {
	plan := p.plan
	plan.scan.begin(rec)
	plan.gen++
	if line[0] == '{' {
		if reason := r.json.whole(line); reason != None {
			return Result{Status: Bad, Reason: reason}
		}
		if !r.call(plan, r.json.text(0), rec) {
			return Result{Status: Ignored}
		}
		for i, n := range []*node{r.time, r.deployment, r.application, r.route} {
			if text := r.json.text(i + 1); text != nil {
				plan.putText(rec, n, text)
			}
		}
		return Result{Status: Complete, Reason: plan.scan.blemish}
	}
	if line[0] == '(' { // the driver's prefix: "(ServeReplica:SayHello pid=63520) "
		_, after, ok := bytes.Cut(line, []byte(") "))
		if !ok {
			return Result{Status: Ignored}
		}
		line = after
	}
	_, rest, ok := bytes.Cut(line, []byte(" ")) // level
	if !ok {
		return Result{Status: Ignored}
	}
	stamp := leadingTime(rest)
	if stamp == nil || !r.call(plan, rest, rec) {
		return Result{Status: Ignored}
	}
	plan.putText(rec, r.time, stamp)
	// "<deployment> <replica> [<request id> <route>] <file>:<line> - <message>"
	head, _, _ := bytes.Cut(rest[len(stamp):], []byte(" - "))
	words := [6][]byte{}
	n := 0
	for word := range bytes.FieldsSeq(head) {
		if n == len(words) {
			break
		}
		words[n] = word
		n++
	}
	if n > 0 {
		plan.putText(rec, r.deployment, words[0])
	}
	if n == 5 {
		plan.putText(rec, r.route, words[3])
	}
	return Result{Status: Complete, Reason: plan.scan.blemish}
}

// call reads "… - __CALL__ OK 0.6ms" from its end.
func (r rayServeReader) call(p *Plan, message []byte, rec *Record) bool {
	at := bytes.Index(message, []byte(" - "))
	if at < 0 {
		return false
	}
	rest, ok := bytes.CutSuffix(message[at+3:], []byte("ms"))
	if !ok {
		return false
	}
	space := bytes.LastIndexByte(rest, ' ')
	if space < 0 {
		return false
	}
	latency := rest[space+1:]
	rest = rest[:space]
	if kind, _ := numericText(latency); kind != Number {
		return false
	}
	space = bytes.LastIndexByte(rest, ' ')
	if space < 0 {
		return false
	}
	status := rest[space+1:]
	if code, _ := numericText(status); code != Number && string(status) != "OK" && string(status) != "ERROR" && string(status) != "CANCELLED" {
		return false
	}
	p.putText(rec, r.method, until(rest[:space], ' '))
	p.putText(rec, r.status, status)
	p.putNumber(rec, r.latency, latency)
	return true
}
