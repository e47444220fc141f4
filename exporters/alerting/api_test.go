package alerting

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// api is a Dispatcher behind its handler, with a clock that the test moves.
type api struct {
	t   *testing.T
	now time.Time
	d   *Dispatcher
	f   *fake
	h   http.Handler
}

func newAPI(t *testing.T) *api {
	a := &api{t: t, now: t0, f: &fake{}}
	a.d = newTest(t, Options{Default: a.f, Now: func() time.Time { return a.now }, Store: newDisk(), Routes: []byte(`
route:
  receiver: page
  group_by: [model]
  group_wait: 0s
  group_interval: 1s
  routes: [{matchers: [severity="warning"], receiver: ticket, mute_time_intervals: [always]}]
time_intervals: [{name: always, time_intervals: [{years: ['2000:2100']}]}]
inhibit_rules: [{source_matchers: [cause="agent"], target_matchers: [cause="drift"]}]
receivers: [{name: page, log_configs: [{}]}, {name: ticket, log_configs: [{}]}]
`)})
	a.h = a.d.Handler()
	return a
}

func (a *api) do(method, path, body string, into any) int {
	a.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	a.h.ServeHTTP(w, r)
	if into != nil {
		if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
			a.t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
		}
	}
	return w.Code
}

func TestTheAPIShowsAlertsWithWhatHoldsThemBack(t *testing.T) {
	a := newAPI(t)
	step(t, a.d, t0, firing(t0, "model", "open"), firing(t0, "model", "drifted", "cause", "drift"), firing(t0, "cause", "agent"),
		firing(t0, "model", "muted", "severity", "warning"), firing(t0, "model", "quiet"))
	var made map[string]string
	silence := fmt.Sprintf(`{"matchers":[{"name":"model","value":"quiet","isRegex":false}],"startsAt":%q,"endsAt":%q,"createdBy":"me","comment":"x"}`, t0.Format(time.RFC3339), t0.Add(time.Hour).Format(time.RFC3339))
	if code := a.do("POST", "/api/v2/silences", silence, &made); code != 200 || len(made["silenceID"]) != 36 {
		t.Fatal(code, made)
	}
	list := func(query string) string {
		var alerts []apiAlert
		if code := a.do("GET", "/api/v2/alerts"+query, "", &alerts); code != 200 {
			t.Fatal(code)
		}
		var out []string
		for _, x := range alerts {
			out = append(out, x.Labels["model"]+":"+x.Status.State)
		}
		slices.Sort(out)
		return strings.Join(out, " ")
	}
	for query, want := range map[string]string{
		"":                               "drifted:suppressed muted:suppressed open:active quiet:suppressed spam:active",
		"?silenced=false":                "drifted:suppressed muted:suppressed open:active spam:active",
		"?inhibited=false&muted=false":   "open:active quiet:suppressed spam:active",
		"?active=false":                  "drifted:suppressed muted:suppressed quiet:suppressed",
		`?filter=model%3D"open"`:         "open:active",
		`?filter=model%3D~"o.*|q.*"`:     "open:active quiet:suppressed",
		"?receiver=tick.*":               "muted:suppressed",
		`?filter=model%3D"x"&receiver=.`: "",
	} {
		if got := list(query); got != want {
			t.Errorf("%s\n got %s\nwant %s", query, got, want)
		}
	}
	var groups []apiGroup
	a.do("GET", "/api/v2/alerts/groups", "", &groups)
	if len(groups) != 5 || groups[0].Receiver.Name == "" {
		t.Errorf("groups %+v", groups)
	}
	for _, bad := range []string{"/api/v2/alerts?active=maybe", "/api/v2/alerts?filter=%7B", "/api/v2/alerts?receiver=(", "/api/v2/silences?filter=%7B"} {
		if code := a.do("GET", bad, "", nil); code != 400 {
			t.Errorf("%s: %d", bad, code)
		}
	}
	if code := a.do("GET", "/api/v2/silence/none", "", nil); code != 404 {
		t.Error(code)
	}
	var status struct {
		Config struct{ Original string }
	}
	if a.do("GET", "/api/v2/status", "", &status); !strings.Contains(status.Config.Original, "group_by") {
		t.Errorf("%+v", status)
	}
}

