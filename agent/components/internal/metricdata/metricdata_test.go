package metricdata

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

var (
	start = time.Unix(1_000, 0).UTC()
	at    = time.Unix(2_000, 0).UTC()
)

// lines decodes metrics into sorted text lines, one a value.
func lines(t *testing.T, m pmetric.Metrics) []string {
	t.Helper()
	var out []string
	text := func(labels map[string]string) string {
		var pairs []string
		for _, k := range slices.Sorted(maps.Keys(labels)) {
			pairs = append(pairs, k+"="+labels[k])
		}
		return "{" + strings.Join(pairs, ",") + "}"
	}
	Decode(m, Sink{
		Sample: func(at, start time.Time, m *catalog.Metric, labels []string, v float64, h *catalog.HistogramValue) {
			line := fmt.Sprintf("sample %s%q", m.Name, labels)
			if h != nil {
				line += fmt.Sprintf(" %v %v sum %v", h.Bounds, h.Counts, h.Sum)
			} else {
				line += fmt.Sprintf(" %v", v)
			}
			if m.Type != catalog.Gauge {
				line += fmt.Sprintf(" since %d", start.Unix())
			}
			out = append(out, line)
		},
		Series: func(_ time.Time, name string, labels map[string]string, v float64) {
			out = append(out, fmt.Sprintf("series %s%s %v", name, text(labels), v))
		},
		Gone: func(_ time.Time, name string, labels map[string]string) {
			out = append(out, fmt.Sprintf("gone %s%s", name, text(labels)))
		},
	})
	slices.Sort(out)
	return out
}

func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func batch() *catalog.Batch {
	b := &catalog.Batch{Time: at, Start: start}
	b.Add(catalog.Records, 7, "spam", "v1")
	b.Add(catalog.Records, 3, "spam", "")
	b.Add(catalog.MissingShare, 0.25, "spam", "age", "feature", "10m")
	b.AddHistogram(catalog.FeatureValue, &catalog.HistogramValue{Bounds: []float64{0, 1}, Counts: []uint64{1, 2, 3}, Sum: 4.5}, "spam", "age", "feature")
	return b
}

func TestABatchComesBackAsItWent(t *testing.T) {
	p := NewEncoder(nil, 1).Begin(at)
	p.Batch(batch(), nil)
	m := p.End()
	expect(t, lines(t, m),
		`sample plumbline_records_total["spam" "v1"] 7 since 1000`,
		`sample plumbline_records_total["spam" ""] 3 since 1000`,
		`sample plumbline_missing_share["spam" "age" "feature" "10m"] 0.25`,
		`sample plumbline_feature_value["spam" "age" "feature"] [0 1] [1 2 3] sum 4.5 since 1000`,
	)
	if n := m.MetricCount(); n != 3 {
		t.Errorf("%d metrics, want 3: one for each name", n)
	}
}

func TestASeriesThatIsNotSaidAgainIsMarkedAsGoneOnceInAMetricOfItsOwn(t *testing.T) {
	e := NewEncoder(nil, 1)
	p := e.Begin(at)
	p.Batch(batch(), nil)
	p.End()

	rest := &catalog.Batch{Start: start}
	rest.Add(catalog.Records, 8, "spam", "v1")
	p = e.Begin(at.Add(time.Second))
	p.Batch(rest, nil)
	m := p.End()
	expect(t, lines(t, m),
		`sample plumbline_records_total["spam" "v1"] 8 since 1000`,
		`gone plumbline_records_total{model=spam}`,
		`gone plumbline_missing_share{feature=age,model=spam,role=feature,window=10m}`,
		`gone plumbline_feature_value{feature=age,model=spam,role=feature}`,
	)
	for _, metric := range m.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
		if metric.Type() == pmetric.MetricTypeSum && metric.Sum().DataPoints().Len() != 1 {
			t.Error("a mark stands beside a value in one metric")
		}
	}

	p = e.Begin(at.Add(2 * time.Second))
	p.Batch(rest, nil)
	expect(t, lines(t, p.End()), `sample plumbline_records_total["spam" "v1"] 8 since 1000`)
	if len(e.series) != 1 {
		t.Errorf("%d series are remembered, want the live one", len(e.series))
	}
}

