// Package plumblineextension is the Collector extension "plumbline": the one listener of the agent.
//
// It serves /metrics (what the publishers of this Collector have committed, or what a prometheus exporter exposes), /metrics/collector (the Collector's own
// telemetry), /metrics/agent (self-metrics of our components), /-/healthy, /-/ready, /health, and what components
// mount: the Alertmanager API at /api/v2/. It owns the hub where our components meet. It opens one port, holds at
// most max_connections connections, gives slow clients up in ten seconds, has no pprof and no write access to
// anything but what a mounted handler offers.
package plumblineextension

import (
	"context"
	"net"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
)

// Type is the name of the extension in configuration.
var Type = component.MustNewType("plumbline")

// Option changes what a factory makes. A Collector built by the builder uses none.
type Option func(*options)

type options struct {
	collector prometheus.Gatherer
	listening func(net.Addr)
}

// WithCollectorMetrics serves the Collector's own telemetry at /metrics/collector.
func WithCollectorMetrics(g prometheus.Gatherer) Option { return func(o *options) { o.collector = g } }

// WithListening is called with the address whenever the listener is open: the way to learn a port that was given as 0.
func WithListening(f func(net.Addr)) Option { return func(o *options) { o.listening = f } }

// NewFactory makes the factory.
func NewFactory(with ...Option) extension.Factory {
	var o options
	for _, f := range with {
		f(&o)
	}
	return extension.NewFactory(Type, createDefaultConfig,
		func(_ context.Context, set extension.Settings, cfg component.Config) (extension.Extension, error) {
			return newExtension(set, cfg.(*Config), o), nil
		}, component.StabilityLevelBeta)
}
