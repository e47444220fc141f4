package pagerduty

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/plumbline-ml/plumbline/exporters/destination"
	"github.com/plumbline-ml/plumbline/exporters/exportertest"
	"github.com/plumbline-ml/plumbline/exporters/pagerduty/standin"
)

func TestItKeepsTheContractOfEveryDestination(t *testing.T) {
	exportertest.Run(t, exportertest.Subject{
		New: func(_ *testing.T, url string, client *http.Client) (destination.Notifier, error) {
			return New(Config{URL: url, RoutingKey: exportertest.Secret, Client: client, Now: nowOfSuite})
		},
		Accept: exportertest.Answer{Status: 202, Body: `{"status":"success","message":"Event processed","dedup_key":"x"}`},
		Refuse: []int{200, 201, 204},
	})
}

var nowOfSuite = exportertest.Sample().At.UTC

func newPair(t *testing.T, cfg Config) (*Notifier, *standin.Server) {
	t.Helper()
	s := standin.New(standin.Options{Now: nowOfSuite})
	if cfg.RoutingKey == "" && cfg.RoutingKeyFile == "" {
		cfg.RoutingKey = exportertest.Secret
	}
	cfg.Client = &http.Client{Transport: s.Transport()}
	n, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return n, s
}

func TestAPageSaysWhatMovedHowFarSinceWhenAndWhere(t *testing.T) {
	n, s := newPair(t, Config{})
	advice, err := n.Send(t.Context(), exportertest.Sample())
	if err != nil {
		t.Fatal(err, s.History())
	}
	inc := s.Incidents()[0]
	want := "spam-classifier: features.domain_age is missing in 96 % of requests (reference 2 %) on node-7, since 13:53 UTC, 2 features"
	if inc.Last.Summary != want {
		t.Errorf("summary\n got %q\nwant %q", inc.Last.Summary, want)
	}
	if inc.Last.Source != "node-7" || inc.Last.Severity != "critical" || inc.Last.Component != "spam-classifier" || inc.Last.Group != "missing" || inc.Last.Class != "FeatureMissing" || inc.Last.Client != "plumbline" {
		t.Errorf("fields: %+v", inc.Last)
	}
	if got := inc.Last.Timestamp; !got.Equal(exportertest.Sample().Since) {
		t.Errorf("timestamp %v", got)
	}
	text := standin.Render(inc)
	for _, part := range []string{"features.links: expected 2 %, seen 41 %", "https://example.com/runbooks/missing", "240"} {
		if !strings.Contains(text, part) {
			t.Errorf("the page does not say %q:\n%s", part, text)
		}
	}
	end := exportertest.Ended(exportertest.Sample())
	end.Target = advice.Target
	if _, err := n.Send(t.Context(), end); err != nil {
		t.Fatal(err)
	}
	if len(s.Open()) != 0 {
		t.Error("the incident is still open")
	}
}

