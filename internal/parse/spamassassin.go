package parse

import "bytes"

var spamAssassinColumns = []Column{
	{"time", RoleTime, ColumnTime, "when the line was written, in the zone of the host"},
	{"score", RoleScore, ColumnNumber, "the score with its fraction when the line before has it, else the whole number"},
	{"verdict", RoleLabel, ColumnCategory, "Y (spam) or . (not)"},
	{"score_int", RoleFeature, ColumnNumber, "the whole number of the result line"},
	{"tests", RoleFeature, ColumnNumber, "how many tests fired"},
	{"bayes", RoleFeature, ColumnProbability, "what the Bayes classifier says: probability of spam"},
	{"scantime", RoleFeature, ColumnNumber, "seconds the scan took"},
	{"size", RoleFeature, ColumnNumber, "bytes of the message"},
	{"required_score", RoleFeature, ColumnNumber, "the score from which a message is spam"},
	{"autolearn", RoleFeature, ColumnCategory, "whether the classifier learned from the message"},
	{"test.*", RoleFeature, ColumnNumber, "1 for each test that fired"},
}

// spamAssassinReader reads spamd's result lines. Their score is a whole number; the line before, of the
// same process, has the fraction. It is held until its result comes, and given up when MaxPending others
// came first: a result never waits, and is complete without it.
type spamAssassinReader struct {
	*spamAssassinPlan
	held  []heldScore   // oldest first
	spare [][]HeldRange // memory of pairs that are done
}

type spamAssassinPlan struct {
	time, score, verdict, whole, tests, bayes, scantime, size, required, autolearn *node

	test *node
}

// heldScore is the first line of a pair.
type heldScore struct {
	pid    uint64
	score  float64
	ranges []HeldRange
}

func prepareSpamAssassin(p *Plan) error {
	if err := p.known(spamAssassinColumns); err != nil {
		return err
	}
	r := &spamAssassinPlan{
		time: p.bind("time"), score: p.bind("score"), verdict: p.bind("verdict"), whole: p.bind("score_int"), tests: p.bind("tests"),
		bayes: p.bind("bayes"), scantime: p.bind("scantime"), size: p.bind("size"), required: p.bind("required_score"),
		autolearn: p.bind("autolearn"), test: p.bindGroup("test"),
	}
	p.reader = func() formatReader { return &spamAssassinReader{spamAssassinPlan: r} }
	return nil
}

func (r *spamAssassinReader) read(p *Parser, line []byte, rec *Record) Result {
	p.plan.scan.begin(rec)
	p.plan.gen++
	// The first "spamd: " is the daemon's own; a later one may be quoted from a message id.
	at := bytes.Index(line, []byte("spamd: "))
	if at < 0 {
		return Result{Status: Ignored}
	}
	head, text := line[:at], line[at+len("spamd: "):]
	text = bytes.TrimPrefix(text, []byte("spamd: "))
	if rest, ok := bytes.CutPrefix(text, []byte("result: ")); ok {
		return r.result(p, head, rest, rec)
	}
	rest, ok := bytes.CutPrefix(text, []byte("identified spam ("))
	if !ok {
		if rest, ok = bytes.CutPrefix(text, []byte("clean message (")); !ok {
			return Result{Status: Ignored}
		}
	}
	pid, ok := processID(head)
	slash := bytes.IndexByte(rest[:min(len(rest), 32)], '/')
	if !ok || slash < 0 || r.score == nil {
		return Result{Status: Ignored}
	}
	kind, x := numericText(rest[:slash])
	if kind != Number {
		return Result{Status: Ignored}
	}
	r.hold(p, pid, x)
	return Result{Status: Pending}
}

// hold keeps a score until the result of the same process comes.
func (r *spamAssassinReader) hold(p *Parser, pid uint64, score float64) {
	if i := r.find(pid); i >= 0 { // its result never came
		r.drop(p, i)
	}
	if len(r.held) >= p.plan.opts.MaxPending {
		r.drop(p, 0)
	}
	var ranges []HeldRange
	if n := len(r.spare); n > 0 {
		ranges, r.spare = r.spare[n-1][:0], r.spare[:n-1]
	}
	ranges = append(append(ranges, p.pieces...), HeldRange{Offset: p.offset, Length: p.length})
	r.held = append(r.held, heldScore{pid: pid, score: score, ranges: ranges})
}

func (r *spamAssassinReader) find(pid uint64) int {
	for i := range r.held {
		if r.held[i].pid == pid {
			return i
		}
	}
	return -1
}

