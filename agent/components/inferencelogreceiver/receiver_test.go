package inferencelogreceiver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receivertest"

	"github.com/plumbline-ml/plumbline/agent/components/internal/metricdata"
	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// sink is a consumer that hands what it takes to one goroutine, the test's.
type sink struct {
	ch     chan pmetric.Metrics
	refuse atomic.Int32 // so many publishes are refused
}

func newSink() *sink { return &sink{ch: make(chan pmetric.Metrics, 1000)} }

func (s *sink) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

func (s *sink) ConsumeMetrics(_ context.Context, m pmetric.Metrics) error {
	if s.refuse.Add(-1) >= 0 {
		return errors.New("not now")
	}
	s.ch <- m
	return nil
}

// until reads publishes until ok says that the series are as they should be.
func (s *sink) until(t *testing.T, what string, ok func(map[string]float64) bool) pmetric.Metrics {
	t.Helper()
	limit := time.After(20 * time.Second)
	for {
		select {
		case m := <-s.ch:
			values := map[string]float64{}
			metricdata.Decode(m, metricdata.Sink{
				Sample: func(_, _ time.Time, m *catalog.Metric, labels []string, v float64, _ *catalog.HistogramValue) {
					values[m.Name+strings.TrimRight("|"+strings.Join(labels, "|"), "|")] = v
				},
				Series: func(_ time.Time, name string, _ map[string]string, v float64) { values[name] = v },
				Gone:   func(_ time.Time, name string, _ map[string]string) { values["gone "+name]++ },
			})
			if ok(values) {
				return m
			}
		case <-limit:
			t.Fatalf("%s: not within 20 s", what)
		}
	}
}

const model = `
model: %s
logs: {include: [%s/*.jsonl], format: json}
fields: {timestamp: ts}
predictions: {score: {path: score, kind: probability}}
reference: {learn: 24h}
false_pages: 1 per 30d
`

type bench struct {
	dir  string
	cfg  *Config
	sink *sink
}

func newBench(t *testing.T) *bench {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{"models", "app"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	cfg := NewFactory().CreateDefaultConfig().(*Config)
	cfg.Models, cfg.StateDir, cfg.Interval, cfg.Node = []string{filepath.Join(dir, "models")}, filepath.Join(dir, "state"), 100*time.Millisecond, "n1"
	return &bench{dir, cfg, newSink()}
}

func (b *bench) model(t *testing.T, name string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(b.dir, "models", name+".yaml"), fmt.Appendf(nil, model, name, filepath.Join(b.dir, "app")), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) lines(t *testing.T, n int) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(b.dir, "app", "a.jsonl"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for i := range n {
		fmt.Fprintf(f, `{"ts":%d,"score":0.%d}`+"\n", time.Now().Unix(), i%9)
	}
}

func (b *bench) start(t *testing.T, with ...Option) receiver.Metrics {
	t.Helper()
	if err := b.cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	set := receivertest.NewNopSettings(Type)
	set.ID = component.NewID(Type)
	r, err := NewFactory(with...).CreateMetrics(t.Context(), set, b.cfg, b.sink)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(t.Context(), componenttest.NewNopHost()); err != nil {
		t.Fatal(err)
	}
	return r
}

func stop(t *testing.T, r receiver.Metrics) {
	t.Helper()
	if err := r.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
}

const spamRecords = "plumbline_records_total|spam"

func TestLinesBecomeMetricsWithTheStartOfCountingAndTheNode(t *testing.T) {
	b := newBench(t)
	b.model(t, "spam")
	b.lines(t, 30)
	r := b.start(t)
	defer stop(t, r)
	m := b.sink.until(t, "30 records", func(v map[string]float64) bool {
		return v[spamRecords] == 30 && v["plumbline_tail_lines_total"] == 30 && v["plumbline_config_last_reload_successful"] == 1
	})
	host, _ := m.ResourceMetrics().At(0).Resource().Attributes().Get("host.name")
	if host.AsString() != "n1" {
		t.Errorf("host.name = %q", host.AsString())
	}
	for _, metric := range m.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
		if metric.Name() == "plumbline_records_total" {
			s := metric.Sum()
			if !s.IsMonotonic() || s.AggregationTemporality() != pmetric.AggregationTemporalityCumulative || s.DataPoints().At(0).StartTimestamp() == 0 {
				t.Error("a counter must be a cumulative, monotonic sum with a start")
			}
		}
	}
}

func TestWhatIsOmittedIsNotPublished(t *testing.T) {
	b := newBench(t)
	b.cfg.Omit = []string{"plumbline_feature_missing_total"}
	b.model(t, "spam")
	b.lines(t, 5)
	r := b.start(t)
	defer stop(t, r)
	b.sink.until(t, "5 records", func(v map[string]float64) bool {
		for name := range v {
			if strings.HasPrefix(name, "plumbline_feature_missing_total") {
				t.Errorf("%s is published", name)
			}
		}
		return v[spamRecords] == 5
	})
}

