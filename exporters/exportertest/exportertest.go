// Package exportertest is the contract that every destination keeps, as a test suite: what counts as accepted,
// what is tried again, and what never happens.
//
// It is imported by tests only and opens no sockets.
package exportertest

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/exporters/destination"
	"github.com/plumbline-ml/plumbline/internal/alert"
)

// Now is the clock of the suite.
var Now = time.Date(2026, 11, 3, 14, 3, 0, 0, time.UTC)

// Secret must appear in no error. Destinations under test get it as their credential, in the address or beside it.
const Secret = "0123456789abcdef0123456789abcdef"

// Subject is a destination under test.
type Subject struct {
	// New makes it with an address and a client.
	New func(t *testing.T, url string, client *http.Client) (destination.Notifier, error)
	// Accept is an answer that means success.
	Accept Answer
	// Refuse lists statuses of the 2xx range that do not mean success here.
	Refuse []int
	// Settled lists statuses that other destinations fail with and that leave nothing to do here.
	Settled []int
	// Prepare may change the notification before it is sent, for destinations that need a target.
	Prepare func(n *destination.Notification)
}

// Answer is what the fake network says.
type Answer struct {
	Status int
	Header http.Header
	Body   string
	Err    error
}

// Network is a http.RoundTripper that answers the same to everything and remembers what it was asked.
type Network struct {
	mu       sync.Mutex
	answer   func(n int, r *http.Request) Answer
	Requests []*http.Request
	Bodies   []string
}

// NewNetwork answers with f, which gets the number of the request.
func NewNetwork(f func(n int, r *http.Request) Answer) *Network { return &Network{answer: f} }

// RoundTrip implements http.RoundTripper.
func (n *Network) RoundTrip(r *http.Request) (*http.Response, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	body := ""
	if r.Body != nil {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		body = string(data)
	}
	a := n.answer(len(n.Requests), r)
	n.Requests, n.Bodies = append(n.Requests, r), append(n.Bodies, body)
	if a.Err != nil {
		return nil, a.Err
	}
	h := a.Header
	if h == nil {
		h = http.Header{}
	}
	return &http.Response{StatusCode: a.Status, Header: h, Body: io.NopCloser(strings.NewReader(a.Body)), Request: r, ProtoMajor: 1, ProtoMinor: 1}, nil
}

// Client is a client on the network.
func (n *Network) Client() *http.Client { return &http.Client{Transport: n} }

// Sample is an incident with two features, as the shipped rules make them.
func Sample() destination.Notification {
	start := Now.Add(-10 * time.Minute)
	mk := func(feature, seen string) alert.Alert {
		return alert.Alert{
			Labels: map[string]string{"alertname": "FeatureMissing", "severity": "critical", "model": "spam-classifier", "cause": "missing", "feature": feature},
			Annotations: map[string]string{
				"summary": feature + " is missing in " + seen + " of requests (reference 2 %)", "expected": "2 %", "seen": seen, "records": "240",
				"runbook_url": "https://example.com/runbooks/missing", "dashboard_url": "https://grafana.example.com/d/model?from=1&to=2",
			},
			State: alert.Firing, Value: 0.96, ActiveAt: start, StartsAt: start, UpdatedAt: Now, Generator: "packs/missing.yaml",
		}
	}
	n := destination.Notification{
		Receiver: "page", Integration: "page/x[0]", Key: strings.Repeat("ab", 32), Node: "node-7",
		GroupLabels: map[string]string{"model": "spam-classifier", "cause": "missing"},
		Action:      destination.Trigger, Reason: destination.ReasonOpened, At: Now, Since: start,
		Alerts: []alert.Alert{mk("features.domain_age", "96 %"), mk("features.links", "41 %")},
	}
	slices.SortFunc(n.Alerts, destination.Less)
	return n
}

// Ended is the end of a notification's incident.
func Ended(n destination.Notification) destination.Notification {
	n.Action, n.Reason = destination.Resolve, destination.ReasonResolved
	n.Alerts = slices.Clone(n.Alerts)
	for i := range n.Alerts {
		n.Alerts[i].State, n.Alerts[i].EndsAt = alert.Resolved, Now
	}
	return n
}

