package grafana

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/exporters/destination"
	"github.com/plumbline-ml/plumbline/exporters/exportertest"
)

func TestItKeepsTheContractOfEveryDestination(t *testing.T) {
	for step, settled := range map[string][]int{"patch": {404}, "find": nil} {
		t.Run(step, func(t *testing.T) {
			exportertest.Run(t, exportertest.Subject{
				New: func(_ *testing.T, url string, client *http.Client) (destination.Notifier, error) {
					return New(Config{URL: url, Token: exportertest.Secret, Client: client, Now: func() time.Time { return exportertest.Now }})
				},
				Accept: exportertest.Answer{Status: 200, Body: `[{"id":7}]`},
				Refuse: []int{202, 204}, Settled: settled,
				Prepare: func(n *destination.Notification) {
					if step == "patch" {
						n.Target = "7"
						n.Action = destination.Resolve
					}
				},
			})
		})
	}
}

// store is a small Grafana: annotations by number, found by tag.
type store struct {
	list []annotation
	dies bool // the connection breaks after an annotation was made
}

func (s *store) answer(_ int, r *http.Request) exportertest.Answer {
	var a annotation
	if r.Method != http.MethodGet {
		if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
			return exportertest.Answer{Status: 400}
		}
	}
	switch {
	case r.Method == http.MethodGet:
		for i, x := range s.list {
			from, _ := strconv.ParseInt(r.URL.Query().Get("from"), 10, 64)
			if slices.Contains(x.Tags, r.URL.Query().Get("tags")) && x.Time >= from {
				return exportertest.Answer{Status: 200, Body: fmt.Sprintf(`[{"id":%d}]`, i+1)}
			}
		}
		return exportertest.Answer{Status: 200, Body: `[]`}
	case r.Method == http.MethodPost:
		s.list = append(s.list, a)
		if s.dies {
			return exportertest.Answer{Err: http.ErrServerClosed}
		}
		return exportertest.Answer{Status: 200, Body: fmt.Sprintf(`{"message":"Annotation added","id":%d}`, len(s.list))}
	}
	id, _ := strconv.Atoi(r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:])
	if id < 1 || id > len(s.list) {
		return exportertest.Answer{Status: 404}
	}
	s.list[id-1].Text = a.Text
	if a.TimeEnd != 0 {
		s.list[id-1].TimeEnd = a.TimeEnd
	}
	return exportertest.Answer{Status: 200, Body: `{"message":"Annotation patched"}`}
}

// network hands requests to the store before their bodies are read.
type network struct{ s *store }

func (n network) RoundTrip(r *http.Request) (*http.Response, error) {
	body := r.Body
	return exportertest.NewNetwork(func(i int, _ *http.Request) exportertest.Answer { r.Body = body; return n.s.answer(i, r) }).RoundTrip(&http.Request{Method: r.Method, URL: r.URL})
}

func newPair(t *testing.T) (*Notifier, *store) {
	t.Helper()
	s := &store{}
	n, err := New(Config{URL: "http://grafana.example.com/", DashboardUID: "model", Tags: []string{"ml"}, Client: &http.Client{Transport: network{s}}})
	if err != nil {
		t.Fatal(err)
	}
	return n, s
}

func TestAnIncidentIsOneRegionFromItsStartToItsEnd(t *testing.T) {
	n, s := newPair(t)
	m := exportertest.Sample()
	m.Alerts[0].Annotations["summary"] = "x <script>alert(1)</script> drifted"
	advice, err := n.Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	for _, next := range []destination.Notification{m, exportertest.Ended(m)} {
		next.Target = advice.Target
		if next.Action == destination.Trigger {
			next.Action = destination.Update
		}
		if _, err := n.Send(t.Context(), next); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.list) != 1 {
		t.Fatalf("%d annotations", len(s.list))
	}
	a := s.list[0]
	if a.Time != m.Since.UnixMilli() || a.TimeEnd != m.At.UnixMilli() || a.DashboardUID != "model" {
		t.Errorf("%+v", a)
	}
	for _, tag := range []string{"plumbline", "model:spam-classifier", "cause:missing", "severity:critical", "node:node-7", "ml"} {
		if !slices.Contains(a.Tags, tag) {
			t.Errorf("tag %s is missing: %v", tag, a.Tags)
		}
	}
	if strings.Contains(a.Text, "<script>") || !strings.HasPrefix(a.Text, "resolved: ") {
		t.Errorf("text %q", a.Text)
	}
}

func TestAnAnnotationWhoseNumberWasLostIsFoundAgain(t *testing.T) {
	n, s := newPair(t)
	s.dies = true
	m := exportertest.Sample()
	if _, err := n.Send(t.Context(), m); err == nil {
		t.Fatal("a broken connection was success")
	}
	s.dies = false
	for _, next := range []destination.Notification{m, exportertest.Ended(m)} {
		if _, err := n.Send(t.Context(), next); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.list) != 1 || s.list[0].TimeEnd == 0 {
		t.Fatalf("%+v", s.list)
	}
}

func TestADeletedAnnotationIsDrawnAgainWhileTheIncidentGoesOn(t *testing.T) {
	n, s := newPair(t)
	m := exportertest.Sample()
	m.Target, m.Action = "99", destination.Update
	if advice, err := n.Send(t.Context(), m); err != nil || advice.Target != "1" || len(s.list) != 1 {
		t.Fatalf("%+v, %v", advice, err)
	}
	end := exportertest.Ended(m)
	if _, err := n.Send(t.Context(), end); err != nil || len(s.list) != 1 {
		t.Fatalf("the end of a deleted one: %v, %d", err, len(s.list))
	}
}

func TestTheTokenIsReadAnewAndSent(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	net := exportertest.NewNetwork(func(int, *http.Request) exportertest.Answer {
		return exportertest.Answer{Status: 200, Body: `[{"id":7}]`}
	})
	n, err := New(Config{URL: "http://grafana.example.com", TokenFile: file, Client: net.Client()})
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{"one", "two"} {
		if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := n.Send(t.Context(), exportertest.Sample()); err != nil {
			t.Fatal(err)
		}
		if got := net.Requests[len(net.Requests)-1].Header.Get("Authorization"); got != "Bearer "+token {
			t.Errorf("sent %q", got)
		}
	}
	if _, err := New(Config{URL: "http://x/", Token: "a", TokenFile: "b"}); err == nil {
		t.Error("two tokens were taken")
	}
}
