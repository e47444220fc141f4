package monitor

import (
	"math"
	"slices"

	"github.com/plumbline-ml/plumbline/detectors/sequential"
)

const (
	// alphaReference is the probability, over the draw of the reference, that it misleads in one column: 5 % shared by
	// a hundred columns. It is a constant, so that evidence fits its detector after a restart whatever columns
	// were met in the meantime.
	alphaReference = .05 / 100
	// capStreams is the number of streams that the cap of a bucket allows for: enough evidence to alarm alone among
	// so many takes at least five buckets.
	capStreams = 32
	// frozenFloor is the share of repeated values below which a column is never called frozen.
	frozenFloor = .8
	// naturalRepeats is the share of repeated values in the reference from which on repeats say nothing: a column with
	// two or three values repeats itself more when one of them becomes frequent, and that is drift.
	naturalRepeats = .25
	// meanSigmas is how many standard errors of the reference's mean belong to the null interval.
	meanSigmas = 3.5
)

// detector is one e-detector inside a stream.
type detector interface {
	update(c *column)
	idle() // a bucket without records: no bet, but it is counted
	logEvidence() float64
	reset()
	leading() sequential.Leading
	describe(c *column, l sequential.Leading) told
	recover(c *column)                  // takes the bucket as evidence of return
	startRecovery(l sequential.Leading) // after an alarm
	recovered() bool
	alternatives() int // how many alternatives it bets on; 0 means that it can never say anything
	encode(e *encoder)
	decode(d *stateDecoder) error
}

// stream is what one column, or the model as a whole, may alarm for. Its evidence is the average of its detectors'.
type stream struct {
	col       *column // nil when it is about the model as a whole
	feature   string  // as the label says it
	cause     string
	key       string // tells apart streams of one column and cause
	weight    float64
	group     string
	part      *piece // nil when it looks at all records
	segment   string // of the records that it looks at, as the label segment says it; empty means all
	detectors []detector
	logs      []float64 // scratch
	alarm     *alarm    // nil unless latched
	named     []string  // causes other than the stream's that its alarms ever had: their series go on, at 0
	ratio     float64   // log-evidence over the threshold, as of the last bucket
}

func (s *stream) logEvidence() float64 {
	s.logs = s.logs[:0]
	for _, d := range s.detectors {
		s.logs = append(s.logs, d.logEvidence())
	}
	return sequential.LogAverage(s.logs, nil)
}

func (s *stream) reset() {
	for _, d := range s.detectors {
		d.reset()
	}
}

func (s *stream) update() {
	for _, d := range s.detectors {
		d.update(s.col)
	}
}

func (s *stream) idle() {
	for _, d := range s.detectors {
		d.idle()
	}
}

// leading is the detector with the most evidence.
func (s *stream) leading() detector {
	best := s.detectors[0]
	for _, d := range s.detectors[1:] {
		if d.logEvidence() > best.logEvidence() {
			best = d
		}
	}
	return best
}

// addStreams makes the streams of a column that has its reference.
func (in *Instance) addStreams(c *column) {
	add := func(cause string, ds ...detector) {
		in.addStream(streamOptions{column: c, cause: cause, detectors: ds})
	}
	ref := &c.base.ref
	if ref.seen() > 0 {
		ds := []detector{in.newRateDetector(c, rateMissing)}
		if in.clients == nil { // facts do not know reasons, and few clients must not page by one
			ds = append(ds, in.newApart(c))
		}
		add(causeMissing, ds...)
	}
	if ref.N == 0 {
		return
	}
	var frozen []detector
	if c.mayFreeze() {
		frozen = append(frozen, in.newRateDetector(c, rateRepeated))
	}
	if p := ref.pairs; p.compared >= leastPairs {
		// A store that stopped gives each entity what it had before. What never changed raises nothing.
		updates := p.compared - p.same
		if lo, _ := sequential.ClopperPearson(updates, p.compared, alphaReference); lo > leastUpdates {
			rate := sequential.NewRate(sequential.RateOptions{Lo: lo * updatesLeft, Hi: 1, Cap: in.evidence.cap})
			frozen = append(frozen, &rateDetector{kind: rateUpdates, expected: share(updates, p.compared), rate: rate})
		}
	}
	add(causeFrozen, frozen...)
	if c.base.grid == nil {
		add(causeQuality, in.newRateDetector(c, rateUnseen))
	}
	add(causeDrift, in.driftDetectors(c)...)
	in.addAbuseStream(c)
}

