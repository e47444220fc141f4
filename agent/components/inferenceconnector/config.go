package inferenceconnector

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"
)

// Config of the connector.
type Config struct {
	// Models are folders of model files, or single model files. Both are reloaded live. Their logs.include is not used.
	Models []string `mapstructure:"models"`
	// ModelAttribute names the attribute that says which model a record belongs to; it is looked for on the record, its
	// scope and its resource. Records without it belong to the model when there is only one, and are counted as
	// unreadable otherwise.
	ModelAttribute string `mapstructure:"model_attribute"`
	// Record says what of a log record is the inference record: "body" or "attributes".
	Record string `mapstructure:"record"`
	// StateDir keeps everything derived from the records over restarts. Empty means in memory only.
	StateDir string `mapstructure:"state_dir"`
	// Node becomes the resource attribute host.name of the metrics. Empty means none.
	Node string `mapstructure:"node"`
	// Interval is the time between two publishes.
	Interval time.Duration `mapstructure:"interval"`
	// SayEvery is in how many publishes a series that did not change is said once, but every 20 s at least; changes are
	// said at once.
	SayEvery int `mapstructure:"say_every"`
	// MaxModels bounds the models. 0 takes the default, 200.
	MaxModels int `mapstructure:"max_models"`
}

// Errors of Validate, wrapped with what was written.
var (
	ErrModels    = errors.New(`"models" must be set: a folder of model files, or model files`)
	ErrAttribute = errors.New(`"model_attribute" must be set, for example plumbline.model`)
	ErrRecord    = errors.New(`"record" must be "body" or "attributes"`)
	ErrSayEvery  = errors.New(`"say_every" must be between 1 and 60`)
	ErrInterval  = errors.New(`"interval" must be at least 100ms`)
	ErrMaxModels = errors.New(`"max_models" must not be negative; 0 takes the default`)
)

func createDefaultConfig() component.Config {
	return &Config{ModelAttribute: "plumbline.model", Record: "body", Interval: time.Second, SayEvery: 10}
}

// Validate implements confmap.Validator.
func (c *Config) Validate() error {
	var errs []error
	if len(c.Models) == 0 {
		errs = append(errs, ErrModels)
	}
	if c.ModelAttribute == "" {
		errs = append(errs, ErrAttribute)
	}
	if c.Record != "body" && c.Record != "attributes" {
		errs = append(errs, fmt.Errorf("%w, not %q", ErrRecord, c.Record))
	}
	if c.Interval < 100*time.Millisecond {
		errs = append(errs, fmt.Errorf("%w, not %s", ErrInterval, c.Interval))
	}
	if c.SayEvery < 1 || c.SayEvery > 60 {
		errs = append(errs, fmt.Errorf("%w, not %d", ErrSayEvery, c.SayEvery))
	}
	if c.MaxModels < 0 {
		errs = append(errs, fmt.Errorf("%w, not %d", ErrMaxModels, c.MaxModels))
	}
	return errors.Join(errs...)
}