// Run runs the suite.
func Run(t *testing.T, s Subject) {
	send := func(t *testing.T, net *Network, ctx context.Context) (destination.RetryAdvice, error) {
		t.Helper()
		n, err := s.New(t, "https://destination.example.com/hook/"+Secret, net.Client())
		if err != nil {
			t.Fatal(err)
		}
		m := Sample()
		if s.Prepare != nil {
			s.Prepare(&m)
		}
		advice, err := n.Send(ctx, m)
		if err != nil && strings.Contains(err.Error(), Secret) {
			t.Errorf("the error tells the secret: %v", err)
		}
		if err != nil && advice.Reason == "" {
			t.Errorf("a failure without a reason: %v", err)
		}
		return advice, err
	}
	always := func(a Answer) *Network { return NewNetwork(func(int, *http.Request) Answer { return a }) }

	t.Run("its own answer is accepted", func(t *testing.T) {
		if advice, err := send(t, always(s.Accept), t.Context()); err != nil || advice.Retry {
			t.Fatalf("got %+v, %v", advice, err)
		}
	})
	for _, c := range []struct {
		status int
		retry  bool
		reason destination.Reason
	}{
		{301, true, destination.Redirect}, {302, true, destination.Redirect}, {307, true, destination.Redirect},
		{400, false, destination.Rejected}, {401, true, destination.Rejected}, {403, true, destination.Rejected}, {404, true, destination.Rejected},
		{408, true, destination.Server}, {413, false, destination.Rejected}, {429, true, destination.RateLimited},
		{500, true, destination.Server}, {502, true, destination.Server}, {503, true, destination.Server},
	} {
		if slices.Contains(s.Settled, c.status) {
			continue
		}
		t.Run(http.StatusText(c.status), func(t *testing.T) {
			net := always(Answer{Status: c.status, Header: http.Header{"Location": {"https://elsewhere.example.com/"}}, Body: `{"status":"x"}`})
			advice, err := send(t, net, t.Context())
			if err == nil || advice.Retry != c.retry || advice.Reason != c.reason {
				t.Errorf("%d: got retry=%v reason=%q err=%v, want retry=%v reason=%q", c.status, advice.Retry, advice.Reason, err, c.retry, c.reason)
			}
			if len(net.Requests) != 1 {
				t.Errorf("%d requests went out, want 1", len(net.Requests))
			}
		})
	}
	for _, status := range s.Refuse {
		t.Run("not success: "+http.StatusText(status), func(t *testing.T) {
			if advice, err := send(t, always(Answer{Status: status, Body: "<html>hello</html>"}), t.Context()); err == nil || !advice.Retry || advice.Reason != destination.Contract {
				t.Errorf("%d: got %+v, %v; want a retried breach of contract", status, advice, err)
			}
		})
	}
	t.Run("Retry-After in seconds and as a date", func(t *testing.T) {
		for _, h := range []string{"30", Now.Add(30 * time.Second).Format(http.TimeFormat)} {
			for _, status := range []int{429, 503} {
				advice, _ := send(t, always(Answer{Status: status, Header: http.Header{"Retry-After": {h}}}), t.Context())
				if advice.After != 30*time.Second {
					t.Errorf("%d, Retry-After %q: wait %v, want 30s", status, h, advice.After)
				}
			}
		}
	})
	t.Run("a broken connection and a timeout are tried again", func(t *testing.T) {
		for _, c := range []struct {
			err    error
			reason destination.Reason
		}{
			{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, destination.Network},
			{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, destination.Network},
			{io.ErrUnexpectedEOF, destination.Network},
			{context.DeadlineExceeded, destination.Timeout},
		} {
			if advice, err := send(t, always(Answer{Err: c.err}), t.Context()); err == nil || !advice.Retry || advice.Reason != c.reason {
				t.Errorf("%v: got %+v, %v, want reason %s", c.err, advice, err, c.reason)
			}
		}
	})
	t.Run("an expired context is told as such", func(t *testing.T) {
		ctx, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
		defer cancel()
		advice, err := send(t, NewNetwork(func(_ int, r *http.Request) Answer { return Answer{Err: r.Context().Err()} }), ctx)
		if !errors.Is(err, context.DeadlineExceeded) || !advice.Retry {
			t.Errorf("got %+v, %v", advice, err)
		}
	})
	t.Run("a link-local address is refused", func(t *testing.T) {
		for _, u := range []string{"http://169.254.169.254/latest/", "http://[fe80::1]/", "http://[::ffff:169.254.169.254]/"} {
			if n, err := s.New(t, u, destination.NewClient(nil)); err == nil {
				if _, err = n.Send(t.Context(), Sample()); err == nil || !errors.Is(err, destination.ErrLinkLocal) {
					t.Errorf("%s: got %v", u, err)
				}
			}
		}
	})
	t.Run("what the answer says beyond 64 KiB is not read", func(t *testing.T) {
		a := Answer{Status: 400, Body: strings.Repeat("x", 1<<20)}
		if _, err := send(t, always(a), t.Context()); err == nil || len(err.Error()) > 8<<10 {
			t.Errorf("error of %d bytes", len(err.Error()))
		}
	})
	t.Run("the notification is not changed", func(t *testing.T) {
		net := always(s.Accept)
		n, err := s.New(t, "https://destination.example.com/", net.Client())
		if err != nil {
			t.Fatal(err)
		}
		m, want := Sample(), Sample()
		if _, err := n.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		for i := range m.Alerts {
			if !maps.Equal(m.Alerts[i].Labels, want.Alerts[i].Labels) || !maps.Equal(m.Alerts[i].Annotations, want.Alerts[i].Annotations) {
				t.Error("labels or annotations were changed")
			}
		}
	})
}
