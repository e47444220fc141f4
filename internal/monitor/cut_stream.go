package monitor

import (
	"math"
	"slices"
	"strconv"

	"github.com/plumbline-ml/plumbline/detectors/sequential"
)

// partDetector is the detector of one part of a cut. It reads the counts of the open bucket from its cut.
type partDetector interface {
	detector
	forget()   // the part belongs to another name from now on
	relayout() // other cells are counted from now on
}

// addStreams gives every place of the cut a stream, whether it has a name yet or not: what the parts may spend of the
// budget is settled at the start. All parts of a cut weigh together as much as one column.
func (c *cut) addStreams() {
	for _, p := range c.parts[firstPlace:] {
		o := streamOptions{key: c.by + "\x00" + strconv.Itoa(p.number), group: "cut " + strconv.Itoa(c.number)}
		if c.replica {
			o.feature, o.cause, o.detectors = "", causeReplica, []detector{newReplicaDetector(p)}
		} else if o.feature = c.watched(); o.feature != "" {
			o.cause, o.detectors = causeSegment, []detector{newSegmentDetector(p)}
		} else {
			continue
		}
		p.stream = c.in.addStream(o)
		p.stream.part, p.stream.segment = p, p.segment
	}
}

// watched is the prediction that is watched in each segment: the label, or else the score.
func (c *cut) watched() string {
	switch {
	case c.in.model.Label != nil:
		return "label"
	case c.in.model.Score != nil:
		return "score"
	default:
		return ""
	}
}

// minSegmentRecords is how many records a segment learns from at the least.
const minSegmentRecords = 500

// segmentDetector watches the classes, or the buckets of the score, in one segment against what that segment was: as the reference
// file says it, or as its first records did, for as long as the model learns.
type segmentDetector struct {
	part    *piece
	learned []uint64 // counts of the reference; nil while the part has no records
	from    int64    // event time at which it began to learn
	seen    uint64   // records of the whole model since then
	counted uint64   // hash of the reference of the column whose cells these are
	ready   bool
	sets    *sequential.Sets
	capped  *sequential.Sets // of facts; nil when every record is one
	set     sequential.Set   // that alarmed
	back    sequential.Recovery
	zeros   []uint64
}

func newSegmentDetector(p *piece) *segmentDetector {
	return &segmentDetector{part: p, counted: p.cut.watchedHash()}
}

// row are the counts of the open bucket, without the last class: that one is what the reference does not name.
func (s *segmentDetector) row() []uint64 {
	c := s.part.cut
	at, n := c.bucketAt, c.buckets
	if c.classes > 0 {
		at, n = c.classAt, c.classes-1
	}
	if c.in.label != nil && c.classes == 0 || n < 2 || s.part.name == "" {
		return nil
	}
	return c.bucket.n[s.part.number*len(c.cells)+at:][:n]
}

// facts are the facts of the same.
func (s *segmentDetector) facts(n int) []uint64 {
	c := s.part.cut
	return c.bucket.n[s.part.number*len(c.cells)+c.factAt:][:n]
}

func (s *segmentDetector) update(*column) {
	row := s.row()
	switch {
	case row == nil:
	case s.ready:
		s.bet(row)
	default:
		s.learn(row)
	}
}

func (s *segmentDetector) bet(row []uint64) {
	s.sets.Update(row)
	if s.capped != nil {
		s.capped.Update(s.facts(len(row)))
	}
}

// learn adds a bucket to the segment's reference until there is enough.
func (s *segmentDetector) learn(row []uint64) {
	c := s.part.cut
	begin := c.in.bucket.index * c.in.bucketNs
	if s.learned == nil {
		if ref := c.reference(s.part); len(ref) == len(row) && sum(ref) >= minSegmentRecords {
			s.learned = ref
			if s.watch(); s.ready {
				s.bet(row)
			}
			return
		}
		if sum(row) == 0 {
			return
		}
		s.learned, s.from, s.seen = make([]uint64, len(row)), begin, 0
	}
	for i, n := range row {
		s.learned[i] += n
	}
	s.seen += c.in.bucket.records
	span := c.in.model.Reference.For
	if span == 0 {
		span = defaultLearn
	}
	enough := begin+c.in.bucketNs-s.from >= int64(span)
	if r := c.in.model.Reference.Records; r > 0 {
		enough = s.seen >= r
	}
	if enough && sum(s.learned) >= minSegmentRecords {
		s.watch()
	}
}

func sum(counts []uint64) (n uint64) {
	for _, c := range counts {
		n += c
	}
	return n
}

// watch makes the detector of what was learned.
func (s *segmentDetector) watch() {
	c := s.part.cut
	o := sequential.SetsOptions{Alpha: alphaReference, Cap: c.cap()}
	if c.classes > 0 {
		o.Slack = math.Log(c.in.model.Tolerance.Odds)
	} else {
		o.Ordered, o.Tol = true, c.in.model.Tolerance.Distribution
	}
	sets, err := sequential.NewSets(s.learned, o)
	if err != nil {
		s.learned = nil // cannot happen: there are at least two cells and some records
		return
	}
	s.sets, s.ready, s.zeros = sets, true, make([]uint64, len(s.learned))
	if c.facts > 0 {
		s.capped, _ = sequential.NewSets(s.learned, o) // it has just worked
	}
	c.in.dirty.detectors = true
}