func TestASeriesThatDoesNotChangeIsSaidInItsTurnAndAChangeAtOnce(t *testing.T) {
	const every = 5
	e := NewEncoder(nil, every)
	said := map[string]int{}
	publish := func(records float64, turn int) map[string]bool {
		b := &catalog.Batch{Start: start}
		for i := range 100 {
			b.Add(catalog.TailRotated, 1, fmt.Sprint(i))
		}
		b.Add(catalog.Records, records, "spam", "v1")
		h := &catalog.HistogramValue{Bounds: []float64{1}, Counts: []uint64{uint64(records), 0}, Sum: 0}
		b.AddHistogram(catalog.FeatureValue, h, "spam", "age", "feature")
		p := e.Begin(at.Add(time.Duration(turn) * time.Second))
		p.Batch(b, nil)
		now := map[string]bool{}
		for _, l := range lines(t, p.End()) {
			if strings.HasPrefix(l, "gone") {
				t.Errorf("turn %d: %s", turn, l)
			}
			name, _, _ := strings.Cut(strings.TrimPrefix(l, "sample "), "]")
			now[name] = true
			said[name]++
		}
		return now
	}
	if n := len(publish(1, 0)); n != 102 {
		t.Errorf("the first publish says %d series, want all 102", n)
	}
	clear(said)
	for turn := 1; turn <= every; turn++ {
		if n := len(publish(1, turn)); n > 50 {
			t.Errorf("turn %d says %d of 102 series that did not change", turn, n)
		}
	}
	for name, n := range said {
		if n != 1 {
			t.Errorf("%s was said %d times in %d publishes", name, n, every)
		}
	}
	if len(said) != 102 {
		t.Errorf("%d series were said in %d publishes, want all", len(said), every)
	}
	now := publish(2, every+1)
	for _, want := range []string{`plumbline_records_total["spam" "v1"`, `plumbline_feature_value["spam" "age" "feature"`} {
		if !now[want] {
			t.Errorf("the change of %s was not said at once", want)
		}
	}
	e.Refused()
	if n := len(publish(2, every+2)); n != 102 {
		t.Errorf("after a refusal %d series are said, want all", n)
	}
}

func TestNoSeriesIsSilentForLongerThanReadersWait(t *testing.T) {
	for _, c := range []struct {
		wanted   int
		interval time.Duration
		want     int
	}{{5, time.Second, 5}, {5, 10 * time.Second, 2}, {5, time.Minute, 1}, {60, time.Second, 20}, {0, time.Second, 1}, {5, 0, 5}} {
		if got := Every(c.wanted, c.interval); got != c.want {
			t.Errorf("every %d at %s becomes %d, want %d", c.wanted, c.interval, got, c.want)
		}
	}
}

func TestMarksOfARefusedPublishAreRepeated(t *testing.T) {
	e := NewEncoder(nil, 1)
	p := e.Begin(at)
	p.Batch(batch(), nil)
	p.End()
	rest := &catalog.Batch{Start: start}
	rest.Add(catalog.Records, 8, "spam", "v1")
	rest.Add(catalog.Records, 3, "spam", "")
	for range 2 {
		p = e.Begin(at.Add(time.Second))
		p.Batch(rest, nil)
		expect(t, lines(t, p.End()),
			`sample plumbline_records_total["spam" "v1"] 8 since 1000`,
			`sample plumbline_records_total["spam" ""] 3 since 1000`,
			`gone plumbline_missing_share{feature=age,model=spam,role=feature,window=10m}`,
			`gone plumbline_feature_value{feature=age,model=spam,role=feature}`,
		)
		e.Refused()
	}
	p = e.Begin(at.Add(2 * time.Second)) // what comes back to life in the meantime is not marked
	p.Batch(batch(), nil)
	expect(t, lines(t, p.End()),
		`sample plumbline_records_total["spam" "v1"] 7 since 1000`,
		`sample plumbline_records_total["spam" ""] 3 since 1000`,
		`sample plumbline_missing_share["spam" "age" "feature" "10m"] 0.25`,
		`sample plumbline_feature_value["spam" "age" "feature"] [0 1] [1 2 3] sum 4.5 since 1000`,
	)
}

func TestWhenTheClockGoesBackEverySeriesIsForgottenFirst(t *testing.T) {
	e := NewEncoder(nil, 1)
	b := &catalog.Batch{Start: start}
	b.Add(catalog.Records, 8, "spam", "v1")
	p := e.Begin(at)
	p.Batch(b, nil)
	p.End()
	p = e.Begin(at.Add(-time.Hour))
	p.Batch(b, nil)
	metrics := p.End().ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics()
	if metrics.Len() != 2 || !metrics.At(0).Sum().DataPoints().At(0).Flags().NoRecordedValue() || metrics.At(1).Sum().DataPoints().At(0).DoubleValue() != 8 {
		t.Errorf("want the mark, then the value; got %d metrics", metrics.Len())
	}
}

