// Package destination holds what the alerting core and every destination share: the notification that is to be
// delivered, what a destination answers, and an HTTP client that cannot be led astray.
//
// A Notification is immutable once handed over. Nothing here keeps state between calls, so everything is safe
// for concurrent use; an answer is read up to 64 KiB and no further. The package decides neither when
// something is sent nor how often: that is exporters/alerting.
package destination

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/plumbline-ml/plumbline/internal/alert"
)

// Action says what a notification does to the incident at the destination.
type Action string

// The actions, in the words of PagerDuty. An update goes to an incident that is open already.
const (
	Trigger Action = "trigger"
	Update  Action = "update"
	Resolve Action = "resolve"
)

// Reasons why a notification was decided.
const (
	ReasonOpened   = "opened"   // first unmuted alert of the group
	ReasonJoined   = "joined"   // further alerts joined
	ReasonChanged  = "changed"  // an alert of the incident ended or lost its data while others fire
	ReasonRepeated = "repeated" // repeat_interval has passed
	ReasonResolved = "resolved" // every alert of the incident ended
)

// Notification is the last wanted state of one incident at one destination.
type Notification struct {
	Receiver    string            `json:"receiver"`
	Integration string            `json:"integration"` // receiver/kind[index]: names the destination within the routes
	Kind        string            `json:"kind"`        // pagerduty, webhook, alertmanager, grafana, log
	Key         string            `json:"key"`         // dedup key: 64 hex characters, stable over restarts
	GroupLabels map[string]string `json:"group_labels"`
	Node        string            `json:"node"` // empty when the incident is shared by the fleet
	Action      Action            `json:"action"`
	Reason      string            `json:"reason"`
	At          time.Time         `json:"at"`       // when it was decided
	Since       time.Time         `json:"since"`    // when the first alert of the incident began to fire
	Alerts      []alert.Alert     `json:"alerts"`   // firing ones first, most severe first; never empty
	Unlisted    int               `json:"unlisted"` // alerts beyond the bound on Alerts
	ExternalURL string            `json:"external_url"`
	Target      string            `json:"-"` // what the destination answered when it opened the incident; may hold a secret
}

// RetryAdvice is what a destination says after an attempt. The zero value goes with a nil error: delivered.
type RetryAdvice struct {
	Retry  bool          // the same notification may succeed later
	After  time.Duration // not before this long; zero means the core's own backoff
	Reason Reason        // why the attempt failed, for the metric; empty on success
	Target string        // to be handed to every later notification of the incident; empty keeps what was there
}

// Reason classifies a failed attempt. It is a closed set: it becomes a label value.
type Reason string

// The reasons, as plumbline_notification_failures_total names them.
const (
	Rejected    Reason = "rejected"     // the destination refused the content: the same bytes will be refused again
	RateLimited Reason = "rate_limited" // 429
	Server      Reason = "server"       // 5xx and 408
	Network     Reason = "network"      // could not connect, connection reset
	Timeout     Reason = "timeout"      // no answer in time
	Redirect    Reason = "redirect"     // 3xx, never followed
	Contract    Reason = "contract"     // an answer that the destination's contract does not know, or a secret that cannot be read
)

// Reasons lists all of them.
func Reasons() []Reason {
	return []Reason{Rejected, RateLimited, Server, Network, Timeout, Redirect, Contract}
}

// Notifier is a destination. Send is never called concurrently for one bucket (see Limited), and it must
// return when ctx is done.
type Notifier interface {
	Send(ctx context.Context, n Notification) (RetryAdvice, error)
	Name() string
}

// Limited is implemented by destinations that limit calls per credential. Notifications with an equal bucket
// share one limit and are sent one after the other. The bucket must not be the credential itself.
type Limited interface {
	Bucket(n Notification) (bucket string, callsPerMinute int)
}

// severityRank orders severities, most severe first.
func severityRank(s string) int {
	switch s {
	case alert.SeverityCritical:
		return 0
	case "error":
		return 1
	case alert.SeverityWarning:
		return 2
	}
	return 3
}

// Less orders alerts as a page lists them: firing before resolved, then by severity, then by start, then by
// identity, so that the order is the same on every node and after every restart.
func Less(a, b alert.Alert) int {
	if fa, fb := a.State == alert.Firing, b.State == alert.Firing; fa != fb {
		if fa {
			return -1
		}
		return 1
	}
	return cmp.Or(
		cmp.Compare(severityRank(a.Severity()), severityRank(b.Severity())),
		a.StartsAt.Compare(b.StartsAt),
		cmp.Compare(a.Name(), b.Name()),
		cmp.Compare(a.Labels[alert.LabelFeature], b.Labels[alert.LabelFeature]),
		cmp.Compare(a.Key(), b.Key()),
	)
}

// Firing lists the alerts that fire.
func (n Notification) Firing() []alert.Alert { return n.inState(alert.Firing) }

// Resolved lists the alerts that have ended.
func (n Notification) Resolved() []alert.Alert { return n.inState(alert.Resolved) }

func (n Notification) inState(s alert.State) []alert.Alert {
	var out []alert.Alert
	for _, a := range n.Alerts {
		if a.State == s {
			out = append(out, a)
		}
	}
	return out
}

// Leading is the alert that the text is about: the first in the order of Less.
func (n Notification) Leading() alert.Alert {
	if len(n.Alerts) == 0 {
		return alert.Alert{Labels: map[string]string{}, Annotations: map[string]string{}}
	}
	return n.Alerts[0]
}

// Severity is the highest among the firing alerts, or among all when none fires.
func (n Notification) Severity() string { return n.Leading().Severity() }

// Common is the value of a label that the group or every listed alert carries, and empty otherwise.
func (n Notification) Common(label string) string {
	if v := n.GroupLabels[label]; v != "" {
		return v
	}
	if len(n.Alerts) == 0 {
		return ""
	}
	v := n.Alerts[0].Labels[label]
	for _, a := range n.Alerts[1:] {
		if a.Labels[label] != v {
			return ""
		}
	}
	return v
}

// distinct lists the different values of a label among the alerts, in their order.
func distinct(alerts []alert.Alert, label string) []string {
	var out []string
	for _, a := range alerts {
		if v := a.Labels[label]; v != "" && !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}
