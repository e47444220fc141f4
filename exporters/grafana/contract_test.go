package grafana

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/exporters/destination"
	"github.com/plumbline-ml/plumbline/exporters/exportertest"
)

// strict answers as the published annotations API does (Grafana 12 and 13, "legacy" API:
// https://grafana.com/docs/grafana/latest/developers/http_api/annotations/) and checks every request against it: method, path, headers,
// query, the keys of the body and the type of each. A key that the API does not have is silently dropped by a
// real Grafana, which is why it is an error here.
type strict struct {
	t     *testing.T
	items map[int64]map[string]any
	next  int64
	calls []string
	deaf  bool // the annotation is made and the answer gets lost
}

// Types of the keys, by method.
var published = map[string]map[string]string{
	http.MethodPost:  {"dashboardId": "int", "dashboardUID": "string", "panelId": "int", "time": "int", "timeEnd": "int", "tags": "strings", "text": "string", "data": "object"},
	http.MethodPatch: {"id": "int", "time": "int", "timeEnd": "int", "tags": "strings", "text": "string", "data": "object"},
}

var publishedQuery = []string{"from", "to", "limit", "alertId", "alertUID", "dashboardId", "dashboardUID", "panelId", "userId", "type", "tags", "matchAny"}

func (s *strict) RoundTrip(r *http.Request) (*http.Response, error) {
	s.t.Helper()
	s.calls = append(s.calls, r.Method+" "+r.URL.Path)
	if got := r.Header.Get("Authorization"); got != "Bearer "+exportertest.Secret {
		s.t.Errorf("%s: not authorised as a service account is", r.Method)
	}
	var body map[string]any
	if r.Method != http.MethodGet {
		if got := r.Header.Get("Content-Type"); !strings.HasPrefix(got, "application/json") {
			s.t.Errorf("%s: Content-Type %q", r.Method, got)
		}
		d := json.NewDecoder(r.Body)
		d.UseNumber()
		if err := d.Decode(&body); err != nil {
			s.t.Fatalf("%s: %v", r.Method, err)
		}
		s.check(r.Method, body)
	}
	id, _ := strconv.ParseInt(r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:], 10, 64)
	switch {
	case r.Method == http.MethodGet && r.URL.Path == "/sub/api/annotations":
		return s.reply(200, s.find(r))
	case r.Method == http.MethodPost && r.URL.Path == "/sub/api/annotations":
		s.next++
		if body["timeEnd"] == nil {
			body["timeEnd"] = body["time"]
		}
		s.items[s.next] = body
		if s.deaf {
			s.deaf = false
			return nil, io.ErrUnexpectedEOF
		}
		return s.reply(200, map[string]any{"message": "Annotation added", "id": s.next})
	case r.Method == http.MethodPatch && r.URL.Path == fmt.Sprintf("/sub/api/annotations/%d", id):
		item := s.items[id]
		if item == nil {
			return s.reply(404, map[string]any{"message": "Could not find annotation to update"})
		}
		for k, v := range body {
			item[k] = v
		}
		return s.reply(200, map[string]any{"message": "Annotation patched"})
	}
	s.t.Errorf("the API has no %s %s", r.Method, r.URL.Path)
	return s.reply(404, map[string]any{"message": "Not found"})
}

func (s *strict) reply(status int, v any) (*http.Response, error) {
	data, err := json.Marshal(v)
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(data))}, err
}

func (s *strict) check(method string, body map[string]any) {
	types := published[method]
	for k, v := range body {
		ok := false
		switch types[k] {
		case "int":
			n, isNumber := v.(json.Number)
			ms, err := n.Int64()
			ok = isNumber && err == nil && (!strings.HasPrefix(k, "time") || ms > 1e12 && ms < 1e13) // milliseconds, not seconds
		case "string":
			_, ok = v.(string)
		case "object":
			_, ok = v.(map[string]any)
		case "strings":
			list, isList := v.([]any)
			ok = isList && !slices.ContainsFunc(list, func(x any) bool { _, isText := x.(string); return !isText })
		}
		if !ok {
			s.t.Errorf("%s: %s is %T %v, the API wants %q", method, k, v, v, types[k])
		}
	}
	if text, _ := body["text"].(string); text == "" {
		s.t.Errorf("%s: text is required", method)
	}
	from, _ := body["time"].(json.Number)
	to, _ := body["timeEnd"].(json.Number)
	if from != "" && to != "" && from > to {
		s.t.Errorf("%s: the region ends before it begins", method)
	}
}

// find answers with whole items, as a real one does: times within the range, all tags, newest first.
func (s *strict) find(r *http.Request) []any {
	q := r.URL.Query()
	for k := range q {
		if !slices.Contains(publishedQuery, k) {
			s.t.Errorf("GET: the API has no parameter %s", k)
		}
	}
	from, errFrom := strconv.ParseInt(q.Get("from"), 10, 64)
	to, errTo := strconv.ParseInt(q.Get("to"), 10, 64)
	if errFrom != nil || errTo != nil || from > to {
		s.t.Errorf("GET: from %q to %q", q.Get("from"), q.Get("to"))
	}
	out := []any{}
	for id := s.next; id > 0; id-- {
		item := s.items[id]
		at, _ := item["time"].(json.Number).Int64()
		end, _ := item["timeEnd"].(json.Number).Int64()
		tagged := true
		for _, want := range q["tags"] {
			tagged = tagged && slices.Contains(item["tags"].([]any), any(want))
		}
		if tagged && end >= from && at <= to {
			out = append(out, map[string]any{"id": id, "alertId": 0, "alertName": "", "dashboardId": 4, "dashboardUID": item["dashboardUID"], "panelId": 0, "userId": 1,
				"newState": "", "prevState": "", "created": at, "updated": at, "time": at, "timeEnd": end, "text": item["text"], "tags": item["tags"], "login": "sa", "email": "", "avatarUrl": "", "data": map[string]any{}})
		}
	}
	return out
}

func TestEveryRequestKeepsThePublishedAnnotationsAPI(t *testing.T) {
	for _, deaf := range []bool{false, true} {
		s := &strict{t: t, items: map[int64]map[string]any{}, deaf: deaf}
		n, err := New(Config{URL: "https://grafana.example.com/sub/", Token: exportertest.Secret, DashboardUID: "plumbline-model", Tags: []string{"ml"},
			Client: &http.Client{Transport: s}, Now: func() time.Time { return exportertest.Now }})
		if err != nil {
			t.Fatal(err)
		}
		m := exportertest.Sample()
		target := ""
		for i, next := range []destination.Notification{m, m, exportertest.Ended(m), m} {
			next.Target = target
			if i == 1 {
				next.Action = destination.Update
			}
			if i == 3 { // the next incident on the same key is a region of its own
				next.Target, next.Since, next.At = "", m.At.Add(time.Hour), m.At.Add(2*time.Hour)
			}
			advice, err := n.Send(t.Context(), next)
			if err != nil && deaf && i == 0 {
				advice, err = n.Send(t.Context(), next) // the core tries again
			}
			if err != nil {
				t.Fatal(i, err)
			}
			target = advice.Target
		}
		if len(s.items) != 2 {
			t.Errorf("%d annotations, want one for each incident: %v", len(s.items), s.calls)
		}
		first := s.items[1]
		if got, want := fmt.Sprintf("%v %v", first["time"], first["timeEnd"]), fmt.Sprintf("%d %d", m.Since.UnixMilli(), m.At.UnixMilli()); got != want {
			t.Errorf("the region is %s, want %s", got, want)
		}
	}
}
