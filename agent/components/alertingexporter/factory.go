// Package alertingexporter is the Collector exporter "alerting": log records of alerts in, pages out.
//
// It adapts exporters/alerting: records of package alertlog become alerts, which the dispatcher routes, groups,
// inhibits, silences and delivers. A record is acknowledged when what it asks for is on disk, so there is no
// sending queue here: the dispatcher's own state is the queue. The routes file is reloaded live; when a new one is
// bad the old one runs on. The Alertmanager API is mounted on the agent's listener. One goroutine delivers and one
// watches the file, from Start to Shutdown; what the dispatcher holds is bounded there. It evaluates no rules.
package alertingexporter

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
)

// Type is the name of the exporter in configuration.
var Type = component.MustNewType("alerting")

// NewFactory makes the factory.
func NewFactory() exporter.Factory {
	return exporter.NewFactory(Type, createDefaultConfig, exporter.WithLogs(create, component.StabilityLevelBeta))
}

func create(ctx context.Context, set exporter.Settings, cfg component.Config) (exporter.Logs, error) {
	e := newExporter(set, cfg.(*Config))
	return exporterhelper.NewLogs(ctx, set, cfg, e.consume,
		exporterhelper.WithStart(e.start),
		exporterhelper.WithShutdown(e.shutdown),
		exporterhelper.WithTimeout(exporterhelper.TimeoutConfig{}), // a hand-over ends when it is on disk
	)
}
