package plumblineextension

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/extension"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// run starts an extension on a free port and gives its base URL.
func run(t *testing.T, change func(*Config), with ...Option) (*plumbline, string) {
	t.Helper()
	address := make(chan net.Addr, 1)
	factory := NewFactory(append(with, WithListening(func(a net.Addr) { address <- a }))...)
	cfg := factory.CreateDefaultConfig().(*Config)
	cfg.NetAddr.Endpoint = "127.0.0.1:0"
	if change != nil {
		change(cfg)
	}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	set := extension.Settings{ID: component.NewID(Type), TelemetrySettings: componenttest.NewNopTelemetrySettings(), BuildInfo: component.BuildInfo{Version: "v9"}}
	ext, err := factory.Create(t.Context(), set, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := ext.Start(t.Context(), componenttest.NewNopHost()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ext.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return ext.(*plumbline), "http://" + (<-address).String()
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestReadyFollowsThePipelinesAndTheFirstPublish(t *testing.T) {
	p, base := run(t, nil)
	published := p.PlumblineHub().ExpectPublish()
	if code, _ := get(t, base+"/-/healthy"); code != http.StatusOK {
		t.Errorf("/-/healthy = %d before the pipelines run, want 200", code)
	}
	if code, _ := get(t, base+"/-/ready"); code != http.StatusServiceUnavailable {
		t.Errorf("/-/ready = %d at the start, want 503", code)
	}
	if err := p.Ready(); err != nil {
		t.Fatal(err)
	}
	published()
	if code, _ := get(t, base+"/-/ready"); code != http.StatusOK {
		t.Errorf("/-/ready = %d after the first publish, want 200", code)
	}
	if err := p.NotReady(); err != nil {
		t.Fatal(err)
	}
	if code, _ := get(t, base+"/-/ready"); code != http.StatusServiceUnavailable {
		t.Errorf("/-/ready = %d while stopping, want 503", code)
	}
}

func TestMetricsAreWhatStandsOnTheBoardInTheFormThatTheScraperWants(t *testing.T) {
	p, base := run(t, nil)
	batch := catalog.Batch{Time: time.Unix(2000, 0), Start: time.Unix(1000, 0)}
	batch.Add(catalog.Records, 3, "spam", "v1")
	p.PlumblineHub().Board().Take(nil).Put(batch)
	const prometheus3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
	for _, c := range []struct{ accept, encoding, wantType, wantLine string }{
		{"", "", "text/plain; version=0.0.4", "plumbline_records_total{model=\"spam\",version=\"v1\"} 3\n"},
		{prometheus3, "gzip", "text/plain; version=0.0.4", "plumbline_records_total{model=\"spam\",version=\"v1\"} 3\n"},
		{"application/openmetrics-text;version=1.0.0", "", "application/openmetrics-text; version=1.0.0", "plumbline_records_total{model=\"spam\",version=\"v1\"} 3.0\n"},
		{"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited", "", "application/vnd.google.protobuf", "plumbline_records_total"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept", c.accept)
		req.Header.Set("Accept-Encoding", c.encoding)
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		var body io.Reader = resp.Body
		if c.encoding == "gzip" {
			if body, err = gzip.NewReader(resp.Body); err != nil {
				t.Fatal(err)
			}
		}
		text, err := io.ReadAll(body)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if got := resp.Header.Get("Content-Type"); !strings.HasPrefix(got, c.wantType) {
			t.Errorf("who asks for %q gets %q", c.accept, got)
		}
		if !strings.Contains(string(text), c.wantLine) || !strings.Contains(string(text), "plumbline_build_info") {
			t.Errorf("who asks for %q does not get the board and the self-metrics:\n%s", c.accept, text)
		}
	}
}

func TestMetricsOfTheExporterComeThroughAUnixSocket(t *testing.T) {
	for _, address := range []string{"unix:" + t.TempDir() + "/m.sock", "unix:@plumbline-test-" + strings.ReplaceAll(t.Name(), "/", "-")} {
		l, err := net.Listen("unix", strings.TrimPrefix(address, "unix:"))
		if err != nil {
			t.Fatal(err)
		}
		srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "from ", r.URL.Path) })}
		go srv.Serve(l)
		t.Cleanup(func() { srv.Close() })

		_, base := run(t, func(c *Config) { c.Metrics, c.Health = address, address })
		if code, body := get(t, base+"/metrics"); code != http.StatusOK || body != "from /metrics" {
			t.Errorf("%s: /metrics = %d %q", address, code, body)
		}
		if code, body := get(t, base+"/health"); code != http.StatusOK || body != "from /" {
			t.Errorf("%s: /health = %d %q", address, code, body)
		}
	}
}

func TestAnExporterThatDoesNotAnswerIsNamed(t *testing.T) {
	_, base := run(t, func(c *Config) { c.Metrics = "unix:" + t.TempDir() + "/nobody" })
	if code, body := get(t, base+"/metrics"); code != http.StatusBadGateway || !strings.Contains(body, "prometheus exporter") {
		t.Errorf("/metrics = %d %q", code, body)
	}
}

func TestSelfMetricsAndTheCollectorsOwnHaveTheirPages(t *testing.T) {
	reg := prometheus.NewRegistry()
	reg.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "otelcol_x", Help: "h"}))
	_, base := run(t, nil, WithCollectorMetrics(reg))
	for path, want := range map[string]string{
		"/metrics/agent":     `plumbline_build_info{goversion=`,
		"/metrics":           "plumbline_config_last_reload_successful 1", // without an exporter
		"/metrics/collector": "otelcol_x 0",
		"/":                  "/-/ready",
	} {
		if code, body := get(t, base+path); code != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s = %d, without %q:\n%s", path, code, want, body)
		}
	}
	for _, path := range []string{"/debug/pprof/", "/nothing"} {
		if code, _ := get(t, base+path); code != http.StatusNotFound {
			t.Errorf("%s = %d, want 404", path, code)
		}
	}
	_, plain := run(t, nil)
	if code, _ := get(t, plain+"/metrics/collector"); code != http.StatusNotFound {
		t.Errorf("/metrics/collector = %d without a gatherer, want 404", code)
	}
}

