// Package pagerduty sends incidents to PagerDuty's Events API v2.
//
// The promise: every event obeys the published contract, whatever an alert holds; only 202 counts as
// accepted; no redirect is followed; a routing key is read anew for every call and is never part of an error,
// a log line or a metric. A Notifier holds no state between calls and is safe for concurrent use; one event is
// at most 512,000 bytes, one answer is read up to 64 KiB.
//
// It does not retry and does not pace: it says what should happen next, and exporters/alerting does it.
package pagerduty

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/plumbline-ml/plumbline/exporters/destination"
)

// Kind names this destination in metrics and in the state.
const Kind = "pagerduty"

// DefaultURL is where events go when the routes do not say otherwise.
const DefaultURL = "https://events.pagerduty.com/v2/enqueue"

// Config of one integration.
type Config struct {
	URL            string // where events are posted; empty means DefaultURL
	RoutingKey     string // integration key; exactly one of it and RoutingKeyFile
	RoutingKeyFile string // file with the key, read for every call, so that a rotated key counts at once

	// Templates; an empty one means our own text.
	Summary, Source, Severity, Class, Component, Group, ClientName, ClientURL string

	Details map[string]any // templates of further details; they come after ours
	Links   []Link
	Images  []Image

	Render destination.Render // runs templates; nil means texts are taken as they are
	Client *http.Client       // nil means a client that follows no redirect and refuses link-local addresses
	Now    func() time.Time   // for Retry-After dates; nil means time.Now
}

// Link is shown on the incident. Both are templates.
type Link struct{ Href, Text string }

// Image is shown on the incident. All are templates.
type Image struct{ Src, Href, Alt string }

// ErrConfig is wrapped by every complaint of New.
var ErrConfig = errors.New("pagerduty")

func (c *Config) check() error {
	if c.URL == "" {
		c.URL = DefaultURL
	}
	if err := destination.CheckURL(c.URL); err != nil {
		return fmt.Errorf("%w: url: %w", ErrConfig, err)
	}
	if (c.RoutingKey == "") == (c.RoutingKeyFile == "") {
		return fmt.Errorf("%w: want exactly one of routing_key and routing_key_file", ErrConfig)
	}
	if c.Client == nil {
		c.Client = destination.NewClient(nil)
	} else {
		c.Client = destination.Guard(c.Client)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Render == nil {
		c.Render = func(text string, _ destination.Notification) (string, error) { return text, nil }
	}
	return nil
}

// key reads the routing key of this moment.
func (c *Config) key() (string, error) {
	if c.RoutingKeyFile == "" {
		return strings.TrimSpace(c.RoutingKey), nil
	}
	data, err := os.ReadFile(c.RoutingKeyFile)
	if err != nil {
		return "", fmt.Errorf("read the routing key: %w", err)
	}
	k := strings.TrimSpace(string(data))
	if k == "" {
		return "", fmt.Errorf("read the routing key: %s is empty", c.RoutingKeyFile)
	}
	return k, nil
}
