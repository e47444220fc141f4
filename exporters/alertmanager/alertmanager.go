package alertmanager

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"time"

	"github.com/plumbline-ml/plumbline/exporters/destination"
	"github.com/plumbline-ml/plumbline/internal/alert"
)

// posted is one alert in the words of the API.
type posted struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations,omitempty"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL,omitempty"`
}

// Notifier is one address. See the package comment.
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

// Send posts the alerts of a notification as of n.At.
func (n *Notifier) Send(ctx context.Context, m destination.Notification) (destination.RetryAdvice, error) {
	list := make([]posted, 0, len(m.Alerts))
	for _, a := range m.Alerts {
		list = append(list, n.post(a, m))
	}
	body, err := json.Marshal(list)
	if err != nil {
		return destination.RetryAdvice{Reason: destination.Contract}, err
	}
	header := http.Header{"Content-Type": {"application/json"}, "User-Agent": {"plumbline"}}
	answer, err := destination.Call(ctx, n.cfg.Client, http.MethodPost, n.cfg.URL+"/api/v2/alerts", header, body, n.cfg.Now())
	return destination.Advise(answer, err, []int{http.StatusOK}, func(b []byte) string {
		var text string
		if json.Unmarshal(b, &text) != nil {
			return ""
		}
		return destination.Cut(destination.OneLine(text), 300)
	})
}

func (n *Notifier) post(a alert.Alert, m destination.Notification) posted {
	p := posted{Labels: a.Labels, Annotations: a.Annotations, StartsAt: a.StartsAt, EndsAt: m.At.Add(n.cfg.Hold), GeneratorURL: m.ExternalURL}
	if m.Node != "" && a.Labels[alert.LabelNode] == "" && a.Labels[alert.LabelScope] != "fleet" {
		// Alerts are told apart by their labels alone over there: without a node, two agents with the same rules
		// would end each other's.
		p.Labels = maps.Clone(a.Labels)
		p.Labels[alert.LabelNode] = m.Node
	}
	if a.State == alert.Resolved {
		if p.EndsAt = a.EndsAt; p.EndsAt.IsZero() || p.EndsAt.After(m.At) {
			p.EndsAt = m.At
		}
	}
	if a.DataMissing {
		p.Annotations = maps.Clone(a.Annotations)
		if p.Annotations == nil {
			p.Annotations = map[string]string{}
		}
		p.Annotations["data_missing"] = "true"
	}
	return p
}
