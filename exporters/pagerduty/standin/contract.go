package standin

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// The contract, from https://developer.pagerduty.com/docs/events-api-v2/trigger-events/ and
// …/send-change-events/.
const (
	maxBody    = 512 * 1024
	maxSummary = 1024
	maxDedup   = 255
)

var routingKey = regexp.MustCompile(`^[A-Za-z0-9]{32}$`)

// Event is one event. The routing key is not kept.
type Event struct {
	Action    string
	DedupKey  string
	Summary   string
	Source    string
	Severity  string
	Timestamp time.Time
	Component string
	Group     string
	Class     string
	Client    string
	ClientURL string
	Details   []Detail // in the order of the sender
	Links     []Link
	Images    []Image

	keyHash string
}

// Detail is one line of custom_details.
type Detail struct {
	Name  string
	Value any // string, json.Number, bool, nil, []any, or []Detail for an object
}

// Link is shown on the incident.
type Link struct{ Href, Text string }

// Image is shown on the incident.
type Image struct{ Src, Href, Alt string }

// checker collects what breaks the contract.
type checker struct{ problems []string }

func (c *checker) fail(format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

// read takes one request apart. It never fails: what is wrong is in the list.
func read(r *http.Request) (Event, bool, []string) {
	c := &checker{}
	change := strings.HasSuffix(r.URL.Path, "/v2/change/enqueue")
	if r.Method != http.MethodPost {
		c.fail("method %s: want POST", r.Method)
	}
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		c.fail("Content-Type: want application/json")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		c.fail("the body could not be read")
	}
	if len(body) > maxBody {
		c.fail("the event is larger than 512 KB")
		return Event{}, change, c.problems
	}
	if !utf8.Valid(body) {
		c.fail("the body is not UTF-8")
	}
	top, err := object(body)
	if err != nil {
		c.fail("the body is not a JSON object")
		return Event{}, change, c.problems
	}
	e := Event{}
	if change {
		c.change(&e, top)
	} else {
		c.event(&e, top)
	}
	return e, change, c.problems
}

func (c *checker) event(e *Event, top []Detail) {
	var payload []Detail
	hasPayload := false
	for _, f := range top {
		switch f.Name {
		case "routing_key":
			c.key(e, f.Value)
		case "event_action":
			e.Action = c.text("event_action", f.Value, 0)
		case "dedup_key":
			e.DedupKey = c.text("dedup_key", f.Value, maxDedup)
		case "payload":
			payload, hasPayload = f.Value.([]Detail)
			if !hasPayload && f.Value != nil {
				c.fail("'payload' must be an object")
			}
		case "client":
			e.Client = c.text("client", f.Value, 0)
		case "client_url":
			e.ClientURL = c.web("client_url", f.Value, false)
		case "links":
			c.links(e, f.Value)
		case "images":
			c.images(e, f.Value)
		default:
			c.fail("'%s' is not a field of an event", f.Name)
		}
	}
	if e.keyHash == "" {
		c.fail("'routing_key' is missing or blank")
	}
	switch e.Action {
	case "trigger":
		if !hasPayload {
			c.fail("'payload' is missing or blank")
			return
		}
	case "acknowledge", "resolve":
		if e.DedupKey == "" {
			c.fail("'dedup_key' is missing or blank")
		}
	default:
		c.fail("'event_action' must be trigger, acknowledge or resolve")
	}
	if hasPayload {
		c.payload(e, payload)
	}
}

func (c *checker) payload(e *Event, payload []Detail) {
	for _, f := range payload {
		switch f.Name {
		case "summary":
			e.Summary = c.text("payload.summary", f.Value, maxSummary)
		case "source":
			e.Source = c.text("payload.source", f.Value, 0)
		case "severity":
			e.Severity = c.text("payload.severity", f.Value, 0)
		case "timestamp":
			s := c.text("payload.timestamp", f.Value, 0)
			t, err := time.Parse(time.RFC3339Nano, s)
			if err != nil {
				c.fail("'payload.timestamp' must be an ISO 8601 time")
			}
			e.Timestamp = t
		case "component":
			e.Component = c.text("payload.component", f.Value, 0)
		case "group":
			e.Group = c.text("payload.group", f.Value, 0)
		case "class":
			e.Class = c.text("payload.class", f.Value, 0)
		case "custom_details":
			switch v := f.Value.(type) {
			case []Detail:
				e.Details = v
			case nil:
			default:
				c.fail("'payload.custom_details' must be an object")
			}
		default:
			c.fail("'payload.%s' is not a field of a payload", f.Name)
		}
	}
	if e.Summary == "" {
		c.fail("'payload.summary' is missing or blank")
	}
	if e.Source == "" {
		c.fail("'payload.source' is missing or blank")
	}
	switch e.Severity {
	case "critical", "error", "warning", "info":
	default:
		c.fail("'payload.severity' must be critical, error, warning or info")
	}
}

