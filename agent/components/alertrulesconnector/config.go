package alertrulesconnector

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
)

// Config of the connector.
type Config struct {
	// Files are rule files or globs of them; Dirs are folders whose *.yaml and *.yml are loaded. Both are reloaded live.
	Files []string `mapstructure:"files"`
	Dirs  []string `mapstructure:"dirs"`
	// Packs loads the rules that come with Plumbline.
	Packs bool `mapstructure:"packs"`

	// From says where the engine's metrics come from: "pipeline", or "board" when they are taken from what the publishers of
	// this process have committed, without a copy on the way. With "board", other metrics still come down the pipeline.
	From string `mapstructure:"from"`

	// ExternalLabels are added to every alert that does not have them.
	ExternalLabels map[string]string `mapstructure:"external_labels"`
	// Node becomes the external label "node". Empty means that alerts carry no node.
	Node string `mapstructure:"node"`
	// ExternalURL is what rule templates see as $externalURL.
	ExternalURL string `mapstructure:"external_url"`
	// StateDir keeps pending and firing alerts over restarts. Empty means in memory only.
	StateDir string `mapstructure:"state_dir"`

	// Interval of rule groups that name none.
	Interval time.Duration `mapstructure:"interval"`
	// Resend is how often a firing alert is written again.
	Resend time.Duration `mapstructure:"resend"`
	// MaxSeries bounds the series that are held for the rules.
	MaxSeries int `mapstructure:"max_series"`
}

// Values of From.
const (
	FromPipeline = "pipeline"
	FromBoard    = "board"
)

// Errors of Validate, wrapped with what was written.
var (
	ErrInterval    = errors.New(`"interval" must be at least 1s`)
	ErrResend      = errors.New(`"resend" must be at least 1s`)
	ErrMaxSeries   = errors.New(`"max_series" must be at least 1`)
	ErrFrom        = errors.New(`"from" must be "pipeline" or "board"`)
	ErrExternalURL = errors.New(`"external_url" must look like http://host:port`)
	ErrNothing     = errors.New(`"packs" is false and neither "files" nor "dirs" is set: there is no rule to evaluate`)
)

func createDefaultConfig() component.Config {
	return &Config{Packs: true, From: FromPipeline, Interval: 15 * time.Second, Resend: time.Minute, MaxSeries: 20_000}
}

// Validate implements confmap.Validator.
func (c *Config) Validate() error {
	var errs []error
	if c.Interval < time.Second {
		errs = append(errs, fmt.Errorf("%w, not %s", ErrInterval, c.Interval))
	}
	if c.Resend < time.Second {
		errs = append(errs, fmt.Errorf("%w, not %s", ErrResend, c.Resend))
	}
	if c.MaxSeries < 1 {
		errs = append(errs, fmt.Errorf("%w, not %d", ErrMaxSeries, c.MaxSeries))
	}
	if c.From != FromPipeline && c.From != FromBoard {
		errs = append(errs, fmt.Errorf("%w, not %q", ErrFrom, c.From))
	}
	if u, err := url.Parse(c.ExternalURL); c.ExternalURL != "" && (err != nil || u.Host == "") {
		errs = append(errs, ErrExternalURL)
	}
	if !c.Packs && len(c.Files) == 0 && len(c.Dirs) == 0 {
		errs = append(errs, ErrNothing)
	}
	return errors.Join(errs...)
}

// watched lists what to watch for changes: of a glob, the folder that it looks into.
func (c *Config) watched() []string {
	var paths []string
	for _, f := range c.Files {
		for strings.ContainsAny(f, "*?[") {
			f = filepath.Dir(f)
		}
		paths = append(paths, f)
	}
	return append(paths, c.Dirs...)
}
