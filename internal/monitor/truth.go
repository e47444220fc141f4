package monitor

import (
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/plumbline-ml/plumbline/detectors"
	"github.com/plumbline-ml/plumbline/internal/parse"
)

// truth follows how right a model is, once it is known what the truth was. The truth stands in the record itself, or comes later as a
// record of its own, in the same log or in another one, and is joined by the id of the request.
//
// A prediction that waits for its truth is sixteen bytes: a hash of the id, when it was made, its score and its class; no id is kept.
// At most max_pending wait, for at most within; what is given up is counted by reason. Both tables are state, so
// a truth finds its prediction over a restart, once.
type truth struct {
	in   *Instance
	cfg  *TruthConfig
	plan *parse.Plan // of truth.logs; nil when the truth stands in the model's own log

	edges  []float64 // lower edges of the score's bins; one bin without a probability
	scored bool      // the score is a probability

	waiting pendings // predictions without a truth
	early   pendings // truths whose prediction has not been read yet
	counts  [numJoins]uint64

	total  truthTally
	bucket truthTally
	slots  [truthSlots]truthSlot // the longest window
	width  int64                 // of a slot, in nanoseconds
	newest int64                 // slot

	base    *truthBase
	learn   truthTally // what the base is learned from, while there is none
	from    int64      // event time at which that began; 0 before the first truth
	dirty   bool
	calibra []float64 // calibrated probability of each bin; nil while it is not known
}

// truthSlots is how many slots the window has.
const truthSlots = 24

// What became of predictions and truths, as the label result says it.
const (
	joinInRecord   = iota // the record carried its truth
	joinMatched           // found by id
	joinExpired           // a prediction whose truth did not come in time
	joinDropped           // a prediction that was given up because too many wait
	joinDuplicate         // a prediction whose id waits already
	joinUnmatched         // a truth whose prediction was never read, or has expired
	joinNoID              // a prediction or truth without id
	joinUnreadable        // a truth without a usable value
	numJoins
)

var joinNames = [numJoins]string{"in_record", "matched", "expired", "dropped", "duplicate", "unmatched", "no_id", "unreadable"}

// truthTally is what is counted over some interval. The first index is the predicted class, 1 for positive; the second the score's bin.
type truthTally struct {
	n      [2][]uint64  // predictions
	sum    [2][]float64 // of their scores
	truly  [2][2][]uint64
	scores [2][]float64 // sum of the scores of those with a truth
	delays [delayBins]uint64
}

func newTruthTally(bins int) truthTally {
	var t truthTally
	for c := range 2 {
		t.n[c], t.sum[c], t.scores[c] = make([]uint64, bins), make([]float64, bins), make([]float64, bins)
		t.truly[c] = [2][]uint64{make([]uint64, bins), make([]uint64, bins)}
	}
	return t
}

func (t *truthTally) reset() {
	for c := range 2 {
		clear(t.n[c])
		clear(t.sum[c])
		clear(t.scores[c])
		clear(t.truly[c][0])
		clear(t.truly[c][1])
	}
	clear(t.delays[:])
}

func (t *truthTally) add(o *truthTally) {
	for c := range 2 {
		for b := range t.n[c] {
			t.n[c][b] += o.n[c][b]
			t.sum[c][b] += o.sum[c][b]
			t.scores[c][b] += o.scores[c][b]
			t.truly[c][0][b] += o.truly[c][0][b]
			t.truly[c][1][b] += o.truly[c][1][b]
		}
	}
	for i, n := range o.delays {
		t.delays[i] += n
	}
}

// confusion counts predictions with a truth: [predicted][true].
func (t *truthTally) confusion() (m [2][2]uint64) {
	for c := range 2 {
		for y := range 2 {
			m[c][y] = sum(t.truly[c][y])
		}
	}
	return m
}

func (t *truthTally) labelled() uint64 {
	m := t.confusion()
	return m[0][0] + m[0][1] + m[1][0] + m[1][1]
}

func (t *truthTally) records() uint64 { return sum(t.n[0]) + sum(t.n[1]) }

// delayBins are powers of two from a second on: up to half a year.
const delayBins = 26

func delayBin(seconds float64) int {
	if !(seconds > 1) {
		return 0
	}
	return min(int(math.Ceil(math.Log2(seconds))), delayBins-1)
}

// delayQuantile is the upper edge of the bin that holds the quantile, which is at most twice too high.
func (t *truthTally) delayQuantile(q float64) (seconds float64, ok bool) {
	all := sum(t.delays[:])
	need := uint64(math.Ceil(q * float64(all)))
	below := uint64(0)
	for i, n := range t.delays {
		if below += n; all > 0 && below >= max(need, 1) {
			return math.Exp2(float64(i)), true
		}
	}
	return 0, false
}

type truthSlot struct {
	index int64
	used  bool
	t     truthTally
	dirty bool
}

