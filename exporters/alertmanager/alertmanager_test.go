package alertmanager

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/exporters/destination"
	"github.com/plumbline-ml/plumbline/exporters/exportertest"
)

func TestItKeepsTheContractOfEveryDestination(t *testing.T) {
	exportertest.Run(t, exportertest.Subject{
		New: func(_ *testing.T, url string, client *http.Client) (destination.Notifier, error) {
			return New(Config{URL: url, Client: client, Now: func() time.Time { return exportertest.Now }})
		},
		Accept: exportertest.Answer{Status: 200},
		Refuse: []int{202, 204},
	})
}

func TestFiringAlertsAreHeldAndResolvedOnesEnd(t *testing.T) {
	net := exportertest.NewNetwork(func(int, *http.Request) exportertest.Answer { return exportertest.Answer{Status: 200} })
	n, err := New(Config{URL: "http://am.example.com/prefix/", Client: net.Client()})
	if err != nil {
		t.Fatal(err)
	}
	m := exportertest.Sample()
	m.Alerts[1].Labels["node"] = "other"
	for _, x := range []destination.Notification{m, exportertest.Ended(m)} {
		if _, err := n.Send(t.Context(), x); err != nil {
			t.Fatal(err)
		}
	}
	if u := net.Requests[0].URL.String(); u != "http://am.example.com/prefix/api/v2/alerts" {
		t.Errorf("posted to %s", u)
	}
	for i, want := range []time.Time{exportertest.Now.Add(time.Hour), exportertest.Now} {
		var got []posted
		if err := json.Unmarshal([]byte(net.Bodies[i]), &got); err != nil {
			t.Fatal(err)
		}
		if len(got) != 2 || !got[0].EndsAt.Equal(want) || got[0].Labels["node"] != "node-7" || got[1].Labels["node"] != "other" {
			t.Errorf("call %d: %+v", i, got)
		}
	}
	if m.Alerts[0].Labels["node"] != "" {
		t.Error("the alert was changed")
	}
}

func TestMistakesInTheConfigurationAreRefused(t *testing.T) {
	for _, c := range []Config{{}, {URL: "am:9093"}, {URL: "http://169.254.169.254"}, {URL: "http://am:9093", Hold: time.Second}} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
}
