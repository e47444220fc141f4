package agent

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

// Options of a run, as flags give them. A zero field means "not given": the built-in configuration then takes the
// default named here, and a configuration of the user's own keeps what it says.
type Options struct {
	Config []string // Collector configurations, merged in order: files or URIs. None means the built-in one
	Set    []string // key.path=value, laid over the configuration as the Collector's own --set does

	Models []string // folders of model files, or single ones; default /etc/plumbline/models if that exists
	Logs   []string // globs of logs to watch without a model file: one is inferred
	Format string   // of Logs; empty means that it is recognised
	Rules  []string // folders of rule files, or single ones; default the shipped packs, and /etc/plumbline/rules if that exists
	Packs  bool     // the shipped packs besides Rules
	Routes string   // Alertmanager configuration; default /etc/plumbline/routes.yaml if that exists
	State  string   // folder for state; default /var/lib/plumbline, or below the home folder when that cannot be written
	Listen string   // HOST:PORT of the one listener; default 127.0.0.1:9464; port 0 takes a free one
	Node   string   // name of this node in alerts; default $PLUMBLINE_NODE, or the host's name

	ExternalURL string // address of the Grafana that the dashboard links of pages lead to; default none

	Interval     time.Duration // between publishes; default 1s
	LogLevel     string        // debug, info, warn or error; default info
	LogFormat    string        // console or json; default console
	FeatureGates []string      // as the Collector's --feature-gates has them: ID, +ID or -ID

	Listening func(net.Addr) // called when the listener is open; nil is fine
	Out       io.Writer      // for what a person who starts the agent should read; nil means nowhere
}

// ErrUsage is wrapped by errors that the caller of a command can correct on the command line.
var ErrUsage = errors.New("usage")

// usage makes an error that matches ErrUsage and reads as the given text alone.
func usage(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

type usageError struct{ text string }

func (e *usageError) Error() string        { return e.text }
func (e *usageError) Is(target error) bool { return target == ErrUsage }

// Places where a packaged agent has its files.
const (
	etcModels     = "/etc/plumbline/models"
	etcRules      = "/etc/plumbline/rules"
	etcRoutes     = "/etc/plumbline/routes.yaml"
	varState      = "/var/lib/plumbline"
	defaultListen = "127.0.0.1:9464"
)

// settled is Options after defaults: what the overlay writes.
type settled struct {
	Options
	given Options       // as they came: what was given wins over a configuration of the user's own
	bound *atomic.Value // address of the listener as text, once it is open
}

// settle fills in the defaults and refuses what cannot work.
func settle(o Options) (settled, error) {
	s := settled{Options: o, given: o, bound: new(atomic.Value)}
	if o.Out == nil {
		s.Out = io.Discard
	}
	for _, list := range []struct {
		flag  string
		paths []string
	}{{"--config", plainFiles(o.Config)}, {"--models", o.Models}, {"--rules", o.Rules}} {
		for _, p := range list.paths {
			if _, err := os.Stat(p); err != nil {
				return s, usage("%s %s: %s", list.flag, p, reason(err))
			}
		}
	}
	if o.Routes != "" {
		if info, err := os.Stat(o.Routes); err != nil {
			return s, usage("--routes %s: %s", o.Routes, reason(err))
		} else if info.IsDir() {
			return s, usage("--routes %s: is a folder; name the file, for example %s", o.Routes, filepath.Join(o.Routes, "routes.yaml"))
		}
	}
	if o.Listen != "" {
		if _, _, err := net.SplitHostPort(o.Listen); err != nil {
			return s, usage("--listen %q: want HOST:PORT, for example %s", o.Listen, defaultListen)
		}
	}
	if o.ExternalURL != "" {
		if u, err := url.Parse(o.ExternalURL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return s, usage("--external-url %q: want the address of a Grafana, for example https://grafana.example.com", o.ExternalURL)
		}
		s.ExternalURL = strings.TrimRight(o.ExternalURL, "/")
	}
	if o.Format != "" && len(o.Logs) == 0 {
		return s, usage("--format is the format of --logs; with model files it stands in the file, as logs.format")
	}
	if o.Interval < 0 {
		return s, usage("--interval %s: want a positive duration such as 1s", o.Interval)
	}
	for _, kv := range o.Set {
		if key, _, ok := strings.Cut(kv, "="); !ok || key == "" {
			return s, usage("--set %s: want KEY.PATH=VALUE, for example receivers.inference_log.interval=5s", kv)
		}
	}
	own := len(o.Config) > 0
	if !own {
		if len(s.Models) == 0 && len(s.Logs) == 0 && exists(etcModels) {
			s.Models = []string{etcModels}
		}
		if len(s.Rules) == 0 && exists(etcRules) {
			s.Rules = []string{etcRules}
		}
		if s.Routes == "" && exists(etcRoutes) {
			s.Routes = etcRoutes
		}
		if s.Listen == "" {
			s.Listen = defaultListen
		}
	}
	if s.State == "" {
		s.State = defaultState()
	}
	if s.Node == "" {
		s.Node = defaultNode()
	}
	return s, nil
}

// plainFiles leaves out what has a scheme: the Collector reads that, from wherever it is.
func plainFiles(uris []string) []string {
	var out []string
	for _, u := range uris {
		if !strings.Contains(u, ":") {
			out = append(out, u)
		}
	}
	return out
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func reason(err error) string {
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "does not exist"
	case errors.Is(err, os.ErrPermission):
		return "may not be read by this user"
	}
	return err.Error()
}

// defaultState is the system's place when this user can write there, and a place of the user's own otherwise.
func defaultState() string {
	if writable(varState) {
		return varState
	}
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "plumbline")
	}
	if home, err := os.UserHomeDir(); err == nil {
		return filepath.Join(home, ".local", "state", "plumbline")
	}
	return varState
}

// writable tries, because permissions, capabilities and read-only mounts cannot be foretold from the mode bits. A
// folder that is not there yet is made, as opening the state would do.
func writable(dir string) bool {
	if os.MkdirAll(dir, 0o700) != nil {
		return false
	}
	f, err := os.CreateTemp(dir, ".writable-*")
	if err != nil {
		return false
	}
	name := f.Name()
	return errors.Join(f.Close(), os.Remove(name)) == nil
}

func defaultNode() string {
	if n := os.Getenv("PLUMBLINE_NODE"); n != "" {
		return n
	}
	n, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return n
}
