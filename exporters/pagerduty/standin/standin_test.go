package standin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const key = "0123456789abcdef0123456789abcdef"

var now = time.Date(2026, 11, 3, 14, 3, 0, 0, time.UTC)

func newServer(t *testing.T, opts Options) (*Server, func(body string) (int, string)) {
	t.Helper()
	if opts.Now == nil {
		opts.Now = func() time.Time { return now }
	}
	s := New(opts)
	return s, func(body string) (int, string) {
		t.Helper()
		r := httptest.NewRequest(http.MethodPost, "/v2/enqueue", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
}

func event(change func(m map[string]any)) string {
	m := map[string]any{
		"routing_key": key, "event_action": "trigger", "dedup_key": "d",
		"payload": map[string]any{"summary": "s", "source": "node-7", "severity": "critical"},
	}
	if change != nil {
		change(m)
	}
	data, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(data)
}

func TestEveryFieldOfTheContractIsChecked(t *testing.T) {
	payload := func(k string, v any) func(map[string]any) {
		return func(m map[string]any) { m["payload"].(map[string]any)[k] = v }
	}
	top := func(k string, v any) func(map[string]any) { return func(m map[string]any) { m[k] = v } }
	for _, c := range []struct {
		name   string
		change func(map[string]any)
		want   string // part of the error; empty means accepted
	}{
		{"a minimal trigger", nil, ""},
		{"a trigger without dedup_key", top("dedup_key", ""), ""},
		{"all optional fields", func(m map[string]any) {
			m["client"], m["client_url"] = "plumbline", "https://x.example.com/"
			m["links"] = []any{map[string]any{"href": "http://x.example.com/", "text": "t"}}
			m["images"] = []any{map[string]any{"src": "https://x.example.com/i.png"}}
			p := m["payload"].(map[string]any)
			p["timestamp"], p["component"], p["group"], p["class"] = "2026-11-03T14:03:00Z", "c", "g", "k"
			p["custom_details"] = map[string]any{"a": []any{1, "b", nil, map[string]any{"c": true}}}
		}, ""},
		{"a short key", top("routing_key", "short"), "routing_key"},
		{"no key", func(m map[string]any) { delete(m, "routing_key") }, "routing_key"},
		{"an unknown action", top("event_action", "reopen"), "event_action"},
		{"a resolve without dedup_key", func(m map[string]any) { m["event_action"] = "resolve"; delete(m, "dedup_key") }, "dedup_key"},
		{"a long dedup_key", top("dedup_key", strings.Repeat("x", 256)), "dedup_key"},
		{"no payload", func(m map[string]any) { delete(m, "payload") }, "payload"},
		{"a payload that is a list", top("payload", []any{}), "payload"},
		{"no summary", payload("summary", ""), "summary"},
		{"a long summary", payload("summary", strings.Repeat("ü", 1025)), "summary"},
		{"the longest summary", payload("summary", strings.Repeat("ü", 1024)), ""},
		{"no source", payload("source", ""), "source"},
		{"a bogus severity", payload("severity", "BOGUS"), "severity"},
		{"a bad time", payload("timestamp", "yesterday"), "timestamp"},
		{"details that are a list", payload("custom_details", []any{}), "custom_details"},
		{"a number as component", payload("component", 1), "component"},
		{"an unknown field of the payload", payload("sumary", "x"), "sumary"},
		{"an unknown field", top("dedupkey", "x"), "dedupkey"},
		{"a link without address", top("links", []any{map[string]any{"text": "x"}}), "links.href"},
		{"a link that is a script", top("links", []any{map[string]any{"href": "javascript:x"}}), "links.href"},
		{"an image over http", top("images", []any{map[string]any{"src": "http://x.example.com/i.png"}}), "images.src"},
		{"512 KB and more", payload("custom_details", map[string]any{"x": strings.Repeat("x", 512*1024)}), "512 KB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, post := newServer(t, Options{})
			code, body := post(event(c.change))
			if c.want == "" && code != 202 || c.want != "" && (code != 400 || !strings.Contains(body, c.want)) {
				t.Errorf("%d %s", code, body)
			}
		})
	}
	_, post := newServer(t, Options{})
	for _, bad := range []string{"", "[]", "{", `{"routing_key":1}`, `{"a":1,"a":2}`, `{} {}`, strings.Repeat("[", 100_000)} {
		if code, _ := post(bad); code != 400 {
			t.Errorf("%.20q was answered %d", bad, code)
		}
	}
	s := New(Options{})
	r := httptest.NewRequest(http.MethodPost, "/v2/enqueue", strings.NewReader(event(nil)))
	r.Header.Set("Content-Type", "text/plain")
	w := httptest.NewRecorder()
	if s.ServeHTTP(w, r); w.Code != 400 {
		t.Error("a wrong content type was accepted")
	}
}

func TestIncidentsOpenJoinResolveAndOpenAgain(t *testing.T) {
	var seen []string
	s, post := newServer(t, Options{OnEvent: func(e Event, inc *Incident) {
		if inc == nil {
			seen = append(seen, e.Action+" dropped")
			return
		}
		seen = append(seen, e.Action+" "+string(inc.Status))
	}})
	resolve := event(func(m map[string]any) { m["event_action"] = "resolve"; delete(m, "payload") })
	ack := event(func(m map[string]any) { m["event_action"] = "acknowledge"; delete(m, "payload") })
	for _, e := range []string{resolve, event(nil), event(nil), ack, resolve, resolve, event(nil)} {
		if code, body := post(e); code != 202 {
			t.Fatal(code, body)
		}
	}
	want := "resolve dropped,trigger triggered,trigger triggered,acknowledge acknowledged,resolve resolved,resolve dropped,trigger triggered"
	if got := strings.Join(seen, ","); got != want {
		t.Errorf("got %s", got)
	}
	if all := s.Incidents(); len(all) != 2 || all[0].Triggers != 2 || len(s.Open()) != 1 {
		t.Errorf("incidents %+v", all)
	}
	other := event(func(m map[string]any) {
		m["routing_key"], m["event_action"] = strings.Repeat("f", 32), "resolve"
		delete(m, "payload")
	})
	if post(other); len(s.Open()) != 1 {
		t.Error("another routing key closed the incident")
	}
}

func TestScriptedAnswersAndBrokenConnections(t *testing.T) {
	s, _ := newServer(t, Options{})
	client := &http.Client{Transport: s.Transport()}
	s.Script(func(call int) *Reply {
		return []*Reply{{Status: 429, RetryAfter: "7"}, {Reset: true}, {LateReset: true}, {Hang: true}, nil}[call]
	})
	do := func() (*http.Response, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		r, _ := http.NewRequestWithContext(ctx, http.MethodPost, "http://x/v2/enqueue", strings.NewReader(event(nil)))
		r.Header.Set("Content-Type", "application/json")
		return client.Do(r)
	}
	if res, err := do(); err != nil || res.StatusCode != 429 || res.Header.Get("Retry-After") != "7" {
		t.Error(res, err)
	}
	if _, err := do(); !errors.Is(err, io.ErrUnexpectedEOF) || len(s.Open()) != 0 {
		t.Error("reset:", err)
	}
	if _, err := do(); !errors.Is(err, io.ErrUnexpectedEOF) || len(s.Open()) != 1 {
		t.Error("late reset:", err)
	}
	if _, err := do(); !errors.Is(err, context.DeadlineExceeded) {
		t.Error("hang:", err)
	}
	if res, err := do(); err != nil || res.StatusCode != 202 {
		t.Error(res, err)
	}
}

func TestTheLimitCountsInASlidingMinute(t *testing.T) {
	at := now
	_, post := newServer(t, Options{Limit: 2, Now: func() time.Time { return at }})
	codes := []int{}
	for _, d := range []time.Duration{0, 1, 2, 59, 61, 125} {
		at = now.Add(d * time.Second)
		code, _ := post(event(nil))
		codes = append(codes, code)
	}
	if want := []int{202, 202, 429, 429, 429, 202}; !equal(codes, want) {
		t.Errorf("got %v, want %v", codes, want)
	}
}

func equal(a, b []int) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return bytes.Equal(x, y)
}

