package pagerduty

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	pd "github.com/PagerDuty/go-pagerduty"

	"github.com/plumbline-ml/plumbline/exporters/destination"
)

// CallsPerMinute is what we allow ourselves per routing key. PagerDuty begins to refuse at about 120 in a
// sliding minute: https://developer.pagerduty.com/docs/events-api-v2/overview/
const CallsPerMinute = 100

// Notifier is one integration. See the package comment.
type Notifier struct{ cfg Config }

// New checks the configuration. It does not read the routing key yet: the file may come later.
func New(cfg Config) (*Notifier, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	return &Notifier{cfg: cfg}, nil
}

// Name is the kind of destination.
func (n *Notifier) Name() string { return Kind }

// target is where an incident was opened. Follow-ups must go to the same place with the same key.
type target struct {
	URL string `json:"u"`
	Key string `json:"k"`
}

// where finds the place for a notification: that of the incident, or the one configured now.
func (n *Notifier) where(m destination.Notification) (target, error) {
	if m.Target != "" {
		var t target
		if json.Unmarshal([]byte(m.Target), &t) == nil && t.Key != "" && destination.CheckURL(t.URL) == nil {
			return t, nil
		}
	}
	key, err := n.cfg.key()
	return target{n.cfg.URL, key}, err
}

// Bucket groups calls by routing key, under a name that does not tell it.
func (n *Notifier) Bucket(m destination.Notification) (string, int) {
	t, err := n.where(m)
	if err != nil {
		return Kind + ":unreadable:" + digest(n.cfg.RoutingKeyFile), CallsPerMinute
	}
	return Kind + ":" + digest(t.Key), CallsPerMinute
}

func digest(s string) string {
	sum := sha256.Sum256([]byte("plumbline routing key\x00" + s))
	return hex.EncodeToString(sum[:8])
}

// Send makes one call.
func (n *Notifier) Send(ctx context.Context, m destination.Notification) (destination.RetryAdvice, error) {
	to, err := n.where(m)
	if err != nil {
		return destination.RetryAdvice{Retry: true, Reason: destination.Contract}, err
	}
	event, problem := n.cfg.event(m, to.Key)
	advice, err := n.call(ctx, to, func(c *pd.Client) error {
		_, err := c.ManageEventWithContext(ctx, event)
		return err
	})
	switch {
	case err == nil:
		if data, jerr := json.Marshal(to); jerr == nil {
			advice.Target = string(data)
		}
	case advice.Reason == destination.Rejected && m.Target != "":
		// The key that opened the incident may have been revoked. Under the key of today a trigger pages again,
		// which is better than not at all, and a resolve does no harm.
		if key, kerr := n.cfg.key(); kerr == nil && key != to.Key {
			if data, jerr := json.Marshal(target{n.cfg.URL, key}); jerr == nil {
				advice.Retry, advice.Target = true, string(data)
			}
		}
	}
	if err != nil && problem != nil {
		err = errors.Join(err, problem)
	}
	return advice, err
}

// call makes one request through go-pagerduty and judges what really came back: the library takes any 2xx for
// success and drops Retry-After and the reasons of a refusal.
func (n *Notifier) call(ctx context.Context, to target, do func(*pd.Client) error) (destination.RetryAdvice, error) {
	rec := &recorder{cfg: &n.cfg, url: to.URL}
	client := pd.NewClient("", pd.WithV2EventsAPIEndpoint("https://events.pagerduty.com"))
	client.HTTPClient = rec
	if err := do(client); err != nil && !rec.called {
		return destination.RetryAdvice{Retry: false, Reason: destination.Contract}, redactKey(err, to.Key)
	}
	advice, err := destination.Advise(rec.answer, rec.err, []int{http.StatusAccepted}, refusal)
	return advice, redactKey(err, to.Key)
}

// recorder stands between the library and the network: it sends the request to the configured address, keeps
// what came back, and tells the library what it wants to hear.
type recorder struct {
	cfg    *Config
	url    string
	called bool
	answer destination.Answer
	err    error
}

// Do implements the library's HTTPClient.
func (r *recorder) Do(req *http.Request) (*http.Response, error) {
	r.called = true
	u, err := url.Parse(r.url)
	if err != nil {
		r.err = errors.New("the configured URL cannot be used")
		return nil, r.err
	}
	req.URL, req.Host = u, u.Host
	req.Header.Set("Content-Type", "application/json")
	res, err := r.cfg.Client.Do(req)
	if err != nil {
		r.err = destination.Redact(err)
		return nil, r.err
	}
	defer res.Body.Close()
	r.answer, r.err = destination.ReadAnswer(res, r.cfg.Now())
	return &http.Response{StatusCode: http.StatusAccepted, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader("{}")), Request: req}, nil
}

// refusal finds the reasons in the body of a refused event.
func refusal(body []byte) string {
	var e pd.EventsAPIV2ErrorObject
	if json.Unmarshal(body, &e) != nil {
		return ""
	}
	parts := make([]string, 0, 2)
	if m := destination.Cut(destination.OneLine(e.Message), 200); m != "" {
		parts = append(parts, m)
	}
	for i, s := range e.Errors {
		if i == 10 {
			break
		}
		parts = append(parts, destination.Cut(destination.OneLine(s), 200))
	}
	return strings.Join(parts, "; ")
}

// redactKey makes sure that an answer which repeats the key does not carry it into a log.
func redactKey(err error, key string) error {
	if err == nil || key == "" || !strings.Contains(err.Error(), key) {
		return err
	}
	return errors.New(strings.ReplaceAll(err.Error(), key, "<routing key>"))
}
