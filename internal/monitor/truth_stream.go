package monitor

import (
	"math"

	"github.com/plumbline-ml/plumbline/detectors/sequential"
)

// truthBase is the performance that counts as normal: of the labelled records of the reference, or of the first ones that got a truth.
type truthBase struct {
	truly   [2][2][]uint64 // predicted, true, by bin
	learned bool
}

// minTruthBase is how many records with a truth a base needs.
const minTruthBase = 500

func (b *truthBase) confusion() (m [2][2]uint64) {
	for c := range 2 {
		for y := range 2 {
			m[c][y] = sum(b.truly[c][y])
		}
	}
	return m
}

func (b *truthBase) labelled() uint64 {
	m := b.confusion()
	return m[0][0] + m[0][1] + m[1][0] + m[1][1]
}

func (b *truthBase) encode(e *encoder) {
	for c := range 2 {
		for y := range 2 {
			e.counts(b.truly[c][y])
		}
	}
}

func (b *truthBase) decode(d *stateDecoder, bins int) {
	b.learned = true
	for c := range 2 {
		for y := range 2 {
			if b.truly[c][y] = d.counts(nil, math.MaxUint16); len(b.truly[c][y]) != bins {
				d.fail()
				return
			}
		}
	}
}

// setBase makes a base the one that is watched against.
func (t *truth) setBase(b *truthBase) {
	t.base = b
	t.calibrate()
	t.addStreams()
	t.in.cache.stale = true
}

// learnBase adds the labels of a bucket to what the base is learned from. It ends as the learning of the model does, from the first label on.
func (t *truth) learnBase(end int64) {
	if t.base != nil || t.bucket.labelled() == 0 && t.from == 0 {
		return
	}
	if t.from == 0 {
		t.from = end - t.in.bucketNs
	}
	t.learn.add(&t.bucket)
	r := &t.in.model.Reference
	span := r.For
	if span == 0 {
		span = defaultLearn
	}
	n := t.learn.labelled()
	enough := end-t.from >= int64(span)
	if r.Records > 0 {
		enough = n >= r.Records
	}
	if !enough || n < minTruthBase {
		return
	}
	b := &truthBase{truly: t.learn.truly, learned: true}
	t.learn = newTruthTally(len(t.edges))
	t.setBase(b)
	m := b.confusion()
	t.in.log.Info("the model has learned how right it usually is", "records", n, "true_positives", m[1][1], "false_positives", m[1][0], "false_negatives", m[0][1], "true_negatives", m[0][0])
}

// endBucket hands on what the bucket brought; the streams have seen it.
func (t *truth) endBucket(end int64) {
	t.learnBase(end)
	t.bucket.reset()
	t.expire(end)
	t.dirty = true
}

// errorKind is one way to be wrong.
type errorKind uint8

const (
	falseAlarms    errorKind = iota // of what is predicted positive
	missed                          // of what is positive
	falsePositives                  // of what is negative
)

// errorKinds are what is watched: each is the share that grows when the model gets worse.
var errorKinds = [...]struct {
	feature string // label feature
	what    string
	falls   bool // people speak of its complement, which falls
}{
	falseAlarms:    {"precision", "precision", true},
	missed:         {"recall", "recall", true},
	falsePositives: {"false_positive_rate", "false-positive rate", false},
}

// counts are errors and records of one kind.
func (k errorKind) counts(m [2][2]uint64) (wrong, n uint64) {
	switch k {
	case falseAlarms:
		return m[1][0], m[1][0] + m[1][1]
	case missed:
		return m[0][1], m[0][1] + m[1][1]
	default:
		return m[1][0], m[1][0] + m[0][0]
	}
}

// errorDetector watches one kind of error for a rise against the base. Its buckets are those in which the truth came.
type errorDetector struct {
	t        *truth
	kind     errorKind
	expected float64
	rate     sequential.Rate
	back     sequential.Recovery
}

// addStreams watches the kinds of errors once there is a base.
func (t *truth) addStreams() {
	if t.base == nil {
		return
	}
	m := t.base.confusion()
	for k := range errorKind(len(errorKinds)) {
		wrong, n := k.counts(m)
		if n == 0 {
			continue
		}
		_, hi := sequential.ClopperPearson(wrong, n, alphaReference)
		hi = widen(hi, math.Log(t.in.model.Tolerance.Odds))
		d := &errorDetector{t: t, kind: k, expected: share(wrong, n), rate: sequential.NewRate(sequential.RateOptions{Hi: hi, Cap: t.in.evidence.cap})}
		t.in.addStream(streamOptions{feature: errorKinds[k].feature, cause: causePerformance, key: errorKinds[k].feature, detectors: []detector{d}})
	}
}

func (d *errorDetector) counts() (k, n uint64) { return d.kind.counts(d.t.bucket.confusion()) }

func (d *errorDetector) update(*column)              { d.rate.Update(d.counts()) }
func (d *errorDetector) idle()                       { d.rate.Update(0, 0) }
func (d *errorDetector) logEvidence() float64        { return d.rate.LogEvidence() }
func (d *errorDetector) alternatives() int           { return d.rate.Components() }
func (d *errorDetector) reset()                      { d.rate.Reset() }
func (d *errorDetector) leading() sequential.Leading { return d.rate.Leading() }
func (d *errorDetector) describe(_ *column, l sequential.Leading) told {
	e := errorKinds[d.kind]
	if e.falls {
		return told{e.what, 1 - d.expected, 1 - l.Seen}
	}
	return told{e.what, d.expected, l.Seen}
}
func (d *errorDetector) recover(*column)                    { d.back.Update(d.counts()) }
func (d *errorDetector) startRecovery(l sequential.Leading) { d.back = sequential.NewRecovery(l) }
func (d *errorDetector) recovered() bool                    { return d.back.Recovered() }
func (d *errorDetector) encode(e *encoder) {
	e.bytes(d.rate.MarshalAppend(nil))
	e.bytes(d.back.MarshalAppend(nil))
}
func (d *errorDetector) decode(s *stateDecoder) error {
	rate, back := s.bytes(), s.bytes()
	if err := d.rate.Unmarshal(rate); err != nil {
		return err
	}
	return d.back.Unmarshal(back)
}
