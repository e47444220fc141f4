package monitor

import "slices"

// streamOptions say what a new stream is about and how much of the page budget it may spend.
type streamOptions struct {
	column    *column    // nil when the stream is about the model as a whole
	feature   string     // the label feature; empty means the column's name
	cause     string     // one of causes
	key       string     // tells apart streams of the same column and cause, a segment's say; empty when there is one
	weight    float64    // its share of the budget, next to the others'; 0 means 1
	group     string     // streams of one group share one weight; empty means that the stream has it alone
	detectors []detector // those that can never bet are left out; without any, there is no stream
}

// addStream adds a stream unless nothing in it could ever bet: it would only take a share of the budget. It returns
// nil then.
//
// The budget pages on the weighted average of all streams, so whatever the weights are, they count as if they summed
// to 1: with a stream more, each of the others may spend a little less, and all of them together what the user
// allowed. Adding streams at any time keeps the promise, because evidence that was gathered counts for less from
// then on, never for more; for the same reason streams are never removed from a running instance, they are retired
// by a reset and keep their share.
//
// Streams of one group share one weight, however many they become: the segments of a model weigh together as much as
// one stream of the whole.
func (in *Instance) addStream(o streamOptions) *stream {
	ds := slices.DeleteFunc(o.detectors, func(d detector) bool { return d.alternatives() == 0 })
	if len(ds) == 0 {
		return nil
	}
	s := &stream{col: o.column, feature: o.feature, cause: o.cause, key: o.key, weight: o.weight, group: o.group, detectors: ds}
	if s.feature == "" && s.col != nil {
		s.feature = s.col.name
	}
	if !(s.weight > 0) {
		s.weight = 1
	}
	ev := &in.evidence
	ev.streams = append(ev.streams, s)
	if s.col != nil {
		s.col.streams = append(s.col.streams, s)
		s.named = s.col.named[s.stateCause()]
	}
	ev.budget.Add(s.weight)
	if s.group == "" {
		return s
	}
	n := 0
	for _, o := range ev.streams {
		if o.group == s.group {
			n++
		}
	}
	for i, o := range ev.streams {
		if o.group == s.group {
			ev.budget.Weigh(i, o.weight/float64(n))
		}
	}
	return s
}

// modelStream stands for the column of a stream that is about the model as a whole, inside the state.
const modelStream = 1<<32 - 1

// stateID and stateCause name a stream inside the state.
func (s *stream) stateID() uint64 {
	if s.col == nil {
		return modelStream
	}
	return uint64(s.col.id)
}

func (s *stream) stateCause() string {
	if s.key == "" {
		return s.cause
	}
	return s.cause + "\x00" + s.key
}
