package agent

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/otlptranslator"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configtelemetry"
	"go.opentelemetry.io/collector/service/telemetry"
	"go.opentelemetry.io/collector/service/telemetry/otelconftelemetry"
	otelconf "go.opentelemetry.io/contrib/otelconf/v0.3.0"
	otelprom "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
)

// inProcess is the host of the metrics reader that opens no port: /metrics/collector on the agent's listener shows
// what it reads. It is the default, and what users write replaces it, as it replaces localhost:8888 elsewhere.
const inProcess = "in-process"

// collectorMetrics hands the Collector's own telemetry to the extension that serves it. The registry is replaced
// when the Collector restarts its service.
type collectorMetrics struct {
	registry atomic.Pointer[prometheus.Registry]
}

// Gather implements prometheus.Gatherer.
func (c *collectorMetrics) Gather() ([]*dto.MetricFamily, error) {
	if r := c.registry.Load(); r != nil {
		return r.Gather()
	}
	return nil, nil
}

// newTelemetry is the stock telemetry of the Collector with one addition: the reader that opens no port.
func newTelemetry(metrics *collectorMetrics) telemetry.Factory {
	stock := otelconftelemetry.NewFactory()
	return telemetry.NewFactory(
		func() component.Config {
			cfg := stock.CreateDefaultConfig().(*otelconftelemetry.Config)
			host, port := inProcess, 0
			cfg.Metrics.Readers = []otelconf.MetricReader{{Pull: &otelconf.PullMetricReader{
				Exporter: otelconf.PullMetricExporter{Prometheus: &otelconf.Prometheus{Host: &host, Port: &port}},
			}}}
			return cfg
		},
		telemetry.WithCreateResource(stock.CreateResource),
		telemetry.WithCreateLogger(stock.CreateLogger),
		telemetry.WithCreateTracerProvider(stock.CreateTracerProvider),
		telemetry.WithCreateMeterProvider(func(ctx context.Context, set telemetry.MeterSettings, cfg component.Config) (telemetry.MeterProvider, error) {
			c := cfg.(*otelconftelemetry.Config)
			rest, found := withoutInProcess(c.Metrics.Readers)
			if !found || c.Metrics.Level == configtelemetry.LevelNone {
				return stock.CreateMeterProvider(ctx, set, cfg)
			}
			return newMeterProvider(ctx, set, c, rest, metrics)
		}),
	)
}

func withoutInProcess(readers []otelconf.MetricReader) (rest []otelconf.MetricReader, found bool) {
	for _, r := range readers {
		if r.Pull != nil && r.Pull.Exporter.Prometheus != nil && r.Pull.Exporter.Prometheus.Host != nil && *r.Pull.Exporter.Prometheus.Host == inProcess {
			found = true
			continue
		}
		rest = append(rest, r)
	}
	return rest, found
}

// newMeterProvider does what the stock one does, with a reader that fills a registry and no server.
func newMeterProvider(ctx context.Context, set telemetry.MeterSettings, cfg *otelconftelemetry.Config, readers []otelconf.MetricReader, into *collectorMetrics) (telemetry.MeterProvider, error) {
	registry := prometheus.NewRegistry()
	reader, err := otelprom.New(otelprom.WithRegisterer(registry), otelprom.WithoutScopeInfo(), otelprom.WithTranslationStrategy(otlptranslator.NoTranslation))
	if err != nil {
		return nil, fmt.Errorf("expose the Collector's telemetry: %w", err)
	}
	views := cfg.Metrics.Views
	if views == nil && set.DefaultViews != nil {
		views = set.DefaultViews(cfg.Metrics.Level)
	}
	resource := &otelconf.Resource{SchemaUrl: cfg.Resource.SchemaUrl}
	if set.Resource != nil {
		for k, v := range set.Resource.Attributes().All() {
			resource.Attributes = append(resource.Attributes, otelconf.AttributeNameValue{Name: k, Value: v.AsString()})
		}
	}
	sdk, err := otelconf.NewSDK(
		otelconf.WithContext(ctx),
		otelconf.WithMeterProviderOptions(sdkmetric.WithReader(reader)),
		otelconf.WithOpenTelemetryConfiguration(otelconf.OpenTelemetryConfiguration{
			Resource:      resource,
			MeterProvider: &otelconf.MeterProvider{Readers: readers, Views: views},
		}),
	)
	if err != nil {
		return nil, fmt.Errorf("make the Collector's meter provider: %w", err)
	}
	provider, ok := sdk.MeterProvider().(telemetry.MeterProvider)
	if !ok {
		return nil, fmt.Errorf("make the Collector's meter provider: %T cannot be shut down", sdk.MeterProvider())
	}
	into.registry.Store(registry)
	return provider, nil
}
