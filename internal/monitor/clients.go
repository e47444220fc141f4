package monitor

import (
	"math"
	"slices"
	"time"

	"github.com/plumbline-ml/plumbline/detectors"
	"github.com/plumbline-ml/plumbline/detectors/sequential"
	"github.com/plumbline-ml/plumbline/internal/parse"
)

const (
	// clientTime is how long a client counts for no more than the cap, unless a bucket is longer. A campaign lasts for hours:
	// capped by the minute, 37 senders would soon be thousands of facts.
	clientTime = time.Hour
	// clientKeys is how many clients of such a time are told apart. Beyond that a client may count more than once, never too
	// rarely: what pages then is what would page without clients.
	clientKeys = 1 << 14
	// clientSpans is how many such times are open at once: records that come late belong to an older one. Beyond that the oldest
	// makes room, and its clients count anew.
	clientSpans = 2
	// abuseWeight is the share of the page budget that the stream of all records has: none to speak of, and it spends nothing.
	abuseWeight = 1e-9
	// abuseKey tells that stream from the one that pages.
	abuseKey = "raw"
)

// clients counts columns, and segments, by facts: at most so many records of one client in an hour (fields.client). What drifts, is missing or
// is unseen pages only when records and facts both hold the evidence for it. When the records alone do, few clients
// moved the shares, and a ticket says so.
//
// Of a client nothing is kept but a hash, until its hour is over. Memory: 164 KiB for each of at most two hours, and as much in state;
// and for each number some 20 kB for what is watched twice.
type clients struct {
	cap      int
	span     int64         // how long a client counts for no more, in nanoseconds
	open     []*clientSpan // by index, ascending
	distinct float64       // of the last span that is over
}

// factRow is what the facts of a pane say of a column: a count for each of its buckets, then how many were missing, and how
// many repeated the fact before.
type factRow []uint32

const factExtras = 2

// clientSpan is who sent something in an hour.
type clientSpan struct {
	index int64
	cap   *sequential.KeyCap
	seen  detectors.HLL
}

func (in *Instance) newClients() {
	if in.model.Client != "" {
		in.clients = &clients{cap: max(in.model.ClientCap, 1), span: max(int64(clientTime), in.bucketNs)}
	}
}

func newClientSpan(index int64, limit int) *clientSpan {
	k, err := sequential.NewKeyCap(clientKeys, min(max(limit, 1), math.MaxUint16))
	if err != nil {
		panic("monitor: a table of clients of constant size: " + err.Error())
	}
	return &clientSpan{index: index, cap: k}
}

// at finds the span of that index, and opens it.
func (cl *clients) at(index int64) *clientSpan {
	for i := len(cl.open) - 1; i >= 0; i-- {
		if cl.open[i].index == index {
			return cl.open[i]
		}
	}
	var b *clientSpan
	if len(cl.open) < clientSpans {
		b = newClientSpan(index, cl.cap)
	} else {
		b = cl.open[0]
		cl.open = slices.Delete(cl.open, 0, 1)
		b.index = index
		b.cap.Reset()
		b.seen.Reset()
	}
	at := len(cl.open)
	for at > 0 && cl.open[at-1].index > index {
		at--
	}
	cl.open = slices.Insert(cl.open, at, b)
	return b
}

// admits says whether a record is a fact. One that does not name its client is: a field that went away must not silence anything.
func (cl *clients) admits(in *Instance, p *pane, rec *parse.Record) bool {
	if uint(in.at.client) >= uint(len(rec.Values)) {
		return true
	}
	v := &rec.Values[in.at.client]
	var key uint64
	switch {
	case len(v.Str) > 0:
		key = detectors.HashKey(0, v.Str)
	default:
		return true
	}
	b := cl.at(floorDiv(p.index*in.paneNs, cl.span))
	b.seen.Add(key)
	return b.cap.Count(key)
}

// observe counts a record that was observed. It says whether the record is a fact.
func (cl *clients) observe(in *Instance, p *pane, rec *parse.Record) bool {
	if p.late || !cl.admits(in, p, rec) {
		return false
	}
	for len(p.facts) < len(in.cols) {
		p.facts = append(p.facts, nil)
	}
	for i, c := range in.cols {
		if c.base == nil {
			continue
		}
		row := p.facts[i]
		if n := c.buckets() + factExtras; len(row) != n {
			row = make(factRow, n)
			p.facts[i] = row
		}
		if !c.present {
			row[len(row)-factExtras]++
			continue
		}
		at, hash := int(c.bin), c.last
		if g := c.base.grid; g != nil {
			at, hash = g.HistBucketOf(g.Bin(c.value)), hashNumber(c.value)
		}
		row[at]++
		if c.hasLastFact && c.lastFact == hash {
			row[len(row)-1]++
		}
		c.lastFact, c.hasLastFact = hash, true
		if c.isScore && p.betting {
			if p.factSums == nil {
				p.factSums = &sequential.Sums{}
			}
			p.bets.Increments(c.value, p.factSums)
		}
	}
	return true
}

// fill adds a pane to the open bucket. A column that learned in the pane goes without it there, and so do its facts.
func (cl *clients) fill(in *Instance, p *pane) {
	for i, c := range in.cols {
		if i >= len(p.facts) || i >= len(p.cols) || p.facts[i] == nil || c.base == nil || p.cols[i].unbinned > 0 {
			continue
		}
		c.fitFacts()
		row := p.facts[i]
		bins := len(row) - factExtras
		if bins != len(c.facts.counts) {
			continue
		}
		for k, n := range row[:bins] {
			c.facts.counts[k] += uint64(n)
			c.facts.present += uint64(n)
		}
		c.facts.missing += uint64(row[bins])
		c.facts.repeats += uint64(row[bins+1])
	}
}

