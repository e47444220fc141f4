// Package webhook posts notifications to an address of the user's in Alertmanager's webhook format, version 4.
//
// The promise: receivers that understand Alertmanager understand us; no redirect is followed; the address,
// which may carry a token, is read anew for every call when it comes from a file and is never part of an error
// or a log line. A Notifier holds no state between calls and is safe for concurrent use; a body lists at most
// the alerts of one notification, an answer is read up to 64 KiB.
//
// It does not retry and does not pace: exporters/alerting does.
package webhook

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
const Kind = "webhook"

// Config of one webhook.
type Config struct {
	URL       string           // exactly one of it and URLFile
	URLFile   string           // file with the address, read for every call
	MaxAlerts int              // alerts beyond are counted in truncatedAlerts; zero means all that the notification lists
	Client    *http.Client     // nil means a client that follows no redirect and refuses link-local addresses
	Now       func() time.Time // for Retry-After dates; nil means time.Now
}

// ErrConfig is wrapped by every complaint of New.
var ErrConfig = errors.New("webhook")

func (c *Config) check() error {
	if (c.URL == "") == (c.URLFile == "") {
		return fmt.Errorf("%w: want exactly one of url and url_file", ErrConfig)
	}
	if strings.Contains(c.URL, "{{") {
		return fmt.Errorf("%w: url: a template would let an alert choose where it is sent; write the address", ErrConfig)
	}
	if c.URL != "" {
		if err := destination.CheckURL(c.URL); err != nil {
			return fmt.Errorf("%w: url: %w", ErrConfig, err)
		}
	}
	if c.Client == nil {
		c.Client = destination.NewClient(nil)
	} else {
		c.Client = destination.Guard(c.Client)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return nil
}

// address reads the address of this moment.
func (c *Config) address() (string, error) {
	if c.URLFile == "" {
		return c.URL, nil
	}
	data, err := os.ReadFile(c.URLFile)
	if err != nil {
		return "", fmt.Errorf("read the webhook address: %w", err)
	}
	u := strings.TrimSpace(string(data))
	if err := destination.CheckURL(u); err != nil {
		return "", fmt.Errorf("address in %s: %w", c.URLFile, err)
	}
	return u, nil
}
