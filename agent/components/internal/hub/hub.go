// Package hub is where Plumbline's components of one Collector meet: the board with what was committed, the registry of
// self-metrics, the outcome of reloads, readiness, and handlers that want to be served on the agent's one listener.
//
// The plumbline extension owns a Hub for as long as the service runs; components find it with From when they start,
// and get a Hub of their own when the extension is not configured, so that they work in anybody's Collector. All
// methods are safe for concurrent use. A Hub holds one entry per kind of reload and per mounted prefix; it opens
// no port and starts no goroutine.
package hub

import (
	"net/http"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/collector/component"

	"github.com/plumbline-ml/plumbline/agent/components/internal/board"
	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// Kinds of files that are reloaded while the agent runs.
const (
	Models = "models"
	Rules  = "rules"
	Routes = "routes"
)

// Hub is the meeting point. Use New.
type Hub struct {
	registry *prometheus.Registry
	board    board.Board // has a lock of its own

	reloadOK   prometheus.Gauge
	reloadKind *prometheus.GaugeVec
	reloadTime *prometheus.GaugeVec

	mu        sync.Mutex
	kinds     map[string]bool // guarded by mu: outcome of the newest reload by kind
	publisher int             // guarded by mu: publishers that have announced themselves and not published yet
	pipelines bool            // guarded by mu: the Collector said that its pipelines run
	mounts    map[string]http.Handler
}

// provider is how a component recognises the extension that owns the Hub.
type provider interface{ PlumblineHub() *Hub }

// New makes a Hub that stands alone. version is that of the agent.
func New(version string) *Hub {
	h := &Hub{registry: prometheus.NewRegistry(), kinds: map[string]bool{}, mounts: map[string]http.Handler{}}
	h.reloadOK = prometheus.NewGauge(opts(catalog.ReloadOK))
	h.reloadKind = prometheus.NewGaugeVec(opts(catalog.ReloadKindOK), catalog.ReloadKindOK.Labels)
	h.reloadTime = prometheus.NewGaugeVec(opts(catalog.ReloadTime), catalog.ReloadTime.Labels)
	build := prometheus.NewGaugeVec(opts(catalog.BuildInfo), catalog.BuildInfo.Labels)
	up := prometheus.NewGauge(opts(catalog.Watchdog))
	h.registry.MustRegister(h.reloadOK, h.reloadKind, h.reloadTime, build, up)
	h.reloadOK.Set(1)
	up.Set(1)
	build.WithLabelValues(version, runtime.Version()).Set(1)
	return h
}

func opts(m *catalog.Metric) prometheus.GaugeOpts {
	return prometheus.GaugeOpts{Name: m.Name, Help: m.Help}
}

// From finds the Hub of the plumbline extension, or makes one that stands alone.
func From(host component.Host, version string) *Hub {
	for _, ext := range host.GetExtensions() {
		if p, ok := ext.(provider); ok {
			return p.PlumblineHub()
		}
	}
	return New(version)
}

// Registerer takes the self-metrics of a component.
func (h *Hub) Registerer() prometheus.Registerer { return h.registry }

// Gatherer gives the self-metrics of all components.
func (h *Hub) Gatherer() prometheus.Gatherer { return h.registry }

// Board is where publishers put what they have committed, and where /metrics and the rules read it.
func (h *Hub) Board() *board.Board { return &h.board }

// Reloaded records how loading one kind of file went, at start or later; err is nil when the new files run.
func (h *Hub) Reloaded(kind string, at time.Time, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.kinds[kind] = err == nil
	value := 0.0
	if err == nil {
		value = 1
		h.reloadTime.WithLabelValues(kind).Set(float64(at.UnixMilli()) / 1000)
	}
	h.reloadKind.WithLabelValues(kind).Set(value)
	all := 1.0
	for _, ok := range h.kinds {
		if !ok {
			all = 0
		}
	}
	h.reloadOK.Set(all)
}

// ExpectPublish announces a component that will publish; the agent is not ready before it has. The function that
// comes back is called after every publish and costs next to nothing after the first.
func (h *Hub) ExpectPublish() (published func()) {
	h.mu.Lock()
	h.publisher++
	h.mu.Unlock()
	var once sync.Once
	return func() {
		once.Do(func() {
			h.mu.Lock()
			h.publisher--
			h.mu.Unlock()
		})
	}
}

// PipelinesRun records whether the Collector's pipelines run.
func (h *Hub) PipelinesRun(run bool) {
	h.mu.Lock()
	h.pipelines = run
	h.mu.Unlock()
}

// Ready is true when the pipelines run and every publisher has published at least once.
func (h *Hub) Ready() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.pipelines && h.publisher == 0
}

// Mount serves everything below prefix with handler, until unmount is called. The newest handler of a prefix wins.
func (h *Hub) Mount(prefix string, handler http.Handler) (unmount func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mounts[prefix] = handler
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.mounts, prefix)
	}
}

// Mounted finds the handler with the longest prefix of path.
func (h *Hub) Mounted(path string) (http.Handler, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	best := ""
	for prefix := range h.mounts {
		if strings.HasPrefix(path, prefix) && len(prefix) > len(best) {
			best = prefix
		}
	}
	handler, ok := h.mounts[best]
	return handler, ok
}