func TestASilencedAlertThatEndsDoesNotStrandItsIncident(t *testing.T) {
	a := newAPI(t)
	x := firing(t0)
	step(t, a.d, t0, x)
	if _, err := a.d.SetSilence(t0, Silence{Matchers: []SilenceMatcher{{Name: "model", Value: "spam"}}, StartsAt: t0, EndsAt: t0.Add(24 * time.Hour), CreatedBy: "me"}); err != nil {
		t.Fatal(err)
	}
	for i := range 10 { // silenced: no repetition
		step(t, a.d, t0.Add(time.Duration(i)*2*time.Hour))
	}
	end := t0.Add(20 * time.Hour)
	step(t, a.d, end, ended(x, end))
	if want := []Action{Trigger, Resolve}; !slices.Equal(a.f.actions(), want) {
		t.Fatalf("got %v", a.f.actions())
	}
}

func TestASilenceHoldsBackUntilItEndsAndSurvivesARestart(t *testing.T) {
	a := newAPI(t)
	id, err := a.d.SetSilence(t0, Silence{Matchers: []SilenceMatcher{{Name: "model", Value: "sp.*", IsRegex: true}}, StartsAt: t0, EndsAt: t0.Add(time.Hour), CreatedBy: "me"})
	if err != nil {
		t.Fatal(err)
	}
	again := newTest(t, Options{Default: a.f, Store: a.d.state.store, Routes: []byte("route: {receiver: page, group_wait: 0s}\nreceivers: [{name: page, log_configs: [{}]}]")})
	step(t, again, t0, firing(t0))
	step(t, again, t0.Add(59*time.Minute))
	if len(a.f.got) != 0 {
		t.Fatal("told in spite of the silence")
	}
	if err := again.ExpireSilence(t0.Add(59*time.Minute), id); err != nil {
		t.Fatal(err)
	}
	step(t, again, t0.Add(59*time.Minute))
	if len(a.f.got) != 1 {
		t.Fatal("not told after the silence")
	}
}

