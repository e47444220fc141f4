package alerting

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/plumbline-ml/plumbline/exporters/pagerduty/standin"
	"github.com/plumbline-ml/plumbline/internal/alert"
)

func TestRunDeliversByItselfAndStopsCleanly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pd := standin.New(standin.Options{})
		pd.Script(func(call int) *standin.Reply {
			if call == 1 {
				return &standin.Reply{Status: 429, RetryAfter: "20"}
			}
			return nil
		})
		d, err := New(Options{Routes: []byte(testRoutes), Node: "n", HTTPClient: &http.Client{Transport: pd.Transport()}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = d.Run(ctx) })
		a := firing(time.Now())
		process(t, d, time.Now(), a)
		time.Sleep(5 * time.Second)
		if len(pd.Open()) != 1 {
			t.Fatal("not opened")
		}
		time.Sleep(20 * time.Second)
		process(t, d, time.Now(), ended(a, time.Now()))
		began := time.Now()
		for len(pd.Open()) > 0 {
			time.Sleep(100 * time.Millisecond)
		}
		if took := time.Since(began); took < 19*time.Second || took > 21*time.Second {
			t.Errorf("closed after %v, Retry-After was 20 s", took)
		}
		cancel()
		running.Wait()
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestStoppingWaitsForACallThatIsUnderWayButNotForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pd := standin.New(standin.Options{})
		pd.Script(func(int) *standin.Reply { return &standin.Reply{Hang: true} })
		d, err := New(Options{Routes: []byte(testRoutes), HTTPClient: &http.Client{Transport: pd.Transport()}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = d.Run(ctx) })
		process(t, d, time.Now(), firing(time.Now()))
		time.Sleep(2 * time.Second)
		began := time.Now()
		cancel()
		running.Wait()
		if took := time.Since(began); took < time.Second || took > 4*time.Second {
			t.Errorf("stopped after %v", took)
		}
		if d.Pending() != 1 {
			t.Error("what was not acknowledged must still wait")
		}
	})
}

func TestASlowDestinationDoesNotHoldUpAnotherOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pd := standin.New(standin.Options{})
		slow := roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "slow" {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return pd.Transport().RoundTrip(r)
		})
		d, err := New(Options{HTTPClient: &http.Client{Transport: slow}, Routes: []byte(`
route: {receiver: both, group_by: [model], group_wait: 0s}
receivers:
  - name: both
    webhook_configs: [{url: "http://slow/"}]
    pagerduty_configs: [{routing_key: ` + testKey + `}]
`)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = d.Run(ctx) })
		for i := range 5 {
			process(t, d, time.Now(), firing(time.Now(), "model", fmt.Sprint(i)))
		}
		time.Sleep(3 * time.Second)
		if n := len(pd.Open()); n != 5 {
			t.Errorf("%d of 5 incidents are open after three seconds", n)
		}
		cancel()
		running.Wait()
	})
}

// TestNothingPrintsASecret drives every error path with secrets in every place and looks at all that comes out.
func TestNothingPrintsASecret(t *testing.T) {
	var out strings.Builder
	for _, reply := range []*standin.Reply{nil, {Status: 400, Body: `{"status":"x","message":"` + testKey + `","errors":["` + testKey + `"]}`}, {Status: 500, Body: testKey}, {Reset: true}, {Status: 302, Header: http.Header{"Location": {"http://" + testKey + "/"}}}} {
		w := newWorld(t)
		w.pd.Script(func(int) *standin.Reply { return reply })
		w.d.opts.Logger = nil
		w.d.log = newTextLogger(&out)
		w.fire()
		for range 30 {
			w.advance(time.Second)
		}
		for name, data := range w.disk.sections {
			out.WriteString(name)
			out.Write(data)
		}
		for _, inc := range w.d.incidents {
			fmt.Fprintf(&out, "%+v", inc.notification("").Alerts)
		}
	}
	if strings.Contains(out.String(), testKey) {
		i := strings.Index(out.String(), testKey)
		t.Errorf("printed: …%s…", out.String()[max(i-200, 0):i])
	}
	if !strings.Contains(out.String(), "was not accepted") {
		t.Error("nothing was logged: the test proves nothing")
	}
}

func BenchmarkTickWithTenThousandOpenIncidents(b *testing.B) {
	d, err := New(Options{DryRun: true, Routes: []byte("route: {receiver: page, group_by: ['...'], group_wait: 0s}\nreceivers: [{name: page, log_configs: [{}]}]")})
	if err != nil {
		b.Fatal(err)
	}
	var batch []alert.Alert
	for i := range 10_000 {
		batch = append(batch, firing(t0, "i", fmt.Sprint(i)))
	}
	_ = d.Process(t0, batch)
	if n := len(d.Tick(t0)); n != 10_000 {
		b.Fatal(n)
	}
	now := t0
	for b.Loop() {
		now = now.Add(time.Millisecond)
		d.Tick(now)
	}
}
