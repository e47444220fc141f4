package alerting

import (
	"slices"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/exporters/destination"
)

func TestOneIncidentPerModelAndCauseOpensAfterGroupWaitAndCloses(t *testing.T) {
	f := &fake{}
	d := newTest(t, Options{Default: f})
	a, b := firing(t0, "feature", "x"), firing(t0.Add(10*time.Second), "feature", "y")
	step(t, d, t0, a)
	step(t, d, t0.Add(10*time.Second), b)
	if len(f.got) != 0 {
		t.Fatalf("told before group_wait: %v", f.actions())
	}
	step(t, d, t0.Add(30*time.Second))
	if len(f.got) != 1 || len(f.got[0].Alerts) != 2 || f.got[0].Action != Trigger {
		t.Fatalf("want one trigger with both alerts, got %+v", f.got)
	}
	step(t, d, t0.Add(time.Minute), ended(a, t0.Add(time.Minute)), ended(b, t0.Add(time.Minute)))
	if len(f.got) != 1 {
		t.Fatal("closed before group_interval")
	}
	step(t, d, t0.Add(5*time.Minute+30*time.Second))
	if want := []Action{Trigger, Resolve}; !slices.Equal(f.actions(), want) {
		t.Fatalf("got %v, want %v", f.actions(), want)
	}
	if f.got[0].Key != f.got[1].Key || len(f.got[0].Key) != 64 {
		t.Fatal("the resolve has another dedup key")
	}
	step(t, d, t0.Add(time.Hour))
	if len(d.alerts)+len(d.incidents)+len(d.groups) != 0 {
		t.Fatalf("something is left: %d alerts, %d incidents, %d groups", len(d.alerts), len(d.incidents), len(d.groups))
	}
}

func TestAnIncidentThatIsOpenForLongClosesAtOnce(t *testing.T) {
	f := &fake{}
	d := newTest(t, Options{Default: f})
	a := firing(t0)
	step(t, d, t0.Add(30*time.Second), a)
	end := t0.Add(time.Hour)
	step(t, d, end, ended(a, end))
	if want := []Action{Trigger, Resolve}; !slices.Equal(f.actions(), want) {
		t.Fatalf("got %v, want %v", f.actions(), want)
	}
}

func TestJoiningFeaturesUpdateTheIncidentAtMostEveryGroupInterval(t *testing.T) {
	f := &fake{}
	d := newTest(t, Options{Default: f})
	now := t0.Add(30 * time.Second)
	step(t, d, now, firing(t0, "feature", "a"))
	for i := range 10 {
		now = now.Add(time.Minute)
		step(t, d, now, firing(now, "feature", string(rune('b'+i))))
	}
	if want := []Action{Trigger, Update, Update}; !slices.Equal(f.actions(), want) {
		t.Fatalf("got %v, want %v", f.actions(), want)
	}
	if n := f.got[2]; n.Reason != destination.ReasonJoined || len(n.Features()) != 11 {
		t.Fatalf("second update: %s with %d features", n.Reason, len(n.Features()))
	}
}

func TestQuietWeatherSaysNothing(t *testing.T) {
	f := &fake{}
	d := newTest(t, Options{Default: f})
	for i := range 100 {
		now := t0.Add(time.Duration(i) * time.Minute)
		a := firing(now)
		a.Labels["severity"] = "info"
		step(t, d, now, ended(firing(t0), now), a)
	}
	if len(f.got) != 0 {
		t.Fatalf("told of nothing: %+v", f.got)
	}
}
