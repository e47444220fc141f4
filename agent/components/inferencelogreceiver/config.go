package inferencelogreceiver

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// Config of the receiver.
type Config struct {
	// Models are folders of model files, or single model files. Both are reloaded live.
	Models []string `mapstructure:"models"`
	// Include are globs of logs to watch without a model file: one model is inferred from what stands in them.
	Include []string `mapstructure:"include"`
	// Format is the format of Include; empty means that it is recognised.
	Format string `mapstructure:"format"`

	// StateDir keeps positions and everything derived from the lines over restarts. It is required: without it a restart
	// would count every line again.
	StateDir string `mapstructure:"state_dir"`
	// Node becomes the resource attribute host.name of the metrics. Empty means none.
	Node string `mapstructure:"node"`
	// Interval is the time between two publishes.
	Interval time.Duration `mapstructure:"interval"`
	// SayEvery is in how many publishes a series that did not change is said once, but every 20 s at least; changes are
	// said at once.
	SayEvery int `mapstructure:"say_every"`

	// Send says what goes down the pipeline: "all", or "nothing" when everybody who wants to have it reads the board of this
	// process instead: /metrics does, and alert_rules with "from: board".
	Send string `mapstructure:"send"`
	// Omit names metrics that are not published: on nodes with many features, bin shares and drift statistics are most
	// of all series. Rules and dashboards do not see what is omitted.
	Omit []string `mapstructure:"omit"`

	// StartAt says where to begin in files that are there at the very first start: "beginning" or "end".
	StartAt string `mapstructure:"start_at"`
	// PollInterval is the time between two looks at files when notifications do not come.
	PollInterval time.Duration `mapstructure:"poll_interval"`
	// MaxLineBytes is the longest line that is read; longer ones are counted and skipped.
	MaxLineBytes int `mapstructure:"max_line_bytes"`
	// MaxFiles and MaxOpenFiles bound the files that are followed and held open.
	MaxFiles     int `mapstructure:"max_files"`
	MaxOpenFiles int `mapstructure:"max_open_files"`
	// MaxModels bounds the models. 0 takes the default, 200.
	MaxModels int `mapstructure:"max_models"`
}

// Values of Send.
const (
	SendAll     = "all"
	SendNothing = "nothing"
)

// Errors of Validate, wrapped with what was written.
var (
	ErrNothing  = errors.New(`neither "models" nor "include" is set: there is nothing to watch`)
	ErrBoth     = errors.New(`"models" and "include" exclude each other: with model files, each says what it reads`)
	ErrFormat   = errors.New(`"format" is the format of "include"; in a model file it is logs.format`)
	ErrStateDir = errors.New(`"state_dir" must be set: positions and counts are kept there`)
	ErrSayEvery = errors.New(`"say_every" must be between 1 and 60`)
	ErrInterval = errors.New(`"interval" must be at least 100ms`)
	ErrSend     = errors.New(`"send" must be "all" or "nothing"`)
	ErrStartAt  = errors.New(`"start_at" must be "beginning" or "end"`)
	ErrOmit     = errors.New(`"omit" names a metric that does not exist; docs/metrics.md lists them`)
	ErrLimit    = errors.New("must not be negative; 0 takes the default")
)

func createDefaultConfig() component.Config {
	return &Config{Interval: time.Second, SayEvery: 10, Send: SendAll, StartAt: "beginning"}
}

// Validate implements confmap.Validator.
func (c *Config) Validate() error {
	var errs []error
	switch {
	case len(c.Models) == 0 && len(c.Include) == 0:
		errs = append(errs, ErrNothing)
	case len(c.Models) > 0 && len(c.Include) > 0:
		errs = append(errs, ErrBoth)
	}
	if c.Format != "" && len(c.Include) == 0 {
		errs = append(errs, ErrFormat)
	}
	if c.StateDir == "" {
		errs = append(errs, ErrStateDir)
	}
	if c.Interval < 100*time.Millisecond {
		errs = append(errs, fmt.Errorf("%w, not %s", ErrInterval, c.Interval))
	}
	if c.Send != SendAll && c.Send != SendNothing {
		errs = append(errs, fmt.Errorf("%w, not %q", ErrSend, c.Send))
	}
	if c.StartAt != "beginning" && c.StartAt != "end" {
		errs = append(errs, fmt.Errorf("%w, not %q", ErrStartAt, c.StartAt))
	}
	for _, name := range c.Omit {
		if _, ok := catalog.ByName(name); !ok {
			errs = append(errs, fmt.Errorf("%w: %q", ErrOmit, name))
		}
	}
	for key, v := range map[string]int{
		"max_line_bytes": c.MaxLineBytes, "max_files": c.MaxFiles, "max_open_files": c.MaxOpenFiles, "max_models": c.MaxModels, "poll_interval": int(c.PollInterval),
	} {
		if v < 0 {
			errs = append(errs, fmt.Errorf("%q %w", key, ErrLimit))
		}
	}
	if c.SayEvery < 1 || c.SayEvery > 60 {
		errs = append(errs, fmt.Errorf("%w, not %d", ErrSayEvery, c.SayEvery))
	}
	return errors.Join(errs...)
}
