package main

import (
	"github.com/spf13/cobra"

	"github.com/plumbline-ml/plumbline/agent"
)

func init() { register(newRun) }

func newRun() *cobra.Command {
	var opts agent.Options
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the agent",
		Long: `Runs the agent until it is told to stop (Ctrl-C or SIGTERM). SIGHUP reads the Collector's configuration
again; model, rule and routes files are reloaded by themselves when they change.

Without --config the built-in configuration runs: "plumbline config" prints it. Flags that are given win over a
configuration of your own, where it has the component that they are about.`,
		Example: `  plumbline run --logs 'app/*.jsonl'
  plumbline run --models models/ --rules rules/ --routes routes.yaml
  plumbline run --config plumbline.yaml --set receivers.inference_log.interval=5s`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			agent.TuneProcess(cmd.Context())
			opts.Out = cmd.OutOrStdout()
			return agent.Run(cmd.Context(), opts)
		},
	}
	fileFlags(cmd, &opts)
	f := cmd.Flags()
	f.StringArrayVar(&opts.Logs, "logs", nil, "watch the logs that match this glob without a model file: one is inferred and shown")
	f.StringVar(&opts.Format, "format", "", "format of --logs; recognised when not given")
	f.StringVar(&opts.Listen, "listen", "", "HOST:PORT for /metrics, /-/healthy and /-/ready; port 0 takes a free one (default 127.0.0.1:9464)")
	f.StringVar(&opts.Node, "node", "", "name of this node in alerts (default $PLUMBLINE_NODE, or the host's name)")
	f.StringVar(&opts.ExternalURL, "external-url", "", "address of the Grafana that the dashboard links of pages lead to")
	f.DurationVar(&opts.Interval, "interval", 0, "time between publishes (default 1s)")
	f.StringVar(&opts.LogLevel, "log-level", "", "debug, info, warn or error (default info)")
	f.StringVar(&opts.LogFormat, "log-format", "", "console or json (default console)")
	f.StringSliceVar(&opts.FeatureGates, "feature-gates", nil, "feature gates of the Collector: ID or -ID, with commas between")
	return cmd
}

// fileFlags are the flags that say which files an agent works with.
func fileFlags(cmd *cobra.Command, opts *agent.Options) {
	f := cmd.Flags()
	f.StringArrayVar(&opts.Config, "config", nil, "Collector configuration: a file or a URI; may be repeated, later ones are laid over")
	f.StringArrayVar(&opts.Set, "set", nil, "KEY.PATH=VALUE laid over the configuration; may be repeated")
	f.StringArrayVar(&opts.Models, "models", nil, "folder of model files, or one model file (default /etc/plumbline/models)")
	f.StringArrayVar(&opts.Rules, "rules", nil, "folder of rule files, or one rule file, in place of the shipped packs (default: the packs, and /etc/plumbline/rules)")
	f.BoolVar(&opts.Packs, "packs", false, "evaluate the shipped packs besides --rules")
	f.StringVar(&opts.Routes, "routes", "", "routes in Alertmanager's format (default /etc/plumbline/routes.yaml)")
	f.StringVar(&opts.State, "state", "", "folder for state (default /var/lib/plumbline, or ~/.local/state/plumbline)")
}
