package agent

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"go.opentelemetry.io/collector/confmap"
)

//go:embed default.yaml
var defaultConfig []byte

// DefaultConfig is the configuration that runs when none is given.
func DefaultConfig() string { return string(defaultConfig) }

// scheme of what only this process knows: ${plumbline:metrics} and ${plumbline:health} are sockets,
// ${plumbline:limit_mib} and ${plumbline:spike_limit_mib} are for the memory_limiter, and plumbline:default is the
// built-in configuration.
const scheme = "plumbline"

var errUnknownURI = errors.New("want plumbline:default, plumbline:metrics, plumbline:health, plumbline:limit_mib or plumbline:spike_limit_mib")

// sockets are where stock components listen that would otherwise each take a port of the host.
type sockets struct {
	metrics, health string
	remove          func() error
}

// newSockets chooses names that nobody else uses. Linux has names that leave no file behind; elsewhere the sockets
// stand in a folder that remove takes away.
func newSockets() (sockets, error) {
	id := strings.ToLower(rand.Text()[:16])
	if runtime.GOOS == "linux" {
		return sockets{"@plumbline-" + id + "-metrics", "@plumbline-" + id + "-health", func() error { return nil }}, nil
	}
	dir, err := os.MkdirTemp("", "plumbline-")
	if err != nil {
		return sockets{}, fmt.Errorf("make a folder for sockets: %w", err)
	}
	return sockets{filepath.Join(dir, "metrics"), filepath.Join(dir, "health"), func() error { return os.RemoveAll(dir) }}, nil
}

// provider implements confmap.Provider for the scheme.
type provider struct{ sockets sockets }

func (p *provider) factory() confmap.ProviderFactory {
	return confmap.NewProviderFactory(func(confmap.ProviderSettings) confmap.Provider { return p })
}

func (p *provider) Retrieve(_ context.Context, uri string, _ confmap.WatcherFunc) (*confmap.Retrieved, error) {
	switch strings.TrimPrefix(uri, scheme+":") {
	case "default":
		return confmap.NewRetrievedFromYAML(defaultConfig)
	case "metrics":
		return confmap.NewRetrieved(p.sockets.metrics)
	case "health":
		return confmap.NewRetrieved(p.sockets.health)
	case "limit_mib":
		return confmap.NewRetrieved(int(systemMemoryLimit() >> 20))
	case "spike_limit_mib":
		return confmap.NewRetrieved(int(systemMemoryLimit() >> 20 / 5))
	}
	return nil, fmt.Errorf("%q: %w", uri, errUnknownURI)
}

func (p *provider) Scheme() string { return scheme }

func (p *provider) Shutdown(context.Context) error { return nil }
