package monitor

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/plumbline-ml/plumbline/detectors/sequential"
)

// evidence is the page budget of a model and what its streams have against it.
type evidence struct {
	budget   *sequential.Budget // pages when the average of the streams' evidence reaches its threshold
	logA     float64            // that threshold
	cap      float64            // of one bucket in one detector
	learning bool               // some column has no reference yet
	streams  []*stream
	mean     *meanDetector // of the score, when it is a probability; fed as records come
	logs     []float64     // scratch
	ratio    float64       // of the model, as of the last bucket
	last     int64         // index of the last bucket that was handed over
	started  bool
	pages    []int64           // event times of the alarms within the last period
	raised   map[string]uint64 // alarms since start, by cause
}

// maxGap bounds the empty buckets that a gap is counted as.
const maxGap = 100_000

// maxPages bounds the alarms that are remembered for the budget.
const maxPages = 1000

// alarm is a stream in alarm, with what the page says. It does not change until the stream has recovered.
type alarm struct {
	cause   string // of the page; the stream's, unless the diagnosis says it better
	raised  int64  // event time of the end of the bucket that raised it
	onset   int64  // event time at which the change most likely began
	ticket  bool   // it must not wake anybody
	records uint64
	by      int // the detector that led
	told    []told
	explanation
	unit   string  // the change of unit that explains it; empty for none
	factor float64 // of that change
}

// told is one quantity of an alarm: what was expected and what was seen.
type told struct {
	what           string
	expected, seen float64
}

func (in *Instance) newEvidence() error {
	m := in.model
	ev := &in.evidence
	b, err := sequential.NewBudget(sequential.BudgetOptions{
		BucketsPerPeriod: float64(m.Budget.Period) / float64(m.Bucket), FalsePages: m.Budget.Pages, Probability: m.Budget.Probability,
	})
	if err != nil {
		return fmt.Errorf("model %s (%s): false_pages: %w", m.Name, m.File, err)
	}
	ev.budget, ev.logA = b, b.LogA()
	ev.cap = sequential.BucketCap(ev.logA + math.Log(capStreams))
	ev.raised = map[string]uint64{}
	for _, c := range causes {
		ev.raised[c] = 0
	}
	return nil
}

// update hands the open bucket to every stream, and raises and clears alarms.
func (in *Instance) update() {
	ev := &in.evidence
	index := in.bucket.index
	if ev.started {
		// Empty buckets are no bet; they are counted so that an onset is told in time.
		for range min(max(index-ev.last-1, 0), maxGap) {
			for _, s := range ev.streams {
				s.idle()
			}
		}
	}
	if in.volume != nil {
		in.judgeVolume()
	}
	ev.last, ev.started = index, true
	end := (index + 1) * in.bucketNs
	minute := in.seasonMinute(index * in.bucketNs)
	ev.logs = ev.logs[:0]
	for i, s := range ev.streams {
		s.tune(minute)
		if s.alarm != nil {
			in.watchRecovery(s, end)
		} else if !in.suppressed(s) {
			s.update()
		}
		log := s.logEvidence()
		s.ratio = max(0, log/ev.budget.StreamLogA(i))
		if in.muted(s) || s.cause == causeAbuse {
			log = math.Inf(-1)
		}
		if s.alarm != nil {
			log, s.ratio = math.Inf(-1), 1
		}
		ev.logs = append(ev.logs, log)
	}
	d := ev.budget.Decide(ev.logs)
	ev.ratio = max(0, d.LogEvidence/ev.logA)
	if d.Page {
		in.raise(d.Culprits, end)
	}
	if in.clients != nil {
		in.judgeAbuse(end)
	}
	for _, c := range in.cuts {
		c.suspect()
	}
	ev.pages = slices.DeleteFunc(ev.pages, func(t int64) bool { return t <= end-int64(in.model.Budget.Period) })
}

// suppressed says whether a stream is silent because its cause's cause is in alarm already.
func (in *Instance) suppressed(s *stream) bool {
	if s.cause == causeDrift && s.col != nil && s.col.isScore && in.classGone() {
		return true
	}
	return slices.ContainsFunc(s.siblings(), func(o *stream) bool {
		return o != s && o.alarm != nil && above(o.alarm.cause, s.cause)
	})
}

