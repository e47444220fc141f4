package monitor

import (
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/plumbline-ml/plumbline/detectors"
	"github.com/plumbline-ml/plumbline/detectors/sequential"
)

const (
	// goneShare is the share of records without a feature from which on it is gone, and not missing now and then.
	goneShare = .98
	// mostlyThere is the share of records that must have had it in the reference.
	mostlyThere = .5
	// beyondShare is the share of values beyond the range of the reference that is worth naming, if so much of all that moved lies there.
	beyondShare, beyondOfAll = .01, .8
	// diagnosisRecords is how many values a diagnosis asks for.
	diagnosisRecords = 30
)

// diagnose names what an alarm is about when it is something more definite than what its stream watches: a field that
// is gone or of another type is not just missing, a feature in another unit has not drifted. It looks at what came since
// the onset, costs nothing while all is well, and raises nothing by itself: the evidence is the stream's.
func (in *Instance) diagnose(s *stream, a *alarm, end int64) {
	if s.col == nil || s.key != "" || s.segment != "" {
		return // windows hold whole columns only
	}
	i := indexOf(in.cols, s.col)
	t := in.since(in.past(end), max(a.onset, a.latest), i)
	if t.seen() < diagnosisRecords {
		return
	}
	switch {
	case s.cause == causeMissing:
		in.diagnoseMissing(s, a, t)
	case s.cause == causeDrift && s.col.base.grid != nil:
		in.diagnoseNumber(s, a, t)
	case s.cause == causeDrift:
		in.diagnoseCategory(s, a, t)
	}
	if a.cause == causeDrift && s.col.role == RolePrediction && in.versionChangedBy(a) {
		a.cause = causeVersion
	}
}

// versionGrace is how long after a change of version a prediction that moves is put down to it.
const versionGrace = time.Hour

// versionChangedBy says whether the change began with a version: not before it, give or take the error of the onset, and
// soon after.
func (in *Instance) versionChangedBy(a *alarm) bool {
	since := in.versions.changed
	if since == 0 {
		return false
	}
	latest := max(a.onset, a.latest)
	return latest >= since-2*in.bucketNs && a.onset <= since+int64(versionGrace)
}

// diagnoseMissing tells a change of schema from values that fail.
func (in *Instance) diagnoseMissing(s *stream, a *alarm, t *tally) {
	ref := &s.col.base.ref
	if share(ref.MissingTotal(), ref.seen()) > 1-mostlyThere {
		return
	}
	for _, k := range [...]struct {
		reason detectors.MissingReason
		what   string
	}{{detectors.MissingAbsent, "share absent"}, {detectors.MissingType, "share of another type"}} {
		if seen := share(t.Missing[k.reason], t.seen()); seen >= goneShare {
			a.cause = causeSchema
			a.says(k.what, share(ref.Missing[k.reason], ref.seen()), t.Missing[k.reason], t.seen())
			return
		}
	}
}

// diagnoseNumber looks for another unit, for a default in the place of values, and for values that have become few.
func (in *Instance) diagnoseNumber(s *stream, a *alarm, t *tally) {
	g, ref := s.col.base.grid, &s.col.base.ref
	if u, ok := detectors.RecognizeUnit(g, &ref.NumberSummary, &t.NumberSummary); ok && !s.col.isScore {
		a.cause, a.unit, a.factor = causeSchema, u.Name, u.Factor
		a.told, a.bounds = []told{{"mean", ref.Mean(g), t.Mean(g)}}, []interval{{}}
		return
	}
	// A model has no defaults: a score that falls on one value has drifted, unless it is hardly anything else.
	if spike, ok := detectors.RecognizeSpike(g, &ref.NumberSummary, &t.NumberSummary); ok && (spike.Collapse || !s.col.isScore) {
		if spike.Collapse {
			a.cause = causeFrozen
		} else {
			a.cause = causeQuality
		}
		what := "share of one value"
		if spike.Default {
			what = "share of the default " + formatNumber(spike.Value)
		}
		a.says(what, spike.Expected, uint64(math.Round(spike.Seen*float64(t.N))), t.N)
		return
	}
	if few, ok := detectors.RecognizeCollapse(g, &ref.NumberSummary, &t.NumberSummary); ok {
		a.cause = causeFrozen
		a.says("share of "+strconv.Itoa(few.Bins)+" values", few.Expected, uint64(math.Round(few.Seen*float64(t.N))), t.N)
		return
	}
	// Values beyond the range of the reference, and the others as ever: no distribution has moved, some values are wrong.
	if b := share(t.beyond, t.N); b >= beyondShare && !s.col.isScore && !in.replicaSuspect() && b >= beyondOfAll*detectors.Risen(&ref.NumberSummary, &t.NumberSummary) {
		a.cause = causeQuality
		a.says("share out of range", 0, t.beyond, t.N)
	}
}

// replicaSuspect says whether one replica is about to be named: what its values do to the whole is then its doing.
func (in *Instance) replicaSuspect() bool {
	return slices.ContainsFunc(in.evidence.streams, func(s *stream) bool { return s.cause == causeReplica && (s.alarm != nil || s.ratio > .5) })
}

// diagnoseCategory looks for categories that are seen no more.
func (in *Instance) diagnoseCategory(s *stream, a *alarm, t *tally) {
	ref := &s.col.base.ref
	vanished, most := -1, uint64(0)
	for k := range s.col.base.categories {
		if k < len(t.Fine) && t.Fine[k] == 0 && ref.Fine[k] > most {
			// Seen no more, and often enough before that chance does not explain it.
			if expected := share(ref.Fine[k], ref.N) * float64(t.N); expected >= vanishedExpected {
				vanished, most = k, ref.Fine[k]
			}
		}
	}
	if vanished < 0 {
		return
	}
	switch {
	case !s.col.isLabel:
		a.cause = causeQuality
	case in.model.Label.Positive == s.col.base.categories[vanished]:
		a.cause = causeVolume
	default:
		return
	}
	a.says("share of "+s.col.base.categories[vanished], share(most, ref.N), 0, t.N)
}

// says makes one share the only thing that the alarm tells.
func (a *alarm) says(what string, expected float64, k, n uint64) {
	lo, hi := sequential.ClopperPearson(k, n, alphaExplain)
	a.told, a.bounds = []told{{what, expected, share(k, n)}}, []interval{{lo, hi, true}}
}

// vanishedExpected is how many of a category must have been due: e^-12 of all stretches without it are chance.
const vanishedExpected = 12
