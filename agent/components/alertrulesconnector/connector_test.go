package alertrulesconnector

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/connector/connectortest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/plumbline-ml/plumbline/agent/components/internal/alertlog"
	"github.com/plumbline-ml/plumbline/agent/components/internal/board"
	"github.com/plumbline-ml/plumbline/agent/components/internal/hub"
	"github.com/plumbline-ml/plumbline/agent/components/internal/metricdata"
	"github.com/plumbline-ml/plumbline/internal/alert"
	"github.com/plumbline-ml/plumbline/internal/catalog"
)

const lagging = `
groups:
  - name: lag
    rules:
      - alert: Lagging
        expr: plumbline_tail_lag_bytes > 100
        labels: {severity: critical}
        annotations: {summary: "behind by {{ $value }} bytes", runbook_url: "http://x"}
      - alert: Alarm
        expr: plumbline_alarm > 0
        labels: {severity: critical}
`

// bench is a connector that runs on one rule file. Time is given to evaluate; the ticker of the connector is too
// slow to come in between.
type bench struct {
	*rulesConnector
	t    *testing.T
	sink *consumertest.LogsSink
	file string
	hub  *hub.Hub
	logs *observer.ObservedLogs
	now  time.Time
	enc  *metricdata.Encoder
}

type host struct{ hub *hub.Hub }

func (h host) GetExtensions() map[component.ID]component.Component {
	return map[component.ID]component.Component{component.NewID(component.MustNewType("plumbline")): extension{hub: h.hub}}
}

type extension struct {
	component.StartFunc
	component.ShutdownFunc
	hub *hub.Hub
}

func (e extension) PlumblineHub() *hub.Hub { return e.hub }

