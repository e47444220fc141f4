package alerting

import (
	"cmp"
	"slices"
	"time"

	"github.com/plumbline-ml/plumbline/exporters/destination"
	"github.com/plumbline-ml/plumbline/internal/alert"
)

// incident is one conversation with one destination: what it should believe, and what it has acknowledged.
// The exported fields are the record on disk.
type incident struct {
	Integration string            `json:"integration"`
	Kind        string            `json:"kind"`
	Receiver    string            `json:"receiver"`
	Key         string            `json:"key"`
	GroupLabels map[string]string `json:"group_labels"`
	Node        string            `json:"node,omitempty"`

	// Members are the alerts that were told of and keep the incident open, with what was told of each.
	Members  map[string]told `json:"members"`
	Interval time.Duration   `json:"interval"` // group_interval of the route at the last decision

	// What is wanted. Seq counts decisions about this incident.
	Firing       bool        `json:"firing"`
	Seq          uint64      `json:"seq"`
	Order        uint64      `json:"order"` // of the decision since which it waits, over all incidents
	Reason       string      `json:"reason"`
	DecidedAt    time.Time   `json:"decided_at"`
	PendingSince time.Time   `json:"pending_since"`
	Since        time.Time   `json:"since"`
	Alerts       []alertJSON `json:"alerts"`
	Unlisted     int         `json:"unlisted,omitempty"`

	// What was acknowledged.
	AckedSeq    uint64    `json:"acked_seq"`
	AckedFiring bool      `json:"acked_firing"`
	ToldAt      time.Time `json:"told_at,omitzero"`
	Sealed      []byte    `json:"target,omitempty"` // what the destination answered when it opened, encrypted

	// What was refused for good. It is tried again under another credential or with new content.
	RejectedSeq    uint64    `json:"rejected_seq,omitempty"`
	RejectedBucket string    `json:"rejected_bucket,omitempty"`
	RejectedAt     time.Time `json:"rejected_at,omitzero"`

	alerts    []alert.Alert // Alerts in the plain type
	target    string
	tries     int       // failed attempts in a row; not on disk, a restart may try at once
	notBefore time.Time // own backoff of an incident that keeps failing while others of its bucket pass
}

// told is what the destination was told about one member.
type told string

const (
	toldFiring   told = "f"
	toldBlind    told = "b" // firing, held because its data is missing
	toldResolved told = "r"
)

func tell(a alert.Alert) told {
	switch {
	case a.State != alert.Firing:
		return toldResolved
	case a.DataMissing:
		return toldBlind
	}
	return toldFiring
}

func incidentID(integration, key string) string { return integration + "|" + key }

func (inc *incident) id() string { return incidentID(inc.Integration, inc.Key) }

// waits says that the last state was not acknowledged. A refused one does not wait until something changes.
func (inc *incident) waits() bool { return inc.Seq > inc.AckedSeq && inc.RejectedSeq != inc.Seq }

// action is what the last state means to the destination.
func (inc *incident) action() destination.Action {
	switch {
	case !inc.Firing:
		return destination.Resolve
	case inc.AckedFiring:
		return destination.Update
	}
	return destination.Trigger
}

// last is the time that group_interval and repeat_interval count from. When an outage or the limit on calls
// held the last state up, they count from when it was taken.
func (inc *incident) last() time.Time {
	if inc.ToldAt.After(inc.DecidedAt) {
		return inc.ToldAt
	}
	return inc.DecidedAt
}

func (inc *incident) notification(externalURL string) Notification {
	return Notification{
		Receiver: inc.Receiver, Integration: inc.Integration, Kind: inc.Kind, Key: inc.Key,
		GroupLabels: inc.GroupLabels, Node: inc.Node, Action: inc.action(), Reason: inc.Reason,
		At: inc.DecidedAt, Since: inc.Since, Alerts: inc.alerts, Unlisted: inc.Unlisted,
		ExternalURL: externalURL, Target: inc.target,
	}
}

// decide sets what the destination should believe from now on. The caller has set the members.
func (d *Dispatcher) decide(inc *incident, now time.Time, firing bool, reason string, entries []*entry) Notification {
	if inc.Seq <= inc.AckedSeq || inc.RejectedSeq == inc.Seq { // it did not wait: from now on it does
		d.decisions++
		inc.Order, inc.PendingSince = d.decisions, now
		d.queue = append(d.queue, waiting{inc, inc.Order})
	}
	inc.Seq++
	inc.Firing, inc.Reason, inc.DecidedAt = firing, reason, now
	list := make([]alert.Alert, 0, len(entries))
	for _, e := range entries {
		list = append(list, e.a)
	}
	slices.SortFunc(list, destination.Less)
	for _, a := range list {
		if inc.Since.IsZero() || a.StartsAt.Before(inc.Since) {
			inc.Since = a.StartsAt
		}
	}
	inc.Unlisted = max(len(list)-maxListedAlerts, 0)
	inc.alerts = slices.Clip(list[:len(list)-inc.Unlisted])
	n := inc.notification(d.opts.ExternalURL)
	if d.opts.DryRun {
		d.acknowledge(inc, inc.Seq, firing, now)
	}
	if d.incidents[inc.id()] != nil {
		d.state.touch(incidentPrefix + inc.id())
	}
	return n
}

// acknowledge records that the destination believes state seq. A resolved incident is done with.
func (d *Dispatcher) acknowledge(inc *incident, seq uint64, firing bool, now time.Time) {
	inc.AckedSeq, inc.AckedFiring, inc.ToldAt = max(inc.AckedSeq, seq), firing, now
	inc.tries, inc.notBefore = 0, time.Time{}
	if inc.Seq == seq && !inc.Firing {
		d.forget(inc)
		return
	}
	d.state.touch(incidentPrefix + inc.id())
}

func (d *Dispatcher) forget(inc *incident) {
	delete(d.incidents, inc.id())
	d.state.drop(incidentPrefix + inc.id())
}

func (d *Dispatcher) countPending() int {
	n := 0
	for _, inc := range d.incidents {
		if inc.waits() {
			n++
		}
	}
	return n
}

// waiting is a place in the queue. It is void when the incident was acknowledged or forgotten since.
type waiting struct {
	inc   *incident
	order uint64
}

func (d *Dispatcher) void(q waiting) bool {
	return q.inc.Order != q.order || q.inc.Seq <= q.inc.AckedSeq || d.incidents[q.inc.id()] != q.inc
}

// inOrder lists incidents whose last state is not acknowledged, oldest first, refused ones included: their
// credential may have changed. Places get their numbers in the order in which they are made, so the queue is
// sorted as it is; void places are swept out when they are more than half.
func (d *Dispatcher) inOrder(yield func(*incident) bool) {
	live := 0
	for _, q := range d.queue {
		if !d.void(q) {
			live++
			if !yield(q.inc) {
				return
			}
		}
	}
	if len(d.queue) > 64 && live < len(d.queue)/2 {
		d.queue = slices.DeleteFunc(d.queue, d.void)
	}
}

// requeue makes the queue of what was read from disk.
func (d *Dispatcher) requeue() {
	d.queue = d.queue[:0]
	for _, inc := range d.incidents {
		d.queue = append(d.queue, waiting{inc, inc.Order})
	}
	slices.SortFunc(d.queue, func(a, b waiting) int {
		return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.inc.id(), b.inc.id()))
	})
}
