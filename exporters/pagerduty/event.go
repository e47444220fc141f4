package pagerduty

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	pd "github.com/PagerDuty/go-pagerduty"

	"github.com/plumbline-ml/plumbline/exporters/destination"
	"github.com/plumbline-ml/plumbline/internal/alert"
)

// Limits of the Events API v2: https://developer.pagerduty.com/docs/events-api-v2/trigger-events/
const (
	maxSummaryRunes = 1024
	maxEventBytes   = 512_000 // "512 KB", read in the stricter way
	maxFieldRunes   = 255     // of source, component, group and class; not published, but what its screens hold
	maxURLBytes     = 2048
	maxLinks        = 20
)

// details is custom_details with an order: the first line is the most important, and what does not fit is
// dropped from the end.
type details []destination.Fact

// MarshalJSON writes an object whose keys keep the order.
func (d details) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, f := range d {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(f.Name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(f.Value)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// event makes the body of one call. Problems with a user's template fall back to our own text and are
// returned beside the event: a page with a plain text beats no page.
func (c *Config) event(n destination.Notification, key string) (*pd.V2Event, error) {
	e := &pd.V2Event{RoutingKey: key, Action: "trigger", DedupKey: n.Key}
	if n.Action == destination.Resolve {
		e.Action = "resolve"
		return e, nil
	}
	var problem error
	text := func(template, fallback string) string {
		if template == "" {
			return fallback
		}
		s, err := c.Render(template, n)
		if err != nil {
			problem = fmt.Errorf("template: %w", err)
			return fallback
		}
		if s = destination.OneLine(s); s == "" {
			return fallback
		}
		return s
	}
	model := destination.OneLine(n.Common(alert.LabelModel))
	source := cmp.Or(n.Where(), model, "plumbline")
	e.Client = text(c.ClientName, "plumbline")
	e.ClientURL = webURL(text(c.ClientURL, n.ExternalURL))
	e.Payload = &pd.V2Payload{
		Summary:   destination.Cut(text(c.Summary, n.Summary()), maxSummaryRunes),
		Source:    field(text(c.Source, source)),
		Severity:  severity(text(c.Severity, n.Severity())),
		Component: field(text(c.Component, model)),
		Group:     field(text(c.Group, n.Common(alert.LabelCause))),
		Class:     field(text(c.Class, n.Leading().Name())),
	}
	if !n.Since.IsZero() {
		e.Payload.Timestamp = n.Since.UTC().Format(time.RFC3339)
	}
	e.Links = c.links(n, text)
	for _, im := range c.Images {
		src := webURL(text(im.Src, ""))
		if !strings.HasPrefix(src, "https://") { // the contract: images are served over HTTPS
			continue
		}
		image := map[string]string{"src": src, "alt": field(text(im.Alt, ""))}
		if href := webURL(text(im.Href, "")); href != "" {
			image["href"] = href
		}
		e.Images = append(e.Images, image)
	}
	facts := slices.DeleteFunc(details(n.Facts()), func(f destination.Fact) bool {
		return f.Name == "severity" || len(e.Links) > 1 && (f.Name == "runbook" || f.Name == "dashboard") // stand elsewhere on the screen
	})
	for _, k := range sortedKeys(c.Details) {
		facts = append(facts, destination.Fact{Name: k, Value: c.detail(c.Details[k], n, &problem)})
	}
	fit(e, facts)
	return e, problem
}

// links are the dashboard and the runbook, then what the routes add.
func (c *Config) links(n destination.Notification, text func(template, fallback string) string) []any {
	var out []any
	add := func(href, name string) {
		if href = webURL(href); href != "" && len(out) < maxLinks {
			out = append(out, map[string]string{"href": href, "text": destination.Cut(destination.OneLine(name), maxFieldRunes)})
		}
	}
	add(n.Annotation(alert.AnnotationDashboard), "Dashboard")
	add(n.Annotation(alert.AnnotationRunbook), "Runbook")
	for _, l := range c.Links {
		add(text(l.Href, ""), text(l.Text, "Link"))
	}
	return out
}

// detail renders the strings within a user's detail.
func (c *Config) detail(v any, n destination.Notification, problem *error) any {
	switch v := v.(type) {
	case string:
		s, err := c.Render(v, n)
		if err != nil {
			*problem = fmt.Errorf("template: %w", err)
			return v
		}
		return s
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = c.detail(v[i], n, problem)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k := range v {
			out[k] = c.detail(v[k], n, problem)
		}
		return out
	}
	return v
}

// fit drops details from the end until the event is small enough. Lists lose their last entries first.
func fit(e *pd.V2Event, facts details) {
	for {
		e.Payload.Details = facts
		if data, err := json.Marshal(e); err == nil && len(data) <= maxEventBytes {
			return
		}
		if len(facts) == 0 {
			e.Payload.Details = nil
			e.Links, e.Images = nil, nil
			return
		}
		last := &facts[len(facts)-1]
		if list, ok := last.Value.([]string); ok && len(list) > 1 {
			last.Value = slices.Clone(list[:len(list)/2])
			continue
		}
		facts = facts[:len(facts)-1]
	}
}

// severity maps what rules use to what PagerDuty knows. An unknown word must not lose the page, and must not
// make less of it than it may be.
func severity(s string) string {
	switch s = strings.ToLower(s); s {
	case "critical", "error", "warning", "info":
		return s
	case "page", "fatal", "emergency", "high":
		return "critical"
	case "none", "debug", "low":
		return "info"
	}
	return "error"
}

func field(s string) string { return destination.Cut(destination.OneLine(s), maxFieldRunes) }

// webURL lets through what a browser can open, and nothing else: links are built from annotations.
func webURL(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > maxURLBytes {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	return u.String()
}

func sortedKeys(m map[string]any) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