func TestSelfMetricsOfARegistryAreCarried(t *testing.T) {
	reg := prometheus.NewRegistry()
	sent := prometheus.NewCounterVec(prometheus.CounterOpts{Name: catalog.PagesSent.Name, Help: "h"}, catalog.PagesSent.Labels)
	loaded := prometheus.NewGauge(prometheus.GaugeOpts{Name: catalog.RulesLoaded.Name, Help: "h"})
	other := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "other_seconds", Help: "h", Buckets: []float64{1, 2}})
	reg.MustRegister(sent, loaded, other)
	sent.WithLabelValues("pagerduty", "trigger").Add(2)
	loaded.Set(5)
	for _, v := range []float64{0.5, 1.5, 1.6, 9} {
		other.Observe(v)
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families { // client_golang stamps the creation; the test wants to see our own start
		for _, m := range f.GetMetric() {
			if c := m.GetCounter(); c != nil {
				c.CreatedTimestamp = nil
			}
		}
	}
	p := NewEncoder(nil, 1).Begin(at)
	p.Families(families, start)
	expect(t, lines(t, p.End()),
		`sample plumbline_notifications_total["pagerduty" "trigger"] 2 since 1000`,
		`sample plumbline_rules_loaded[] 5`,
		`series other_seconds_bucket{le=1} 1`,
		`series other_seconds_bucket{le=2} 3`,
		`series other_seconds_bucket{le=+Inf} 4`,
		`series other_seconds_sum{} 12.6`,
		`series other_seconds_count{} 4`,
	)
}

func TestForeignMetricsBecomePrometheusSeries(t *testing.T) {
	m := pmetric.NewMetrics()
	rm := m.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("service.name", "server")
	rm.Resource().Attributes().PutStr("service.instance.id", "host:1")
	rm.Resource().Attributes().PutStr("host.name", "not a label")
	metrics := rm.ScopeMetrics().AppendEmpty().Metrics()

	up := metrics.AppendEmpty()
	up.SetName("up")
	p := up.SetEmptyGauge().DataPoints().AppendEmpty()
	p.SetIntValue(1)
	p.Attributes().PutStr("http.route", "/x")

	delta := metrics.AppendEmpty()
	delta.SetName("delta")
	delta.SetEmptySum().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	delta.Sum().DataPoints().AppendEmpty()

	sum := metrics.AppendEmpty()
	sum.SetName("latency")
	s := sum.SetEmptySummary().DataPoints().AppendEmpty()
	s.SetCount(4)
	s.SetSum(2)
	q := s.QuantileValues().AppendEmpty()
	q.SetQuantile(0.5)
	q.SetValue(0.25)

	// A name of the catalogue with a label that is not declared is a scrape of another agent: all labels are kept.
	other := metrics.AppendEmpty()
	other.SetName(catalog.TailLag.Name)
	o := other.SetEmptyGauge().DataPoints().AppendEmpty()
	o.SetDoubleValue(9)

	expect(t, lines(t, m),
		`series up{http_route=/x,instance=host:1,job=server} 1`,
		`series latency{instance=host:1,job=server,quantile=0.5} 0.25`,
		`series latency_sum{instance=host:1,job=server} 2`,
		`series latency_count{instance=host:1,job=server} 4`,
		`series plumbline_tail_lag_bytes{instance=host:1,job=server} 9`,
	)
	if n := Decode(m, Sink{
		Sample: func(time.Time, time.Time, *catalog.Metric, []string, float64, *catalog.HistogramValue) {},
		Series: func(time.Time, string, map[string]string, float64) {},
		Gone:   func(time.Time, string, map[string]string) {},
	}); n != 1 {
		t.Errorf("skipped %d points, want the one delta", n)
	}
}

func TestEdgesAreWrittenAsPrometheusWritesThem(t *testing.T) {
	for v, want := range map[float64]string{0.1: "0.1", 1: "1", 1e21: "1e+21", math.Inf(1): "+Inf", math.Inf(-1): "-Inf"} {
		if got := number(v); got != want {
			t.Errorf("%v is written %q, want %q", v, got, want)
		}
	}
}

// 10 models with 50 features: what a busy node publishes once a second.
func BenchmarkPublish(b *testing.B) {
	big := &catalog.Batch{Start: start}
	edges := make([]float64, 20)
	for model := range 10 {
		for f := range 50 {
			m, feature := fmt.Sprint("model", model), fmt.Sprint("feature", f)
			big.AddHistogram(catalog.FeatureValue, &catalog.HistogramValue{Bounds: edges, Counts: make([]uint64, 21)}, m, feature, "feature")
			for _, w := range []string{"10m", "1h", "24h"} {
				for s := range 10 {
					big.Add(catalog.DriftStatistic, 1, m, feature, "feature", w, fmt.Sprint("s", s))
				}
			}
		}
	}
	for _, every := range []int{1, 5} {
		b.Run(fmt.Sprintf("said-every-%d", every), func(b *testing.B) {
			e := NewEncoder(nil, every)
			now := at
			b.ReportAllocs()
			for b.Loop() {
				now = now.Add(time.Second)
				p := e.Begin(now)
				p.Batch(big, nil)
				p.End()
			}
			b.ReportMetric(float64(len(big.Samples)), "series")
		})
	}
}
