package webhook

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"time"

	"github.com/plumbline-ml/plumbline/exporters/destination"
	"github.com/plumbline-ml/plumbline/internal/alert"
)

// Message is the body, as Alertmanager documents it:
// https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
type Message struct {
	Version           string            `json:"version"`
	GroupKey          string            `json:"groupKey"`
	TruncatedAlerts   int               `json:"truncatedAlerts"`
	Status            string            `json:"status"`
	Receiver          string            `json:"receiver"`
	GroupLabels       map[string]string `json:"groupLabels"`
	CommonLabels      map[string]string `json:"commonLabels"`
	CommonAnnotations map[string]string `json:"commonAnnotations"`
	ExternalURL       string            `json:"externalURL"`
	Alerts            []Alert           `json:"alerts"`
}

// Alert is one alert of a Message.
type Alert struct {
	Status       string            `json:"status"`
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL"`
	Fingerprint  string            `json:"fingerprint"`
}

// Notifier is one webhook. See the package comment.
type Notifier struct{ cfg Config }

// New checks the configuration.
func New(cfg Config) (*Notifier, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	return &Notifier{cfg: cfg}, nil
}

// Name is the kind of destination.
func (n *Notifier) Name() string { return Kind }

// Send makes one call. Any 2xx counts as accepted.
func (n *Notifier) Send(ctx context.Context, m destination.Notification) (destination.RetryAdvice, error) {
	to, err := n.cfg.address()
	if err != nil {
		return destination.RetryAdvice{Retry: true, Reason: destination.Contract}, err
	}
	body, err := json.Marshal(n.message(m))
	if err != nil {
		return destination.RetryAdvice{Reason: destination.Contract}, err
	}
	header := http.Header{"Content-Type": {"application/json"}, "User-Agent": {"plumbline"}}
	answer, err := destination.Call(ctx, n.cfg.Client, http.MethodPost, to, header, body, n.cfg.Now())
	ok := []int{http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusNoContent}
	return destination.Advise(answer, err, ok, nil)
}

func (n *Notifier) message(m destination.Notification) Message {
	alerts := m.Alerts
	cut := m.Unlisted
	if n.cfg.MaxAlerts > 0 && len(alerts) > n.cfg.MaxAlerts {
		cut += len(alerts) - n.cfg.MaxAlerts
		alerts = alerts[:n.cfg.MaxAlerts]
	}
	status := "firing"
	if m.Action == destination.Resolve {
		status = "resolved"
	}
	msg := Message{
		Version: "4", GroupKey: m.Key, TruncatedAlerts: cut, Status: status, Receiver: m.Receiver,
		GroupLabels: m.GroupLabels, ExternalURL: m.ExternalURL, Alerts: make([]Alert, 0, len(alerts)),
		CommonLabels:      common(m.Alerts, func(a alert.Alert) map[string]string { return a.Labels }),
		CommonAnnotations: common(m.Alerts, func(a alert.Alert) map[string]string { return a.Annotations }),
	}
	for _, a := range alerts {
		x := Alert{Status: string(a.State), Labels: a.Labels, Annotations: a.Annotations, StartsAt: a.StartsAt, Fingerprint: a.Key()[:16]}
		if a.State == alert.Resolved {
			x.EndsAt = a.EndsAt
		}
		if x.Annotations == nil {
			x.Annotations = map[string]string{}
		}
		msg.Alerts = append(msg.Alerts, x)
	}
	return msg
}

// common keeps what every alert has alike.
func common(alerts []alert.Alert, of func(alert.Alert) map[string]string) map[string]string {
	out := map[string]string{}
	if len(alerts) == 0 {
		return out
	}
	maps.Copy(out, of(alerts[0]))
	for _, a := range alerts[1:] {
		have := of(a)
		maps.DeleteFunc(out, func(k, v string) bool { return have[k] != v })
	}
	return out
}
