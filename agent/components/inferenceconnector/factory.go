// Package inferenceconnector is the Collector connector "inference": inference records that arrive by OTLP, Kafka or
// scrape in, metrics out.
//
// It feeds internal/monitor, as inference_log does for files. A log record is one inference record: its body is a map
// or text in the model's format. Points of metrics that bear one time and one set of attributes are one record whose
// fields are named after the metrics. Every interval the state is committed and its samples are published. One
// connector has one engine, also when it stands in both kinds of pipelines. One goroutine publishes and one watches
// model files; calls of Consume wait for each other. What is held is bounded by internal/monitor.
//
// What it cannot promise: the lines of a file can be read again after a crash, records that came over the network
// cannot. Those counted since the last commit are lost with the process.
package inferenceconnector

import (
	"context"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer"
)

// Type is the name of the connector in configuration.
var Type = component.MustNewType("inference")

// NewFactory makes the factory.
func NewFactory() connector.Factory {
	s := &shared{cores: map[*Config]*core{}}
	return connector.NewFactory(Type, createDefaultConfig,
		connector.WithLogsToMetrics(func(_ context.Context, set connector.Settings, cfg component.Config, next consumer.Metrics) (connector.Logs, error) {
			return &logs{s.core(set, cfg.(*Config), next)}, nil
		}, component.StabilityLevelAlpha),
		connector.WithMetricsToMetrics(func(_ context.Context, set connector.Settings, cfg component.Config, next consumer.Metrics) (connector.Metrics, error) {
			return &points{s.core(set, cfg.(*Config), next)}, nil
		}, component.StabilityLevelAlpha),
	)
}

// shared hands the same core to the two sides of one configured connector. The Collector makes them from one
// configuration value, which therefore is the key.
type shared struct {
	mu    sync.Mutex
	cores map[*Config]*core
}

func (s *shared) core(set connector.Settings, cfg *Config, next consumer.Metrics) *core {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.cores[cfg]
	if c == nil {
		c = newCore(set, cfg, next)
		c.forget = func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			delete(s.cores, cfg)
		}
		s.cores[cfg] = c
	}
	return c
}