// defaultStale is the share of requests that may be served with a stale value when the model file does not say.
const defaultStale = .05

// addStaleStream watches the share of values beyond their age limit. It needs no reference: the model file says what is
// normal.
func (in *Instance) addStaleStream(c *column) {
	if c.maxAge == 0 {
		return
	}
	limit := defaultStale
	if c.config != nil && c.config.MaxStale > 0 {
		limit = c.config.MaxStale
	}
	in.addStream(streamOptions{column: c, cause: causeStale, detectors: []detector{newRateDetector(rateStale, limit, in.evidence.cap, limit)}})
}

// setsOptions are those of the column's bins: a class is a rate, where what matters is a ratio, also of a rare one.
func (in *Instance) setsOptions(c *column) sequential.SetsOptions {
	o := sequential.SetsOptions{Alpha: alphaReference, Tol: c.tol.Distribution, Cap: in.evidence.cap, Ordered: c.base.grid != nil, Varying: c.season != nil}
	if c.isLabel {
		o.Tol, o.Slack = 0, math.Log(c.tol.Odds)
	}
	return o
}

// driftDetectors watch the present values only: what is missing or unseen has streams of its own.
func (in *Instance) driftDetectors(c *column) []detector {
	out := in.valueDetectors(c)
	for _, d := range out {
		if m, ok := d.(*meanDetector); ok {
			in.evidence.mean = m
		}
	}
	return out
}

// valueDetectors are those of the column's bins and of its mean.
func (in *Instance) valueDetectors(c *column) []detector {
	var ref []uint64
	if c.base.grid != nil {
		ref = make([]uint64, c.buckets())
		addBuckets(c.base, ref, &c.base.ref)
	} else {
		ref = c.base.ref.Fine[:len(c.base.categories)]
	}
	var out []detector
	if c.season != nil {
		// The reference comes with the time of the week; which one the detector was built with must not matter.
		ref = slices.Repeat([]uint64{1}, len(ref))
	}
	if len(ref) > 1 && len(ref) <= sequential.MaxBins {
		if sets, err := sequential.NewSets(ref, in.setsOptions(c)); err == nil {
			out = append(out, &setsDetector{sets: sets, ref: ref, zeros: make([]uint64, len(ref)), prefer: in.preferred(c), slot: noSlot, capped: in.cappedSets(c, ref)})
		} else {
			in.log.Warn("a column is not watched for drift", "column", c.name, "error", err)
		}
	}
	if c.isScore && in.model.Score.Kind == KindProbability {
		out = append(out, in.newMeanDetector(c))
	} else if d := in.newStepsDetector(c, ref); d != nil {
		out = append(out, d)
	}
	return out
}

// preferred is the index of the class that people look for: the positive one, or else the rarer of two.
func (in *Instance) preferred(c *column) int {
	if c.isLabel && in.model.Label.Positive != "" {
		if i := slices.Index(c.base.categories, in.model.Label.Positive); i >= 0 {
			return i
		}
	}
	return 1
}

func share(k, n uint64) float64 {
	if n == 0 {
		return 0
	}
	return float64(k) / float64(n)
}

// mayFreeze says whether repeats say anything of the column.
func (c *column) mayFreeze() bool {
	ref := &c.base.ref
	return ref.N > 0 && share(ref.Repeats, ref.N) < naturalRepeats && !c.isLabel
}
