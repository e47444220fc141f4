package monitor

import "github.com/plumbline-ml/plumbline/detectors/sequential"

// stepsSigmas is how many standard errors of the reference's mean belong to the null interval of a number's mean. It
// stands beside the bins, which have their 5 % over the draw of the reference already, and adds an eighth to it.
const stepsSigmas = 4

// stepsWhat is what a page says when the mean spoke.
const stepsWhat = "mean, tails cut"

// stepsDetector watches the mean of a number beside its bins, at half of the stream's budget: it notices that a feature
// moved as a whole sooner than they do. What is averaged is the value that stands for each histogram bucket, so a bucket's
// sums follow from counts that are there for the bins: no other state, in panes, snapshots or references, and nothing at all
// for each value.
type stepsDetector struct {
	steps  sequential.Steps
	from   float64 // of the values
	length float64
	bins   int
	capped *sequential.Steps // the same of the facts only; nil when every record is one
	back   sequential.MeanRecovery
	center float64 // what was expected when the recovery began

	season *sequential.SetsSeason // nil when the reference is the same at any time
	slack  float64                // of the season
	slot   int                    // of the season that the detector is tuned to; noSlot when none
	fixed  bool                   // it is the anchor's
}

// stepScores are the values of the column's buckets as scores in [0,1]; nil for a column without a mean: a category, a
// probability (whose own mean is watched), a number with fewer than three buckets, whose mean is a share.
func (in *Instance) stepScores(c *column) []float64 {
	if c.base.grid == nil || c.isScore && in.model.Score.Kind == KindProbability {
		return nil
	}
	scores := c.base.grid.BucketValues()
	n := len(scores)
	if n < 3 || n > sequential.MaxBins {
		return nil
	}
	from, length := scores[0], scores[n-1]-scores[0]
	if !(length > 0) || length*2 == length {
		return nil
	}
	for i := range scores {
		scores[i] = min(max((scores[i]-from)/length, 0), 1)
	}
	return scores
}

func (in *Instance) stepsOptions(c *column) sequential.StepsOptions {
	return sequential.StepsOptions{Z: stepsSigmas, Tol: c.tol.Distribution, Cap: in.evidence.cap, Varying: c.season != nil}
}

// newStepsDetector is the detector of the column's mean; nil when it has none. ref are the reference's counts of its buckets.
func (in *Instance) newStepsDetector(c *column, ref []uint64) *stepsDetector {
	scores := in.stepScores(c)
	if scores == nil {
		return nil
	}
	steps, err := sequential.NewSteps(scores, ref, in.stepsOptions(c))
	if err != nil {
		return nil
	}
	values := c.base.grid.BucketValues()
	d := &stepsDetector{steps: steps, from: values[0], length: values[len(values)-1] - values[0], bins: len(ref), slot: noSlot}
	if in.clients != nil {
		d.capped = &steps
	}
	return d
}

// inUnit turns a mean score into the unit of the column.
func (s *stepsDetector) inUnit(score float64) float64 { return s.from + score*s.length }

func (s *stepsDetector) reseason(o *seasons) {
	if !s.fixed {
		s.season, s.slack, s.slot = o.bins, o.steps, noSlot
	}
}

func (s *stepsDetector) tune(minute int64) {
	if s.season == nil {
		return
	}
	if slot := s.season.Slot(minute); slot != s.slot {
		s.season.RetuneSteps(&s.steps, slot, s.slack)
		if s.capped != nil {
			s.season.RetuneSteps(s.capped, slot, s.slack)
		}
		s.slot = slot
	}
}

func (s *stepsDetector) update(c *column) {
	s.steps.Update(c.bucket.counts[:s.bins])
	if s.capped != nil {
		s.capped.Update(c.counted(facts).counts[:s.bins])
	}
}

func (s *stepsDetector) idle() {
	s.steps.Update(nil)
	if s.capped != nil {
		s.capped.Update(nil)
	}
}

func (s *stepsDetector) logEvidence() float64 {
	if s.capped != nil {
		return min(s.steps.LogEvidence(), s.capped.LogEvidence())
	}
	return s.steps.LogEvidence()
}

func (s *stepsDetector) reset() {
	s.steps.Reset()
	if s.capped != nil {
		s.capped.Reset()
	}
}

func (s *stepsDetector) alternatives() int           { return s.steps.Components() }
func (s *stepsDetector) leading() sequential.Leading { return s.steps.Leading() }

func (s *stepsDetector) describe(_ *column, l sequential.Leading) told {
	return told{stepsWhat, s.inUnit(s.steps.Expected()), s.inUnit(l.Seen)}
}

func (s *stepsDetector) recover(c *column) {
	sums := s.steps.Moments(c.bucket.counts[:s.bins])
	s.back.UpdateShifted(&sums, s.steps.Expected()-s.center)
}

func (s *stepsDetector) startRecovery(l sequential.Leading) {
	s.back, s.center = sequential.NewMeanRecovery(l), s.steps.Expected()
}

func (s *stepsDetector) recovered() bool { return s.back.Recovered() }

func (s *stepsDetector) encode(e *encoder) {
	e.bytes(s.steps.MarshalAppend(nil))
	e.bytes(s.back.MarshalAppend(nil))
	e.float(s.center)
	if s.capped != nil {
		e.bytes(s.capped.MarshalAppend(nil))
	}
}

func (s *stepsDetector) decode(d *stateDecoder) error {
	steps, back := d.bytes(), d.bytes()
	center := d.float()
	if err := s.steps.Unmarshal(steps); err != nil {
		return err
	}
	if s.capped != nil {
		if err := s.capped.Unmarshal(d.bytes()); err != nil {
			return err
		}
	}
	s.center, s.slot = center, noSlot
	return s.back.Unmarshal(back)
}

// stepsPath is the past of the mean score of a column's bins.
func (in *Instance) stepsPath(past []stretch, i int, s *stepsDetector) []sequential.MeanSpan {
	out := make([]sequential.MeanSpan, len(past))
	var scratch tally
	c := in.cols[i]
	counts := make([]uint64, c.buckets())
	for j := range past {
		out[j].Units = past[j].panes(in.paneNs)
		if t := in.tallyOf(&past[j], i, &scratch); t != nil && len(t.Fine) > 0 {
			clear(counts)
			addBuckets(c.base, counts, t)
			m := s.steps.Moments(counts)
			out[j].N, out[j].Sum, out[j].SumSq = m.N, m.Sum, m.SumSq
		}
	}
	return out
}

// locateSteps is locateMean in the unit of the column.
func (in *Instance) locateSteps(past []stretch, i int, s *stepsDetector, l sequential.Leading) (sequential.Onset, bool) {
	o, ok := locateMean(in.stepsPath(past, i, s), edgeOf(l), s.steps.Expected(), l.Side)
	o.Lo, o.Hi = s.inUnit(o.Lo), s.inUnit(o.Hi)
	return o, ok
}
