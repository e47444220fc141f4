package monitor

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"math"
	"strconv"

	"github.com/plumbline-ml/plumbline/detectors"
	"github.com/plumbline-ml/plumbline/internal/parse"
)

// A cut divides the records of a model into parts: by a field (segments), or by where they came from (replicas). Every
// record is in exactly one part of each cut, so the parts add up to the model. Beside the named parts there are two that
// always exist: other, and absent for records without the field.
//
// Memory is bounded by the places for names, which the model's max_series bounds in turn, and by a counter of a thousand hashes
// that finds the frequent values among those without a name. A value gets a name when it was surely seen as often as a
// category must be; until then only its hash is kept. When all places are taken, a value that is twice as frequent as the
// rarest named one takes its place, and what that one had counted goes to other: sums stay exact.

const (
	partOther  = 0
	partAbsent = 1
	firstPlace = 2 // named parts from here on

	nameAbsent = "absent"

	// candidates is how many values without a name are counted by hash: what holds more than a thousandth of them is found.
	candidates = 1024
	// cutEpoch is how long frequencies are compared over; at most as many names as there are places change in it.
	cutEpoch = int64(3600e9)
	// maxPartClasses is how many classes are counted by name in each part; the rest is one more.
	maxPartClasses = 10
	// maxComparedColumns bounds what is compared between replicas.
	maxComparedColumns = 24
)

type cut struct {
	in      *Instance
	number  int    // among the cuts of the instance
	by      string // label by
	slot    int    // of the record; −1: the source of the line says it
	replica bool
	open    bool // values may get names by being frequent
	least   uint64
	mac     hash.Hash // of names that are hashed; nil when they are not

	parts   []*piece
	index   map[string]int // text as it stands in the record → part; hashed names: their hash
	last    []byte         // text of the last record, and its part
	lastAt  int
	scratch []byte

	unnamed  *detectors.TopK // of hashes
	distinct detectors.HLL
	bar      uint64 // how often a value must have been seen in this epoch to take a place
	epoch    int64  // event time at which it began
	moves    int    // names that changed in it

	cells      []cell
	classAt    int // of the cells by class, and how many there are; likewise for the score's buckets
	classes    int
	bucketAt   int
	buckets    int
	factAt     int // likewise what a segment is watched by, when clients are capped
	facts      int
	comparedAt int // of two cells for each compared column
	compared   []*column
	suspicion  []float64 // log-evidence against each part as of the last bucket

	total  cutTally
	bucket cutTally
	dirty  bool // since the last commit
	fresh  bool // the same of the candidates
}

// piece is one part of a cut.
type piece struct {
	cut     *cut
	number  int
	name    string // as people see it; empty for a free place
	fixed   bool   // stands in the model file: never gives up its place
	recent  uint64 // records in this epoch
	before  uint64 // and in the one before
	segment string // label segment
	stream  *stream

	labels partLabels
}

// cell says what one count of a part is.
type cell struct {
	kind   cellKind
	column uint32
	index  int
	base   uint64 // hash of the reference that the column is counted by
}

type cellKind uint8

const (
	cellRecords cellKind = iota
	cellMissing          // the prediction is missing
	cellClass            // by class of the label
	cellHist             // by bucket of the score
	cellSeen             // usable values of a compared column
	cellHit              // of them, those beyond its split
	cellFact             // by class of the label, or by bucket of the score without one: facts, see clients
)

// cutTally are the counts of all parts over some interval, part after part.
type cutTally struct {
	n    []uint64
	sums []float64 // of the score
}

func (t *cutTally) reset() {
	clear(t.n)
	clear(t.sums)
}

func (t *cutTally) add(o *cutTally) {
	for i, v := range o.n {
		t.n[i] += v
	}
	for i, v := range o.sums {
		t.sums[i] += v
	}
}

// newCuts makes the cuts that the model file asks for.
func (in *Instance) newCuts() error {
	m := in.model
	for i := range m.Segments {
		s := &m.Segments[i]
		c := &cut{in: in, number: i, by: s.by(), slot: in.at.segments[i], open: s.Top > 0, least: m.MinCategoryCount}
		if s.HashKeyFile != "" {
			key, err := m.readKey(s.HashKeyFile)
			if err != nil {
				return err
			}
			c.mac = hmac.New(sha256.New, key)
		}
		c.init(s.Values, s.Top)
		in.cuts = append(in.cuts, c)
	}
	if m.Replica != "" || m.podLogs() {
		c := &cut{in: in, number: len(in.cuts), by: "replica", slot: in.at.replica, replica: true, open: true, least: m.MinCategoryCount}
		c.init(nil, maxReplicas)
		in.cuts = append(in.cuts, c)
	}
	for _, c := range in.cuts {
		c.layout()
		c.addStreams()
	}
	return nil
}

