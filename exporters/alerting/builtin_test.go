package alerting

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/alert"
)

func TestOneBrokenUpstreamTableIsOnePageAndNotForty(t *testing.T) {
	f := &fake{}
	d := newTest(t, Options{Default: f})
	batch := []alert.Alert{
		firing(t0, "alertname", "Watchdog", "cause", "agent", "severity", "info"), // always fires, explains nothing
		firing(t0, "cause", "schema", "severity", "warning"),                      // never holds back what is critical
		firing(t0, "cause", "drift", "model", "other"),
	}
	for i := range 40 {
		x := fmt.Sprint(i)
		batch = append(batch, firing(t0, "cause", "missing", "feature", x), firing(t0, "cause", "drift", "feature", x), firing(t0, "cause", "frozen", "feature", x, "severity", "warning"))
	}
	step(t, d, t0.Add(time.Minute), batch...)
	var got []string
	for _, n := range f.got {
		got = append(got, fmt.Sprintf("%s %s %s %d", n.Receiver, n.GroupLabels["model"], n.GroupLabels["cause"], len(n.Alerts)))
	}
	slices.Sort(got)
	want := []string{"page other drift 1", "page spam missing 40", "ticket spam schema 1"}
	if !slices.Equal(got, want) {
		t.Errorf("\n got %q\nwant %q", got, want)
	}
}

func TestAnAgentThatIsBlindHoldsBackItsOwnNodeOnly(t *testing.T) {
	f := &fake{}
	d := newTest(t, Options{Default: f})
	step(t, d, t0.Add(time.Minute), firing(t0, "cause", "agent", "node", "a"), firing(t0, "cause", "drift", "node", "a"), firing(t0, "cause", "drift", "node", "b"))
	if len(f.got) != 2 {
		t.Errorf("%d notifications, want the agent on a and the drift on b", len(f.got))
	}
}

func TestItSaysOnceWherePagesGoWithoutARoutesFile(t *testing.T) {
	var out strings.Builder
	d := newTest(t, Options{Logger: newTextLogger(&out)})
	for range 3 {
		if err := d.Reload(); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(out.String(), "no routes file"); n != 1 {
		t.Errorf("said %d times: %s", n, out.String())
	}
	a := firing(t0)
	step(t, d, t0.Add(time.Minute), a)
	end := t0.Add(time.Hour)
	step(t, d, end, ended(a, end))
	if !strings.Contains(out.String(), "level=WARN") || !strings.Contains(out.String(), "resolved: spam") {
		t.Errorf("the log tells no page: %s", out.String())
	}
}

func TestWhatBeganWhileItsCauseFiredIsHeldBackForAWhileAfterIt(t *testing.T) {
	f := &fake{}
	d := newTest(t, Options{Default: f})
	cause, before := firing(t0, "cause", "missing"), firing(t0, "cause", "drift", "feature", "score")
	now := t0.Add(10 * time.Minute)
	step(t, d, t0.Add(time.Minute), cause, before)
	step(t, d, now, ended(cause, now))
	after := firing(now.Add(time.Minute), "cause", "drift", "model", "spam", "feature", "late")
	pages := func() (out []string) {
		for _, n := range f.got {
			out = append(out, fmt.Sprintf("%s %s %d", n.Action, n.GroupLabels["cause"], len(n.Firing())))
		}
		return out
	}
	step(t, d, now.Add(aftermath-time.Minute), before)
	if got, want := pages(), []string{"trigger missing 1", "resolve missing 0"}; !slices.Equal(got, want) {
		t.Fatalf("a symptom outlived its cause for less than %s: got %q, want %q", aftermath, got, want)
	}
	step(t, d, now.Add(aftermath-30*time.Second), after) // it began when the cause was over: nothing explains it
	if got, want := pages()[2:], []string{"trigger drift 1"}; !slices.Equal(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	step(t, d, now.Add(aftermath+10*time.Minute), before, after)
	if got, want := pages()[3:], []string{"update drift 2"}; !slices.Equal(got, want) {
		t.Errorf("a symptom that stays is no symptom: got %q, want %q", got, want)
	}
}
