package parse

import "bytes"

var vLLMColumns = []Column{
	{"time", RoleTime, ColumnTime, "when the line was written; it has no year: the container's time or the arrival tells it"},
	{"engine", RoleFeature, ColumnCategory, "number of the engine"},
	{"prompt_throughput", RoleFeature, ColumnNumber, "prompt tokens per second"},
	{"generation_throughput", RoleFeature, ColumnNumber, "generated tokens per second"},
	{"running", RoleFeature, ColumnNumber, "requests that run"},
	{"waiting", RoleFeature, ColumnNumber, "requests that wait"},
	{"swapped", RoleFeature, ColumnNumber, "requests that were swapped out (older versions)"},
	{"kv_cache_usage", RoleFeature, ColumnProbability, "share of the KV cache in use"},
	{"prefix_cache_hit_rate", RoleFeature, ColumnProbability, "share of prefix cache hits"},
}

// vLLMReader reads the statistics line that the engine writes every ten seconds while it is busy. Request lines
// hold whole prompts and are ignored unread.
type vLLMReader struct {
	time, engine *node
	values       [7]*node
}

// vLLMMarks stand before the values, in the order of vLLMReader.values.
var vLLMMarks = [7]string{"Avg prompt throughput: ", "Avg generation throughput: ", "Running: ", "Waiting: ", "Swapped: ", "KV cache usage: ", "Prefix cache hit rate: "}

func prepareVLLM(p *Plan) error {
	if err := p.known(vLLMColumns); err != nil {
		return err
	}
	r := &vLLMReader{time: p.bind("time"), engine: p.bind("engine")}
	for i := range r.values {
		r.values[i] = p.bind(vLLMColumns[i+2].Path)
	}
	p.reader = func() formatReader { return r }
	return nil
}

func (r *vLLMReader) read(p *Parser, line []byte, rec *Record) Result {
	plan := p.plan
	plan.scan.begin(rec)
	plan.gen++
	// "[(APIServer pid=1) ]INFO 05-12 08:01:39 [loggers.py:271] Engine 000: Avg prompt throughput: …"
	at := bytes.Index(line, []byte("] "))
	if at < 0 {
		return Result{Status: Ignored}
	}
	head, text := line[:at], line[at+2:]
	stats := bytes.Index(text[:min(len(text), 64)], []byte(vLLMMarks[0]))
	if stats < 0 {
		return Result{Status: Ignored}
	}
	if stats > 0 {
		engine, ok := bytes.CutPrefix(text[:stats], []byte("Engine "))
		if !ok { // perhaps a prompt that quotes such a line
			return Result{Status: Ignored}
		}
		plan.putText(rec, r.engine, until(engine, ':'))
	}
	text = text[stats:]
	found := 0
	for i, mark := range vLLMMarks {
		value, ok := between(text, mark, " ")
		if !ok {
			continue
		}
		value = bytes.TrimRight(value, ",")
		number, percent := bytes.CutSuffix(value, []byte("%"))
		kind, x := numericText(number)
		if kind != Number {
			return Result{Status: Bad, Reason: BadNumber}
		}
		found++
		if percent {
			plan.putFloat(rec, r.values[i], x/100)
		} else {
			plan.putNumber(rec, r.values[i], number)
		}
	}
	if found < 2 {
		return Result{Status: Bad, Reason: Truncated}
	}
	if r.time != nil {
		plan.yearless(r.time, head, rec)
	}
	return Result{Status: Complete, Reason: plan.scan.blemish}
}

// yearless reads "05-12 08:01:39" near the end of head. When nothing tells the year the record has no event time.
func (p *Plan) yearless(n *node, head []byte, rec *Record) {
	const form = "05-12 08:01:39"
	at := bytes.LastIndexByte(head, '[')
	if at < len(form)+1 {
		return
	}
	stamp := head[at-1-len(form) : at-1]
	month := two(stamp, 0)
	year := p.opts.Year
	if year == 0 && p.near != 0 {
		year = nearYear(p.near, month)
	}
	if year == 0 || month < 0 || stamp[2] != '-' {
		return
	}
	from := len(p.scan.scratch)
	p.scan.scratch = append(p.scan.scratch, byte('0'+year/1000%10), byte('0'+year/100%10), byte('0'+year/10%10), byte('0'+year%10), '-')
	p.scan.scratch = append(p.scan.scratch, stamp...)
	p.putText(rec, n, p.scan.scratch[from:])
}

// nearYear returns the year that puts a month next to a time.
func nearYear(ns int64, month int) int {
	year, now := yearMonth(ns)
	switch {
	case month-now > 6:
		return year - 1
	case now-month > 6:
		return year + 1
	}
	return year
}
