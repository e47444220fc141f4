package alerting

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/plumbline-ml/plumbline/exporters/destination"
	"github.com/plumbline-ml/plumbline/internal/snapshot"
)

// Names that users of this package need and that live with the destinations.
type (
	Notification = destination.Notification
	Notifier     = destination.Notifier
	RetryAdvice  = destination.RetryAdvice
	Action       = destination.Action
)

// The actions of a notification.
const (
	Trigger = destination.Trigger
	Update  = destination.Update
	Resolve = destination.Resolve
)

// Bounds, as the package comment states them.
const (
	maxAlerts          = 20_000
	maxAlertTextBytes  = 64 << 20
	maxOneAlertBytes   = 32 << 10
	maxPending         = 10_000
	maxIncidents       = 50_000
	maxListedAlerts    = 100
	maxSilences        = 10_000
	defaultSendTimeout = 10 * time.Second
)

// Options of a Dispatcher. The zero value is complete: everything in memory, pages to nobody but the log.
type Options struct {
	// RoutesFile is an Alertmanager configuration. Empty means BuiltinRoutes.
	RoutesFile string
	// Routes is the content of RoutesFile for callers that have it already; nil means read the file.
	Routes []byte
	// StateDir keeps alerts, incidents, silences and call times over restarts, in a sub-folder of its own.
	// Empty means in memory only.
	StateDir string
	// Node is part of every dedup key, unless an alert has a label node of its own or scope="fleet".
	Node string
	// ExternalURL is the address under which people reach this agent; it appears in links. Empty means none.
	ExternalURL string
	// Default is where log_configs and the built-in routes lead. Nil means one log line per notification.
	Default Notifier
	// HTTPClient, if not nil, makes clients for destinations that have no http_config; tests use it.
	HTTPClient *http.Client
	// DryRun counts what Tick returns as delivered. Nothing is ever sent: backtest.
	DryRun bool
	// Registerer takes the metrics of the catalogue's Delivery group. Nil means no metrics.
	Registerer prometheus.Registerer
	// Logger may be nil: discard.
	Logger *slog.Logger
	// Now is the clock of Run and of the API. Nil means time.Now.
	Now func() time.Time
	// Rand is the source of jitter. Nil means a seeded one of its own.
	Rand *rand.Rand
	// SendTimeout bounds one attempt where the route sets none. Zero means 10 s.
	SendTimeout time.Duration
	// Store replaces the state file; tests use it. Nil means a file in StateDir, or memory.
	Store Store
}

// Store keeps named sections; internal/snapshot implements it. A failed Commit keeps the previous state, and
// what it held is part of the next one.
type Store interface {
	Section(name string) ([]byte, bool)
	Names() []string
	Commit(changed []snapshot.Section, removed []string) error
	Close() error
}

func (o *Options) defaults() error {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), uint64(os.Getpid())))
	}
	if o.SendTimeout <= 0 {
		o.SendTimeout = defaultSendTimeout
	}
	if o.ExternalURL != "" {
		if u, err := url.Parse(o.ExternalURL); err != nil || u.Host == "" {
			return fmt.Errorf("alerting: external URL %q: want http://host:port", o.ExternalURL)
		}
	}
	return nil
}

// openStore opens the state file, or returns nil for memory. lost says that an earlier state could not be
// recovered whole, so incidents may be open that nobody here remembers.
func (o *Options) openStore() (store Store, lost bool, err error) {
	if o.Store != nil {
		return o.Store, false, nil
	}
	if o.StateDir == "" {
		return nil, false, nil
	}
	s, report, err := snapshot.Open(filepath.Join(o.StateDir, stateFolder), "delivery", snapshot.Options{})
	if err != nil {
		return nil, false, fmt.Errorf("alerting: open the delivery state: %w", err)
	}
	if len(report.Recovered) > 0 {
		o.Logger.Warn("delivery state was damaged and recovered from an earlier commit", "reasons", strings.Join(report.Recovered, ","))
		lost = true
	}
	return s, lost, nil
}

const stateFolder = "alerting"