// cap is the most evidence of a bucket. It allows for the places of a cut beside the model's streams, so that a large effect
// needs no more buckets in a part than in the whole.
func (c *cut) cap() float64 {
	places := float64(len(c.parts))
	if c.replica {
		places *= 2 * maxComparedColumns
	}
	return sequential.BucketCap(c.in.evidence.logA + math.Log(capStreams*places))
}

func (s *segmentDetector) idle() {
	if s.ready {
		s.sets.Update(s.zeros)
		if s.capped != nil {
			s.capped.Update(s.zeros)
		}
	}
}

func (s *segmentDetector) logEvidence() float64 {
	if !s.ready {
		return math.Inf(-1)
	}
	if s.capped != nil {
		return min(s.sets.LogEvidence(), s.capped.LogEvidence())
	}
	return s.sets.LogEvidence()
}

func (s *segmentDetector) reset() {
	if s.ready {
		s.sets.Reset()
		if s.capped != nil {
			s.capped.Reset()
		}
	}
}

func (s *segmentDetector) forget() {
	*s = segmentDetector{part: s.part, counted: s.counted}
}

func (s *segmentDetector) relayout() {
	if now := s.part.cut.watchedHash(); now != s.counted {
		s.forget()
		s.counted = now
	}
}

// watchedHash is that of the reference of the column that is watched in segments; 0 while it has none.
func (c *cut) watchedHash() uint64 {
	switch {
	case c.classes > 0:
		return c.in.label.base.hash
	case c.buckets > 0 && c.in.label == nil:
		return c.in.score.base.hash
	default:
		return 0
	}
}

func (s *segmentDetector) alternatives() int { return 1 }

func (s *segmentDetector) leading() sequential.Leading {
	if !s.ready {
		return sequential.Leading{LogEvidence: math.Inf(-1)}
	}
	return s.sets.Leading()
}

func (s *segmentDetector) describe(_ *column, l sequential.Leading) told {
	k, n := s.sets.Counts(l.Set, s.learned)
	t := told{expected: share(k, n), seen: l.Seen}
	in := s.part.cut.in
	if s.part.cut.classes > 0 {
		bin := l.Set.Bin
		if prefer := in.preferred(in.label); len(s.learned) == 2 && bin != prefer && prefer < 2 {
			bin, t.expected, t.seen = prefer, 1-t.expected, 1-t.seen
		}
		t.what = "share of " + in.label.base.categories[bin]
		return t
	}
	t.what = rangeText(in.score.base.grid.CoarseEdges(), l.Set)
	return t
}

func (s *segmentDetector) startRecovery(l sequential.Leading) {
	s.set, s.back = l.Set, sequential.NewRecovery(l)
}

func (s *segmentDetector) recover(*column) {
	if row := s.row(); s.ready && row != nil {
		s.back.Update(s.sets.Counts(s.set, row))
	}
}

func (s *segmentDetector) recovered() bool { return s.back.Recovered() }

func (s *segmentDetector) encode(e *encoder) {
	e.text(s.part.name)
	e.counts(s.learned)
	e.int(s.from)
	e.uint(s.seen)
	e.bool(s.ready)
	if s.ready {
		e.bytes(s.sets.MarshalAppend(nil))
	}
	e.uint(uint64(s.set.Kind))
	e.uint(uint64(s.set.Bin))
	e.bool(s.set.Of)
	e.bytes(s.back.MarshalAppend(nil))
	if s.ready && s.capped != nil {
		e.bytes(s.capped.MarshalAppend(nil))
	}
}

func (s *segmentDetector) decode(d *stateDecoder) error {
	name := d.text()
	learned := d.counts(nil, sequential.MaxBins)
	from, seen, ready := d.int(), d.uint(), d.bool()
	if name != s.part.name {
		return errState
	}
	s.forget()
	if row := s.row(); len(learned) > 0 && len(row) == len(learned) {
		s.learned, s.from, s.seen = slices.Clone(learned), from, seen
	} else if len(learned) > 0 {
		return errState
	}
	if ready {
		sets := d.bytes()
		if s.watch(); !s.ready {
			return errState
		}
		if err := s.sets.Unmarshal(sets); err != nil {
			return err
		}
	}
	s.set = sequential.Set{Kind: sequential.SetKind(d.uint()), Bin: d.length(sequential.MaxBins), Of: d.bool()}
	if err := s.back.Unmarshal(d.bytes()); err != nil {
		return err
	}
	if s.ready && s.capped != nil && len(d.buf) > 0 { // not there in state from before segments counted facts
		if err := s.capped.Unmarshal(d.bytes()); err != nil {
			return err
		}
	}
	return d.end()
}

// muted says whether a stream must not page now, because a whole prediction is in alarm and its segments with it.
func (in *Instance) muted(s *stream) bool {
	return s.part != nil && s.cause == causeSegment && slices.ContainsFunc(in.evidence.streams, func(o *stream) bool { return o.alarm != nil && o.explains(s) })
}

// explains says whether an alarm of this stream is the cause of one of a segment.
func (o *stream) explains(s *stream) bool {
	return s.part != nil && s.cause == causeSegment && o.part == nil && o.feature == s.feature && (o.cause == causeDrift || o.cause == causeMissing)
}
