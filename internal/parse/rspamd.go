package parse

import "bytes"

var rspamdColumns = []Column{
	{"time", RoleTime, ColumnTime, "when the line was written, in the zone of the host"},
	{"score", RoleScore, ColumnNumber, "the message's score; may be nan"},
	{"action", RoleLabel, ColumnCategory, "what was done: no action, greylist, add header, reject, …"},
	{"verdict", RoleFeature, ColumnCategory, "T (spam), F (not), S (skipped); absent in the short form"},
	{"required", RoleFeature, ColumnNumber, "the score from which a message is rejected"},
	{"bayes", RoleFeature, ColumnProbability, "what the Bayes classifier says: probability of spam"},
	{"symbols", RoleFeature, ColumnNumber, "how many symbols fired"},
	{"len", RoleFeature, ColumnNumber, "bytes of the message"},
	{"time_ms", RoleFeature, ColumnNumber, "milliseconds the scan took"},
	{"dns_requests", RoleFeature, ColumnNumber, "DNS requests of the scan"},
	{"settings", RoleFeature, ColumnCategory, "name of the settings that applied"},
	{"symbol.*", RoleFeature, ColumnNumber, "weight of each symbol that fired"},
	{"file", RoleIdentifier, ColumnText, "name of the file that was scanned; can carry event time and label"},
	{"qid", RoleIdentifier, ColumnText, "queue id"},
}

// rspamdReader reads the one line in about nine that carries the result of a message.
//
// Sender, recipients and message id are chosen by strangers and stand unescaped in the line. The result
// is therefore looked for by its whole shape, and a line with two such places is Ambiguous, not trusted.
type rspamdReader struct{ *rspamdPlan }

type rspamdPlan struct {
	time, score, action, verdict, required, bayes, symbols, length, ms, dns, settings, file, qid *node

	symbol *node
	json   *extractor // of the wrapper that log_json=true writes
}

const rspamdFunction = "rspamd_task_write_log"

func prepareRspamd(p *Plan) error {
	if err := p.known(rspamdColumns); err != nil {
		return err
	}
	inner, err := newExtractor(p.opts, "message", "function", "ts")
	if err != nil {
		return err
	}
	r := &rspamdPlan{
		time: p.bind("time"), score: p.bind("score"), action: p.bind("action"), verdict: p.bind("verdict"), required: p.bind("required"),
		bayes: p.bind("bayes"), symbols: p.bind("symbols"), length: p.bind("len"), ms: p.bind("time_ms"), dns: p.bind("dns_requests"),
		settings: p.bind("settings"), file: p.bind("file"), qid: p.bind("qid"), symbol: p.bindGroup("symbol"), json: inner,
	}
	p.reader = func() formatReader { return rspamdReader{r} }
	return nil
}

func (r rspamdReader) read(p *Parser, line []byte, rec *Record) Result {
	p.plan.scan.begin(rec)
	p.plan.gen++
	if line[0] == '{' {
		return r.readJSON(p, line, rec)
	}
	// "<time> #<pid>(<worker>) <tag>; <module>; <function>: <message>": the function is looked for in its place
	// only, because a message id that quotes it must not pass for a result.
	head, rest, ok := bytes.Cut(line, []byte("; "))
	if !ok {
		return Result{Status: Ignored}
	}
	if module, after, ok := bytes.Cut(rest, []byte("; ")); ok && bytes.IndexByte(module, ' ') < 0 {
		rest = after
	}
	message, ok := bytes.CutPrefix(rest, []byte(rspamdFunction+": "))
	if !ok {
		return Result{Status: Ignored}
	}
	if r.time != nil {
		p.plan.putText(rec, r.time, leadingTime(head))
	}
	return r.message(p.plan, message, rec)
}

// readJSON reads a line of log_json=true, which has the same text in message.
func (r rspamdReader) readJSON(p *Parser, line []byte, rec *Record) Result {
	if reason := r.json.whole(line); reason != None {
		return Result{Status: Bad, Reason: reason}
	}
	message, ts := r.json.text(0), r.json.rec.Values[2]
	if message == nil || string(r.json.text(1)) != rspamdFunction {
		return Result{Status: Ignored}
	}
	if r.time != nil && ts.Kind == Number {
		p.plan.put(rec, r.time, Number, ts.Num, ts.Str, &p.plan.scan.blemish)
	}
	return r.message(p.plan, message, rec)
}