func TestAFollowUpUsesTheKeyThatOpenedTheIncidentAndANewOneTheKeyOfToday(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	write := func(k string) {
		if err := os.WriteFile(file, []byte(k+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	oldKey, newKey := strings.Repeat("a", 32), strings.Repeat("b", 32)
	net := exportertest.NewNetwork(func(int, *http.Request) exportertest.Answer { return exportertest.Answer{Status: 202} })
	n, err := New(Config{RoutingKeyFile: file, Client: net.Client()})
	if err != nil {
		t.Fatal(err)
	}
	write(oldKey)
	m := exportertest.Sample()
	before, _ := n.Bucket(m)
	advice, err := n.Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	write(newKey)
	end := exportertest.Ended(m)
	end.Target = advice.Target
	if _, err := n.Send(t.Context(), end); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{oldKey, oldKey, newKey} {
		if !strings.Contains(net.Bodies[i], `"routing_key":"`+want+`"`) {
			t.Errorf("call %d did not use %s", i, want[:4])
		}
	}
	if after, _ := n.Bucket(m); after == before || strings.Contains(after, newKey) || strings.Contains(before, oldKey) {
		t.Error("buckets must differ by key and not tell it")
	}
}

func TestARevokedKeyFallsBackToTheKeyOfToday(t *testing.T) {
	net := exportertest.NewNetwork(func(int, *http.Request) exportertest.Answer {
		return exportertest.Answer{Status: 400, Body: `{"status":"invalid event","message":"Event object is invalid","errors":["'routing_key' is unknown"]}`}
	})
	n, err := New(Config{RoutingKey: strings.Repeat("b", 32), Client: net.Client()})
	if err != nil {
		t.Fatal(err)
	}
	m := exportertest.Sample()
	m.Target = `{"u":"https://events.pagerduty.com/v2/enqueue","k":"` + strings.Repeat("a", 32) + `"}`
	advice, err := n.Send(t.Context(), m)
	if err == nil || !advice.Retry || !strings.Contains(advice.Target, strings.Repeat("b", 32)) {
		t.Fatalf("got %+v, %v", advice, err)
	}
	m.Target = advice.Target
	if advice, _ = n.Send(t.Context(), m); advice.Retry {
		t.Fatal("a refusal of the key of today is final")
	}
}

func TestTheReasonsOfARefusalReachTheErrorAndTheKeyDoesNot(t *testing.T) {
	net := exportertest.NewNetwork(func(int, *http.Request) exportertest.Answer {
		return exportertest.Answer{Status: 400, Body: `{"status":"invalid event","message":"Event object is invalid","errors":["Length of 'routing_key' is incorrect (should be 32 characters) in ` + exportertest.Secret + `"]}`}
	})
	n, err := New(Config{RoutingKey: exportertest.Secret, Client: net.Client()})
	if err != nil {
		t.Fatal(err)
	}
	_, err = n.Send(t.Context(), exportertest.Sample())
	if err == nil || !strings.Contains(err.Error(), "should be 32 characters") || strings.Contains(err.Error(), exportertest.Secret) {
		t.Fatalf("got %v", err)
	}
}

func TestTheKeyIsNotPrintedWithTheNotifier(t *testing.T) {
	n, _ := newPair(t, Config{})
	var b strings.Builder
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "name", n.Name(), "notifier", n)
	if strings.Contains(b.String(), exportertest.Secret) {
		t.Errorf("printed: %s", b.String())
	}
}

func TestTemplatesOfTheRoutesReplaceOurTextAndABrokenOneDoesNotLoseThePage(t *testing.T) {
	render := func(text string, _ destination.Notification) (string, error) {
		if text == "broken" {
			return "", os.ErrInvalid
		}
		return "rendered " + text, nil
	}
	n, s := newPair(t, Config{Render: render, Summary: "S", Class: "broken", Details: map[string]any{"team": "T", "deep": map[string]any{"a": []any{"b", 1}}}})
	if _, err := n.Send(t.Context(), exportertest.Sample()); err != nil {
		t.Fatal(err)
	}
	e := s.Incidents()[0].Last
	if e.Summary != "rendered S" || e.Class != "FeatureMissing" {
		t.Errorf("summary %q, class %q", e.Summary, e.Class)
	}
	if last := e.Details[len(e.Details)-1]; last.Name != "team" || last.Value != "rendered T" {
		t.Errorf("last detail %+v", last)
	}
}

func TestAnEventThatIsTooLargeLosesItsLastDetailsFirst(t *testing.T) {
	details := map[string]any{}
	for i := range 40 {
		details["x"+string(rune('a'+i))] = strings.Repeat("ü", 20_000)
	}
	n, s := newPair(t, Config{Details: details})
	if _, err := n.Send(t.Context(), exportertest.Sample()); err != nil {
		t.Fatal(err, s.History()[0].Errors)
	}
	e := s.Incidents()[0].Last
	if e.Details[0].Name != "model" || len(e.Details) >= 40 {
		t.Errorf("%d details, first %q", len(e.Details), e.Details[0].Name)
	}
}

func TestALongSummaryIsCutBetweenWords(t *testing.T) {
	m := exportertest.Sample()
	m.Alerts[0].Annotations["summary"] = strings.Repeat("größer als sonst ", 200)
	n, s := newPair(t, Config{})
	if _, err := n.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	got := s.Incidents()[0].Last.Summary
	if k := utf8.RuneCountInString(got); k > 1024 || k < 990 || !strings.HasSuffix(got, "...") {
		t.Errorf("%d runes, ends %q", k, got[len(got)-20:])
	}
}

func TestLinksThatABrowserCannotOpenAreLeftOut(t *testing.T) {
	m := exportertest.Sample()
	for i := range m.Alerts {
		m.Alerts[i].Annotations["dashboard_url"] = "javascript:alert(1)"
		m.Alerts[i].Annotations["runbook_url"] = "runbooks/missing.md"
	}
	n, s := newPair(t, Config{})
	if _, err := n.Send(t.Context(), m); err != nil {
		t.Fatal(err, s.History())
	}
	if l := s.Incidents()[0].Last.Links; len(l) != 0 {
		t.Errorf("links %v", l)
	}
}

func TestDetailsKeepTheirOrder(t *testing.T) {
	data, err := json.Marshal(details{{Name: "z", Value: "1"}, {Name: "a", Value: []string{"x"}}})
	if err != nil || string(data) != `{"z":"1","a":["x"]}` {
		t.Errorf("%s, %v", data, err)
	}
}