func TestBadSilencesAreRefused(t *testing.T) {
	d := newTest(t, Options{})
	ok := Silence{Matchers: []SilenceMatcher{{Name: "a", Value: "b"}}, StartsAt: t0, EndsAt: t0.Add(time.Hour), CreatedBy: "me"}
	no := false
	for name, change := range map[string]func(*Silence){
		"no matcher":            func(s *Silence) { s.Matchers = nil },
		"matches everything":    func(s *Silence) { s.Matchers = []SilenceMatcher{{Name: "a", Value: ".*", IsRegex: true}} },
		"negative only":         func(s *Silence) { s.Matchers[0].IsEqual = &no },
		"bad expression":        func(s *Silence) { s.Matchers = []SilenceMatcher{{Name: "a", Value: "(", IsRegex: true}} },
		"ends in the past":      func(s *Silence) { s.EndsAt = t0.Add(-time.Hour) },
		"ends before it starts": func(s *Silence) { s.StartsAt = t0.Add(2 * time.Hour) },
		"nobody":                func(s *Silence) { s.CreatedBy = "" },
		"unknown id":            func(s *Silence) { s.ID = "x" },
		"a book":                func(s *Silence) { s.Comment = strings.Repeat("x", 1<<20) },
	} {
		s := ok
		s.Matchers = slices.Clone(ok.Matchers)
		change(&s)
		if _, err := d.SetSilence(t0, s); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestPostedAlertsEndByThemselvesAndThoseOfTheRulesDoNot(t *testing.T) {
	a := newAPI(t)
	rule := firing(t0, "model", "rule")
	step(t, a.d, t0, rule)
	post := func(model, more string) {
		t.Helper()
		body := fmt.Sprintf(`[{"labels":{"alertname":"FeatureMissing","severity":"critical","cause":"missing","model":%q,"empty":""}%s}]`, model, more)
		if code := a.do("POST", "/api/v2/alerts", body, nil); code != 200 {
			t.Fatal(code)
		}
		step(t, a.d, a.now)
	}
	post("posted", "")
	post("rule", "")
	a.now = t0.Add(6 * time.Minute)
	step(t, a.d, a.now)
	got := func(model string) (out []Action) {
		for _, n := range a.f.got {
			if n.GroupLabels["model"] == model {
				out = append(out, n.Action)
			}
		}
		return out
	}
	if want := []Action{Trigger, Resolve}; !slices.Equal(got("posted"), want) {
		t.Errorf("posted: %v", got("posted"))
	}
	if want := []Action{Trigger}; !slices.Equal(got("rule"), want) {
		t.Errorf("of a rule: %v", got("rule"))
	}
	post("rule", fmt.Sprintf(`,"endsAt":%q`, a.now.Format(time.RFC3339))) // a person ends it
	if want := []Action{Trigger, Resolve}; !slices.Equal(got("rule"), want) {
		t.Errorf("ended by hand: %v", got("rule"))
	}
	for _, bad := range []string{"{}", "[", `[{"labels":{}}]`} {
		if code := a.do("POST", "/api/v2/alerts", bad, nil); code != 400 {
			t.Errorf("%s: %d", bad, code)
		}
	}
	r := httptest.NewRequest("POST", "/api/v2/alerts", strings.NewReader("[]"))
	r.Header.Set("Content-Type", "text/plain")
	w := httptest.NewRecorder()
	if a.h.ServeHTTP(w, r); w.Code != 400 {
		t.Error("a form of a foreign page could post")
	}
	r = httptest.NewRequest("POST", "/api/v2/alerts", bytes.NewReader(make([]byte, maxAPIBody+1)))
	r.Header.Set("Content-Type", "application/json")
	w = httptest.NewRecorder()
	if a.h.ServeHTTP(w, r); w.Code != 400 {
		t.Error("a body of any size was read")
	}
}

func TestTheRealAmtoolWorks(t *testing.T) {
	bin, err := exec.LookPath("amtool")
	if err != nil {
		t.Skip("amtool is not installed (Debian: prometheus-alertmanager)")
	}
	a := newAPI(t)
	a.d.opts.Now = time.Now // amtool has its own clock
	a.now = time.Now()
	start := a.now.Add(-time.Minute)
	step(t, a.d, a.now, firing(start, "feature", "features.domain_age"), firing(start, "model", "other"))
	server := httptest.NewServer(a.h)
	defer server.Close()
	run := func(want string, args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), bin, append([]string{"--no-version-check", "--alertmanager.url=" + server.URL}, args...)...).CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			t.Fatalf("amtool %v: %v\n%s\nwant %q", args, err, out, want)
		}
		return string(out)
	}
	run("features.domain_age", "alert", "query", "-o", "json")
	run("FeatureMissing", "alert", "query", "model=spam")
	run("group_by", "config", "show")
	id := strings.TrimSpace(run("-", "silence", "add", "model=spam", "--comment=later", "--author=me", "--duration=1h"))
	run(id[:8], "silence", "query", "model=spam")
	if out := run("", "alert", "query", "-o", "json"); strings.Contains(out, "features.domain_age") {
		t.Errorf("amtool shows a silenced alert as active: %s", out)
	}
	run("features.domain_age", "alert", "query", "--silenced", "-o", "json")
	run("", "silence", "expire", id)
	run("features.domain_age", "alert", "query", "-o", "json")
	run("", "alert", "add", "alertname=ByHand", "model=by-hand")
	run("by-hand", "alert", "query", "-o", "json")
	run("page", "config", "routes", "test", "model=spam", "severity=critical")
}

func FuzzTheAPINeverPanics(f *testing.F) {
	f.Add("POST", "/api/v2/alerts", []byte(`[{"labels":{"a":"b"},"endsAt":"2026-01-01T00:00:00Z"}]`))
	f.Add("POST", "/api/v2/silences", []byte(`{"matchers":[{"name":"a","value":"b"}],"startsAt":"2026-11-03T14:00:00Z","endsAt":"2030-01-01T00:00:00Z","createdBy":"x"}`))
	f.Add("GET", "/api/v2/alerts?filter=a=b&receiver=x", []byte{})
	d, err := New(Options{Now: func() time.Time { return t0 }})
	if err != nil {
		f.Fatal(err)
	}
	h := d.Handler()
	f.Fuzz(func(t *testing.T, method, target string, body []byte) {
		r, err := http.NewRequest(method, "http://x"+target, bytes.NewReader(body)) //nolint:noctx // no network
		if err != nil {
			return
		}
		r.Header.Set("Content-Type", "application/json")
		h.ServeHTTP(httptest.NewRecorder(), r)
		d.Tick(t0)
	})
}