func TestAStopPublishesWhatWasCommittedAndAStartGoesOn(t *testing.T) {
	b := newBench(t)
	b.model(t, "spam")
	b.lines(t, 10)
	b.cfg.Interval = time.Hour // nothing is published before the stop
	r := b.start(t)
	if got := r.(*logReceiver).loop; got == nil {
		t.Fatal("no loop")
	}
	stop(t, r)
	b.sink.until(t, "the last publish", func(v map[string]float64) bool { return len(v) > 0 })
	b.lines(t, 5)
	b.cfg.Interval = 100 * time.Millisecond
	r = b.start(t)
	defer stop(t, r)
	b.sink.until(t, "15 records", func(v map[string]float64) bool { return v[spamRecords] == 15 })
}

func TestAPipelineThatRefusesDoesNotStopTheCounting(t *testing.T) {
	b := newBench(t)
	b.model(t, "spam")
	b.sink.refuse.Store(3)
	r := b.start(t)
	defer stop(t, r)
	b.lines(t, 20)
	b.sink.until(t, "20 records", func(v map[string]float64) bool { return v[spamRecords] == 20 })
}

func TestModelsComeAndGoWhileTheReceiverRuns(t *testing.T) {
	b := newBench(t)
	b.lines(t, 10)
	r := b.start(t)
	defer stop(t, r)
	b.sink.until(t, "self-metrics without a model", func(v map[string]float64) bool { return v["plumbline_up"] == 1 })
	b.model(t, "spam")
	b.sink.until(t, "the first model", func(v map[string]float64) bool { return v[spamRecords] == 10 })
	b.model(t, "second")
	b.sink.until(t, "the second model", func(v map[string]float64) bool {
		_, ok := v["plumbline_records_total|second"]
		return ok || v["plumbline_model_features|second"] > 0
	})
	if err := os.Remove(filepath.Join(b.dir, "models", "second.yaml")); err != nil {
		t.Fatal(err)
	}
	b.sink.until(t, "the end of the second", func(v map[string]float64) bool { return v["gone plumbline_budget_false_pages"] == 1 })
}

func TestAModelIsInferredOnceAndTold(t *testing.T) {
	b := newBench(t)
	b.cfg.Models, b.cfg.Include = nil, []string{filepath.Join(b.dir, "app", "*.jsonl")}
	told := make(chan string, 10)
	r := b.start(t, WithInferred(func(_ string, text []byte) { told <- string(text) }))
	b.lines(t, 60)
	b.sink.until(t, "60 records", func(v map[string]float64) bool { return v["plumbline_records_total|app"] == 60 })
	stop(t, r)
	if text := <-told; !strings.Contains(text, "path: score") {
		t.Errorf("told\n%s", text)
	}
	r = b.start(t, WithInferred(func(string, []byte) { t.Error("inferred twice") }))
	stop(t, r)
}

func TestModelsThatDoNotLoadStopTheStartAndNameLineAndColumn(t *testing.T) {
	b := newBench(t)
	file := filepath.Join(b.dir, "models", "bad.yaml")
	if err := os.WriteFile(file, []byte("model: x\nlogz: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := NewFactory().CreateMetrics(t.Context(), receivertest.NewNopSettings(Type), b.cfg, consumertest.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(t.Context(), componenttest.NewNopHost()); err == nil || !strings.Contains(err.Error(), file+":2:1") {
		t.Errorf("got %v", err)
	}
	stop(t, r)
}

func TestErrorsOfTheConfigurationQuoteTheKey(t *testing.T) {
	for _, c := range []struct {
		change func(*Config)
		is     error
	}{
		{func(c *Config) { c.Models = nil }, ErrNothing},
		{func(c *Config) { c.Include = []string{"a"} }, ErrBoth},
		{func(c *Config) { c.Format = "json" }, ErrFormat},
		{func(c *Config) { c.StateDir = "" }, ErrStateDir},
		{func(c *Config) { c.Interval = 0 }, ErrInterval},
		{func(c *Config) { c.SayEvery = 0 }, ErrSayEvery},
		{func(c *Config) { c.StartAt = "middle" }, ErrStartAt},
		{func(c *Config) { c.MaxFiles = -1 }, ErrLimit},
		{func(c *Config) { c.MaxModels = -1 }, ErrLimit},
		{func(c *Config) { c.Omit = []string{"plumbline_nothing"} }, ErrOmit},
	} {
		cfg := newBench(t).cfg
		if err := cfg.Validate(); err != nil {
			t.Fatal(err)
		}
		c.change(cfg)
		if err := cfg.Validate(); !errors.Is(err, c.is) || !strings.Contains(err.Error(), `"`) {
			t.Errorf("got %v, want %v", err, c.is)
		}
	}
}
