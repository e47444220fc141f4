package parse

import "hash/maphash"

// joiner puts request and response together, which some servers log as two lines with a common key. The first line
// waits as it was written; when the second comes, both are read into one record, the second one last. At most
// FormatOptions.MaxPending lines and MaxJoinBytes wait; beyond that the oldest is given up.
type joiner struct {
	slot    int32 // of the key
	waiting []waitingLine
	spare   []waitingLine // memory of lines that are done
	bytes   int
}

type waitingLine struct {
	key    uint64
	line   []byte
	ranges []HeldRange
}

// prepareJoin adds the key as a slot behind the asked fields.
func (p *Plan) prepareJoin() error {
	if p.opts.Join == "" {
		return nil
	}
	p.fields = append(p.fields, Field{Path: p.opts.Join, Context: true})
	p.joinSlot = int32(len(p.fields) - 1)
	return p.add(len(p.fields) - 1)
}

// pair looks for the other half of the line that was just read into rec.
func (j *joiner) pair(p *Parser, line []byte, rec *Record) Result {
	plan := p.plan
	v := &rec.Values[j.slot]
	switch v.Kind {
	case String, Number:
	default:
		return Result{Status: Bad, Reason: Orphan}
	}
	key := maphash.Bytes(plan.hash.seed, v.Str)
	for i := range j.waiting {
		w := &j.waiting[i]
		if w.key != key {
			continue
		}
		rec.Held = append(rec.Held, w.ranges...)
		rec.reset(plan)
		s := &plan.scan
		s.begin(rec)
		end := s.top(w.line, skipSpace(w.line, 0))
		if end >= 0 {
			s.keys = 0
			end = s.top(line, skipSpace(line, 0))
		}
		// Texts of the record point into the waiting copy: its memory is used again by a later line only.
		j.drop(i)
		return plan.verdict(rec, end)
	}
	if len(line) > plan.opts.MaxJoinBytes/4 {
		return Result{Status: Bad, Reason: Oversize}
	}
	answer := Result{Status: Pending}
	for len(j.waiting) >= plan.opts.MaxPending || len(j.waiting) > 0 && j.bytes+len(line) > plan.opts.MaxJoinBytes {
		p.expired = append(p.expired, j.waiting[0].ranges...)
		j.drop(0)
		answer.Reason = Orphan
	}
	var w waitingLine
	if n := len(j.spare); n > 0 {
		w, j.spare = j.spare[n-1], j.spare[:n-1]
	}
	w.key, w.line = key, append(w.line[:0], line...)
	w.ranges = append(append(w.ranges[:0], p.pieces...), HeldRange{Offset: p.offset, Length: p.length})
	j.waiting = append(j.waiting, w)
	j.bytes += len(line)
	return answer
}

// drop takes a line out of the waiting ones and keeps a bounded amount of its memory.
func (j *joiner) drop(i int) {
	w := j.waiting[i]
	j.bytes -= len(w.line)
	j.waiting = append(j.waiting[:i], j.waiting[i+1:]...)
	if len(j.spare) < 16 && cap(w.line) <= 1<<16 {
		j.spare = append(j.spare, w)
	}
}

func (j *joiner) finish(p *Parser) {
	for len(j.waiting) > 0 {
		p.expired = append(p.expired, j.waiting[0].ranges...)
		j.drop(0)
	}
}