func (r *spamAssassinReader) drop(p *Parser, i int) {
	p.expired = append(p.expired, r.held[i].ranges...)
	r.remove(i)
}

func (r *spamAssassinReader) remove(i int) {
	r.spare = append(r.spare, r.held[i].ranges)
	r.held = append(r.held[:i], r.held[i+1:]...)
}

func (r *spamAssassinReader) finish(p *Parser) {
	for len(r.held) > 0 {
		r.drop(p, 0)
	}
}

// result reads "Y 15 - TEST,TEST scantime=0.2,size=5823,user=…,mid=<…>,bayes=0.726301,autolearn=no autolearn_force=no".
func (r *spamAssassinReader) result(p *Parser, head, text []byte, rec *Record) Result {
	plan := p.plan
	score, rest, ok := bytes.Cut(text, []byte(" - "))
	if !ok || len(score) < 3 || score[1] != ' ' || score[0] != 'Y' && score[0] != '.' {
		return Result{Status: Bad, Reason: NoMatch}
	}
	whole := bytes.TrimLeft(score[2:], " ")
	kind, x := numericText(whole)
	if kind != Number {
		return Result{Status: Bad, Reason: NoMatch}
	}
	at := bytes.Index(rest, []byte("scantime="))
	if at < 0 {
		return Result{Status: Bad, Reason: Truncated}
	}
	tests, pairs := bytes.TrimRight(rest[:at], " "), rest[at:]
	plan.putText(rec, r.verdict, score[:1])
	plan.putNumber(rec, r.whole, whole)
	if pid, ok := processID(head); ok {
		if i := r.find(pid); i >= 0 {
			x = r.held[i].score
			whole = nil
			rec.Held = append(rec.Held, r.held[i].ranges...)
			r.remove(i)
		}
	}
	if r.score != nil {
		plan.put(rec, r.score, Number, x, whole, &plan.scan.blemish)
	}
	r.testNames(plan, tests, rec)
	if r.time != nil {
		plan.putText(rec, r.time, leadingTime(head))
	}
	// User and message id come from outside and may contain commas and further pairs: what stands before them is
	// looked for from the left, what stands behind them from the right.
	left := pairs
	if at := bytes.Index(pairs, []byte(",user=")); at >= 0 {
		left = pairs[:at]
	}
	if v, ok := between(left, "scantime=", ","); ok {
		plan.putNumber(rec, r.scantime, v)
	}
	if v, ok := between(left, ",size=", ","); ok {
		plan.putNumber(rec, r.size, v)
	}
	if at := bytes.Index(pairs, []byte(",required_score=")); at >= 0 {
		v, _ := between(pairs[at:], ",required_score=", ",")
		plan.putNumber(rec, r.required, v)
	}
	if at := bytes.LastIndex(pairs, []byte(",bayes=")); at >= 0 {
		v, _ := between(pairs[at:], ",bayes=", ",")
		plan.putNumber(rec, r.bayes, v)
	}
	if at := bytes.LastIndex(pairs, []byte(",autolearn=")); at >= 0 {
		v := pairs[at+len(",autolearn="):]
		if end := bytes.IndexAny(v, " ,"); end >= 0 {
			v = v[:end]
		}
		plan.putText(rec, r.autolearn, v)
	}
	return Result{Status: Complete, Reason: plan.scan.blemish}
}

func (r *spamAssassinReader) testNames(p *Plan, tests []byte, rec *Record) {
	count := 0.0
	for len(tests) > 0 {
		var name []byte
		if at := bytes.IndexByte(tests, ','); at >= 0 {
			name, tests = tests[:at], tests[at+1:]
		} else {
			name, tests = tests, nil
		}
		if len(name) == 0 || string(name) == "none" {
			continue
		}
		count++
		p.putFloat(rec, p.at(r.test, name), 1)
	}
	p.putFloat(rec, r.tests, count)
}

// processID reads the number in "[23065] info: " or "spamd[23065]: ".
func processID(head []byte) (uint64, bool) {
	open := bytes.LastIndexByte(head, '[')
	if open < 0 {
		return 0, false
	}
	var pid uint64
	for i := open + 1; i < len(head) && i < open+12; i++ {
		if head[i] == ']' {
			return pid, i > open+1
		}
		if head[i]-'0' > 9 {
			return 0, false
		}
		pid = pid*10 + uint64(head[i]-'0')
	}
	return 0, false
}