func TestAMountedHandlerIsServedUntilItIsTakenAway(t *testing.T) {
	p, base := run(t, nil)
	unmount := p.PlumblineHub().Mount("/api/v2/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Method) }))
	if code, body := get(t, base+"/api/v2/alerts"); code != http.StatusOK || body != "GET" {
		t.Errorf("mounted: %d %q", code, body)
	}
	unmount()
	if code, _ := get(t, base+"/api/v2/alerts"); code != http.StatusNotFound {
		t.Errorf("taken away: %d, want 404", code)
	}
}

func TestOtherMachinesMayLookAndNotTouchUnlessTheyAreAllowed(t *testing.T) {
	for _, c := range []struct {
		method, from string
		allowed      bool
		want         int
	}{
		{"GET", "10.0.0.1:5", false, http.StatusOK},
		{"POST", "10.0.0.1:5", false, http.StatusForbidden},
		{"DELETE", "[2001:db8::1]:5", false, http.StatusForbidden},
		{"POST", "127.0.0.1:5", false, http.StatusOK},
		{"POST", "[::ffff:127.0.0.1]:5", false, http.StatusOK},
		{"POST", "[::1]:5", false, http.StatusOK},
		{"POST", "@", false, http.StatusOK}, // a unix socket
		{"POST", "10.0.0.1:5", true, http.StatusOK},
	} {
		p, _ := run(t, func(cfg *Config) { cfg.RemoteWrites = c.allowed })
		p.PlumblineHub().Mount("/api/v2/", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		r := httptest.NewRequest(c.method, "/api/v2/silences", nil)
		r.RemoteAddr = c.from
		w := httptest.NewRecorder()
		p.handler().ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%s from %s, allowed %v: %d, want %d", c.method, c.from, c.allowed, w.Code, c.want)
		}
	}
}

func TestAClientThatSendsSlowlyIsGivenUpAndOthersAreServedMeanwhile(t *testing.T) {
	_, base := run(t, func(c *Config) { c.ReadHeaderTimeout = 100 * time.Millisecond })
	conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("GET /metrics HTTP/1.1\r\nHost: x\r\n")); err != nil { // and never the empty line
		t.Fatal(err)
	}
	if code, _ := get(t, base+"/-/healthy"); code != http.StatusOK {
		t.Errorf("another client got %d", code)
	}
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.ReadAll(conn); errors.Is(err, context.DeadlineExceeded) || isTimeout(err) {
		t.Error("the slow client still holds its connection")
	}
	if d := NewFactory().CreateDefaultConfig().(*Config); d.ReadHeaderTimeout > 10*time.Second || d.ReadTimeout > 10*time.Second {
		t.Error("the default gives a slow client more than ten seconds")
	}
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

func TestConnectionsBeyondTheLimitWaitUntilOneIsFree(t *testing.T) {
	_, base := run(t, func(c *Config) { c.MaxConnections = 1 })
	first, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	answered := make(chan int, 1)
	go func() {
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		resp, err := client.Get(base + "/-/healthy")
		if err != nil {
			answered <- 0
			return
		}
		resp.Body.Close()
		answered <- resp.StatusCode
	}()
	first.Close()
	if code := <-answered; code != http.StatusOK {
		t.Errorf("the second connection got %d after the first was closed", code)
	}
}

func TestTheDefaultIsLoopbackOnlyAndErrorsQuoteTheKey(t *testing.T) {
	cfg := NewFactory().CreateDefaultConfig().(*Config)
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	if host, _, _ := net.SplitHostPort(cfg.NetAddr.Endpoint); !net.ParseIP(host).IsLoopback() {
		t.Errorf("the default listens on %s", cfg.NetAddr.Endpoint)
	}
	for _, c := range []struct {
		change func(*Config)
		is     error
		key    string
	}{
		{func(c *Config) { c.NetAddr.Endpoint = "" }, ErrNoEndpoint, `"endpoint"`},
		{func(c *Config) { c.MaxConnections = 0 }, ErrConnections, `"max_connections"`},
		{func(c *Config) { c.Metrics = "unix:" }, ErrAddress, `"metrics"`},
		{func(c *Config) { c.Health = "13133" }, ErrAddress, `"health"`},
	} {
		cfg := NewFactory().CreateDefaultConfig().(*Config)
		c.change(cfg)
		if err := cfg.Validate(); !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.key) {
			t.Errorf("got %v, want one that quotes %s", err, c.key)
		}
	}
}

func TestAnAddressInUseIsNamedWithItsKeyAndFlag(t *testing.T) {
	_, base := run(t, nil)
	factory := NewFactory()
	cfg := factory.CreateDefaultConfig().(*Config)
	cfg.NetAddr.Endpoint = strings.TrimPrefix(base, "http://")
	ext, err := factory.Create(t.Context(), extension.Settings{ID: component.NewID(Type), TelemetrySettings: componenttest.NewNopTelemetrySettings()}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := ext.Start(t.Context(), componenttest.NewNopHost()); err == nil || !strings.Contains(err.Error(), "--listen") {
		t.Errorf("got %v", err)
	}
	if err := ext.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}
