package inferenceconnector

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/connector/connectortest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/plumbline-ml/plumbline/agent/components/internal/metricdata"
	"github.com/plumbline-ml/plumbline/internal/catalog"
)

const model = `
model: %s
logs: {include: [unused], format: json}
predictions: {score: {path: score, kind: probability}}
features: [{path: features.*}, {path: queue_length}]
reference: {learn: 24h}
false_pages: 1 per 30d
`

// bench drives a connector by hand: its ticker is too slow to come in between.
type bench struct {
	t    *testing.T
	dir  string
	cfg  *Config
	sink *consumertest.MetricsSink
	core *core
	logs interface {
		component.Component
		ConsumeLogs(context.Context, plog.Logs) error
	}
	points interface {
		component.Component
		ConsumeMetrics(context.Context, pmetric.Metrics) error
	}
}

func newBench(t *testing.T, models ...string) *bench {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir(), sink: new(consumertest.MetricsSink)}
	for _, m := range models {
		if err := os.WriteFile(filepath.Join(b.dir, m+".yaml"), fmt.Appendf(nil, model, m), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b.cfg = NewFactory().CreateDefaultConfig().(*Config)
	b.cfg.Models, b.cfg.Interval, b.cfg.StateDir = []string{b.dir}, time.Hour, filepath.Join(b.dir, "state") // an hour: every series is said each time
	return b
}

// start makes both sides of one connector, as a Collector does that has it in pipelines of logs and of metrics.
func (b *bench) start() {
	b.t.Helper()
	if err := b.cfg.Validate(); err != nil {
		b.t.Fatal(err)
	}
	factory := NewFactory()
	set := connectortest.NewNopSettings(Type)
	set.ID = component.NewID(Type)
	l, err := factory.CreateLogsToMetrics(b.t.Context(), set, b.cfg, b.sink)
	if err != nil {
		b.t.Fatal(err)
	}
	p, err := factory.CreateMetricsToMetrics(b.t.Context(), set, b.cfg, b.sink)
	if err != nil {
		b.t.Fatal(err)
	}
	b.logs, b.points, b.core = l, p, l.(*logs).core
	for _, c := range []component.Component{l, p} {
		if err := c.Start(b.t.Context(), componenttest.NewNopHost()); err != nil {
			b.t.Fatal(err)
		}
	}
}

func (b *bench) stop() {
	b.t.Helper()
	for _, c := range []component.Component{b.logs, b.points} {
		if err := c.Shutdown(context.Background()); err != nil {
			b.t.Error(err)
		}
	}
}

// published gives the newest publish as "name|labels" → value.
func (b *bench) published() map[string]float64 {
	b.t.Helper()
	b.sink.Reset()
	b.core.publish(context.Background(), time.Now())
	values := map[string]float64{}
	for _, m := range b.sink.AllMetrics() {
		metricdata.Decode(m, metricdata.Sink{
			Sample: func(_, _ time.Time, m *catalog.Metric, labels []string, v float64, _ *catalog.HistogramValue) {
				values[strings.TrimRight(m.Name+"|"+strings.Join(labels, "|"), "|")] = v
			},
			Series: func(time.Time, string, map[string]string, float64) {},
			Gone:   func(time.Time, string, map[string]string) {},
		})
	}
	return values
}

func (b *bench) expect(want map[string]float64) {
	b.t.Helper()
	got := b.published()
	for k, v := range want {
		if got[k] != v {
			b.t.Errorf("%s = %v, want %v", k, got[k], v)
		}
	}
}

// record is one log record; body is a map, a text or bytes.
func record(body any, modelName string) plog.Logs {
	out := plog.NewLogs()
	r := out.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	r.SetTimestamp(pcommon.NewTimestampFromTime(time.Now()))
	if err := r.Body().FromRaw(body); err != nil {
		panic(err)
	}
	if modelName != "" {
		r.Attributes().PutStr("plumbline.model", modelName)
	}
	return out
}

func (b *bench) send(body any, modelName string) {
	b.t.Helper()
	if err := b.logs.ConsumeLogs(context.Background(), record(body, modelName)); err != nil {
		b.t.Error(err)
	}
}

func TestBodiesAsMapTextAndBytesAreRecords(t *testing.T) {
	b := newBench(t, "spam")
	b.start()
	defer b.stop()
	b.send(map[string]any{"score": 0.5, "features": map[string]any{"age": 3}}, "")
	b.send(`{"score":0.25,"features":{"age":4}}`, "")
	b.send([]byte(`{"score":null,"features":{"age":5}}`), "spam")
	b.expect(map[string]float64{
		"plumbline_records_total|spam":                               3,
		"plumbline_feature_missing_total|spam|score|prediction|null": 1,
		"plumbline_records_untimed_total|spam":                       0, // the record's own time stands in
	})
}

func TestTheAttributeChoosesTheModelOnRecordScopeOrResource(t *testing.T) {
	b := newBench(t, "one", "two")
	b.start()
	defer b.stop()
	b.send(map[string]any{"score": 0.5}, "one")
	scope, resource := record(map[string]any{"score": 0.5}, ""), record(map[string]any{"score": 0.5}, "")
	scope.ResourceLogs().At(0).ScopeLogs().At(0).Scope().Attributes().PutStr("plumbline.model", "two")
	resource.ResourceLogs().At(0).Resource().Attributes().PutStr("plumbline.model", "two")
	for _, l := range []plog.Logs{scope, resource} {
		if err := b.logs.ConsumeLogs(context.Background(), l); err != nil {
			t.Error(err)
		}
	}
	b.send(map[string]any{"score": 0.5}, "")      // two models, no name
	b.send(map[string]any{"score": 0.5}, "three") // not configured
	b.expect(map[string]float64{
		"plumbline_records_total|one": 1, "plumbline_records_total|two": 2, "plumbline_parse_errors_total|otlp_no_model": 2,
	})
}

func TestWhatCannotBeReadIsCountedByReasonAndNeverAnError(t *testing.T) {
	b := newBench(t, "spam")
	b.start()
	defer b.stop()
	b.send("hunter2", "")
	b.send(int64(5), "")
	b.send(`{"score":0.5`, "")
	b.expect(map[string]float64{
		"plumbline_records_total|spam": 0, "plumbline_parse_errors_total|otlp_not_json": 1,
		"plumbline_parse_errors_total|otlp_shape": 1, "plumbline_parse_errors_total|otlp_truncated": 1,
	})
}

func TestAttributesCanBeTheRecord(t *testing.T) {
	b := newBench(t, "spam")
	b.cfg.Record = "attributes"
	b.start()
	defer b.stop()
	l := record("text for people", "spam")
	l.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes().PutDouble("score", 0.5)
	if err := b.logs.ConsumeLogs(context.Background(), l); err != nil {
		t.Fatal(err)
	}
	b.expect(map[string]float64{"plumbline_records_total|spam": 1, "plumbline_feature_missing_total|spam|score|prediction|absent": 0})
}

// gauge adds one point to metrics.
func gauge(m pmetric.Metrics, name string, v float64, at time.Time, attributes map[string]any) {
	metric := m.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().AppendEmpty()
	metric.SetName(name)
	p := metric.SetEmptyGauge().DataPoints().AppendEmpty()
	p.SetTimestamp(pcommon.NewTimestampFromTime(at))
	p.SetDoubleValue(v)
	if err := p.Attributes().FromRaw(attributes); err != nil {
		panic(err)
	}
}

func TestPointsOfOneTimeAndOneSetOfAttributesAreOneRecord(t *testing.T) {
	b := newBench(t, "spam")
	b.start()
	defer b.stop()
	m := pmetric.NewMetrics()
	m.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty()
	now := time.Now()
	gauge(m, "score", 0.5, now, map[string]any{"replica": "a"})
	gauge(m, "queue_length", 7, now, map[string]any{"replica": "a"})
	gauge(m, "queue_length", math.NaN(), now, map[string]any{"replica": "b"})
	gauge(m, "queue_length", 9, now.Add(time.Second), map[string]any{"replica": "a"})
	total := m.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().AppendEmpty()
	total.SetName("requests_total")
	total.SetEmptySum().SetIsMonotonic(true)
	total.Sum().SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	total.Sum().DataPoints().AppendEmpty().SetIntValue(5)
	if err := b.points.ConsumeMetrics(context.Background(), m); err != nil {
		t.Fatal(err)
	}
	b.expect(map[string]float64{
		"plumbline_records_total|spam":                                     3,
		"plumbline_feature_missing_total|spam|score|prediction|absent":     2,
		"plumbline_feature_missing_total|spam|queue_length|feature|absent": 0,
		"plumbline_feature_missing_total|spam|queue_length|feature|nan":    1,
		"plumbline_lines_ignored_total|otlp":                               1,
	})
}

func TestCountsSurviveARestart(t *testing.T) {
	b := newBench(t, "spam")
	b.start()
	for range 5 {
		b.send(map[string]any{"score": 0.5}, "")
	}
	b.send("not json", "")
	began := b.core.counts.Start
	b.stop()
	b.start()
	defer b.stop()
	b.send(map[string]any{"score": 0.5}, "")
	b.expect(map[string]float64{"plumbline_records_total|spam": 6, "plumbline_parse_errors_total|otlp_not_json": 1})
	if !b.core.counts.Start.Equal(began) {
		t.Errorf("counting began at %v before and at %v after the restart", began, b.core.counts.Start)
	}
}

func TestABadModelFileLeavesTheOldOnesCounting(t *testing.T) {
	b := newBench(t, "spam")
	b.start()
	defer b.stop()
	bad := filepath.Join(b.dir, "bad.yaml")
	if err := os.WriteFile(bad, []byte("modell: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.core.reload()
	b.send(map[string]any{"score": 0.5}, "")
	b.expect(map[string]float64{"plumbline_records_total|spam": 1})
	if err := os.WriteFile(bad, fmt.Appendf(nil, model, "second"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.core.reload()
	b.send(map[string]any{"score": 0.5}, "second")
	b.expect(map[string]float64{"plumbline_records_total|spam": 1, "plumbline_records_total|second": 1})
}

func TestErrorsOfTheConfigurationQuoteTheKey(t *testing.T) {
	for _, c := range []struct {
		change func(*Config)
		is     error
	}{
		{func(c *Config) { c.Models = nil }, ErrModels},
		{func(c *Config) { c.MaxModels = -1 }, ErrMaxModels},
		{func(c *Config) { c.ModelAttribute = "" }, ErrAttribute},
		{func(c *Config) { c.Record = "resource" }, ErrRecord},
		{func(c *Config) { c.Interval = 0 }, ErrInterval},
		{func(c *Config) { c.SayEvery = 0 }, ErrSayEvery},
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