func start(t *testing.T, rules string, change func(*Config)) *bench {
	t.Helper()
	b := &bench{t: t, sink: new(consumertest.LogsSink), file: filepath.Join(t.TempDir(), "rules.yaml"), hub: hub.New("v9"), now: time.Now(), enc: metricdata.NewEncoder(nil, 1)}
	b.write(rules)
	cfg := NewFactory().CreateDefaultConfig().(*Config)
	cfg.Packs, cfg.Files, cfg.Node = false, []string{b.file}, "n1"
	if change != nil {
		change(cfg)
	}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	set := connectortest.NewNopSettings(Type)
	set.ID = component.NewID(Type)
	core, logs := observer.New(zap.InfoLevel)
	set.Logger, b.logs = zap.New(core), logs
	c, err := NewFactory().CreateMetricsToLogs(t.Context(), set, cfg, b.sink)
	if err != nil {
		t.Fatal(err)
	}
	b.rulesConnector = c.(*rulesConnector)
	b.rulesConnector.now = func() time.Time { return b.now }
	if err := c.Start(t.Context(), host{b.hub}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return b
}

func (b *bench) write(rules string) {
	b.t.Helper()
	if err := os.WriteFile(b.file, []byte(rules), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// step publishes what fill adds, evaluates 15 s later, and gives the alerts as "name state" lines.
func (b *bench) step(fill func(*catalog.Batch)) []string {
	b.t.Helper()
	b.now = b.now.Add(15 * time.Second)
	p := b.enc.Begin(b.now)
	batch := catalog.Batch{Time: b.now, Start: b.now.Add(-time.Hour)}
	fill(&batch)
	p.Batch(&batch, nil)
	if err := b.ConsumeMetrics(context.Background(), p.End()); err != nil {
		b.t.Error(err)
	}
	b.sink.Reset()
	b.evaluate(context.Background(), b.now)
	var out []string
	for _, logs := range b.sink.AllLogs() {
		alertlog.Each(logs, func(a alert.Alert) {
			if a.Labels["node"] != "n1" {
				b.t.Errorf("alert %s has node %q", a.Name(), a.Labels["node"])
			}
			out = append(out, a.Name()+" "+a.Labels["model"]+" "+string(a.State))
		}, func(err error) { b.t.Error(err) })
	}
	return out
}

func lag(v float64) func(*catalog.Batch) {
	return func(b *catalog.Batch) { b.Add(catalog.TailLag, v) }
}

func (b *bench) gauge(name, label string) float64 {
	b.t.Helper()
	families, err := b.hub.Gatherer().Gather()
	if err != nil {
		b.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && (label == "" || m.GetLabel()[0].GetValue() == label) {
				return m.GetGauge().GetValue()
			}
		}
	}
	b.t.Fatalf("no metric %s", name)
	return 0
}

func TestAnAlertFiresAndResolvesAsLogRecords(t *testing.T) {
	b := start(t, lagging, nil)
	if got := b.step(lag(5)); len(got) != 0 {
		t.Errorf("a small lag told %v", got)
	}
	if got := b.step(lag(500)); !slices.Equal(got, []string{"Lagging  firing"}) {
		t.Errorf("a large lag told %v", got)
	}
	if got := b.step(lag(5)); !slices.Equal(got, []string{"Lagging  resolved"}) {
		t.Errorf("the end of the lag told %v", got)
	}
}

func TestABadRuleFileLeavesTheOldRulesRunningAndSaysWhere(t *testing.T) {
	b := start(t, lagging, nil)
	b.write(lagging + "      - alert: Broken\n        expr: sum(\n")
	b.reload()
	if v := b.gauge("plumbline_config_last_reload_successful", ""); v != 0 {
		t.Errorf("overall = %v after a bad file, want 0", v)
	}
	if v := b.gauge("plumbline_config_reload_successful", hub.Rules); v != 0 {
		t.Errorf("rules = %v after a bad file, want 0", v)
	}
	text := ""
	for _, e := range b.logs.All() {
		text += e.Message + " " + errText(e.ContextMap()["err"]) + "\n"
	}
	if !strings.Contains(text, b.file+":1") {
		t.Errorf("the log names no line of %s:\n%s", b.file, text)
	}
	if got := b.step(lag(500)); !slices.Equal(got, []string{"Lagging  firing"}) {
		t.Errorf("with a bad file in place the old rules told %v", got)
	}
	b.write(strings.Replace(lagging, "> 100", "> 1000", 1))
	b.reload()
	if v := b.gauge("plumbline_config_last_reload_successful", ""); v != 1 {
		t.Errorf("overall = %v after the repair, want 1", v)
	}
	if got := b.step(lag(600)); !slices.Equal(got, []string{"Lagging  resolved"}) {
		t.Errorf("the new rules told %v", got)
	}
}

func errText(v any) string { s, _ := v.(string); return s }

func TestAChangedRuleFileIsLoadedWithoutBeingAsked(t *testing.T) {
	b := start(t, lagging, nil)
	before := b.gauge("plumbline_config_reload_success_timestamp_seconds", hub.Rules)
	b.write(strings.Replace(lagging, "> 100", "> 1000", 1))
	deadline := time.Now().Add(10 * time.Second)
	for b.gauge("plumbline_config_reload_success_timestamp_seconds", hub.Rules) == before {
		if time.Now().After(deadline) {
			t.Fatal("the change was not noticed")
		}
		time.Sleep(5 * time.Millisecond) // the file system tells when it wants to
	}
}

func TestFiringSurvivesARestart(t *testing.T) {
	dir := t.TempDir()
	b := start(t, lagging, func(c *Config) { c.StateDir = dir })
	b.step(lag(500))
	if err := b.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	again := start(t, lagging, func(c *Config) { c.StateDir, c.Files = dir, []string{b.file} })
	again.now = b.now
	if got := again.step(lag(5)); !slices.Equal(got, []string{"Lagging  resolved"}) {
		t.Errorf("after the restart the end of the lag told %v", got)
	}
}

func TestAModelThatIsRemovedTakesItsAlertsAlong(t *testing.T) {
	b := start(t, lagging, nil)
	both := func(batch *catalog.Batch) {
		for _, m := range []string{"a", "b"} {
			batch.Add(catalog.BudgetPages, 1, m)
			batch.Add(catalog.Alarm, 1, m, "score", "drift", "")
		}
	}
	if got := b.step(both); len(got) != 2 {
		t.Fatalf("two alarms told %v", got)
	}
	got := b.step(func(batch *catalog.Batch) {
		batch.Add(catalog.BudgetPages, 1, "b")
		batch.Add(catalog.Alarm, 1, "b", "score", "drift", "")
	})
	if !slices.Equal(got, []string{"Alarm a resolved"}) {
		t.Errorf("removing model a told %v", got)
	}
}

func TestASeriesThatIsNotSaidIsHeldForAWhileAndThenMissing(t *testing.T) {
	b := start(t, lagging, nil)
	nothing := func(*catalog.Batch) {}
	b.enc = metricdata.NewEncoder(nil, 1)
	if got := b.step(lag(500)); !slices.Equal(got, []string{"Lagging  firing"}) {
		t.Fatalf("a large lag told %v", got)
	}
	b.enc = metricdata.NewEncoder(nil, 1) // forgets the series, so that it is not marked as gone
	if got := b.step(nothing); len(got) != 0 {
		t.Errorf("15 s of silence told %v", got)
	}
	alive := len(b.shelf.series)
	b.now = b.now.Add(holdFor)
	b.evaluate(context.Background(), b.now)
	if alive != 1 || len(b.shelf.series) != 0 {
		t.Errorf("%d series after 15 s and %d after 45 s, want 1 and 0", alive, len(b.shelf.series))
	}
}

func TestASlowPublisherIsGivenThreeTimesItsPace(t *testing.T) {
	s := newShelf(10)
	t0 := time.Unix(1000, 0)
	for i := range 3 {
		s.put(catalog.Sample{Metric: catalog.Watchdog, Value: 1}, time.Time{}, t0.Add(time.Duration(i)*time.Minute))
	}
	last := t0.Add(2 * time.Minute)
	if n := len(s.batch(last.Add(3 * time.Minute)).Samples); n != 1 {
		t.Errorf("after three minutes %d series are alive, want 1", n)
	}
	if n := len(s.batch(last.Add(3*time.Minute + time.Second)).Samples); n != 0 {
		t.Errorf("after more than three minutes %d series are alive, want 0", n)
	}
}

func TestWhatNoRuleReadsIsNotHeld(t *testing.T) {
	b := start(t, lagging, nil)
	b.step(func(batch *catalog.Batch) {
		batch.Add(catalog.TailLag, 5)
		batch.Add(catalog.TailFiles, 1)
	})
	if n := len(b.shelf.series); n != 1 {
		t.Errorf("%d series are held, want the one that a rule reads", n)
	}
	b.write(strings.Replace(lagging, "plumbline_tail_lag_bytes", "plumbline_tail_files", 1))
	b.reload()
	b.step(func(batch *catalog.Batch) { batch.Add(catalog.TailFiles, 200) })
	if got := b.step(func(batch *catalog.Batch) { batch.Add(catalog.TailFiles, 300) }); len(got) != 0 {
		t.Errorf("told again: %v", got)
	}
	if n := len(b.shelf.series); n != 1 {
		t.Errorf("after the reload %d series are held, want the one that a rule reads now", n)
	}
}

func TestTheShelfIsBounded(t *testing.T) {
	s := newShelf(2)
	for _, m := range []string{"a", "b", "c", "a"} {
		s.put(catalog.Sample{Metric: catalog.ModelEvidence, Labels: []string{m}, Value: 1}, time.Time{}, time.Time{})
	}
	if len(s.series) != 2 || !s.full {
		t.Errorf("%d series are held, full %v; want 2 and true", len(s.series), s.full)
	}
}

func TestAConsumerThatFailsIsToldAgain(t *testing.T) {
	b := start(t, lagging, func(c *Config) { c.Resend = time.Second })
	b.next = consumertest.NewErr(errors.New("not now"))
	b.step(lag(500))
	b.step(lag(500))
	if n := b.logs.FilterMessage("evaluating rules failed").Len(); n != 1 {
		t.Errorf("the failure was logged %d times, want once", n)
	}
	b.next = b.sink
	if got := b.step(lag(500)); !slices.Equal(got, []string{"Lagging  firing"}) {
		t.Errorf("once the consumer works again it is told %v", got)
	}
}

func TestRulesThatDoNotLoadStopTheStart(t *testing.T) {
	cfg := NewFactory().CreateDefaultConfig().(*Config)
	file := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(file, []byte("groups: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg.Files, cfg.StateDir = []string{file}, t.TempDir()
	c, err := NewFactory().CreateMetricsToLogs(t.Context(), connectortest.NewNopSettings(Type), cfg, new(consumertest.LogsSink))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(t.Context(), componenttest.NewNopHost()); err == nil || !strings.Contains(err.Error(), file+":") {
		t.Errorf("got %v, want an error that names the file", err)
	}
}

func TestErrorsOfTheConfigurationQuoteTheKey(t *testing.T) {
	for _, c := range []struct {
		change func(*Config)
		is     error
	}{
		{func(c *Config) { c.Interval = 0 }, ErrInterval},
		{func(c *Config) { c.Resend = 0 }, ErrResend},
		{func(c *Config) { c.MaxSeries = 0 }, ErrMaxSeries},
		{func(c *Config) { c.ExternalURL = "host" }, ErrExternalURL},
		{func(c *Config) { c.Packs = false }, ErrNothing},
	} {
		cfg := NewFactory().CreateDefaultConfig().(*Config)
		if err := cfg.Validate(); err != nil {
			t.Fatalf("the default is not valid: %v", err)
		}
		c.change(cfg)
		if err := cfg.Validate(); !errors.Is(err, c.is) || !strings.Contains(err.Error(), `"`) {
			t.Errorf("got %v, want %v", err, c.is)
		}
	}
	cfg := &Config{Files: []string{"/etc/rules/*.yaml", "/etc/one.yaml"}, Dirs: []string{"/etc/dir"}}
	if got := cfg.watched(); !slices.Equal(got, []string{"/etc/rules", "/etc/one.yaml", "/etc/dir"}) {
		t.Errorf("watched = %v", got)
	}
}

func TestTheConnectorKeepsThePointsAsTheyAre(t *testing.T) {
	b := start(t, lagging, nil)
	if b.Capabilities().MutatesData {
		t.Error("the connector says that it changes what passes")
	}
	if err := b.ConsumeMetrics(context.Background(), pmetric.NewMetrics()); err != nil {
		t.Error(err)
	}
}

func TestRulesReadTheBoardAndAModelThatIsRemovedFromItTakesItsAlertsAlong(t *testing.T) {
	b := start(t, lagging, func(c *Config) { c.From = FromBoard })
	place := b.hub.Board().Take(nil)
	put := func(models ...string) func(*catalog.Batch) {
		batch := catalog.Batch{Time: b.now.Add(15 * time.Second)}
		for _, m := range models {
			batch.Add(catalog.BudgetPages, 1, m)
			batch.Add(catalog.Alarm, 1, m, "score", "drift", "")
		}
		place.Put(batch)
		return func(*catalog.Batch) {} // nothing comes down the pipeline
	}
	if got := b.step(put("a", "b")); len(got) != 2 {
		t.Fatalf("two alarms told %v", got)
	}
	if got := b.step(put("b")); !slices.Equal(got, []string{"Alarm a resolved"}) {
		t.Errorf("removing model a told %v", got)
	}
	if n := len(b.shelf.series); n != 0 {
		t.Errorf("%d series are held twice", n)
	}
	place.Leave() // the publisher stops; that says nothing about its models
	if got := b.step(func(*catalog.Batch) {}); len(got) != 0 {
		t.Errorf("a publisher that stopped told %v", got)
	}
}

func TestABatchThatStandsThereForTooLongIsMissingData(t *testing.T) {
	t0 := time.Unix(1000, 0)
	for _, c := range []struct {
		pace, age time.Duration
		want      bool
	}{{0, holdFor, true}, {0, holdFor + 1, false}, {time.Minute, 3 * time.Minute, true}, {time.Minute, 3*time.Minute + 1, false}} {
		if got := alive(&board.Posted{Batch: catalog.Batch{Time: t0}, Pace: c.pace}, t0.Add(c.age)); got != c.want {
			t.Errorf("a batch of %s ago of a publisher that comes every %s: alive %v", c.age, c.pace, got)
		}
	}
}
