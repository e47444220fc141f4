package webhook

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
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
		Accept: exportertest.Answer{Status: 204},
	})
}

func TestTheBodyIsAlertmanagersVersionFour(t *testing.T) {
	net := exportertest.NewNetwork(func(int, *http.Request) exportertest.Answer { return exportertest.Answer{Status: 200} })
	n, err := New(Config{URL: "http://hook.example.com/", Client: net.Client(), MaxAlerts: 1})
	if err != nil {
		t.Fatal(err)
	}
	m := exportertest.Sample()
	m.ExternalURL = "http://node-7:9464"
	for _, x := range []destination.Notification{m, exportertest.Ended(m)} {
		if _, err := n.Send(t.Context(), x); err != nil {
			t.Fatal(err)
		}
	}
	// The field names that Alertmanager 0.33's webhook.Message and template.Data write.
	var raw map[string]json.RawMessage
	if err := json.Unmarshal([]byte(net.Bodies[0]), &raw); err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{"version", "groupKey", "truncatedAlerts", "status", "receiver", "groupLabels", "commonLabels", "commonAnnotations", "externalURL", "alerts"} {
		if _, ok := raw[k]; !ok {
			t.Errorf("%s is missing", k)
		}
	}
	var msg Message
	if err := json.Unmarshal([]byte(net.Bodies[0]), &msg); err != nil {
		t.Fatal(err)
	}
	if msg.Version != "4" || msg.Status != "firing" || msg.TruncatedAlerts != 1 || len(msg.Alerts) != 1 || msg.GroupKey != m.Key {
		t.Errorf("%+v", msg)
	}
	if msg.CommonLabels["model"] != "spam-classifier" || msg.CommonLabels["feature"] != "" || msg.Alerts[0].Status != "firing" || !msg.Alerts[0].EndsAt.IsZero() {
		t.Errorf("%+v", msg)
	}
	if err := json.Unmarshal([]byte(net.Bodies[1]), &msg); err != nil || msg.Status != "resolved" || msg.Alerts[0].EndsAt.IsZero() {
		t.Errorf("%+v, %v", msg, err)
	}
}

func TestTheAddressIsReadAnewAndNeverTold(t *testing.T) {
	file := filepath.Join(t.TempDir(), "url")
	net := exportertest.NewNetwork(func(int, *http.Request) exportertest.Answer { return exportertest.Answer{Status: 200} })
	n, err := New(Config{URLFile: file, Client: net.Client()})
	if err != nil {
		t.Fatal(err)
	}
	if advice, err := n.Send(t.Context(), exportertest.Sample()); err == nil || !advice.Retry {
		t.Errorf("a file that is not there: %+v, %v", advice, err)
	}
	for _, u := range []string{"http://a.example.com/1", "http://a.example.com/2"} {
		if err := os.WriteFile(file, []byte(u+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := n.Send(t.Context(), exportertest.Sample()); err != nil {
			t.Fatal(err)
		}
		if got := net.Requests[len(net.Requests)-1].URL.String(); got != u {
			t.Errorf("posted to %s", got)
		}
	}
	if err := os.WriteFile(file, []byte("secret-token"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Send(t.Context(), exportertest.Sample()); err == nil || strings.Contains(err.Error(), "secret-token") {
		t.Errorf("got %v", err)
	}
}

func TestMistakesInTheConfigurationAreRefused(t *testing.T) {
	for _, c := range []Config{{}, {URL: "http://x/", URLFile: "y"}, {URL: "http://x/{{ .Status }}"}, {URL: "ftp://x/"}, {URL: "http://[fe80::1]/"}} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
}
