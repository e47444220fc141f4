package rules

import (
	"log/slog"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Options say what to evaluate and within which bounds. The zero value of every field is usable; without Files, Dirs and Packs there
// is just nothing to evaluate.
type Options struct {
	Files []string // rule files or globs of them
	Dirs  []string // folders whose *.yaml and *.yml are loaded; not *_test.yaml, not subfolders. A missing folder is an error
	Packs bool     // load the packs that are built in, too

	ExternalLabels map[string]string // added to every alert that does not have them, and $externalLabels in templates: node
	ExternalURL    string            // $externalURL in templates; empty is allowed

	Interval       time.Duration // of groups that name none; 0 means 15s
	Lookback       time.Duration // how old the newest sample of a series may be for an instant selector; 0 means 5m
	Resend         time.Duration // firing alerts are returned again this often; 0 means 1m
	ResolvedResend time.Duration // resolved alerts are returned again for so long; 0 means 15m, negative means once

	MaxSeries  int           // in the store; 0 means 20000
	MaxSamples int           // per series that a rule looks back over; 0 means 1024
	MaxAlerts  int           // instances of one rule; 0 means 5000. A rule that yields more fails and keeps what it had
	Retention  time.Duration // furthest look back; 0 means 26h

	State      Persister             // nil means that nothing survives a restart
	Registerer prometheus.Registerer // nil means no self-metrics
	Logger     *slog.Logger          // nil means silence
}

// Persister keeps the state of the alerts over restarts. Save must be atomic: after a crash, Load returns what the last or the one before
// the last Save was given. Load returns nil and no error when nothing was saved yet.
type Persister interface {
	Load() ([]byte, error)
	Save(state []byte) error
}

func (o Options) withDefaults() Options {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&o.Interval, 15*time.Second)
	def(&o.Lookback, 5*time.Minute)
	def(&o.Resend, time.Minute)
	def(&o.ResolvedResend, 15*time.Minute)
	def(&o.Retention, 26*time.Hour)
	if o.MaxSeries == 0 {
		o.MaxSeries = 20000
	}
	if o.MaxSamples == 0 {
		o.MaxSamples = 1024
	}
	if o.MaxAlerts == 0 {
		o.MaxAlerts = 5000
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// externalURL is never nil: templates call methods on it.
func (o Options) externalURL() *url.URL {
	if u, err := url.Parse(o.ExternalURL); err == nil {
		return u
	}
	return &url.URL{}
}
