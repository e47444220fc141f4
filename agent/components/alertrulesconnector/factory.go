// Package alertrulesconnector is the Collector connector "alert_rules": metrics in, alerts out as log records.
//
// It adapts the rules package: points go into its bounded store, a ticker evaluates the rule groups with the wall
// clock, and every change of state and every re-send becomes one log record of package alertlog. Rule files are
// reloaded live; when new ones are bad the old ones run on, the log names file, line and column, and
// plumbline_config_last_reload_successful is 0 until they are repaired. One goroutine evaluates and one watches
// files, from Start to Shutdown. Memory is bounded by max_series. It routes and delivers nothing.
package alertrulesconnector

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer"
)

// Type is the name of the connector in configuration.
var Type = component.MustNewType("alert_rules")

// NewFactory makes the factory.
func NewFactory() connector.Factory {
	return connector.NewFactory(Type, createDefaultConfig,
		connector.WithMetricsToLogs(func(_ context.Context, set connector.Settings, cfg component.Config, next consumer.Logs) (connector.Metrics, error) {
			return newConnector(set, cfg.(*Config), next), nil
		}, component.StabilityLevelBeta))
}
