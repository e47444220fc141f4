package agent

import (
	"net"

	"github.com/open-telemetry/opentelemetry-collector-contrib/exporter/fileexporter"
	"github.com/open-telemetry/opentelemetry-collector-contrib/exporter/kafkaexporter"
	"github.com/open-telemetry/opentelemetry-collector-contrib/exporter/prometheusexporter"
	"github.com/open-telemetry/opentelemetry-collector-contrib/exporter/prometheusremotewriteexporter"
	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/healthcheckextension"
	"github.com/open-telemetry/opentelemetry-collector-contrib/receiver/kafkareceiver"
	"github.com/open-telemetry/opentelemetry-collector-contrib/receiver/prometheusreceiver"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/connector/forwardconnector"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/debugexporter"
	"go.opentelemetry.io/collector/exporter/otlpexporter"
	"go.opentelemetry.io/collector/exporter/otlphttpexporter"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/batchprocessor"
	"go.opentelemetry.io/collector/processor/memorylimiterprocessor"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"

	"github.com/plumbline-ml/plumbline/agent/components/alertingexporter"
	"github.com/plumbline-ml/plumbline/agent/components/alertrulesconnector"
	"github.com/plumbline-ml/plumbline/agent/components/inferenceconnector"
	"github.com/plumbline-ml/plumbline/agent/components/inferencelogreceiver"
	"github.com/plumbline-ml/plumbline/agent/components/plumblineextension"
)

// hooks are how components tell the agent what a person should read. The functions may be nil.
type hooks struct {
	metrics   *collectorMetrics // required: where the Collector's own telemetry goes
	listening func(net.Addr)
	inferred  func(file string, text []byte)
}

// factories lists every component of the distribution: ours, then the stock ones. The builder manifest in
// agent/components names the same; a test holds the two together.
func factories(h hooks) (otelcol.Factories, error) {
	f := otelcol.Factories{Telemetry: newTelemetry(h.metrics)}
	return f, firstError(
		fill[receiver.Factory](&f.Receivers,
			inferencelogreceiver.NewFactory(inferencelogreceiver.WithInferred(h.inferred)),
			otlpreceiver.NewFactory(), prometheusreceiver.NewFactory(), kafkareceiver.NewFactory(),
		),
		fill[processor.Factory](&f.Processors,
			memorylimiterprocessor.NewFactory(), batchprocessor.NewFactory(),
		),
		fill[connector.Factory](&f.Connectors,
			inferenceconnector.NewFactory(), alertrulesconnector.NewFactory(),
			forwardconnector.NewFactory(),
		),
		fill[exporter.Factory](&f.Exporters,
			alertingexporter.NewFactory(),
			prometheusexporter.NewFactory(), prometheusremotewriteexporter.NewFactory(),
			otlpexporter.NewFactory(), otlphttpexporter.NewFactory(),
			kafkaexporter.NewFactory(), fileexporter.NewFactory(), debugexporter.NewFactory(),
		),
		fill[extension.Factory](&f.Extensions,
			plumblineextension.NewFactory(plumblineextension.WithCollectorMetrics(h.metrics), plumblineextension.WithListening(h.listening)),
			healthcheckextension.NewFactory(),
		),
	)
}

// fill makes the map of one kind of component.
func fill[F component.Factory](into *map[component.Type]F, list ...F) (err error) {
	*into, err = otelcol.MakeFactoryMap(list...)
	return err
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// Component is one component of the distribution.
type Component struct {
	Kind      string            `json:"kind"` // receiver, processor, connector, exporter or extension
	Name      string            `json:"name"` // as in configuration
	Ours      bool              `json:"ours"`
	Stability map[string]string `json:"stability"` // by signal
}

// Components lists what is compiled in, by kind and name.
func Components() ([]Component, error) {
	f, err := factories(hooks{metrics: &collectorMetrics{}})
	if err != nil {
		return nil, err
	}
	ours := map[component.Type]bool{
		inferencelogreceiver.Type: true, inferenceconnector.Type: true, alertrulesconnector.Type: true,
		alertingexporter.Type: true, plumblineextension.Type: true,
	}
	var out []Component
	add := func(kind string, t component.Type, levels map[string]component.StabilityLevel) {
		c := Component{Kind: kind, Name: t.String(), Ours: ours[t], Stability: map[string]string{}}
		for signal, level := range levels {
			if level != component.StabilityLevelUndefined {
				c.Stability[signal] = level.String()
			}
		}
		out = append(out, c)
	}
	type levels = map[string]component.StabilityLevel
	each(f.Receivers, func(t component.Type, r receiver.Factory) {
		add("receiver", t, levels{"metrics": r.MetricsStability(), "logs": r.LogsStability(), "traces": r.TracesStability()})
	})
	each(f.Processors, func(t component.Type, p processor.Factory) {
		add("processor", t, levels{"metrics": p.MetricsStability(), "logs": p.LogsStability(), "traces": p.TracesStability()})
	})
	each(f.Connectors, func(t component.Type, c connector.Factory) {
		add("connector", t, levels{
			"logs to logs": c.LogsToLogsStability(), "logs to metrics": c.LogsToMetricsStability(), "logs to traces": c.LogsToTracesStability(),
			"metrics to logs": c.MetricsToLogsStability(), "metrics to metrics": c.MetricsToMetricsStability(), "metrics to traces": c.MetricsToTracesStability(),
			"traces to logs": c.TracesToLogsStability(), "traces to metrics": c.TracesToMetricsStability(), "traces to traces": c.TracesToTracesStability(),
		})
	})
	each(f.Exporters, func(t component.Type, e exporter.Factory) {
		add("exporter", t, levels{"metrics": e.MetricsStability(), "logs": e.LogsStability(), "traces": e.TracesStability()})
	})
	each(f.Extensions, func(t component.Type, e extension.Factory) {
		add("extension", t, levels{"extension": e.Stability()})
	})
	return out, nil
}