func (in *Instance) newTruth() error {
	m := in.model
	if m.Truth == nil {
		return nil
	}
	t := &truth{in: in, cfg: m.Truth, scored: m.Score != nil && m.Score.Kind == KindProbability}
	if m.Truth.Separate() {
		plan, err := m.TruthPlan()
		if err != nil {
			return err
		}
		t.plan = plan
	}
	t.edges = []float64{0}
	if t.scored {
		t.edges = scoreEdges(m.Truth.Threshold)
	}
	t.waiting.limit, t.early.limit = m.Truth.MaxPending, max(m.Truth.MaxPending/10, 1000)
	bins := len(t.edges)
	t.total, t.bucket, t.learn = newTruthTally(bins), newTruthTally(bins), newTruthTally(bins)
	longest := m.Windows[len(m.Windows)-1]
	t.width = int64(longest+truthSlots-1) / truthSlots
	if in.reference != nil && in.reference.Performance != nil {
		t.base = in.reference.Performance.base(m.Truth, len(t.edges))
		if t.base == nil {
			in.log.Warn("the reference was built with another positive class or threshold; what performance is normal is learned anew")
		}
	}
	if t.base != nil {
		t.calibrate()
	}
	in.truth = t
	t.addStreams()
	return nil
}

// scoreEdges are the lower edges of fifty bins of a probability, with the decision threshold on an edge of its own.
func scoreEdges(threshold float64) []float64 {
	const bins = 50
	var out []float64
	for i := range bins {
		out = append(out, float64(i)/bins)
	}
	if at, found := slices.BinarySearch(out, threshold); !found {
		out = slices.Insert(out, at, threshold)
	}
	return out
}

func (t *truth) bin(score float64) int {
	if !t.scored {
		return 0
	}
	at, found := slices.BinarySearch(t.edges, score)
	if !found {
		at--
	}
	return max(at, 0)
}

// predicted is the class that a record predicts, and its score; ok is false when the record holds no prediction.
func (t *truth) predicted(rec *parse.Record) (class int, score float64, ok bool) {
	at := func(slot int) *parse.Value {
		if slot < 0 || slot >= len(rec.Values) {
			return &absent
		}
		return &rec.Values[slot]
	}
	s := at(t.in.at.score)
	scored := s.Kind == parse.Number
	if scored {
		score = min(max(s.Num, 0), 1)
	}
	if t.in.model.Label == nil {
		return b2int(scored && s.Num >= t.cfg.Threshold), score, scored
	}
	l := at(t.in.at.label)
	if l.Kind != parse.String && l.Kind != parse.Number && l.Kind != parse.Bool || t.scored && !scored {
		return 0, 0, false
	}
	return b2int(matches(l, t.in.model.Label.Positive)), score, true
}

func b2int(b bool) int {
	if b {
		return 1
	}
	return 0
}

// matches says whether a value is the class that a model file names: the same text, or the same number.
func matches(v *parse.Value, class string) bool {
	if string(v.Str) == class {
		return true
	}
	if v.Kind != parse.Number && v.Kind != parse.Bool {
		return false
	}
	x, err := strconv.ParseFloat(class, 64)
	return err == nil && x == v.Num
}

// told reads the truth out of a value: its class, whether it is usable, and whether there is anything.
func (t *truth) told(v *parse.Value) (class int, usable, there bool) {
	switch v.Kind {
	case parse.Absent, parse.Null, parse.Empty:
		return 0, false, false
	case parse.String, parse.Number, parse.Bool:
		return b2int(matches(v, t.cfg.Positive)), true, true
	default:
		return 0, false, true
	}
}

// id hashes the id of a record; 0 means that there is none.
func (t *truth) id(rec *parse.Record, slot int) uint64 {
	if slot < 0 || slot >= len(rec.Values) {
		return 0
	}
	v := &rec.Values[slot]
	text := v.Str
	if len(text) == 0 {
		if v.Kind != parse.Number {
			return 0
		}
		var buf [32]byte
		text = strconv.AppendFloat(buf[:0], v.Num, 'g', -1, 64)
	}
	return max(detectors.HashKey(0, text), 1)
}

// separate says whether a record of the model's own log is no prediction but the truth about an earlier one.
func (t *truth) separate(rec *parse.Record) bool {
	at := &t.in.at
	if at.truth < 0 || at.truth >= len(rec.Values) || t.cfg.ID == "" {
		return false
	}
	if _, _, there := t.told(&rec.Values[at.truth]); !there {
		return false
	}
	for _, slot := range [...]int{at.score, at.label} {
		if slot >= 0 && slot < len(rec.Values) && rec.Values[slot].Kind != parse.Absent {
			return false
		}
	}
	return true
}

