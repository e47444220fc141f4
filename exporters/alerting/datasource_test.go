package alerting

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-openapi/strfmt"
	"github.com/prometheus/alertmanager/api/v2/models"
)

// TestGrafanasAlertmanagerDataSourceGetsWhatTheAPIPromises makes the calls of Grafana's data source (implementation "prometheus": read
// everything, write silences) and holds each answer against the models that Alertmanager generates from its OpenAPI document.
func TestGrafanasAlertmanagerDataSourceGetsWhatTheAPIPromises(t *testing.T) {
	a := newAPI(t)
	step(t, a.d, t0, firing(t0, "model", "open"), firing(t0, "model", "drifted", "cause", "drift"), firing(t0, "cause", "agent"))
	type validator interface{ Validate(strfmt.Registry) error }
	valid := func(method, path, body string, into validator) {
		t.Helper()
		if code := a.do(method, path, body, into); code != http.StatusOK {
			t.Fatalf("%s %s: %d", method, path, code)
		}
		if err := into.Validate(strfmt.Default); err != nil {
			t.Errorf("%s %s: %v", method, path, err)
		}
	}

	status := &models.AlertmanagerStatus{} // the test of the connection, and the page of notification policies
	valid(http.MethodGet, "/api/v2/status", "", status)
	if status.Config.Original == nil || !strings.Contains(*status.Config.Original, "receivers") {
		t.Error("the status shows no configuration")
	}
	var alerts models.GettableAlerts
	valid(http.MethodGet, "/api/v2/alerts?active=true&silenced=true&inhibited=true", "", &alerts)
	if len(alerts) != 3 {
		t.Errorf("%d alerts, want 3", len(alerts))
	}
	var groups models.AlertGroups
	valid(http.MethodGet, "/api/v2/alerts/groups?filter=model%3D%22open%22&silenced=true&inhibited=true&active=true", "", &groups)
	if len(groups) != 1 || len(groups[0].Alerts) != 1 || *groups[0].Receiver.Name != "page" {
		t.Errorf("groups: %+v", groups)
	}
	receivers := []*models.Receiver{}
	if code := a.do(http.MethodGet, "/api/v2/receivers", "", &receivers); code != http.StatusOK || len(receivers) != 2 || receivers[0].Validate(strfmt.Default) != nil {
		t.Errorf("receivers: %d %+v", code, receivers)
	}

	// The form "add silence", then editing it, then "unsilence".
	const form = `{"id":"","startsAt":"2026-11-03T14:00:00.000Z","endsAt":"2026-11-03T16:00:00.000Z","comment":"created from Grafana","createdBy":"admin",
		"matchers":[{"name":"model","value":"open","isRegex":false,"isEqual":true},{"name":"cause","value":"miss.*","isRegex":true,"isEqual":true}]}`
	var made struct {
		SilenceID string `json:"silenceID"`
	}
	if code := a.do(http.MethodPost, "/api/v2/silences", form, &made); code != http.StatusOK || made.SilenceID == "" {
		t.Fatalf("add silence: %d", code)
	}
	one := &models.GettableSilence{}
	valid(http.MethodGet, "/api/v2/silence/"+made.SilenceID, "", one)
	edited := strings.NewReplacer(`"id":""`, `"id":"`+made.SilenceID+`"`, "T16:00", "T18:00").Replace(form)
	if code := a.do(http.MethodPost, "/api/v2/silences", edited, &made); code != http.StatusOK {
		t.Fatalf("edit silence: %d", code)
	}
	var silences models.GettableSilences
	valid(http.MethodGet, "/api/v2/silences", "", &silences)
	active := 0
	for _, s := range silences {
		if *s.Status.State == models.SilenceStatusStateActive {
			active++
			if end := time.Time(*s.EndsAt); end.Hour() != 18 {
				t.Errorf("the edited silence ends at %v", end)
			}
		}
	}
	if active != 1 {
		t.Errorf("%d active silences, want one", active)
	}
	valid(http.MethodGet, "/api/v2/alerts?filter=model%3D%22open%22", "", &alerts)
	if len(alerts) != 1 || len(alerts[0].Status.SilencedBy) != 1 || *alerts[0].Status.State != models.AlertStatusStateSuppressed {
		t.Errorf("the silenced alert: %+v", alerts)
	}
	if code := a.do(http.MethodDelete, "/api/v2/silence/"+made.SilenceID, "", nil); code != http.StatusOK {
		t.Errorf("unsilence: %d", code)
	}
	alerts = nil
	valid(http.MethodGet, "/api/v2/alerts?filter=model%3D%22open%22", "", &alerts)
	if len(alerts) != 1 || len(alerts[0].Status.SilencedBy) != 0 {
		t.Errorf("after the silence: %+v", alerts)
	}
}
