package plumblineextension

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confighttp"
)

// Config of the extension. The keys of confighttp (endpoint, tls, auth, the timeouts, …) stand beside ours.
type Config struct {
	confighttp.ServerConfig `mapstructure:",squash"`

	// MaxConnections bounds the connections that are open at once; further ones wait to be accepted.
	MaxConnections int `mapstructure:"max_connections"`
	// RemoteWrites lets other machines change something through the API: post alerts, make and end silences. The API asks
	// nobody who they are, so turn this on together with auth or with tls and client_ca_file. This machine always may.
	RemoteWrites bool `mapstructure:"remote_writes"`
	// Metrics is where the stock prometheus exporter listens: "unix:PATH", "unix:@NAME" or "HOST:PORT". The extension
	// serves it at /metrics. Empty: /metrics shows what was committed and the self-metrics.
	Metrics string `mapstructure:"metrics"`
	// Health is where the stock health_check extension listens, in the same form; served at /health. Empty: not served.
	Health string `mapstructure:"health"`
}

// Errors of Validate, wrapped with what was written.
var (
	ErrNoEndpoint  = errors.New(`"endpoint" must be set, for example 127.0.0.1:9464`)
	ErrConnections = errors.New(`"max_connections" must be at least 1`)
	ErrAddress     = errors.New(`must be "unix:PATH", "unix:@NAME" or "HOST:PORT"`)
)

const (
	defaultEndpoint       = "127.0.0.1:9464"
	defaultMaxConnections = 256
	defaultMaxBody        = 4 << 20 // silences and alerts that are posted to the API
)

func createDefaultConfig() component.Config {
	server := confighttp.NewDefaultServerConfig()
	server.NetAddr.Endpoint = defaultEndpoint
	// A client that sends its request slowly holds a connection for this long at the most.
	server.ReadHeaderTimeout = 5 * time.Second
	server.ReadTimeout = 10 * time.Second
	server.WriteTimeout = time.Minute
	server.IdleTimeout = time.Minute
	server.MaxRequestBodySize = defaultMaxBody
	return &Config{ServerConfig: server, MaxConnections: defaultMaxConnections}
}

// Validate implements confmap.Validator.
func (c *Config) Validate() error {
	var errs []error
	if c.NetAddr.Endpoint == "" {
		errs = append(errs, ErrNoEndpoint)
	}
	if c.MaxConnections < 1 {
		errs = append(errs, fmt.Errorf("%w, not %d", ErrConnections, c.MaxConnections))
	}
	for key, address := range map[string]string{"metrics": c.Metrics, "health": c.Health} {
		if _, _, err := splitAddress(address); address != "" && err != nil {
			errs = append(errs, fmt.Errorf("%q %w, not %q", key, err, address))
		}
	}
	return errors.Join(errs...)
}

// splitAddress gives the network and the address to dial.
func splitAddress(s string) (network, address string, err error) {
	if path, ok := strings.CutPrefix(s, "unix:"); ok {
		if path == "" || path == "@" {
			return "", "", ErrAddress
		}
		return "unix", path, nil
	}
	if _, port, err := net.SplitHostPort(s); err != nil || port == "" {
		return "", "", ErrAddress
	}
	return "tcp", s, nil
}
