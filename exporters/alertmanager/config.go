// Package alertmanager forwards alerts to an external Alertmanager, as Prometheus does: POST /api/v2/alerts.
//
// The promise: an alert stays up over there while it fires here and the agent lives, and for Hold after the
// agent was last heard of, because a restart is no evidence that anything recovered; it ends there as soon as it
// ends here. No redirect is followed, credentials are never part of an error. A Notifier is one address, holds no
// state between calls and is safe for concurrent use; one call carries the alerts it is given, at most 64 KiB
// of the answer are read.
//
// It does not group, silence or inhibit: that is the Alertmanager's work. It does not decide when to send
// again: exporters/alerting does.
package alertmanager

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/plumbline-ml/plumbline/exporters/destination"
)

// Kind names this destination in metrics.
const Kind = "alertmanager"

// Defaults of the routes file.
const (
	DefaultResend = time.Minute
	DefaultHold   = time.Hour
)

// Config of one address.
type Config struct {
	URL    string           // of the Alertmanager, path prefix included: http://alertmanager:9093
	Hold   time.Duration    // how long a firing alert stays up without being repeated; zero means an hour
	Client *http.Client     // nil means a client that follows no redirect and refuses link-local addresses
	Now    func() time.Time // for Retry-After dates; nil means time.Now
}

// ErrConfig is wrapped by every complaint of New.
var ErrConfig = errors.New("alertmanager")

func (c *Config) check() error {
	if err := destination.CheckURL(c.URL); err != nil {
		return fmt.Errorf("%w: urls: %w", ErrConfig, err)
	}
	c.URL = strings.TrimSuffix(strings.TrimSuffix(c.URL, "/"), "/api/v2/alerts")
	if c.Hold == 0 {
		c.Hold = DefaultHold
	}
	if c.Hold < time.Minute {
		return fmt.Errorf("%w: hold: want at least a minute", ErrConfig)
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
