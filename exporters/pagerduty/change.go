package pagerduty

import (
	"context"
	"errors"
	"strings"
	"time"

	pd "github.com/PagerDuty/go-pagerduty"

	"github.com/plumbline-ml/plumbline/exporters/destination"
	"github.com/plumbline-ml/plumbline/internal/alert"
)

// ChangeKind names change events in metrics and in the state.
const ChangeKind = "pagerduty_change"

// DefaultChangeURL is where change events go when the routes do not say otherwise.
const DefaultChangeURL = "https://events.pagerduty.com/v2/change/enqueue"

// Change sends change events: a model's new version on the timeline of the service, beside its incidents. They
// page nobody and have no end, so a resolve and a repetition cost no call.
type Change struct{ n Notifier }

// NewChange checks the configuration. Only the URL, the routing key, Client and Now of it are used.
func NewChange(cfg Config) (*Change, error) {
	if cfg.URL == "" {
		cfg.URL = DefaultChangeURL
	}
	if err := cfg.check(); err != nil {
		return nil, err
	}
	return &Change{Notifier{cfg}}, nil
}

// Name is the kind of destination.
func (c *Change) Name() string { return ChangeKind }

// Bucket shares the limit with the events of the same routing key.
func (c *Change) Bucket(m destination.Notification) (string, int) {
	m.Target = ""
	return c.n.Bucket(m)
}

// Send makes at most one call.
func (c *Change) Send(ctx context.Context, m destination.Notification) (destination.RetryAdvice, error) {
	if m.Action == destination.Resolve || m.Reason == destination.ReasonRepeated || m.Reason == destination.ReasonChanged {
		return destination.RetryAdvice{}, nil
	}
	key, err := c.n.cfg.key()
	if err != nil {
		return destination.RetryAdvice{Retry: true, Reason: destination.Contract}, err
	}
	if strings.HasPrefix(key, "R") {
		return destination.RetryAdvice{Reason: destination.Rejected}, errors.New("the routing key is one of a ruleset, and those take no change events")
	}
	event := changeEvent(m, key)
	return c.n.call(ctx, target{c.n.cfg.URL, key}, func(client *pd.Client) error {
		_, err := client.CreateChangeEventWithContext(ctx, event)
		return err
	})
}

// changeEvent tells of the newest alert of the group: that is the change.
func changeEvent(m destination.Notification, key string) pd.ChangeEvent {
	newest := m.Leading()
	for _, a := range m.Firing() {
		if a.StartsAt.After(newest.StartsAt) {
			newest = a
		}
	}
	one := m
	one.Alerts, one.Unlisted, one.Since = []alert.Alert{newest}, 0, newest.StartsAt
	e := pd.ChangeEvent{RoutingKey: key, Payload: pd.ChangeEventPayload{
		Summary: destination.Cut(one.Summary(), maxSummaryRunes),
		Source:  field(one.Where()),
	}}
	if y := newest.StartsAt.Year(); y > 1 && y < 10_000 {
		e.Payload.Timestamp = newest.StartsAt.UTC().Format(time.RFC3339)
	}
	details := map[string]any{}
	for _, name := range []string{alert.LabelModel, "version", alert.LabelNode} {
		if v := destination.OneLine(newest.Labels[name]); v != "" {
			details[name] = destination.Cut(v, maxFieldRunes)
		}
	}
	if text := destination.OneLine(newest.Annotations[alert.AnnotationDescription]); text != "" {
		details["description"] = destination.Cut(text, maxSummaryRunes)
	}
	e.Payload.CustomDetails = details
	for _, l := range [][2]string{{alert.AnnotationDashboard, "Dashboard"}, {alert.AnnotationRunbook, "Runbook"}} {
		if href := webURL(newest.Annotations[l[0]]); href != "" {
			e.Links = append(e.Links, pd.ChangeEventLink{Href: href, Text: l[1]})
		}
	}
	return e
}