// message reads "id: <…>, …, (default: T (reject): [15.50/15.00] [NAME(5.10){…},…]), len: 4879, time: 13.321ms, …".
func (r rspamdReader) message(p *Plan, text []byte, rec *Record) Result {
	const anchor = "): ["
	found := -1
	for from := 0; ; {
		at := bytes.Index(text[from:], []byte(anchor))
		if at < 0 {
			break
		}
		at += from
		from = at + len(anchor)
		if _, ok := shapeOf(text, at); ok {
			if found >= 0 {
				return Result{Status: Bad, Reason: Ambiguous}
			}
			found = at
		}
	}
	if found < 0 {
		return Result{Status: Bad, Reason: NoMatch}
	}
	v, _ := shapeOf(text, found)
	p.putText(rec, r.action, v.action)
	if len(v.verdict) > 0 {
		p.putText(rec, r.verdict, v.verdict)
		p.putText(rec, r.settings, v.settings)
	}
	p.putNumber(rec, r.score, v.score)
	p.putNumber(rec, r.required, v.required)
	tail := r.symbolList(p, text[v.list:], rec)
	if tail == nil {
		return Result{Status: Bad, Reason: Truncated}
	}
	if number, ok := between(tail, ", len: ", ", "); ok {
		p.putNumber(rec, r.length, number)
	}
	if number, ok := between(tail, ", time: ", "ms"); ok {
		p.putNumber(rec, r.ms, number)
	}
	if number, ok := between(tail, ", dns req: ", ", "); ok {
		p.putNumber(rec, r.dns, number)
	}
	if r.file != nil {
		if at := bytes.LastIndex(tail, []byte(", file: ")); at >= 0 {
			file, _, _ := bytes.Cut(tail[at+len(", file: "):], []byte(", "))
			p.putText(rec, r.file, file)
		}
	}
	if r.qid != nil {
		if qid, ok := between(text[:found], ", qid: <", ">,"); ok {
			p.putText(rec, r.qid, qid)
		}
	}
	return Result{Status: Complete, Reason: p.scan.blemish}
}

// shape is the part of the line that says what was decided.
type shape struct {
	settings, verdict, action, score, required []byte
	list                                       int // position behind the '[' of the symbols
}

// shapeOf reads "(default: T (reject): [15.50/15.00] [", or "(no action): [1.5/15.0] [", around the anchor
// "): [" at position at.
func shapeOf(text []byte, at int) (v shape, ok bool) {
	// Looked for near the anchor only: a line full of anchors would be searched as often as it has them.
	from := max(at-40, 0)
	open := bytes.LastIndexByte(text[from:at], '(') + from
	if open < from || at-open < 2 {
		return v, false
	}
	v.action = text[open+1 : at]
	if open >= 4 && text[open-1] == ' ' && text[open-3] == ' ' && text[open-4] == ':' {
		switch text[open-2] {
		case 'T', 'F', 'S':
			v.verdict = text[open-2 : open-1]
			from := max(open-4-256, 0)
			name := bytes.LastIndexByte(text[from:open-4], '(') + from
			if name < from {
				return v, false
			}
			v.settings = text[name+1 : open-4]
		}
	}
	scores := text[at+len("): ["):]
	slash := bytes.IndexByte(scores[:min(len(scores), 32)], '/')
	if slash < 0 {
		return v, false
	}
	closing := bytes.IndexByte(scores[slash:min(len(scores), slash+32)], ']')
	if closing < 0 {
		return v, false
	}
	v.score, v.required = scores[:slash], scores[slash+1:slash+closing]
	if kind, _ := numericText(v.score); kind == String || kind == Bool {
		return v, false
	}
	if kind, _ := numericText(v.required); kind == String || kind == Bool {
		return v, false
	}
	end := slash + closing + 1
	if len(scores) < end+2 || scores[end] != ' ' || scores[end+1] != '[' {
		return v, false
	}
	v.list = at + len("): [") + end + 2
	return v, true
}