// endBucket forgets the clients of the hours that are over with the bucket that was judged.
func (cl *clients) endBucket(in *Instance) {
	end := (in.bucket.index + 1) * in.bucketNs
	for len(cl.open) > 0 && (cl.open[0].index+1)*cl.span <= end {
		cl.distinct = math.Round(cl.open[0].seen.Estimate())
		cl.open = slices.Delete(cl.open, 0, 1)
	}
	for _, c := range in.cols {
		if c.facts != nil {
			c.facts.reset()
		}
	}
}

// cappedSets watch the facts of a column; nil when every record is one.
func (in *Instance) cappedSets(c *column, ref []uint64) *sequential.Sets {
	if in.clients == nil {
		return nil
	}
	sets, err := sequential.NewSets(ref, in.setsOptions(c))
	if err != nil {
		return nil
	}
	return sets
}

// fitFacts gives a column that has its reference a bucket of facts.
func (c *column) fitFacts() {
	if c.facts == nil || len(c.facts.counts) != c.buckets() {
		c.facts = &bucketColumn{counts: make([]uint64, c.buckets())}
	}
}

// rawDetectors are the column's for all records, whoever sent them.
func (in *Instance) rawDetectors(c *column) []detector {
	out := in.valueDetectors(c)
	ref := &c.base.ref
	if ref.seen() > 0 {
		out = append(out, in.newRateDetector(c, rateMissing))
	}
	if ref.N > 0 && c.base.grid == nil {
		out = append(out, in.newRateDetector(c, rateUnseen))
	}
	if c.mayFreeze() {
		out = append(out, in.newRateDetector(c, rateRepeated))
	}
	for _, d := range out {
		switch d := d.(type) {
		case *setsDetector:
			d.capped = nil
		case *stepsDetector:
			d.capped = nil
		case *meanDetector:
			d.capped, d.shares = nil, in.evidence.mean
		case *rateDetector:
			d.capped = nil
		}
	}
	return out
}

// addAbuseStream watches all records of a column beside the facts.
func (in *Instance) addAbuseStream(c *column) {
	if in.clients == nil {
		return
	}
	c.fitFacts()
	in.addStream(streamOptions{column: c, cause: causeAbuse, key: abuseKey, weight: abuseWeight, detectors: in.rawDetectors(c)})
}

// rawEvidence is the most that the records alone have for any of the causes that a stream of facts may page for: values that
// drift, that are missing, or that are unseen.
func (s *stream) rawEvidence() float64 {
	most := math.Inf(-1)
	s.logs = s.logs[:0]
	for _, d := range s.detectors {
		if _, rate := d.(*rateDetector); rate {
			most = max(most, d.logEvidence())
		} else {
			s.logs = append(s.logs, d.logEvidence())
		}
	}
	return max(most, sequential.LogAverage(s.logs, nil))
}

// judgeAbuse opens a ticket for a column when its records would page alone and no stream of the column that counts facts holds
// half of the evidence for it.
func (in *Instance) judgeAbuse(end int64) {
	ev := &in.evidence
	for k, s := range ev.streams {
		if s.cause == causeSegment {
			in.judgeSegmentAbuse(k, end)
		}
		if s.cause != causeAbuse || s.alarm != nil {
			continue
		}
		if in.suppressed(s) {
			s.ratio = 0
			continue
		}
		need, facts, found := 0., math.Inf(-1), false
		for i, o := range ev.streams {
			if o.col == s.col && o.key == "" && (o.cause == causeDrift || o.cause == causeMissing || o.cause == causeQuality || o.cause == causeFrozen) {
				need, facts, found = max(need, ev.budget.StreamLogA(i)), max(facts, o.logEvidence()), true
			}
		}
		if !found {
			continue
		}
		s.ratio = min(1, max(0, s.rawEvidence()/need))
		if s.ratio >= 1 && facts < need/2 {
			in.latch(s, end)
		}
	}
}

// judgeSegmentAbuse does so for a segment, whose one stream has both counts. The ticket of the whole prediction speaks for its segments.
func (in *Instance) judgeSegmentAbuse(i int, end int64) {
	ev := &in.evidence
	s := ev.streams[i]
	d, ok := s.detectors[0].(*segmentDetector)
	if !ok || !d.ready || d.capped == nil || s.alarm != nil || in.muted(s) {
		return
	}
	if slices.ContainsFunc(ev.streams, func(o *stream) bool { return o.cause == causeAbuse && o.alarm != nil && o.feature == s.feature }) {
		return
	}
	if need := ev.budget.StreamLogA(i); d.sets.LogEvidence() >= need && d.capped.LogEvidence() < need/2 {
		in.latchAs(s, causeAbuse, end)
	}
}

// client reads fields.client and fields.client_cap.
func (d *decoder) client(m *Model, k entry) {
	if k.name == "client_cap" {
		if v, ok := d.integer(k, 1, math.MaxUint16); ok {
			m.ClientCap = int(v)
		}
		return
	}
	if m.Client, _ = d.text(k, "the path of who sent a request"); m.Client != "" {
		d.path(k.val, k.path, m.Client)
	}
}
