// Package inferencelogreceiver is the Collector receiver "inference_log": it tails inference logs and emits metrics
// of what they say.
//
// It adapts internal/ingest, which tails, parses, counts and detects; a line never becomes a pdata record. Once an
// interval the samples of exactly the state that was committed to disk go down the pipeline, together with the
// self-metrics of our other components. A pipeline that stalls does not stop the tail: the newest samples wait,
// older ones are replaced, and nothing is lost because all of them are totals. Model files are reloaded live; when
// a new one is bad, the old ones run on. Three goroutines run from Start to Shutdown: the loop, the publisher and
// the watcher of files. What is held is bounded by the limits in the configuration.
package inferencelogreceiver

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"
)

// Type is the name of the receiver in configuration.
var Type = component.MustNewType("inference_log")

// Option changes what a factory makes. A Collector built by the builder uses none.
type Option func(*options)

type options struct {
	inferred func(file string, text []byte)
}

// WithInferred is called with every model file that was inferred for logs that have none.
func WithInferred(f func(file string, text []byte)) Option {
	return func(o *options) { o.inferred = f }
}

// NewFactory makes the factory.
func NewFactory(with ...Option) receiver.Factory {
	var o options
	for _, f := range with {
		f(&o)
	}
	return receiver.NewFactory(Type, createDefaultConfig,
		receiver.WithMetrics(func(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Metrics) (receiver.Metrics, error) {
			return newReceiver(set, cfg.(*Config), next, o)
		}, component.StabilityLevelBeta))
}
