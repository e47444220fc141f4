package alerting

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/exporters/pagerduty/standin"
	"github.com/plumbline-ml/plumbline/internal/alert"
)

// perMinute is the largest number of calls in any sliding minute.
func perMinute(calls []standin.Call) int {
	most, first := 0, 0
	for i, c := range calls {
		for c.At.Sub(calls[first].At) >= time.Minute {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// folded is the largest number of equal actions on one key within a sliding window.
func folded(calls []standin.Call, action string, window time.Duration) int {
	most := 0
	byKey := map[string][]time.Time{}
	for _, c := range calls {
		if c.Event.Action != action {
			continue
		}
		times := slices.DeleteFunc(byKey[c.Event.DedupKey], func(t time.Time) bool { return c.At.Sub(t) >= window })
		byKey[c.Event.DedupKey] = append(times, c.At)
		most = max(most, len(times)+1)
	}
	return most
}

func TestFiveHundredFlappingAlertsStayWithinTheLimitAndFold(t *testing.T) {
	w := newWorld(t)
	w.routes = strings.NewReplacer("group_wait: 1s", "group_wait: 0s", "group_interval: 10s", "group_interval: 5m").Replace(testRoutes)
	w.boot()
	episode := map[int]alert.Alert{}
	minutes := 12
	if testing.Short() {
		minutes = 7
	}
	for second := range minutes * 60 {
		for i := range 500 {
			if a, fires := episode[i]; fires {
				w.end(a.Key())
				delete(episode, i)
			} else {
				w.fire("model", fmt.Sprintf("m%03d", i))
				episode[i] = w.unsaid[len(w.unsaid)-1]
			}
		}
		w.advance(time.Second)
		if second == 400 { // a restart must not forget how much was called
			w.boot()
		}
	}
	if got := perMinute(w.pd.History()); got > 100 || got < 90 {
		t.Errorf("%d calls in a minute, want at most 100 and nearly that", got)
	}
	for _, action := range []string{"trigger", "resolve"} {
		if got := folded(w.pd.History(), action, 5*time.Minute); got > 1 {
			t.Errorf("%d times %s on one key within five minutes", got, action)
		}
	}
	for range 25 {
		w.advance(time.Minute)
	}
	w.check()
	if w.d.Pending() != 0 {
		t.Errorf("%d still wait", w.d.Pending())
	}
}

func TestRetryAfterIsObeyedToTheSecond(t *testing.T) {
	for _, header := range []string{"30", t0.Add(32 * time.Second).Format(http.TimeFormat)} {
		w := newWorld(t)
		w.pd.Script(func(call int) *standin.Reply {
			if call == 0 {
				return &standin.Reply{Status: 429, RetryAfter: header}
			}
			return nil
		})
		for i := range 5 {
			w.fire("model", fmt.Sprintf("m%d", i))
		}
		for range 100 {
			w.advance(500 * time.Millisecond)
		}
		h := w.pd.History()
		gap := h[1].At.Sub(h[0].At)
		if gap < 29*time.Second || gap > 31500*time.Millisecond {
			t.Errorf("Retry-After %q: the next call came after %v", header, gap)
		}
		w.check()
	}
}

func TestWhatIsRefusedForGoodIsNotRepeatedAndWhatFailsIs(t *testing.T) {
	for _, c := range []struct {
		reply standin.Reply
		calls int // within two minutes, at least; 1 means not repeated
	}{
		{standin.Reply{Status: 400, Body: `{"errors":["no"]}`}, 1},
		{standin.Reply{Status: 408}, 4}, {standin.Reply{Status: 429}, 4}, {standin.Reply{Status: 500}, 4}, {standin.Reply{Status: 503}, 4},
		{standin.Reply{Status: 200, Body: `{"hello":"proxy"}`}, 4}, {standin.Reply{Status: 302, Header: http.Header{"Location": {"http://x/"}}}, 4},
		{standin.Reply{Reset: true}, 4},
	} {
		w := newWorld(t)
		w.pd.Script(func(int) *standin.Reply { return &c.reply })
		w.fire()
		for range 120 {
			w.advance(time.Second)
		}
		got := len(w.pd.History())
		if c.calls == 1 && got != 1 || c.calls > 1 && (got < c.calls || got > 12) {
			t.Errorf("%+v: %d calls in two minutes", c.reply, got)
		}
		w.pd.Script(nil)
		w.end(firing(t0).Key())
		w.advance(time.Minute)
		w.advance(time.Minute)
		if len(w.pd.Open()) != 0 || w.d.Pending() != 0 {
			t.Errorf("%+v: %d open, %d wait at the end", c.reply, len(w.pd.Open()), w.d.Pending())
		}
	}
}

func TestOneNodesResolveLeavesTheOthersIncidentOpen(t *testing.T) {
	pd := standin.New(standin.Options{Now: func() time.Time { return t0 }})
	mk := func(node string) *Dispatcher {
		return newTest(t, Options{Node: node, Routes: []byte(testRoutes), HTTPClient: &http.Client{Transport: pd.Transport()}})
	}
	a, b := mk("node-a"), mk("node-b")
	x := firing(t0)
	for _, d := range []*Dispatcher{a, b} {
		step(t, d, t0.Add(time.Second), x)
	}
	if len(pd.Open()) != 2 {
		t.Fatalf("%d incidents are open, want one per node", len(pd.Open()))
	}
	step(t, a, t0.Add(time.Minute), ended(x, t0.Add(time.Minute)))
	if open := pd.Open(); len(open) != 1 || open[0].Last.Source != "node-b" {
		t.Fatalf("open: %+v", open)
	}
	step(t, b, t0.Add(time.Minute), ended(x, t0.Add(time.Minute)))
	if len(pd.Open()) != 0 {
		t.Fatal("the other one did not close")
	}
}

func TestAGatewayKeepsNodesApartUnlessTheScopeIsTheFleet(t *testing.T) {
	pd := standin.New(standin.Options{Now: func() time.Time { return t0 }})
	d := newTest(t, Options{Node: "gateway", Routes: []byte(testRoutes), HTTPClient: &http.Client{Transport: pd.Transport()}})
	a, b := firing(t0, "node", "node-a"), firing(t0, "node", "node-b")
	step(t, d, t0.Add(time.Second), a, b)
	if len(pd.Open()) != 2 {
		t.Fatalf("%d incidents", len(pd.Open()))
	}
	now := t0.Add(time.Minute)
	step(t, d, now, ended(a, now), ended(b, now))
	fa, fb := firing(now, "node", "node-a", "scope", "fleet"), firing(now, "node", "node-b", "scope", "fleet")
	now = now.Add(time.Second)
	step(t, d, now, fa, fb)
	open := pd.Open()
	if len(open) != 1 || open[0].Last.Source != "2 nodes" {
		t.Fatalf("open: %+v", open)
	}
	now = now.Add(time.Minute)
	step(t, d, now, ended(fa, now))
	if open = pd.Open(); len(open) != 1 || open[0].Last.Source != "node-b" {
		t.Fatalf("one node's end closed or did not update the shared incident: %+v", open)
	}
	now = now.Add(time.Minute)
	step(t, d, now, ended(fb, now))
	if len(pd.Open()) != 0 {
		t.Fatal("the shared incident is still open")
	}
}

func TestAlertsThatLostTheirDataStayFiringAndTheIncidentSaysSo(t *testing.T) {
	w := newWorld(t)
	w.fire("feature", "x")
	for range 3 {
		w.advance(time.Second)
	}
	for key, a := range w.truth {
		a.DataMissing, a.UpdatedAt = true, w.now.Add(time.Minute)
		w.truth[key] = a
		w.unsaid = append(w.unsaid, a)
	}
	for range 24 { // hours of silence
		w.advance(time.Hour)
	}
	w.check()
	last := w.pd.Open()[0].Last
	blind := slices.ContainsFunc(last.Details, func(d standin.Detail) bool { return d.Name == "blind" })
	if !blind || !strings.Contains(last.Summary, "blind") {
		t.Errorf("the page does not say that it is blind: %s", last.Summary)
	}
}

func TestABatchThatWasOvertakenChangesNothing(t *testing.T) {
	f := &fake{}
	d := newTest(t, Options{Default: f})
	a := firing(t0)
	step(t, d, t0.Add(time.Minute), at(a, t0.Add(time.Minute)))
	end := t0.Add(10 * time.Minute)
	step(t, d, end, ended(a, end))
	step(t, d, end.Add(time.Minute), at(a, t0.Add(2*time.Minute))) // a retried batch from before the end
	step(t, d, end.Add(10*time.Minute))
	if want := []Action{Trigger, Resolve}; !slices.Equal(f.actions(), want) {
		t.Fatalf("got %v, want %v", f.actions(), want)
	}
}

func TestAClockThatJumpsBackNeitherResolvesNorHoldsAnIncident(t *testing.T) {
	for _, jump := range []time.Duration{-time.Hour, time.Hour, 240 * time.Hour} {
		f := &fake{}
		d := newTest(t, Options{Default: f})
		a := firing(t0)
		step(t, d, t0.Add(time.Minute), at(a, t0.Add(time.Minute)))
		now := t0.Add(2 * time.Minute).Add(jump)
		for range 5 {
			now = now.Add(time.Minute)
			step(t, d, now, at(a, now))
		}
		for _, n := range f.got[1:] {
			if n.Action == Resolve || jump < 4*time.Hour {
				t.Fatalf("jump of %v: told %s (%s)", jump, n.Action, n.Reason)
			}
		}
		step(t, d, now, ended(a, now))
		for range 20 {
			now = now.Add(5 * time.Minute)
			step(t, d, now)
		}
		if last := f.got[len(f.got)-1]; last.Action != Resolve || len(d.incidents) != 0 {
			t.Fatalf("jump of %v: the end was not told within reach: %v", jump, f.actions())
		}
	}
}
