package monitor

import (
	"math"
	"time"

	"github.com/plumbline-ml/plumbline/detectors/sequential"
)

const (
	// unreadableFeature is the label feature of the lines of a model's log.
	unreadableFeature = "log lines"
	// unreadableLines and unreadableTime are how much is read until it is known which share of the lines is usually unreadable.
	unreadableLines = 1000
	unreadableTime  = time.Hour
	// unreadableLimit is the share that may be unreadable in any log: a start prints its banner, an exception its trace.
	unreadableLimit = .05
	// unreadableMost is the share beyond which lines are too many whatever was usual.
	unreadableMost = .9
)

// unreadable counts the lines of a model's log that could not be read as records. Such a line has no time of its own: it
// counts with the newest open pane, or with the next one that opens. A log of nothing else closes no bucket and gathers
// no evidence; that it says something but no record is told by ModelSilent.
type unreadable struct {
	waiting uint64 // lines before the next pane opens
	bucket  uint64 // lines of the open bucket
	records uint64 // in the bucket that was closed

	// What was usual, until known.
	bad, lines uint64
	from       int64 // event time of the first bucket; valid when lines > 0
	known      bool
}

// newUnreadable adds the stream of the lines of a model that reads logs.
func (in *Instance) newUnreadable() {
	if len(in.model.Logs.Include) == 0 {
		return
	}
	in.unreadable = &unreadable{}
	in.addStream(streamOptions{feature: unreadableFeature, cause: causeQuality, detectors: []detector{&unreadableDetector{of: in.unreadable, cap: in.evidence.cap}}})
}

// LineUnreadable counts a line that could not be read as a record.
func (in *Instance) LineUnreadable() {
	u := in.unreadable
	if u == nil {
		return
	}
	if n := len(in.panes.open); n > 0 {
		p := in.panes.open[n-1]
		p.unreadable++
		p.touched = true
		return
	}
	u.waiting++
	in.dirty.live = true
}

// opened gives a new pane the lines that waited for it.
func (u *unreadable) opened(p *pane) {
	if u != nil && u.waiting > 0 {
		p.unreadable, u.waiting = p.unreadable+u.waiting, 0
	}
}

// fill adds a pane to the open bucket.
func (u *unreadable) fill(p *pane) {
	if u != nil {
		u.bucket += p.unreadable
	}
}

// endBucket learns what is usual from a bucket that was judged.
func (u *unreadable) endBucket(in *Instance) {
	if u == nil {
		return
	}
	if n := u.bucket + in.bucket.records; !u.known && n > 0 {
		begin := in.bucket.index * in.bucketNs
		if u.lines == 0 {
			u.from = begin
		}
		u.bad, u.lines = u.bad+u.bucket, u.lines+n
		u.known = u.lines >= unreadableLines && begin+in.bucketNs-u.from >= int64(unreadableTime)
	}
	u.bucket = 0
}

// limit is the share up to which nothing is wrong: twice what is usual, and no less than what is to be expected of any log.
func (u *unreadable) limit() float64 {
	_, hi := sequential.ClopperPearson(u.bad, u.lines, alphaReference)
	return min(max(2*hi, unreadableLimit), unreadableMost)
}

// unreadableSection is where they stand in state.
const unreadableSection = "unreadable"

func (in *Instance) encodeUnreadable(e *encoder) {
	u := in.unreadable
	e.uint(u.waiting)
	e.uint(u.bucket)
	e.uint(u.bad)
	e.uint(u.lines)
	e.int(u.from)
	e.bool(u.known)
	e.uint(uint64(len(in.panes.open)))
	for _, p := range in.panes.open {
		e.int(p.index)
		e.uint(p.unreadable)
	}
}

// unreadable restores them before the evidence, which was gathered against what is usual.
func (r *restorer) unreadable() {
	in := r.in
	if in.unreadable == nil {
		return
	}
	d, ok := open(r.get, in.section(unreadableSection))
	if !ok {
		return
	}
	u := unreadable{waiting: d.uint(), bucket: d.uint(), bad: d.uint(), lines: d.uint(), from: d.int(), known: d.bool()}
	counts := map[int64]uint64{}
	for range d.length(maxStateNames) {
		index := d.int()
		counts[index] = d.uint()
	}
	if d.end() != nil || u.bad > u.lines {
		return
	}
	*in.unreadable = u
	for _, p := range in.panes.open {
		p.unreadable = counts[p.index]
	}
}

// unreadableDetector watches the share of unreadable lines for a rise, once it is known what is usual.
type unreadableDetector struct {
	of    *unreadable
	cap   float64
	ready bool
	rate  sequential.Rate
	back  sequential.Recovery
}

// watch begins when it is known what is usual.
func (d *unreadableDetector) watch() bool {
	if !d.ready && d.of.known {
		d.rate, d.ready = sequential.NewRate(sequential.RateOptions{Hi: d.of.limit(), Cap: d.cap}), true
	}
	return d.ready
}

func (d *unreadableDetector) counts() (k, n uint64) { return d.of.bucket, d.of.bucket + d.of.records }

func (d *unreadableDetector) update(*column) {
	if d.watch() {
		d.rate.Update(d.counts())
	}
}

func (d *unreadableDetector) idle() {
	if d.ready {
		d.rate.Update(0, 0)
	}
}

func (d *unreadableDetector) logEvidence() float64 {
	if !d.ready {
		return math.Inf(-1)
	}
	return d.rate.LogEvidence()
}

func (d *unreadableDetector) reset() {
	if d.ready {
		d.rate.Reset()
	}
}

func (d *unreadableDetector) leading() sequential.Leading {
	if !d.ready {
		return sequential.Leading{LogEvidence: math.Inf(-1)}
	}
	return d.rate.Leading()
}

func (d *unreadableDetector) alternatives() int { return 1 }

func (d *unreadableDetector) describe(_ *column, l sequential.Leading) told {
	return told{"share of unreadable lines", share(d.of.bad, d.of.lines), l.Seen}
}

func (d *unreadableDetector) recover(*column)                    { d.back.Update(d.counts()) }
func (d *unreadableDetector) startRecovery(l sequential.Leading) { d.back = sequential.NewRecovery(l) }
func (d *unreadableDetector) recovered() bool                    { return d.back.Recovered() }

func (d *unreadableDetector) encode(e *encoder) {
	e.bool(d.ready)
	if d.ready {
		e.bytes(d.rate.MarshalAppend(nil))
		e.bytes(d.back.MarshalAppend(nil))
	}
}

func (d *unreadableDetector) decode(s *stateDecoder) error {
	if !s.bool() {
		return s.end()
	}
	rate, back := s.bytes(), s.bytes()
	if !d.watch() {
		return errState
	}
	if err := d.rate.Unmarshal(rate); err != nil {
		return err
	}
	return d.back.Unmarshal(back)
}
