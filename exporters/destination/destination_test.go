package destination

import (
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/plumbline-ml/plumbline/internal/alert"
)

var now = time.Date(2026, 11, 3, 14, 3, 0, 0, time.UTC)

func one(labels, annotations map[string]string) Notification {
	labels["alertname"] = "ModelDrift"
	a := alert.Alert{Labels: labels, Annotations: annotations, State: alert.Firing, StartsAt: now.Add(-time.Hour)}
	return Notification{Node: "node-7", At: now, Since: a.StartsAt, Action: Trigger, Alerts: []alert.Alert{a}}
}

func TestTheSummaryAddsWhatTheRuleDidNotSay(t *testing.T) {
	bare := func(s string) Notification {
		return one(map[string]string{"model": "spam", "feature": "x"}, map[string]string{"summary": s})
	}
	full := bare("spam: x drifted on node-7.")
	blind := bare("x drifted")
	blind.Alerts[0].DataMissing = true
	ended := bare("x drifted")
	ended.Action, ended.Alerts[0].State = Resolve, alert.Resolved
	old := bare("x drifted")
	old.Since = now.AddDate(0, -1, 0)
	drifted := bare("x drifted")
	drifted.Alerts[0].Annotations["onset"] = "2026-11-03 12:41:09 UTC" // what the page is about began before the alert did
	fleet := bare("x drifted")
	fleet.Node = ""
	for _, node := range []string{"a", "b"} {
		a := fleet.Alerts[0].Clone()
		a.Labels["node"] = node
		fleet.Alerts = append(fleet.Alerts, a)
	}
	for _, c := range []struct {
		n    Notification
		want string
	}{
		{bare("x drifted"), "spam: x drifted on node-7, since 13:03 UTC"},
		{full, "spam: x drifted on node-7, since 13:03 UTC"},
		{bare(""), "spam: ModelDrift on x on node-7, since 13:03 UTC"},
		{blind, "spam: x drifted on node-7, since 13:03 UTC (blind: its data is missing, so it cannot resolve)"},
		{ended, "resolved: spam: x drifted on node-7, since 13:03 UTC"},
		{old, "spam: x drifted on node-7, since 2026-10-03 14:03 UTC"},
		{drifted, "spam: x drifted on node-7, since 12:41 UTC"},
		{fleet, "spam: x drifted on 2 nodes, since 13:03 UTC, 3 alerts"},
		{bare("x\r\ndrifted \x1b[2J"), "spam: x drifted [2J on node-7, since 13:03 UTC"},
	} {
		if got := c.n.Summary(); got != c.want {
			t.Errorf("\n got %q\nwant %q", got, c.want)
		}
	}
}

func TestTheOrderOfAPageIsFiringThenSevereThenOld(t *testing.T) {
	mk := func(name, severity string, state alert.State, age time.Duration) alert.Alert {
		return alert.Alert{Labels: map[string]string{"alertname": name, "severity": severity}, State: state, StartsAt: now.Add(-age)}
	}
	order := []alert.Alert{mk("a", "critical", alert.Firing, 2), mk("b", "critical", alert.Firing, 1), mk("c", "warning", alert.Firing, 9), mk("d", "", alert.Firing, 9), mk("e", "critical", alert.Resolved, 9)}
	for i := range order {
		for j := range order {
			if got := Less(order[i], order[j]); (got < 0) != (i < j) || (got == 0) != (i == j) {
				t.Errorf("Less(%s, %s) = %d", order[i].Name(), order[j].Name(), got)
			}
		}
	}
}

func TestRetryAfterIsReadInBothForms(t *testing.T) {
	for h, want := range map[string]time.Duration{
		"": 0, "30": 30 * time.Second, " 1.5 ": 1500 * time.Millisecond, "-3": 0, "soon": 0, "NaN": 0, "1e300": time.Hour, "7200": time.Hour,
		now.Add(time.Minute).Format(http.TimeFormat): time.Minute, now.Add(-time.Minute).Format(http.TimeFormat): 0, now.AddDate(1, 0, 0).Format(http.TimeFormat): time.Hour,
	} {
		if got := RetryAfter(h, now); got != want {
			t.Errorf("%q: %v, want %v", h, got, want)
		}
	}
}

func TestAddressesThatNoDestinationHasAreRefused(t *testing.T) {
	for _, u := range []string{"", "example.com", "file:///etc/passwd", "http://", "http://169.254.169.254/", "http://[fe80::1%25eth0]/", "http://[::ffff:169.254.1.1]:80/", "://x", "http://a b/"} {
		if CheckURL(u) == nil {
			t.Errorf("%q was let through", u)
		}
	}
	for _, u := range []string{"http://127.0.0.1:8080/x", "https://events.pagerduty.com/v2/enqueue", "http://[::1]:9093/"} {
		if err := CheckURL(u); err != nil {
			t.Errorf("%q: %v", u, err)
		}
	}
}

func TestFactsSayTheTriageInOrderAndAreBounded(t *testing.T) {
	n := one(map[string]string{"model": "spam", "cause": "drift", "feature": "x0"}, map[string]string{
		"summary": "spam: x0 drifted", "description": "first line\nsecond\x00 line\n", "onset": "13:00", "onset_interval": "12:50 to 13:10",
		"records": "4000", "effective_records": "1200", "segment": "country=DE", "version_change": "v12 to v13 at 12:58 UTC", "moved": "mean", "expected": "1", "seen": "2", "effect": "+1", "contributors": "x0: 61%\nx1: 30%", "breakdown": "a\nb", "runbook_url": "r", "dashboard_url": "d"})
	for range 200 {
		a := n.Alerts[0].Clone()
		a.Labels["feature"] += "x"
		a.Annotations = map[string]string{"summary": "spam: " + a.Labels["feature"] + " drifted too"}
		n.Alerts = append(n.Alerts, a)
		a.Labels["feature"] = "x" + strings.Repeat("y", len(n.Alerts))
		a.Annotations["summary"] = "moved"
	}
	var names []string
	for _, f := range n.Facts() {
		names = append(names, f.Name)
		if list, ok := f.Value.([]string); ok && len(list) > 51 || len(f.Text()) > 200_000 {
			t.Errorf("%s is not bounded", f.Name)
		}
	}
	want := "model cause feature segment moved expected seen effect since n node contributors version_change breakdown severity description features runbook dashboard"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func FuzzCutAndOneLineKeepTextWhole(f *testing.F) {
	f.Add("größer als sonst", 5)
	f.Add("\xff\x00", 0)
	f.Fuzz(func(t *testing.T, s string, n int) {
		n = max(n%2000, 0)
		line := OneLine(s)
		if !utf8.ValidString(line) || strings.ContainsAny(line, "\r\n\x1b\x00") {
			t.Errorf("%q", line)
		}
		if got := Cut(line, n); utf8.RuneCountInString(got) > n || !utf8.ValidString(got) {
			t.Errorf("cut to %d: %q", n, got)
		}
	})
}
