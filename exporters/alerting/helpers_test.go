package alerting

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/exporters/destination"
	"github.com/plumbline-ml/plumbline/internal/alert"
)

var t0 = time.Date(2026, 11, 3, 14, 0, 0, 0, time.UTC)

// fake is a destination that remembers.
type fake struct {
	mu   sync.Mutex
	got  []Notification
	fail func(n Notification) (RetryAdvice, error)
}

func (f *fake) Name() string { return "fake" }

func (f *fake) Send(_ context.Context, n Notification) (RetryAdvice, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		if advice, err := f.fail(n); err != nil {
			return advice, err
		}
	}
	f.got = append(f.got, n)
	return RetryAdvice{}, nil
}

func (f *fake) actions() []Action {
	var out []Action
	for _, n := range f.got {
		out = append(out, n.Action)
	}
	return out
}

var errDown = errors.New("connection refused")

func down(Notification) (RetryAdvice, error) {
	return RetryAdvice{Retry: true, Reason: destination.Network}, errDown
}

// firing makes an alert that fires since start.
func firing(start time.Time, labels ...string) alert.Alert {
	l := map[string]string{"alertname": "FeatureMissing", "severity": "critical", "model": "spam", "cause": "missing"}
	for i := 0; i+1 < len(labels); i += 2 {
		l[labels[i]] = labels[i+1]
	}
	return alert.Alert{Labels: l, Annotations: map[string]string{"summary": l["feature"] + " is missing in 96 % of requests (reference 2 %)"}, State: alert.Firing, ActiveAt: start, StartsAt: start, UpdatedAt: start}
}

// at is the same alert as of a later evaluation.
func at(a alert.Alert, now time.Time) alert.Alert { a.UpdatedAt = now; return a }

// ended is the end of an alert.
func ended(a alert.Alert, now time.Time) alert.Alert {
	a.Labels = maps.Clone(a.Labels)
	a.State, a.EndsAt, a.UpdatedAt = alert.Resolved, now, now
	return a
}

func newTest(t *testing.T, opts Options) *Dispatcher {
	t.Helper()
	if opts.Now == nil {
		opts.Now = func() time.Time { return t0 }
	}
	if opts.Node == "" {
		opts.Node = "node-7"
	}
	opts.Rand = rand.New(rand.NewPCG(1, 2))
	d, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func process(t *testing.T, d *Dispatcher, now time.Time, alerts ...alert.Alert) {
	t.Helper()
	if err := d.Process(now, alerts); err != nil {
		t.Fatal(err)
	}
}

// step is one evaluation: alerts come in, decisions are made and sent.
func step(t *testing.T, d *Dispatcher, now time.Time, alerts ...alert.Alert) []Notification {
	t.Helper()
	process(t, d, now, alerts...)
	out := d.Tick(now)
	d.Deliver(context.Background(), now)
	return out
}

func newTextLogger(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
