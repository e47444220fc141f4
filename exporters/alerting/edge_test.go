package alerting

import (
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/exporters/destination"
	"github.com/plumbline-ml/plumbline/exporters/pagerduty/standin"
	"github.com/plumbline-ml/plumbline/internal/alert"
)

func TestTemplatesOfTheRoutesAreRenderedWithAlertmanagersData(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"own.tmpl": `{{ define "own.title" }}{{ .CommonLabels.model | toUpper }}: {{ .Alerts.Firing | len }} of {{ .Alerts | len }}{{ end }}`,
		"routes.yaml": `
templates: ["*.tmpl"]
route: {receiver: page, group_by: [model], group_wait: 0s, group_interval: 1s}
receivers:
  - name: page
    pagerduty_configs:
      - routing_key: ` + testKey + `
        description: '{{ template "own.title" . }}'
        class: '{{ .Nonsense.Field }}'
        details: {reason: '{{ .NotificationReason }}', status: '{{ .Status }}', receiver: '{{ .Receiver }}', group: '{{ .GroupLabels.model }}'}
`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pd := standin.New(standin.Options{})
	d := newTest(t, Options{RoutesFile: filepath.Join(dir, "routes.yaml"), HTTPClient: &http.Client{Transport: pd.Transport()}, ExternalURL: "http://node-7:9464"})
	a, b := firing(t0, "feature", "a"), firing(t0, "feature", "b")
	step(t, d, t0, a, b)
	now := t0.Add(time.Minute)
	step(t, d, now, ended(a, now))
	e := pd.Open()[0].Last
	if e.Summary != "SPAM: 1 of 2" || e.Class != "FeatureMissing" || e.ClientURL != "http://node-7:9464" {
		t.Errorf("%+v", e)
	}
	for name, want := range map[string]string{"reason": "changed", "status": "firing", "receiver": "page", "group": "spam"} {
		i := slices.IndexFunc(e.Details, func(d standin.Detail) bool { return d.Name == name })
		if i < 0 || e.Details[i].Value != want {
			t.Errorf("detail %s: %+v", name, e.Details)
		}
	}
}

func TestANotificationThatMakesTheDestinationFailStepsAside(t *testing.T) {
	f := &fake{fail: func(n Notification) (RetryAdvice, error) {
		if n.GroupLabels["model"] == "poison" {
			return RetryAdvice{Retry: true, Reason: destination.Server}, errDown
		}
		return RetryAdvice{}, nil
	}}
	d, _ := routed(t, "route: {receiver: page, group_by: [model], group_wait: 0s}")
	d.opts.Default = f
	if err := d.Reload(); err != nil {
		t.Fatal(err)
	}
	step(t, d, t0, firing(t0, "model", "poison"))
	now := t0
	for range 5 * 60 {
		now = now.Add(time.Second)
		step(t, d, now, firing(now, "model", "m"))
	}
	if len(f.got) == 0 {
		t.Fatal("one notification held up all the others for five minutes")
	}
}

func TestALongOutageOfServerErrorsEndsWithEverythingDelivered(t *testing.T) {
	w := newWorld(t)
	w.pd.Script(func(int) *standin.Reply { return &standin.Reply{Status: 503} })
	for i := range 20 {
		w.fire("model", string(rune('a'+i)))
		w.advance(30 * time.Second)
	}
	w.pd.Script(nil)
	for range 5 {
		w.advance(time.Minute)
	}
	w.check()
}

func TestWhatCannotBeWrittenAsJSONIsMadeReadable(t *testing.T) {
	w := newWorld(t)
	a := firing(w.now, "feature", "x\xff")
	a.Annotations["summary"] = "bad \xfe bytes"
	a.Value, a.ActiveAt = math.NaN(), time.Date(20_000, 1, 1, 0, 0, 0, 0, time.UTC)
	w.unsaid = append(w.unsaid, a)
	w.advance(time.Second)
	w.boot()
	w.advance(2 * time.Second)
	if open := w.pd.Open(); len(open) != 1 || !strings.Contains(open[0].Last.Summary, "bad ? bytes") {
		t.Fatalf("%+v", open)
	}
	w.unsaid = append(w.unsaid, ended(a, w.now))
	w.advance(time.Minute)
	if len(w.pd.Open()) != 0 {
		t.Fatal("the end was not recognised as the same alert's")
	}
}

func TestAlertsWithoutIdentityAndPendingOnesAreLeftOut(t *testing.T) {
	d := newTest(t, Options{})
	p := firing(t0)
	p.State = alert.Pending
	long := firing(t0, "x", strings.Repeat("y", maxOneAlertBytes))
	process(t, d, t0, alert.Alert{State: alert.Firing}, p, long, ended(firing(t0), t0))
	if len(d.alerts) != 0 {
		t.Errorf("%d alerts are held", len(d.alerts))
	}
}

func TestASilenceIsChangedInPlaceOrReplaced(t *testing.T) {
	d := newTest(t, Options{})
	set := func(s Silence) string {
		t.Helper()
		id, err := d.SetSilence(t0, s)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	s := Silence{Matchers: []SilenceMatcher{{Name: "a", Value: "b"}}, StartsAt: t0.Add(-time.Hour), EndsAt: t0.Add(time.Hour), CreatedBy: "me"}
	s.ID = set(s)
	s.EndsAt = t0.Add(2 * time.Hour)
	if id := set(s); id != s.ID || !d.silences.byID[id].EndsAt.Equal(s.EndsAt) || !d.silences.byID[id].StartsAt.Equal(t0) {
		t.Errorf("extended: %+v", d.silences.byID[id])
	}
	old := s.ID
	s.Matchers = []SilenceMatcher{{Name: "a", Value: "c"}}
	if id := set(s); id == old || d.silences.byID[old].State(t0) != "expired" {
		t.Error("another matcher needs another silence")
	}
	if err := d.ExpireSilence(t0, old); err == nil {
		t.Error("expired twice")
	}
	if err := d.ExpireSilence(t0, "none"); err == nil {
		t.Error("expired what is not there")
	}
	d.Tick(t0.Add(200 * time.Hour))
	if len(d.silences.byID) != 0 {
		t.Error("ended silences are kept for ever")
	}
}