// observe counts the prediction of a record into the pane of its time, and its truth if it carries it.
func (t *truth) observe(p *pane, rec *parse.Record, event int64) {
	class, score, ok := t.predicted(rec)
	if !ok {
		return
	}
	t.dirty = true
	b := t.bin(score)
	p.truth.n[class][b]++
	p.truth.sum[class][b] += score
	if slot := t.in.at.truth; slot >= 0 && slot < len(rec.Values) {
		y, usable, there := t.told(&rec.Values[slot])
		switch {
		case usable:
			p.truth.truly[class][y][b]++
			p.truth.scores[class][b] += score
			t.counts[joinInRecord]++
			return
		case there:
			t.counts[joinUnreadable]++
			return
		}
	}
	if t.cfg.ID == "" {
		return
	}
	id := t.id(rec, t.in.at.id)
	if id == 0 {
		t.counts[joinNoID]++
		return
	}
	e := pendingEntry{id: id, at: seconds(event), score: uint16(score*math.MaxUint16 + .5), bin: uint8(b), class: uint8(class)}
	if known, ok := t.early.take(id); ok {
		t.join(p, &e, int(known.class), float64(known.at)-float64(e.at))
		return
	}
	switch dropped, fresh := t.waiting.add(e); {
	case !fresh:
		t.counts[joinDuplicate]++
	case dropped:
		t.counts[joinDropped]++
	}
}

// seconds is an event time as the pending tables keep it.
func seconds(event int64) uint32 { return uint32(max(0, event/1e9)) }

// join counts a prediction whose truth is known now.
func (t *truth) join(p *pane, e *pendingEntry, y int, delay float64) {
	t.counts[joinMatched]++
	p.truth.truly[e.class][y][e.bin]++
	p.truth.scores[e.class][e.bin] += float64(e.score) / math.MaxUint16
	p.truth.delays[delayBin(delay)]++
	t.dirty = true
}

// TruthPlan is what parsers of the log of truths must be made from; nil when there is no such log.
func (in *Instance) TruthPlan() *parse.Plan {
	if in.truth == nil {
		return nil
	}
	return in.truth.plan
}

// ObserveTruth takes one record of the log that the model file names under truth.logs; the record is of TruthPlan.
func (in *Instance) ObserveTruth(rec *parse.Record, arrival time.Time) {
	if in.truth != nil {
		in.truth.take(rec, &rec.Values[truthSlotOf], truthSlotID, arrival)
	}
}

// take joins a truth with the prediction that waits for it. It counts when it comes: in the pane of its own time, but never in one that is
// closed already, and it never moves event time on, because another log may be ahead of the predictions.
func (t *truth) take(rec *parse.Record, v *parse.Value, idSlot int, arrival time.Time) {
	in := t.in
	t.dirty = true
	y, usable, _ := t.told(v)
	id := t.id(rec, idSlot)
	switch {
	case !usable:
		t.counts[joinUnreadable]++
		return
	case id == 0:
		t.counts[joinNoID]++
		return
	}
	at := rec.Time
	if at == 0 {
		at = rec.WrapperTime
	}
	if at == 0 && !arrival.IsZero() {
		at = arrival.UnixNano()
	}
	if at == 0 {
		at = in.newest
	}
	e, ok := t.waiting.take(id)
	if !ok {
		dropped, fresh := t.early.add(pendingEntry{id: id, at: seconds(at), class: uint8(y)})
		if dropped || !fresh {
			t.counts[joinUnmatched]++
		}
		return
	}
	p := in.pane(min(max(at, in.closedUntil), max(in.newest, in.closedUntil)))
	p.touched = true
	t.join(p, &e, y, float64(seconds(at))-float64(e.at))
}

// expire gives up what has waited too long. It is called when a bucket is closed.
func (t *truth) expire(now int64) {
	limit := seconds(now - int64(t.cfg.Within))
	t.counts[joinExpired] += t.waiting.expire(limit)
	t.counts[joinUnmatched] += t.early.expire(limit)
}

// fold adds a pane that was closed to the totals and the window.
func (t *truth) fold(p *pane) {
	t.total.add(&p.truth)
	index := floorDiv(p.index*t.in.paneNs, t.width)
	t.newest = max(t.newest, index)
	if index > t.newest-truthSlots {
		s := &t.slots[((index%truthSlots)+truthSlots)%truthSlots]
		if !s.used || s.index != index {
			if s.t.n[0] == nil {
				s.t = newTruthTally(len(t.edges))
			}
			s.t.reset()
			s.index, s.used = index, true
		}
		s.t.add(&p.truth)
		s.dirty = true
	}
	t.dirty = true
}

// window is what the longest window holds.
func (t *truth) window() truthTally {
	out := newTruthTally(len(t.edges))
	for i := range t.slots {
		// In the order of time, so that sums of floating-point numbers are the same after a restart.
		index := t.newest - truthSlots + 1 + int64(i)
		s := &t.slots[((index%truthSlots)+truthSlots)%truthSlots]
		if s.used && s.index == index {
			out.add(&s.t)
		}
	}
	return out
}