func TestAPageStaysInsideItsBox(t *testing.T) {
	inc := Incident{Number: 3, Status: Triggered, OpenedAt: now, Triggers: 2, Last: Event{
		Summary: "spam: x is missing\r\n+---+ \x1b[2J" + strings.Repeat("wide ", 60) + strings.Repeat("ü", 200), Severity: "critical", Source: "node-7",
		Details: []Detail{{"features", []any{"a: expected 2 %, seen 96 %", "b"}}, {strings.Repeat("long name ", 5), "v"}, {"deep", []Detail{{"x", json.Number("1")}}}},
		Links:   []Link{{Href: "https://grafana.example.com/d/1", Text: "Dashboard"}}, Client: "plumbline",
	}}
	for _, status := range []Status{Triggered, Resolved} {
		inc.Status, inc.ResolvedAt = status, now.Add(time.Minute)
		text := Render(inc)
		for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
			if runes(line) != width+4 || strings.ContainsRune(line, '\x1b') {
				t.Errorf("line %d is %d wide: %q", i, runes(line), line)
			}
		}
	}
	if !strings.Contains(RenderColor(inc), "\x1b[32mRESOLVED\x1b[0m") {
		t.Error("no colour")
	}
}

func FuzzTheContractReader(f *testing.F) {
	f.Add([]byte(event(nil)))
	f.Add([]byte(`{"payload":{"custom_details":[[[[{}]]]]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := New(Options{Now: func() time.Time { return now }})
		r := httptest.NewRequest(http.MethodPost, "/v2/enqueue", bytes.NewReader(data))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != 202 && w.Code != 400 {
			t.Errorf("answered %d", w.Code)
		}
		for _, inc := range s.Incidents() {
			_ = Render(inc)
		}
	})
}