// symbolList reads "NAME(5.10){options;},NAME(0.00){},…]" and returns what follows the bracket, or nil if it does
// not close. Commas and brackets inside braces belong to the options.
func (r rspamdReader) symbolList(p *Plan, text []byte, rec *Record) []byte {
	count := 0.0
	for i := 0; ; {
		start := i
		for i < len(text) && symbolByte(text[i]) {
			i++
		}
		name := text[start:i]
		var weight []byte
		if i < len(text) && text[i] == '(' && len(name) > 0 {
			closing := bytes.IndexByte(text[i:min(len(text), i+32)], ')')
			if closing > 0 {
				weight = text[i+1 : i+closing]
				i += closing + 1
			}
		}
		options := i
		end, last := symbolEnd(text, i)
		if end < 0 {
			return nil
		}
		i = end + 1
		if len(name) > 0 && (weight != nil || options == end || text[options] == '{') {
			count++
			r.one(p, name, weight, text[options:end], rec)
		}
		if last {
			p.putFloat(rec, r.symbols, count)
			return text[i:]
		}
	}
}

// symbolEnd finds the comma or the bracket that ends a symbol.
func symbolEnd(text []byte, i int) (end int, last bool) {
	for depth := 0; i < len(text); i++ {
		switch text[i] {
		case '{':
			depth++
		case '}':
			depth = max(0, depth-1)
		case ',':
			if depth == 0 {
				return i, false
			}
		case ']':
			if depth == 0 && (i+1 == len(text) || text[i+1] == ')' || text[i+1] == ',') {
				return i, true
			}
		}
	}
	return -1, false
}

func symbolByte(c byte) bool {
	return c-'A' <= 25 || c-'a' <= 25 || c-'0' <= 9 || c == '_' || c == '-' || c == '.' || c == ':'
}

// one records a symbol.
func (r rspamdReader) one(p *Plan, name, weight, options []byte, rec *Record) {
	if n := p.at(r.symbol, name); n != nil {
		if weight == nil {
			p.putFloat(rec, n, 1)
		} else {
			p.putNumber(rec, n, weight)
		}
	}
	if r.bayes == nil || len(name) < len("BAYES_HAM") || string(name[:6]) != "BAYES_" {
		return
	}
	spam := string(name) == "BAYES_SPAM"
	if !spam && string(name) != "BAYES_HAM" {
		return
	}
	percent, ok := between(options, "{", "%")
	if !ok {
		return
	}
	x, ok := looseFloat(percent)
	if !ok || x < 0 || x > 100 {
		return
	}
	if x /= 100; !spam {
		x = 1 - x
	}
	p.putFloat(rec, r.bayes, x)
}

// between returns what stands between two marks, the second of which may be missing.
func between(text []byte, before, behind string) ([]byte, bool) {
	at := bytes.Index(text, []byte(before))
	if at < 0 {
		return nil, false
	}
	text = text[at+len(before):]
	if end := bytes.Index(text, []byte(behind)); end >= 0 {
		text = text[:end]
	}
	return text, true
}

// leadingTime returns the part of a line's head that is a time: the wall time of a file, or what syslog put
// in front.
func leadingTime(head []byte) []byte {
	if len(head) > 2 && head[0] == '<' { // priority of syslog
		if at := bytes.IndexByte(head[:min(len(head), 6)], '>'); at > 0 {
			head = head[at+1:]
			if len(head) > 2 && head[0] == '1' && head[1] == ' ' {
				head = head[2:]
			}
		}
	}
	var c civil
	if len(head) == 0 {
		return nil
	}
	end := -1
	if head[0]-'0' <= 9 {
		end = c.iso(head, 0)
	} else if end = c.ctime(head, 0); end < 0 {
		c = civil{}
		end = c.monthDay(head, 0)
	}
	if end < 0 {
		return nil
	}
	return head[:end]
}
