package plumblineextension

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/extension"
	"go.uber.org/zap"

	"github.com/plumbline-ml/plumbline/agent/components/internal/hub"
)

// plumbline is the extension. It implements extensioncapabilities.PipelineWatcher.
type plumbline struct {
	set    extension.Settings
	config *Config
	opts   options
	hub    *hub.Hub

	server *http.Server
	served chan struct{} // closed when the server has ended
}

func newExtension(set extension.Settings, config *Config, opts options) *plumbline {
	return &plumbline{set: set, config: config, opts: opts, hub: hub.New(set.BuildInfo.Version)}
}

// PlumblineHub is how components find the hub.
func (p *plumbline) PlumblineHub() *hub.Hub { return p.hub }

// Start opens the listener. Extensions start before pipelines, so /-/healthy answers while these start.
func (p *plumbline) Start(ctx context.Context, host component.Host) error {
	listener, err := p.config.ToListener(ctx)
	if err != nil {
		return fmt.Errorf("listen on %s (key \"endpoint\", flag --listen): %w", p.config.NetAddr.Endpoint, err)
	}
	p.server, err = p.config.ToServer(ctx, host.GetExtensions(), p.set.TelemetrySettings, p.handler())
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	p.set.Logger.Info("Listening", zap.Stringer("address", listener.Addr()))
	if p.opts.listening != nil {
		p.opts.listening(listener.Addr())
	}
	p.served = make(chan struct{})
	go func() {
		defer close(p.served)
		err := p.server.Serve(limit(listener, p.config.MaxConnections))
		if err != nil && !errors.Is(err, http.ErrServerClosed) {
			componentstatus.ReportStatus(host, componentstatus.NewFatalErrorEvent(err))
		}
	}()
	return nil
}

// Ready is called by the Collector when all pipelines run.
func (p *plumbline) Ready() error { p.hub.PipelinesRun(true); return nil }

// NotReady is called by the Collector before the pipelines stop.
func (p *plumbline) NotReady() error { p.hub.PipelinesRun(false); return nil }

// Shutdown ends the server. Requests under way are given the time that ctx gives.
func (p *plumbline) Shutdown(ctx context.Context) error {
	if p.server == nil {
		return nil
	}
	err := p.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, p.server.Close())
	}
	<-p.served
	return err
}

// limit bounds the connections that are open at once.
func limit(l net.Listener, n int) net.Listener {
	return &limited{Listener: l, slots: make(chan struct{}, n), closed: make(chan struct{})}
}

type limited struct {
	net.Listener
	slots  chan struct{}
	once   sync.Once
	closed chan struct{}
}

func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &slot{Conn: conn, release: sync.OnceFunc(func() { <-l.slots })}, nil
}

func (l *limited) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

type slot struct {
	net.Conn
	release func()
}

func (s *slot) Close() error {
	defer s.release()
	return s.Conn.Close()
}