func (c *cut) init(fixed []string, top int) {
	c.index = map[string]int{}
	for i := range firstPlace + len(fixed) + top {
		c.parts = append(c.parts, &piece{cut: c, number: i})
	}
	c.assign(c.parts[partOther], nameOther)
	c.assign(c.parts[partAbsent], nameAbsent)
	for i, v := range fixed {
		p := c.parts[firstPlace+i]
		p.fixed = true
		text := []byte(v)
		if c.mac != nil {
			text = c.hashed(text)
		}
		c.assign(p, string(text))
		c.index[string(text)] = p.number
	}
	c.unnamed, _ = detectors.NewTopK(candidates)
	c.lastAt = -1
}

// assign gives a part its name.
func (c *cut) assign(p *piece, name string) {
	p.name, p.segment, p.labels = name, c.by+"="+name, partLabels{}
	if p.stream != nil {
		p.stream.segment = p.segment
	}
}

// hashed is how a name is shown and kept when the model file names a key: the first 48 bits of its HMAC.
func (c *cut) hashed(text []byte) []byte {
	c.mac.Reset()
	c.mac.Write(text)
	sum := c.mac.Sum(nil)
	return append([]byte("h:"), hex.EncodeToString(sum[:6])...)
}

// find returns the part that a value belongs to.
func (c *cut) find(text []byte) int {
	switch {
	case len(text) == 0:
		return partAbsent
	case c.lastAt >= 0 && string(text) == string(c.last):
		return c.lastAt
	case len(text) > maxNameBytes:
		return partOther
	}
	key := text
	if c.mac != nil {
		key = c.hashed(text)
	}
	at, known := c.index[string(key)]
	if !known {
		at = c.meet(key)
	}
	if at != partOther {
		c.last, c.lastAt = append(c.last[:0], text...), at
	}
	return at
}

// meet counts a value that has no name, and gives it one when it is time.
func (c *cut) meet(key []byte) int {
	if !c.open || string(key) == nameOther || string(key) == nameAbsent {
		return partOther
	}
	h := detectors.HashKey(0, key)
	c.distinct.Add(h)
	var id [8]byte
	for i := range id {
		id[i] = byte(h >> (8 * i))
	}
	c.unnamed.Add(id[:])
	c.fresh = true
	e := c.unnamed.Get(id[:])
	surely := e.Count - e.Error
	if surely < c.least {
		return partOther
	}
	p := c.place(surely)
	if p == nil {
		c.in.counts.dropped[limitSegment]++
		return partOther
	}
	c.unnamed.Remove(id[:])
	name := string(bytes.ToValidUTF8(key, []byte("\uFFFD")))
	c.assign(p, name)
	c.index[string(key)] = p.number
	p.recent = surely
	c.raiseBar()
	c.dirty = true
	c.in.cache.stale = true
	return p.number
}

// place finds a free part, or takes one from the rarest value when the new one is frequent enough.
func (c *cut) place(seen uint64) *piece {
	limit := firstPlace + c.limit()
	for _, p := range c.parts[firstPlace:min(limit, len(c.parts))] {
		if p.name == "" {
			return p
		}
	}
	if seen < c.bar || c.moves >= len(c.parts) {
		return nil
	}
	p := c.rarest()
	if p == nil || seen < 2*p.usual() {
		return nil
	}
	c.moves++
	c.release(p)
	return p
}

// usual is how many records of a part an epoch has.
func (p *piece) usual() uint64 { return max(p.recent, p.before) }

// rarest is the named part with the fewest records that may lose its place: not one of the model file, and not one that
// people have been told about.
func (c *cut) rarest() *piece {
	var best *piece
	for _, p := range c.parts[firstPlace:] {
		if p.name == "" || p.fixed || p.stream != nil && p.stream.alarm != nil {
			continue
		}
		if best == nil || p.usual() < best.usual() {
			best = p
		}
	}
	return best
}

