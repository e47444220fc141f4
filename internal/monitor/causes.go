package monitor

import (
	"slices"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// Causes of alarms, as the label cause names them.
const (
	causeSchema  = "schema"
	causeMissing = "missing"
	causeStale   = "stale"
	causeFrozen  = "frozen"
	causeQuality = "quality"
	causeVersion = "version"
	causeVolume  = "volume"
	causeReplica = "replica"
	causeSegment = "segment"
	causeDrift   = "drift"

	causePerformance = "performance"
	causeAbuse       = "abuse" // never pages
)

// causes stand in the order cause before symptom: in one column an alarm of the first silences all that follow.
var causes = []string{causeSchema, causeMissing, causeStale, causeFrozen, causeQuality, causeVersion, causeVolume, causeReplica, causeSegment, causeDrift, causePerformance, causeAbuse}

// causeRank is the place of a cause in that order; what is not known comes last.
func causeRank(cause string) int {
	if i := slices.Index(causes, cause); i >= 0 {
		return i
	}
	return len(causes)
}

// above says whether an alarm of cause a explains one of cause b in the same column.
func above(a, b string) bool {
	if a == causeStale {
		return b == causeFrozen // an old value is not a wrong one: its distribution is judged as ever
	}
	return causeRank(a) < causeRank(b)
}

// shownCause is under which cause the stream stands in metrics: that of its alarm while there is one.
func (s *stream) shownCause() string {
	if s.alarm != nil {
		return s.alarm.cause
	}
	return s.cause
}

// classGone says whether the label stands in alarm because the positive class comes no more: then the score follows.
func (in *Instance) classGone() bool {
	for _, c := range in.cols {
		if !c.isLabel {
			continue
		}
		for _, s := range c.streams {
			if s.alarm != nil && s.alarm.cause == causeVolume {
				return true
			}
		}
	}
	return false
}

// siblings are the streams of the same column, the stream itself among them.
func (s *stream) siblings() []*stream {
	if s.col == nil {
		return nil
	}
	return s.col.streams
}

// alarmed is the stream that is in alarm for a cause under the label feature of s, or nil. There is one at the most.
func (s *stream) alarmed(cause string) *stream {
	for _, o := range s.siblings() {
		if o.alarm != nil && o.alarm.cause == cause && o.feature == s.feature && o.segment == s.segment {
			return o
		}
	}
	if s.alarm != nil && s.alarm.cause == cause {
		return s
	}
	return nil
}

// collectAlarm appends the alarm of a stream. A cause that a diagnosis once gave goes on with 0, because an alert whose
// series ends is not over.
func (in *Instance) collectAlarm(b *catalog.Batch, s *stream) {
	name, f := in.model.Name, s.feature
	publish := func(cause string) {
		o := s.alarmed(cause)
		ticket := o != nil && o.alarm.ticket
		b.Add(catalog.Alarm, boolValue(o != nil && !ticket), name, f, cause, s.segment)
		if ticket || cause == causeAbuse || !in.mayPage(s) {
			b.Add(catalog.Ticket, boolValue(ticket), name, f, cause, s.segment)
		}
	}
	publish(s.cause)
	for _, other := range s.named {
		if s.publishes(other) {
			publish(other)
		}
	}
	a := s.alarm
	if a == nil {
		return
	}
	b.Add(catalog.AlarmOnset, float64(a.onset)/1e9, name, f, a.cause, s.segment)
	b.Add(catalog.AlarmRecords, float64(a.records), name, f, a.cause, s.segment)
	if a.effective > 0 {
		b.Add(catalog.AlarmEffective, float64(a.effective), name, f, a.cause, s.segment)
	}
	for _, t := range a.told {
		addFinite(b, catalog.AlarmExpected, t.expected, name, f, a.cause, s.segment, t.what)
		addFinite(b, catalog.AlarmSeen, t.seen, name, f, a.cause, s.segment, t.what)
	}
	in.collectExplanation(b, s)
	if a.unit != "" {
		b.Add(catalog.UnitChange, a.factor, name, f, a.unit)
	}
}

// publishes says whether no other stream of the column writes the series of a cause.
func (s *stream) publishes(cause string) bool {
	for _, o := range s.siblings() {
		if o.feature != s.feature || o.segment != s.segment {
			continue
		}
		if o.cause == cause {
			return false
		}
		if slices.Contains(o.named, cause) {
			return o == s
		}
	}
	return true
}
