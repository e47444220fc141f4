package pagerduty

import (
	"net/http"
	"strings"
	"testing"

	"github.com/plumbline-ml/plumbline/exporters/destination"
	"github.com/plumbline-ml/plumbline/exporters/exportertest"
	"github.com/plumbline-ml/plumbline/exporters/pagerduty/standin"
)

func TestChangeEventsKeepTheContractOfEveryDestination(t *testing.T) {
	exportertest.Run(t, exportertest.Subject{
		New: func(_ *testing.T, url string, client *http.Client) (destination.Notifier, error) {
			return NewChange(Config{URL: url, RoutingKey: exportertest.Secret, Client: client, Now: nowOfSuite})
		},
		Accept: exportertest.Answer{Status: 202, Body: `{"status":"success","message":"Change event processed"}`},
		Refuse: []int{200, 201, 204},
	})
}

func TestANewVersionIsToldOnceAndItsEndAndRepetitionsAreNot(t *testing.T) {
	s := standin.New(standin.Options{Now: nowOfSuite})
	n, err := NewChange(Config{RoutingKey: exportertest.Secret, Client: &http.Client{Transport: s.Transport()}})
	if err != nil {
		t.Fatal(err)
	}
	m := exportertest.Sample()
	m.Alerts = m.Alerts[:1]
	m.Alerts[0].Labels = map[string]string{"alertname": "ModelVersionChanged", "model": "spam-classifier", "version": "v13", "severity": "info"}
	m.Alerts[0].Annotations["summary"] = "spam-classifier: version changed to v13"
	repeated := m
	repeated.Action, repeated.Reason = destination.Update, destination.ReasonRepeated
	for _, x := range []destination.Notification{m, repeated, exportertest.Ended(m)} {
		if _, err := n.Send(t.Context(), x); err != nil {
			t.Fatal(err, s.History())
		}
	}
	h := s.History()
	if len(h) != 1 || !h[0].Change || h[0].Event.Summary != "spam-classifier: version changed to v13 on node-7, since 13:53 UTC" {
		t.Fatalf("%+v", h)
	}
	if len(s.Incidents()) != 0 {
		t.Error("a change opened an incident")
	}
}

func TestARulesetKeyTakesNoChanges(t *testing.T) {
	n, err := NewChange(Config{RoutingKey: "R" + strings.Repeat("a", 31), Client: http.DefaultClient})
	if err != nil {
		t.Fatal(err)
	}
	if advice, err := n.Send(t.Context(), exportertest.Sample()); err == nil || advice.Retry {
		t.Errorf("%+v, %v", advice, err)
	}
}