// raiseBar computes what it takes to get a place.
func (c *cut) raiseBar() {
	c.bar = math.MaxUint64
	if p := c.rarest(); p != nil {
		c.bar = 2 * p.usual()
	}
}

// release takes a part's name away. What it has counted goes to other.
func (c *cut) release(p *piece) {
	for key, at := range c.index {
		if at == p.number {
			delete(c.index, key)
		}
	}
	move := func(t *cutTally) {
		w := len(c.cells)
		from, to := t.n[p.number*w:][:w], t.n[:w]
		for i, v := range from {
			to[i] += v
		}
		clear(from)
		t.sums[partOther] += t.sums[p.number]
		t.sums[p.number] = 0
	}
	move(&c.total)
	move(&c.bucket)
	for _, pane := range c.in.panes.open {
		move(&pane.cuts[c.number])
	}
	if p.stream != nil {
		p.stream.reset()
		p.stream.alarm, p.stream.ratio, p.stream.segment = nil, 0, ""
		p.stream.detectors[0].(partDetector).forget()
		c.in.dirty.detectors = true
	}
	p.name, p.segment, p.recent, p.before, p.labels = "", "", 0, 0, partLabels{}
	c.lastAt = -1
	c.dirty = true
	c.in.cache.stale = true
}

// text is what stands in a record's field, or the source of the line.
func (c *cut) text(rec *parse.Record) []byte {
	if c.slot < 0 {
		return c.in.source
	}
	if c.slot >= len(rec.Values) {
		return nil
	}
	v := &rec.Values[c.slot]
	if len(v.Str) > 0 {
		return v.Str
	}
	if v.Kind == parse.Number {
		c.scratch = strconv.AppendFloat(c.scratch[:0], v.Num, 'g', -1, 64)
		return c.scratch
	}
	return nil
}

// observe counts a record whose columns have been observed already, and whether it is a fact: with few records of its client before it.
func (c *cut) observe(p *pane, rec *parse.Record, fact bool) {
	at := c.find(c.text(rec))
	c.parts[at].recent++
	t := &p.cuts[c.number]
	row := t.n[at*len(c.cells):][:len(c.cells)]
	row[0]++
	label, score := c.in.label, c.in.score
	if (label == nil || !label.present) && (score == nil || !score.present) && (label != nil || score != nil) {
		row[1]++
	}
	if c.classes > 0 && label.present {
		class := min(int(label.bin), c.classes-1)
		row[c.classAt+class]++
		if fact && c.facts > 0 {
			row[c.factAt+class]++
		}
	}
	if c.buckets > 0 && score.present {
		bucket := score.base.grid.HistBucketOf(score.base.grid.Bin(score.value))
		row[c.bucketAt+bucket]++
		t.sums[at] += score.value
		if fact && c.facts > 0 && label == nil {
			row[c.factAt+bucket]++
		}
	}
	for i, col := range c.compared {
		if !col.present {
			continue
		}
		cells := row[c.comparedAt+2*i:][:2]
		cells[0]++
		if col.split.hit(col) {
			cells[1]++
		}
	}
	c.dirty = true
}

// endBucket renews what is compared from epoch to epoch. end is the event time of the bucket's end.
func (c *cut) endBucket(end int64) {
	c.bucket.reset()
	if end-c.epoch >= cutEpoch {
		c.epoch, c.moves = end, 0
		for _, p := range c.parts {
			p.before, p.recent = p.recent, 0
			if c.replica && p.before == 0 && p.stream != nil && p.stream.alarm != nil {
				c.in.log.Info("a replica in alarm has been silent for an hour; it counts as gone", "replica", p.name)
				p.stream.alarm = nil
				p.stream.reset()
			}
		}
		c.unnamed, _ = detectors.NewTopK(candidates)
		c.fresh = true
	}
	c.raiseBar()
	c.dirty = true
}

// fold adds a pane that was closed.
func (c *cut) fold(p *pane) { c.total.add(&p.cuts[c.number]); c.dirty = true }

// fill adds a pane that is not late to the open bucket.
func (c *cut) fill(p *pane) { c.bucket.add(&p.cuts[c.number]) }

func (c *cut) newTally() cutTally {
	return cutTally{n: make([]uint64, len(c.parts)*len(c.cells)), sums: make([]float64, len(c.parts))}
}

// count is one count of one part in a tally.
func (c *cut) count(t *cutTally, part, cell int) uint64 { return t.n[part*len(c.cells)+cell] }
