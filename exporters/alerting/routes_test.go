package alerting

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/exporters/destination"
	"github.com/plumbline-ml/plumbline/internal/alert"
)

func TestMistakesInRoutesAreNamedWithTheirPlace(t *testing.T) {
	const ok = "\nreceivers: [{name: page}]\n"
	for _, c := range []struct{ name, yaml, want string }{
		{"empty", "", "routes.yaml:1:1: the file is empty"},
		{"not yaml", "route: [", "routes.yaml:1:1: "},
		{"a list", "- a", "routes.yaml:1:1: the file: want a mapping"},
		{"no route", "receivers: [{name: page}]", "routes.yaml:1:1: there is no route"},
		{"typo", "route: {receiver: page, group_bye: [model]}" + ok, `routes.yaml:1:25: route: key "group_bye" is not honoured by Plumbline; did you mean "group_by"?`},
		{"unknown key deep down", "route:\n  receiver: page\n  routes:\n    - receiver: page\n      group_delay: 5s" + ok, `routes.yaml:5:7: route.routes[0]: key "group_delay" is not honoured`},
		{"a destination of Alertmanager", "route: {receiver: page}\nreceivers:\n  - name: page\n    slack_configs: []\n", `routes.yaml:4:5: receivers[0]: key "slack_configs" is not honoured by Plumbline; forward to an Alertmanager`},
		{"a key of Alertmanager", "global:\n  slack_api_url: http://x/\nroute: {receiver: page}" + ok, `routes.yaml:2:3: global: key "slack_api_url" is not honoured`},
		{"events v1", "route: {receiver: page}\nreceivers:\n  - name: page\n    pagerduty_configs:\n      - service_key: abc\n", `routes.yaml:5:9: receivers[0].pagerduty_configs[0]: key "service_key" is not honoured by Plumbline; Events API v1`},
		{"payload of a webhook", "route: {receiver: page}\nreceivers:\n  - name: page\n    webhook_configs:\n      - {url: 'http://x/', payload: {}}\n", `routes.yaml:5:28: receivers[0].webhook_configs[0]: key "payload"`},
		{"tracing", "tracing: {}\nroute: {receiver: page}" + ok, `routes.yaml:1:1: the file: key "tracing" is not honoured`},
		{"redirects", "global:\n  http_config: {follow_redirects: true}\nroute: {receiver: page}" + ok, "routes.yaml:2:35: global.http_config.follow_redirects: redirects are never followed"},
		{"an undefined receiver", "route:\n  receiver: pgae" + ok, `routes.yaml:2:13: receiver "pgae" is not defined; add it to receivers, or use one of: page`},
		{"an undefined interval", "route:\n  receiver: page\n  routes:\n    - mute_time_intervals: [nights]" + ok, `routes.yaml:4:29: time interval "nights" is not defined`},
		{"a bad duration", "route:\n  receiver: page\n  group_wait: 5 apples" + ok, `routes.yaml:3:15: group_wait: unknown unit " apples" in duration "5 apples"; write a number`},
		{"an alias of itself", "route: &a {receiver: page, routes: [*a]}" + ok, "too large or too deep"},
		{"a bad matcher", "route:\n  receiver: page\n  routes:\n    - matchers: ['model=~\"(\"']" + ok, "routes.yaml:4:7: "},
		{"a zero interval", "route:\n  receiver: page\n  group_interval: 0s" + ok, "routes.yaml:2:3: group_interval cannot be zero"},
		{"a list that is none", "route: {receiver: page}\nreceivers: {name: page}\n", "routes.yaml:2:12: receivers: want a list"},
		{"no key for PagerDuty", "route: {receiver: page}\nreceivers:\n  - name: page\n    pagerduty_configs: [{}]\n", "routes.yaml:3:5: missing service or routing key"},
		{"continue at the root", "route: {receiver: page, continue: true}" + ok, "routes.yaml:1:8: the root route cannot have continue"},
		{"matchers at the root", "route: {receiver: page, matchers: [a=b]}" + ok, "routes.yaml:1:1: root route must not have any matchers"},
		{"an unset variable", "route: {receiver: page}\nreceivers:\n  - name: page\n    pagerduty_configs: [{routing_key: '${env:PLUMBLINE_NOT_SET}'}]\n", "routes.yaml:4:39: environment variable PLUMBLINE_NOT_SET is not set"},
		{"a link-local webhook", "route: {receiver: page}\nreceivers:\n  - name: page\n    webhook_configs: [{url: 'http://169.254.169.254/'}]\n", "link-local"},
		{"a templated webhook", "route: {receiver: page}\nreceivers:\n  - name: page\n    webhook_configs: [{url: 'http://x/{{ .GroupLabels.model }}'}]\n", "would let an alert choose"},
		{"two receivers of a name", "route: {receiver: page}\nreceivers: [{name: page}, {name: page}]\n", "not unique"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := New(Options{Routes: []byte(c.yaml)})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("\n got %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestRoutesOfAlertmanagerUsersAreHonoured(t *testing.T) {
	t.Setenv("PLUMBLINE_TEST_KEY", testKey)
	_, err := New(Options{RoutesFile: "routes.yaml", Routes: []byte(`
global:
  resolve_timeout: 3m
  pagerduty_url: https://events.eu.pagerduty.com/v2/enqueue
  http_config: {proxy_url: "http://proxy.example.com:3128", tls_config: {insecure_skip_verify: true}}
templates: ["templates/*.tmpl"]
route:
  receiver: page
  group_by: ['...']
  group_wait: 10s
  group_interval: 1m
  repeat_interval: 12h
  routes:
    - matchers: [severity="warning", 'model=~"spam.*"']
      receiver: hook
      continue: true
      group_by: []
      mute_time_intervals: [nights]
    - match: {team: ml}
      match_re: {model: "a|b"}
      active_time_intervals: [office]
inhibit_rules:
  - source_matchers: [cause="agent"]
    target_matchers: [cause!="agent"]
    equal: [node]
  - {source_match: {a: b}, target_match_re: {c: "d.*"}}
time_intervals:
  - name: nights
    time_intervals: [{times: [{start_time: "22:00", end_time: "24:00"}], weekdays: ['monday:friday'], location: Europe/Zurich}]
mute_time_intervals:
  - name: office
    time_intervals: [{days_of_month: ['1:-1'], months: ['january:march'], years: ['2020:2030']}]
receivers:
  - name: page
    labels: {team: ml}
    pagerduty_configs:
      - routing_key: ${env:PLUMBLINE_TEST_KEY}
        send_resolved: false
        description: '{{ .CommonAnnotations.summary }}'
        details: {team: '{{ .GroupLabels.team }}'}
        severity: '{{ .CommonLabels.severity }}'
        client: x
        client_url: http://x/
        class: c
        component: d
        group: g
        source: s
        timeout: 5s
        url: http://127.0.0.1:1/v2/enqueue
        images: [{src: "https://x/i.png", href: "https://x/", alt: x}]
        links: [{href: "https://x/", text: x}]
        http_config: &http {basic_auth: {username: u, password: p}, http_headers: {X-A: {values: [b]}}}
  - name: hook
    webhook_configs:
      - {url_file: secret.txt, max_alerts: 3, send_resolved: true, timeout: 3s, http_config: *http}
      - &hook {url: "http://127.0.0.1:1/"}
      - {<<: *hook, max_alerts: 2}
    log_configs: [{send_resolved: false}]
`)})
	if err != nil {
		t.Fatal(err)
	}
}

// routed makes a Dispatcher on routes with one log receiver named page.
func routed(t *testing.T, yaml string) (*Dispatcher, *fake) {
	t.Helper()
	f := &fake{}
	if !strings.Contains(yaml, "receivers:") {
		yaml += "\nreceivers: [{name: page, log_configs: [{}]}, {name: other, log_configs: [{}]}, {name: none}]\n"
	}
	return newTest(t, Options{Routes: []byte(yaml), Default: f}), f
}

func TestGroupByDotsGivesEveryAlertItsOwnIncidentAndAnEmptyListOneForAll(t *testing.T) {
	for by, want := range map[string]int{"['...']": 3, "[]": 1, "[feature]": 2} {
		d, f := routed(t, "route: {receiver: page, group_by: "+by+", group_wait: 0s}")
		step(t, d, t0, firing(t0, "feature", "a"), firing(t0, "feature", "b"), firing(t0, "feature", "b", "model", "m"))
		if len(f.got) != want {
			t.Errorf("group_by %s: %d incidents, want %d", by, len(f.got), want)
		}
	}
}

func TestTheRepeatIntervalRepeatsWhileItFires(t *testing.T) {
	d, f := routed(t, "route: {receiver: page, group_by: [model], group_wait: 0s, repeat_interval: 1h}")
	a := firing(t0)
	for i := range 5 * 60 {
		now := t0.Add(time.Duration(i) * time.Minute)
		step(t, d, now, at(a, now))
	}
	if len(f.got) != 5 || f.got[4].Reason != destination.ReasonRepeated {
		t.Errorf("%d notifications in five hours, want 5", len(f.got))
	}
}

func TestInhibitionHoldsBackWhatALowerLayerExplains(t *testing.T) {
	d, f := routed(t, `
route: {receiver: page, group_by: [model, cause], group_wait: 1m}
inhibit_rules:
  - {source_matchers: [cause="schema"], target_matchers: [cause="drift"], equal: [model]}
  - {source_matchers: [cause=~"drift|mix"], target_matchers: [cause=~"drift|mix"], equal: [region]}
`)
	schema, drift := firing(t0, "cause", "schema", "region", "1"), firing(t0, "cause", "drift", "region", "2")
	other := firing(t0, "cause", "drift", "model", "other", "region", "3")
	step(t, d, t0.Add(time.Minute), schema, drift, other)
	causes := func() (out []string) {
		for _, n := range f.got {
			out = append(out, string(n.Action)+" "+n.GroupLabels["model"]+" "+n.GroupLabels["cause"])
		}
		slices.Sort(out)
		return out
	}
	if got := causes(); !slices.Equal(got, []string{"trigger other drift", "trigger spam schema"}) {
		t.Fatalf("got %v", got)
	}
	f.got = nil
	end := t0.Add(time.Hour)
	step(t, d, end, ended(schema, end))
	step(t, d, end.Add(aftermath))
	if got := causes(); !slices.Equal(got, []string{"resolve spam schema", "trigger spam drift"}) {
		t.Fatalf("after the lower layer recovered: %v", got)
	}
}

func TestAnAlertOnBothSidesOfARuleIsNotInhibitedByAnotherOne(t *testing.T) {
	d, f := routed(t, `
route: {receiver: page, group_by: [cause], group_wait: 0s}
inhibit_rules: [{source_matchers: [cause=~"drift|mix"], target_matchers: [cause=~"drift|rate"]}]
`)
	step(t, d, t0, firing(t0, "cause", "drift"), firing(t0, "cause", "rate"))
	if len(f.got) != 1 || f.got[0].GroupLabels["cause"] != "drift" {
		t.Fatalf("got %+v", f.actions())
	}
	step(t, d, t0.Add(time.Second), firing(t0, "cause", "mix"))
	if len(f.got) != 2 {
		t.Fatalf("mix is not on the target side: %v", f.actions())
	}
}

func TestInhibitingAnOpenIncidentDoesNotStrandIt(t *testing.T) {
	d, f := routed(t, `
route: {receiver: page, group_by: [cause], group_wait: 0s}
inhibit_rules: [{source_matchers: [cause="agent"], target_matchers: [cause="drift"]}]
`)
	drift := firing(t0, "cause", "drift")
	step(t, d, t0, drift)
	step(t, d, t0.Add(time.Hour), firing(t0.Add(time.Hour), "cause", "agent"))
	end := t0.Add(2 * time.Hour)
	step(t, d, end, ended(drift, end))
	if want := []Action{Trigger, Trigger, Resolve}; !slices.Equal(f.actions(), want) {
		t.Fatalf("got %v", f.actions())
	}
}

func TestTimeIntervalsHoldBackAndReleaseAndNeverStrand(t *testing.T) {
	d, f := routed(t, `
route:
  receiver: page
  group_by: [model]
  group_wait: 0s
  repeat_interval: 12h
  routes:
    - {matchers: [severity="warning"], mute_time_intervals: [night]}
    - {matchers: [severity="info"], active_time_intervals: [day]}
time_intervals:
  - {name: night, time_intervals: [{times: [{start_time: "00:00", end_time: "06:00"}]}]}
  - {name: day, time_intervals: [{times: [{start_time: "06:00", end_time: "20:00"}]}]}
`)
	night := time.Date(2026, 11, 4, 2, 0, 0, 0, time.UTC)
	step(t, d, night, firing(night, "severity", "warning", "model", "w"), firing(night, "severity", "info", "model", "i"), firing(night, "model", "c"))
	if len(f.got) != 1 || f.got[0].GroupLabels["model"] != "c" {
		t.Fatalf("at night: %+v", f.got)
	}
	morning := time.Date(2026, 11, 4, 6, 0, 0, 0, time.UTC)
	step(t, d, morning)
	if len(f.got) != 3 {
		t.Fatalf("in the morning: %d", len(f.got))
	}
	end := night.Add(23 * time.Hour) // muted again
	step(t, d, end, ended(firing(night, "severity", "warning", "model", "w"), end))
	if f.got[len(f.got)-1].Action != Resolve {
		t.Fatal("an incident that ended in a mute interval stays open")
	}
}

func TestTwoRoutesToOneReceiverShareAnIncidentAndNeitherClosesItForTheOther(t *testing.T) {
	d, f := routed(t, `
route:
  receiver: none
  group_by: [model]
  group_wait: 0s
  group_interval: 1s
  routes:
    - {matchers: [severity="critical"], receiver: page}
    - {matchers: [severity="warning"], receiver: page}
`)
	a, b := firing(t0), firing(t0, "severity", "warning")
	step(t, d, t0, a, b)
	now := t0.Add(time.Minute)
	step(t, d, now, ended(a, now))
	step(t, d, now.Add(time.Minute))
	for _, n := range f.got {
		if n.Action == Resolve {
			t.Fatal("one route's end closed what the other still fires")
		}
	}
	now = now.Add(2 * time.Minute)
	step(t, d, now, ended(b, now))
	if f.got[len(f.got)-1].Action != Resolve {
		t.Fatal("not closed at the end")
	}
}

func TestReloadFollowsUpIncidentsOfAReceiverThatIsGone(t *testing.T) {
	w := newWorld(t)
	w.fire()
	for range 3 {
		w.advance(time.Second)
	}
	w.routes = "route: {receiver: new, group_by: [model]}\nreceivers: [{name: new}]\n"
	w.d.opts.Routes = []byte(w.routes)
	if err := w.d.Reload(); err != nil {
		t.Fatal(err)
	}
	w.advance(time.Minute)
	w.check() // still open: a reload ends nothing
	w.boot()  // and the new process knows the old receiver from the incident alone
	w.advance(time.Minute)
	w.check()
	w.end(slices.Collect(maps.Keys(w.truth))[0])
	w.advance(time.Minute)
	w.check()
}

func TestABadReloadChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.fire()
	for range 3 {
		w.advance(time.Second)
	}
	w.d.opts.Routes = []byte("route: {receiver: nobody}\nreceivers: []\n")
	if err := w.d.Reload(); err == nil {
		t.Fatal("a route to nobody was taken")
	}
	w.end(slices.Collect(maps.Keys(w.truth))[0])
	w.advance(time.Minute)
	w.check()
}

func TestARefusedIncidentIsTriedAgainUnderANewKey(t *testing.T) {
	w := newWorld(t)
	w.routes = strings.Replace(testRoutes, testKey, "tooshort", 1)
	w.boot()
	w.fire()
	for range 60 {
		w.advance(time.Second)
	}
	if n := len(w.pd.History()); n != 1 || len(w.pd.Open()) != 0 {
		t.Fatalf("%d calls, %d open", n, len(w.pd.Open()))
	}
	w.d.opts.Routes = []byte(testRoutes)
	if err := w.d.Reload(); err != nil {
		t.Fatal(err)
	}
	w.advance(time.Second)
	if len(w.pd.Open()) != 1 {
		t.Fatal("not tried again")
	}
}

func TestSendResolvedFalseOpensAndForgets(t *testing.T) {
	d, f := routed(t, "route: {receiver: page, group_by: [model], group_wait: 0s}\nreceivers: [{name: page, log_configs: [{send_resolved: false}]}]")
	a := firing(t0)
	step(t, d, t0, a)
	end := t0.Add(time.Hour)
	step(t, d, end, ended(a, end))
	if want := []Action{Trigger}; !slices.Equal(f.actions(), want) || len(d.incidents) != 0 {
		t.Fatalf("got %v, %d incidents", f.actions(), len(d.incidents))
	}
}

func TestTheBoundsHold(t *testing.T) {
	f := &fake{fail: down}
	d := newTest(t, Options{Routes: []byte("route: {receiver: page, group_by: ['...'], group_wait: 0s}\nreceivers: [{name: page, log_configs: [{}]}]"), Default: f})
	var batch []alert.Alert
	for i := range maxAlerts + 500 {
		batch = append(batch, firing(t0, "i", fmt.Sprint(i)))
	}
	process(t, d, t0, batch...)
	d.Tick(t0)
	if len(d.alerts) != maxAlerts || d.Pending() != maxPending {
		t.Fatalf("%d alerts, %d wait; want %d and %d", len(d.alerts), d.Pending(), maxAlerts, maxPending)
	}
	big := firing(t0.Add(time.Second), "i", "0")
	big.Annotations = map[string]string{"description": strings.Repeat("ü", 10<<20), "summary": "short"}
	process(t, d, t0.Add(time.Second), big)
	if got := d.alerts[big.Key()]; got.size > maxOneAlertBytes || got.a.Annotations["summary"] != "short" {
		t.Fatalf("one alert holds %d bytes", got.size)
	}
	f.fail = nil
	now := t0.Add(time.Minute)
	d.Tick(now)
	d.Deliver(t.Context(), now)
	for range 3 { // what did not fit comes when there is room
		now = now.Add(time.Minute)
		d.Tick(now)
		d.Deliver(t.Context(), now)
	}
	if len(f.got) != maxAlerts {
		t.Fatalf("%d delivered, want all %d", len(f.got), maxAlerts)
	}
}

func TestKnownKeysAreFoundWithinTwoEdits(t *testing.T) {
	in := routeKeys.in
	for word, want := range map[string]string{"grup_by": "group_by", "recevier": "receiver", "xyz": "", "matcher": "matchers"} {
		if got := nearest(word, in); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}

func FuzzRoutesNeverPanic(f *testing.F) {
	f.Add([]byte(testRoutes))
	f.Add([]byte(BuiltinRoutes))
	f.Add([]byte("route: &a {routes: [*a]}\nreceivers: [{<<: *a}]"))
	f.Add([]byte("a: &a [*a]\nroute: null\nreceivers: null\nglobal: null"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if d, err := New(Options{Routes: data}); err == nil {
			_ = d.Process(t0, []alert.Alert{firing(t0)})
			d.Tick(t0.Add(time.Minute))
		}
	})
}

func TestTheShownRoutesHoldNoSecret(t *testing.T) {
	t.Setenv("PLUMBLINE_TEST_KEY", "envsecret0000000000000000000000ab")
	d, err := New(Options{Routes: []byte(`
global: {http_config: {basic_auth: {username: u, password: hush1}, proxy_url: "http://a:hush2@proxy/"}}
route: {receiver: x, group_by: [model]}
receivers:
  - name: x
    pagerduty_configs: [{routing_key: ` + testKey + `, http_config: {authorization: {credentials: hush3}, http_headers: {X-Token: {secrets: [hush4]}}}}, {routing_key: "${env:PLUMBLINE_TEST_KEY}"}]
    webhook_configs: [{url: "https://hooks.example.com/hush5"}]
    grafana_configs: [{url: "https://grafana.example.com/hush6", token: hush7}]
`)})
	if err != nil {
		t.Fatal(err)
	}
	text := d.routing.original
	for _, s := range []string{"hush", testKey, "envsecret", "grafana"} {
		if strings.Contains(text, s) {
			t.Errorf("%q is shown:\n%s", s, text)
		}
	}
	if !strings.Contains(text, "group_by: [model]") {
		t.Errorf("the routes are not shown:\n%s", text)
	}
}
