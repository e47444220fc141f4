// Package agent is the Plumbline distribution of the OpenTelemetry Collector: the list of its components, the
// configuration that is built in, and how one run starts, reloads and ends.
//
// Run blocks until its context is done or a component fails, and ends everything that it started; several runs may
// live in one process if they listen on different addresses and keep their state in different folders. A run opens
// one TCP port. The package holds no state outside a run and installs no signal handler except the Collector's own
// for SIGHUP, which restarts the service with the configuration read again. It exits no process and parses no flags:
// that is agent/cmd/plumbline.
package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"strings"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/envprovider"
	"go.opentelemetry.io/collector/confmap/provider/fileprovider"
	"go.opentelemetry.io/collector/confmap/provider/yamlprovider"
	"go.opentelemetry.io/collector/featuregate"
	"go.opentelemetry.io/collector/otelcol"
)

// version is set by the linker: -X github.com/plumbline-ml/plumbline/agent.version=v1.2.3.
var version = "dev"

// Version of this build.
func Version() string { return version }

// ErrFailed says that a component failed while the agent ran; the log says which and why.
var ErrFailed = errors.New("a component failed, see the log")

// Run starts an agent and ends with it. It returns nil when ctx is done.
func Run(ctx context.Context, opts Options) error {
	if err := setFeatureGates(opts.FeatureGates); err != nil {
		return err
	}
	s, err := settle(opts)
	if err != nil {
		return err
	}
	if len(s.Config) == 0 && len(s.Models) == 0 && len(s.Logs) == 0 {
		return usage("nothing to watch: %s does not exist.\nGive --models DIR with a model file in it, or --logs 'app/*.jsonl' to have one inferred from a log", etcModels)
	}
	private, err := newSockets()
	if err != nil {
		return err
	}
	collector, err := otelcol.NewCollector(s.collector(private, hooks{
		metrics: new(collectorMetrics),
		listening: func(a net.Addr) {
			s.bound.Store(a.String()) // a port that was given as 0 stays the same when the service restarts
			fmt.Fprintf(s.Out, "plumbline %s: metrics at http://%s/metrics, state in %s\n", Version(), a, s.State)
			if opts.Listening != nil {
				opts.Listening(a)
			}
		},
		inferred: func(file string, text []byte) {
			fmt.Fprintf(s.Out, "There was no model file, so this one was written from the log, as %s:\n\n", file)
			for line := range strings.Lines(string(text)) {
				fmt.Fprint(s.Out, "    "+line)
			}
			fmt.Fprintln(s.Out)
		},
	}))
	if err != nil {
		return errors.Join(err, private.remove())
	}
	err = collector.Run(ctx)
	if err == nil && ctx.Err() == nil {
		err = ErrFailed // the Collector logs an asynchronous failure and ends as if it had been asked to
	}
	return errors.Join(err, private.remove())
}

// collector puts the settings of the Collector together.
func (s settled) collector(private sockets, h hooks) otelcol.CollectorSettings {
	uris := s.Config
	if len(uris) == 0 {
		uris = []string{scheme + ":default"}
	}
	for _, kv := range s.Set {
		key, v, _ := strings.Cut(kv, "=")
		uris = append(uris, "yaml:"+strings.ReplaceAll(strings.TrimSpace(key), ".", "::")+": "+strings.TrimSpace(v))
	}
	return otelcol.CollectorSettings{
		Factories: func() (otelcol.Factories, error) { return factories(h) },
		BuildInfo: component.BuildInfo{Command: "plumbline", Description: "Watches machine-learning models in production", Version: Version()},
		ConfigProviderSettings: otelcol.ConfigProviderSettings{ResolverSettings: confmap.ResolverSettings{
			URIs:          uris,
			DefaultScheme: "env",
			ProviderFactories: []confmap.ProviderFactory{
				envprovider.NewFactory(), fileprovider.NewFactory(), yamlprovider.NewFactory(), (&provider{private}).factory(),
			},
			ConverterFactories: []confmap.ConverterFactory{(&overlay{s}).factory()},
		}},
		DisableGracefulShutdown: true, // whoever calls Run owns the signals, and ends it by its context
	}
}

func setFeatureGates(gates []string) error {
	for _, g := range gates {
		id, off := strings.CutPrefix(g, "-")
		id = strings.TrimPrefix(id, "+")
		if err := featuregate.GlobalRegistry().Set(id, !off); err != nil {
			return usage("--feature-gates %s: %v", g, err)
		}
	}
	return nil
}

// CollectorVersion is the version of the Collector inside, as the module it is built from says.
func CollectorVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "go.opentelemetry.io/collector/otelcol" {
				return m.Version
			}
		}
	}
	return "unknown"
}