// change checks a change event: no dedup key, no severity, and a key that is not of a ruleset.
func (c *checker) change(e *Event, top []Detail) {
	for _, f := range top {
		switch f.Name {
		case "routing_key":
			c.key(e, f.Value)
			if s, _ := f.Value.(string); strings.HasPrefix(s, "R") {
				c.fail("'routing_key' of a ruleset takes no change events")
			}
		case "links":
			c.links(e, f.Value)
		case "payload":
			payload, ok := f.Value.([]Detail)
			if !ok {
				c.fail("'payload' must be an object")
			}
			for _, p := range payload {
				switch p.Name {
				case "summary":
					e.Summary = c.text("payload.summary", p.Value, maxSummary)
				case "source":
					e.Source = c.text("payload.source", p.Value, 0)
				case "timestamp":
					t, err := time.Parse(time.RFC3339Nano, c.text("payload.timestamp", p.Value, 0))
					if err != nil {
						c.fail("'payload.timestamp' must be an ISO 8601 time")
					}
					e.Timestamp = t
				case "custom_details":
					e.Details, _ = p.Value.([]Detail)
				default:
					c.fail("'payload.%s' is not a field of a change", p.Name)
				}
			}
		default:
			c.fail("'%s' is not a field of a change event", f.Name)
		}
	}
	if e.keyHash == "" {
		c.fail("'routing_key' is missing or blank")
	}
	if e.Summary == "" {
		c.fail("'payload.summary' is missing or blank")
	}
}

func (c *checker) key(e *Event, v any) {
	s, _ := v.(string)
	if !routingKey.MatchString(s) {
		c.fail("'routing_key' must be 32 letters and digits")
	}
	if s != "" {
		sum := sha256.Sum256([]byte(s))
		e.keyHash = hex.EncodeToString(sum[:8])
	}
}

func (c *checker) text(name string, v any, limit int) string {
	s, ok := v.(string)
	if !ok {
		c.fail("'%s' must be a string", name)
		return ""
	}
	if limit > 0 && utf8.RuneCountInString(s) > limit {
		c.fail("'%s' is longer than %d characters", name, limit)
	}
	return s
}

func (c *checker) web(name string, v any, https bool) string {
	s := c.text(name, v, 0)
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && (https || u.Scheme != "http") {
		c.fail("'%s' must be a web address", name)
	}
	return s
}

func (c *checker) links(e *Event, v any) {
	list, ok := v.([]any)
	if !ok {
		c.fail("'links' must be an array")
	}
	for _, item := range list {
		fields, ok := item.([]Detail)
		if !ok {
			c.fail("'links' must hold objects")
			continue
		}
		l := Link{}
		for _, f := range fields {
			switch f.Name {
			case "href":
				l.Href = c.web("links.href", f.Value, false)
			case "text":
				l.Text = c.text("links.text", f.Value, 0)
			default:
				c.fail("'links.%s' is not a field of a link", f.Name)
			}
		}
		if l.Href == "" {
			c.fail("'links.href' is missing or blank")
		}
		e.Links = append(e.Links, l)
	}
}

func (c *checker) images(e *Event, v any) {
	list, ok := v.([]any)
	if !ok {
		c.fail("'images' must be an array")
	}
	for _, item := range list {
		fields, ok := item.([]Detail)
		if !ok {
			c.fail("'images' must hold objects")
			continue
		}
		im := Image{}
		for _, f := range fields {
			switch f.Name {
			case "src":
				im.Src = c.web("images.src", f.Value, true)
			case "href":
				im.Href = c.web("images.href", f.Value, false)
			case "alt":
				im.Alt = c.text("images.alt", f.Value, 0)
			default:
				c.fail("'images.%s' is not a field of an image", f.Name)
			}
		}
		if im.Src == "" {
			c.fail("'images.src' is missing or blank")
		}
		e.Images = append(e.Images, im)
	}
}

var errNotObject = errors.New("not an object")

// object decodes JSON with the order of its keys. A key that stands twice counts as broken.
func object(data []byte) ([]Detail, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	v, err := value(dec, 0)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errNotObject
	}
	fields, ok := v.([]Detail)
	if !ok {
		return nil, errNotObject
	}
	return fields, nil
}

const maxDepth = 64

func value(dec *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errNotObject
	}
	tok, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch tok {
	case json.Delim('{'):
		fields, seen := []Detail{}, map[string]bool{}
		for dec.More() {
			name, err := dec.Token()
			if err != nil {
				return nil, err
			}
			key, _ := name.(string)
			v, err := value(dec, depth+1)
			if err != nil || seen[key] {
				return nil, errors.Join(err, errNotObject)
			}
			seen[key] = true
			fields = append(fields, Detail{key, v})
		}
		_, err := dec.Token()
		return fields, err
	case json.Delim('['):
		list := []any{}
		for dec.More() {
			v, err := value(dec, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := dec.Token()
		return list, err
	}
	return tok, nil
}