// raise latches the guilty streams, except those that a cause in the same column explains. A person is paged once for
// each cause: streams that join a cause which is in alarm already spend nothing of the budget.
func (in *Instance) raise(guilty []int, end int64) {
	ev := &in.evidence
	var first *alarm
	for _, i := range guilty {
		s := ev.streams[i]
		explained := in.suppressed(s) || slices.ContainsFunc(guilty, func(j int) bool {
			return s.col != nil && ev.streams[j].col == s.col && above(ev.streams[j].cause, s.cause) || ev.streams[j].explains(s)
		})
		if explained {
			s.reset()
			s.ratio = 0
			continue
		}
		if in.latch(s, end); s.alarm == nil {
			continue
		}
		joins := slices.ContainsFunc(ev.streams, func(o *stream) bool {
			return o != s && o.alarm != nil && !o.alarm.ticket && (o.alarm.cause == s.alarm.cause || o.cause == causeReplica && s.alarm.cause == causeDrift)
		})
		if first == nil {
			first = s.alarm
			if s.col != nil || s.cause == causeDrift { // lines, traffic and performance are no matter of columns
				first.columns = in.contributions(first.onset, end)
			}
		}
		if !joins && !s.alarm.ticket && len(ev.pages) < maxPages {
			ev.pages = append(ev.pages, end)
		}
	}
}

// latch puts a stream into alarm and writes down what the page says.
func (in *Instance) latch(s *stream, end int64) { in.latchAs(s, s.cause, end) }

func (in *Instance) latchAs(s *stream, cause string, end int64) {
	by := s.leading()
	l := by.leading()
	a := &alarm{cause: cause, raised: end, onset: end - int64(min(l.BucketsAgo, maxGap))*in.bucketNs, records: l.N, by: slices.Index(s.detectors, by)}
	main := by.describe(s.col, l)
	a.told = []told{main}
	if s.cause == causeDrift && s.key == "" && s.col != nil && s.col.base.grid != nil {
		if w := in.windowSince(a.onset, end); w != nil {
			i := indexOf(in.cols, s.col)
			g := s.col.base.grid
			a.told = append(a.told, told{"median", g.Quantile(s.col.base.ref.Fine, .5), g.Quantile(w.running[i].view(&w.scratch).Fine, .5)})
		}
	}
	in.explain(s, by, l, a, end)
	in.diagnose(s, a, end)
	if s.alarmed(a.cause) != nil {
		s.reset() // the column stands in alarm for it already
		s.ratio = 0
		return
	}
	a.effective = in.effective(s, by, l)
	for _, d := range s.detectors {
		if d == by {
			d.startRecovery(l)
		}
		if part, ok := d.(*segmentDetector); ok && cause == causeAbuse {
			part.sets.Reset() // what the facts have goes on: it may yet page
			continue
		}
		d.reset()
	}
	a.ticket = cause == causeAbuse || !in.mayPage(s)
	s.alarm, s.ratio = a, 1
	if s.col != nil && s.col.grow != nil && (!a.ticket || s.col.grow.past(end)) {
		s.col.grow.forget(a.onset)
	}
	if a.cause != s.cause && !slices.Contains(s.named, a.cause) {
		s.named = append(s.named, a.cause)
	}
	in.evidence.raised[a.cause]++
	for _, o := range s.siblings() {
		if o != s && above(a.cause, o.shownCause()) {
			o.alarm = nil
			o.reset()
		}
	}
	in.cache.stale = true
	in.log.Warn("alarm", "column", s.feature, "cause", a.cause, "what", a.told[0].what, "expected", a.told[0].expected, "seen", a.told[0].seen,
		"since", time.Unix(0, a.onset).UTC(), "records", l.N)
}

// windowSince is the shortest window that reaches back to t, or the longest there is.
func (in *Instance) windowSince(t, now int64) *window {
	for _, w := range in.windows {
		if int64(w.length) >= now-t {
			return w
		}
	}
	if n := len(in.windows); n > 0 {
		return in.windows[n-1]
	}
	return nil
}

// watchRecovery takes the bucket as evidence of return. An alarm ends on positive evidence only: the detector
// that led has seen enough of the old behaviour, and none of the stream's detectors holds evidence against it.
func (in *Instance) watchRecovery(s *stream, end int64) {
	by := s.detectors[s.alarm.by]
	by.recover(s.col)
	s.update()
	log := s.logEvidence()
	if log >= in.evidence.logA && s.part != nil && s.alarm.cause == causeAbuse {
		s.alarm = nil // the facts of the segment say it, too: it pages
		in.cache.stale = true
		return
	}
	if log >= in.evidence.logA {
		// Still bad: start over, so that evidence does not pile up that a return would first have to wear down.
		s.reset()
		return
	}
	if !by.recovered() || log > in.evidence.logA/2 {
		return
	}
	in.log.Info("alarm is over", "column", s.feature, "cause", s.alarm.cause, "after", FormatDuration(time.Duration(end-s.alarm.raised)))
	s.alarm = nil
	s.reset()
	for _, o := range in.evidence.streams {
		if s.explains(o) && o.alarm == nil {
			o.reset() // it was muted meanwhile
		}
	}
	in.cache.stale = true
}

// formatNumber writes an edge of a bin for people: six digits are enough to recognise it.
func formatNumber(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }
