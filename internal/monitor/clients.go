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

// clients counts what the label says by facts: at most so many records of one client in an hour (fields.client). The
// label's drift pages only when records and facts both hold the evidence for it. When the records alone do, few clients
// moved the shares, and a ticket says so.
//
// Of a client nothing is kept but a hash, until its hour is over. Memory: 164 KiB for each of at most two hours, and as much in state.
type clients struct {
	cap       int
	span      int64         // how long a client counts for no more, in nanoseconds
	open      []*clientSpan // by index, ascending
	distinct  float64       // of the last span that is over
	effective uint64        // facts since the onset of the label's alarm
}

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

// observe counts the label of a record that was observed.
func (cl *clients) observe(in *Instance, p *pane, rec *parse.Record) {
	if p.late || !cl.admits(in, p, rec) {
		return
	}
	c := in.label
	if c == nil || c.base == nil || !c.present {
		return
	}
	if n := c.bins(); len(p.facts) != n {
		p.facts = make([]uint64, n)
	}
	p.facts[c.bin]++
}

// fit gives the label room for its facts when its classes are others now.
func (cl *clients) fit(in *Instance) {
	if c := in.label; c != nil && c.base != nil {
		c.fitFacts()
	}
}

// fill adds a pane to the open bucket.
func (cl *clients) fill(in *Instance, p *pane) {
	cl.fit(in)
	c := in.label
	if c == nil || c.facts == nil || len(p.facts) != len(c.facts.counts) || in.panesLearned(p) {
		return
	}
	for i, n := range p.facts {
		c.facts.counts[i] += n
	}
}

// panesLearned says whether the label learned in the pane: the bucket goes without it then, and so do the facts.
func (in *Instance) panesLearned(p *pane) bool {
	i := indexOf(in.cols, in.label)
	return i < 0 || i >= len(p.cols) || p.cols[i].unbinned > 0
}

// endBucket forgets the clients of the hours that are over with the bucket that was judged.
func (cl *clients) endBucket(in *Instance) {
	end := (in.bucket.index + 1) * in.bucketNs
	for len(cl.open) > 0 && (cl.open[0].index+1)*cl.span <= end {
		cl.distinct = math.Round(cl.open[0].seen.Estimate())
		cl.open = slices.Delete(cl.open, 0, 1)
	}
	if c := in.label; c != nil && c.facts != nil {
		c.facts.reset()
	}
}

// cappedSets watch the facts of the label; nil when every record is one.
func (in *Instance) cappedSets(c *column, ref []uint64) *sequential.Sets {
	if in.clients == nil || !c.isLabel {
		return nil
	}
	c.fitFacts()
	sets, err := sequential.NewSets(ref, in.setsOptions(c))
	if err != nil {
		return nil
	}
	return sets
}

// fitFacts gives a label that has its reference a bucket of facts.
func (c *column) fitFacts() {
	if c.facts == nil || len(c.facts.counts) != c.bins() {
		c.facts = &bucketColumn{counts: make([]uint64, c.bins())}
	}
}

// rawDetectors are the label's for all records, whoever sent them.
func (in *Instance) rawDetectors(c *column) []detector {
	var out []detector
	for _, d := range in.driftDetectors(c) {
		if s, ok := d.(*setsDetector); ok {
			s.capped = nil
			out = append(out, s)
		}
	}
	return out
}

// addAbuseStream watches all records beside the facts.
func (in *Instance) addAbuseStream(c *column) {
	if in.clients == nil || !c.isLabel {
		return
	}
	in.addStream(streamOptions{column: c, cause: causeAbuse, key: abuseKey, weight: abuseWeight, detectors: in.rawDetectors(c)})
}

// judgeAbuse opens a ticket when the records would page alone and the facts hold less than half of the evidence for it.
func (in *Instance) judgeAbuse(end int64) {
	ev := &in.evidence
	for _, s := range ev.streams {
		if s.cause != causeAbuse || s.alarm != nil {
			continue
		}
		i := slices.IndexFunc(ev.streams, func(o *stream) bool { return o.col == s.col && o.cause == causeDrift && o.key == "" })
		if i < 0 || in.suppressed(s) {
			s.ratio = 0
			continue
		}
		need := ev.budget.StreamLogA(i)
		s.ratio = min(1, max(0, s.logEvidence()/need))
		if s.ratio >= 1 && ev.streams[i].logEvidence() < need/2 {
			in.latch(s, end)
		}
	}
}

// noteEffective writes down how many facts there are since the onset of an alarm of the label.
func (in *Instance) noteEffective(s *stream, by detector) {
	if d, ok := by.(*setsDetector); ok && d.capped != nil && in.clients != nil {
		in.clients.effective = d.capped.Leading().N
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
