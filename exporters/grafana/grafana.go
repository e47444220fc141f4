package grafana

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/plumbline-ml/plumbline/exporters/destination"
	"github.com/plumbline-ml/plumbline/internal/alert"
)

// Limits that keep an annotation readable: https://grafana.com/docs/grafana/latest/developers/http_api/annotations/
const (
	maxTagRunes = 100
	maxText     = 2000
)

// annotation is the body of POST and PATCH. Times are in milliseconds.
type annotation struct {
	DashboardUID string   `json:"dashboardUID,omitempty"`
	Time         int64    `json:"time,omitempty"`
	TimeEnd      int64    `json:"timeEnd,omitempty"`
	Tags         []string `json:"tags,omitempty"`
	Text         string   `json:"text"`
}

// Notifier is one Grafana. See the package comment.
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

// Send makes or extends the annotation of an incident. The number that Grafana gave it is the target.
func (n *Notifier) Send(ctx context.Context, m destination.Notification) (destination.RetryAdvice, error) {
	id, err := strconv.ParseInt(m.Target, 10, 64)
	if err != nil {
		// Either the incident is new, or the agent died before it heard the number.
		var advice destination.RetryAdvice
		if id, advice, err = n.find(ctx, m); err != nil {
			return advice, err
		}
	}
	if id == 0 {
		return n.create(ctx, m)
	}
	change := annotation{Text: text(m), Tags: n.tags(m)}
	if m.Action == destination.Resolve {
		change.TimeEnd = m.At.UnixMilli()
	}
	answer, advice, err := n.call(ctx, http.MethodPatch, "/api/annotations/"+strconv.FormatInt(id, 10), change, http.StatusNotFound)
	if err != nil {
		return advice, err
	}
	if answer.Status == http.StatusNotFound && m.Action != destination.Resolve {
		return n.create(ctx, m) // somebody deleted it, and the incident goes on
	}
	return destination.RetryAdvice{Target: strconv.FormatInt(id, 10)}, nil
}

// find looks for the annotation that an earlier call may have made.
func (n *Notifier) find(ctx context.Context, m destination.Notification) (int64, destination.RetryAdvice, error) {
	q := url.Values{"tags": {incidentTag(m)}, "type": {"annotation"}, "limit": {"1"}}
	q.Set("from", strconv.FormatInt(m.Since.UnixMilli()-1, 10))
	q.Set("to", strconv.FormatInt(m.At.UnixMilli()+1, 10))
	answer, advice, err := n.call(ctx, http.MethodGet, "/api/annotations?"+q.Encode(), nil)
	if err != nil {
		return 0, advice, err
	}
	var list []struct {
		ID int64 `json:"id"`
	}
	if json.Unmarshal(answer.Body, &list) != nil {
		return 0, destination.RetryAdvice{Retry: true, Reason: destination.Contract}, errors.New("the list of annotations cannot be read")
	}
	if len(list) == 0 {
		return 0, destination.RetryAdvice{}, nil
	}
	return list[0].ID, destination.RetryAdvice{}, nil
}

func (n *Notifier) create(ctx context.Context, m destination.Notification) (destination.RetryAdvice, error) {
	a := annotation{DashboardUID: n.cfg.DashboardUID, Time: m.Since.UnixMilli(), Tags: n.tags(m), Text: text(m)}
	if m.Action == destination.Resolve {
		a.TimeEnd = m.At.UnixMilli()
	}
	answer, advice, err := n.call(ctx, http.MethodPost, "/api/annotations", a)
	if err != nil {
		return advice, err
	}
	var made struct {
		ID int64 `json:"id"`
	}
	if json.Unmarshal(answer.Body, &made) != nil || made.ID <= 0 {
		return destination.RetryAdvice{Retry: true, Reason: destination.Contract}, errors.New("the answer holds no id")
	}
	return destination.RetryAdvice{Target: strconv.FormatInt(made.ID, 10)}, nil
}

// call makes one request. A GET has no body.
func (n *Notifier) call(ctx context.Context, method, path string, body any, alsoOK ...int) (destination.Answer, destination.RetryAdvice, error) {
	header, err := n.cfg.header()
	if err != nil {
		return destination.Answer{}, destination.RetryAdvice{Retry: true, Reason: destination.Contract}, err
	}
	var data []byte
	if body != nil {
		if data, err = json.Marshal(body); err != nil {
			return destination.Answer{}, destination.RetryAdvice{Reason: destination.Contract}, err
		}
	}
	answer, err := destination.Call(ctx, n.cfg.Client, method, n.cfg.URL+path, header, data, n.cfg.Now())
	advice, err := destination.Advise(answer, err, append(alsoOK, http.StatusOK), func(b []byte) string {
		var e struct {
			Message string `json:"message"`
		}
		if json.Unmarshal(b, &e) != nil {
			return ""
		}
		return destination.Cut(destination.OneLine(e.Message), 300)
	})
	return answer, advice, err
}

// incidentTag finds the annotation again. It names the incident and its start, so that a later incident on the
// same key is drawn as a region of its own.
func incidentTag(m destination.Notification) string {
	return fmt.Sprintf("incident:%.16s:%d", m.Key, m.Since.Unix())
}

func (n *Notifier) tags(m destination.Notification) []string {
	tags := []string{"plumbline"}
	for _, v := range []string{
		tag(alert.LabelModel, m.Common(alert.LabelModel)), tag(alert.LabelCause, m.Common(alert.LabelCause)),
		tag(alert.LabelNode, m.Node), tag(alert.LabelSeverity, m.Severity()),
	} {
		if v != "" {
			tags = append(tags, v)
		}
	}
	for _, t := range n.cfg.Tags {
		if !slices.Contains(tags, t) {
			tags = append(tags, t)
		}
	}
	return append(tags, incidentTag(m))
}

func tag(name, value string) string {
	if value = destination.OneLine(value); value == "" {
		return ""
	}
	return destination.Cut(name+":"+value, maxTagRunes)
}

// text is what hovering over the region shows. Grafana shows it as HTML, so it must not be able to be any.
func text(m destination.Notification) string {
	lines := []string{m.Summary()}
	for _, f := range m.Facts() {
		if f.Name == "features" || f.Name == "recovered" {
			if list, ok := f.Value.([]string); ok {
				lines = append(lines, list...)
			}
		}
	}
	return escape.Replace(destination.Cut(strings.Join(lines, "\n"), maxText))
}

var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;")
