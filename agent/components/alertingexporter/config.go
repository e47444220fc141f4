package alertingexporter

import (
	"errors"
	"net/url"
	"time"

	"go.opentelemetry.io/collector/component"
)

// Config of the exporter.
type Config struct {
	// Routes is an Alertmanager configuration file, reloaded live. Empty means the built-in routes: critical alerts
	// and warnings become lines of the log.
	Routes string `mapstructure:"routes"`
	// StateDir keeps alerts, incidents and silences over restarts. Empty means in memory only: a restart then forgets
	// which incidents are open.
	StateDir string `mapstructure:"state_dir"`
	// Node is part of every dedup key, so that nodes do not close each other's incidents.
	Node string `mapstructure:"node"`
	// ExternalURL is the address under which people reach this agent; it appears in links.
	ExternalURL string `mapstructure:"external_url"`
	// SendTimeout bounds one attempt to reach a destination.
	SendTimeout time.Duration `mapstructure:"send_timeout"`
}

// Errors of Validate.
var (
	ErrExternalURL = errors.New(`"external_url" must look like http://host:port`)
	ErrSendTimeout = errors.New(`"send_timeout" must be at least 1s`)
)

func createDefaultConfig() component.Config { return &Config{SendTimeout: 10 * time.Second} }

// Validate implements confmap.Validator. The routes file is read by Start and by "plumbline check".
func (c *Config) Validate() error {
	var errs []error
	if u, err := url.Parse(c.ExternalURL); c.ExternalURL != "" && (err != nil || u.Host == "") {
		errs = append(errs, ErrExternalURL)
	}
	if c.SendTimeout < time.Second {
		errs = append(errs, ErrSendTimeout)
	}
	return errors.Join(errs...)
}
