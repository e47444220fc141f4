package plumblineextension

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"
)

// index is what a person sees who opens the address in a browser.
const index = `Plumbline
/metrics            metrics of the models and of the agent
/metrics/agent      self-metrics of the components alone
/metrics/collector  telemetry of the Collector
/-/healthy          200 while the process serves
/-/ready            200 once everything runs and has published
/health             the Collector's health check
/api/v2/            Alertmanager API: alerts and silences
`

func (p *plumbline) handler() http.Handler {
	mux := http.NewServeMux()
	agent := gathered(p.hub.Gatherer(), p.set.Logger)
	mux.Handle("GET /metrics/agent", agent)
	if p.config.Metrics != "" {
		mux.Handle("GET /metrics", proxy(p.config.Metrics, "/metrics", "the prometheus exporter", p.set.Logger))
	} else {
		mux.Handle("GET /metrics", &exposition{hub: p.hub, log: p.set.Logger, free: make(chan struct{}, mostScrapes)})
	}
	if p.config.Health != "" {
		mux.Handle("GET /health", proxy(p.config.Health, "/", "the health_check extension", p.set.Logger))
	}
	if p.opts.collector != nil {
		mux.Handle("GET /metrics/collector", gathered(p.opts.collector, p.set.Logger))
	} else {
		mux.HandleFunc("GET /metrics/collector", func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "this Collector exposes its own telemetry where service::telemetry::metrics says", http.StatusNotFound)
		})
	}
	mux.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "Plumbline is healthy.")
	})
	mux.HandleFunc("GET /-/ready", func(w http.ResponseWriter, _ *http.Request) {
		if !p.hub.Ready() {
			http.Error(w, "Plumbline is starting.", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "Plumbline is ready.")
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, index) })
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		h, ok := p.hub.Mounted(r.URL.Path)
		switch {
		case !ok:
			http.NotFound(w, r)
		case !p.config.RemoteWrites && r.Method != http.MethodGet && r.Method != http.MethodHead && !local(r.RemoteAddr):
			http.Error(w, `only this machine may change anything here; the key "remote_writes" of the plumbline extension allows others`, http.StatusForbidden)
		default:
			h.ServeHTTP(w, r)
		}
	})
	return mux
}

// local says that a request comes from this machine: over loopback, or over a unix socket, which has no address.
func local(remote string) bool {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

func gathered(g prometheus.Gatherer, logger *zap.Logger) http.Handler {
	return promhttp.HandlerFor(g, promhttp.HandlerOpts{ErrorLog: printer{logger}, ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 16})
}

type printer struct{ logger *zap.Logger }

func (p printer) Println(v ...any) {
	p.logger.Warn("Exposing metrics failed", zap.String("err", fmt.Sprint(v...)))
}

// proxy serves path of what listens at address; what names it for people.
func proxy(address, path, what string, logger *zap.Logger) http.Handler {
	network, target, _ := splitAddress(address)             // Validate has seen it
	errorLog, err := zap.NewStdLogAt(logger, zap.WarnLevel) // fails for unknown levels only
	if err != nil {
		errorLog = nil
	}
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: "plumbline.internal"})
			r.Out.URL.Path, r.Out.URL.RawPath = path, ""
		},
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return dialer.DialContext(ctx, network, target)
			},
			// The scraper's own Accept-Encoding goes through, so the body is not unpacked and packed again here.
			DisableCompression:    true,
			MaxIdleConnsPerHost:   4,
			IdleConnTimeout:       time.Minute,
			ResponseHeaderTimeout: 30 * time.Second,
		},
		ErrorLog: errorLog,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			logger.Warn("No answer from "+what, zap.Error(err))
			http.Error(w, what+" does not answer", http.StatusBadGateway)
		},
	}
}
