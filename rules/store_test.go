package rules

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

func storeFor(t testing.TB, exprs ...string) *store {
	t.Helper()
	n := newNeeds(26 * time.Hour)
	for _, x := range exprs {
		e, err := parser.NewParser(parser.Options{}).ParseExpr(x)
		if err != nil {
			t.Fatal(err)
		}
		n.addExpr(e, 5*time.Minute)
	}
	return newStore(20000, 1024, n)
}

func (st *store) mustPut(t testing.TB, ms int64, v float64, kv ...string) *series {
	t.Helper()
	s, err := st.series(labels.FromStrings(kv...))
	if err != nil {
		t.Fatal(err)
	}
	if s != nil {
		_ = st.append(s, ms, v, true)
	}
	return s
}

func TestTheStoreKeepsOnlyWhatRulesRead(t *testing.T) {
	st := storeFor(t, "a > 1", "rate(b[10m]) > 0", "c offset 1h > 0", "max_over_time(d[1h:1m]) > 1")
	for name, want := range map[string]int64{"a": 0, "b": 15 * 60, "c": 65 * 60, "d": 65 * 60} {
		if got, ok := st.needs.of(name); !ok || got != want*1000 {
			t.Errorf("window of %s is %d s, %v; want %d s", name, got/1000, ok, want)
		}
	}
	if s := st.mustPut(t, 1, 1, "__name__", "other"); s != nil || st.count != 0 {
		t.Error("a metric that no rule reads was taken")
	}
	for i := range int64(10000) {
		st.mustPut(t, i*1000, 1, "__name__", "a")
		st.mustPut(t, i*1000, 1, "__name__", "b")
	}
	if s := st.byName["a"].list[0]; len(s.ring) > instantRing {
		t.Errorf("a keeps %d samples", len(s.ring))
	}
	if s := st.byName["b"].list[0]; len(s.ring) > 1024 || s.at(0).t > 10000_000-15*60_000 {
		t.Errorf("b keeps %d samples from %d on: not all of its window", len(s.ring), s.at(0).t)
	}
}

func TestALongWindowIsThinnedAndStillReachesBack(t *testing.T) {
	st := storeFor(t, "increase(b[24h]) > 0")
	for i := range int64(25 * 3600) {
		st.mustPut(t, i*1000, float64(i), "__name__", "b")
	}
	s := st.byName["b"].list[0]
	if len(s.ring) > 1024 {
		t.Errorf("%d samples", len(s.ring))
	}
	if s.at(s.n-1).t != (25*3600-1)*1000 {
		t.Error("the newest sample is not there")
	}
	if s.at(0).t > 3600*1000 {
		t.Errorf("the oldest sample is from %d s on, want the first hour", s.at(0).t/1000)
	}
}

func TestTheLimitOnSeriesIsKeptAndCounted(t *testing.T) {
	reg := prometheus.NewRegistry()
	b := newBench(t, rule("x > 1"), func(o *Options) { o.MaxSeries = 3; o.Registerer = reg })
	b.step(30*time.Second, func() {
		for i := range 5 {
			b.put("x", 5, "model", fmt.Sprint(i))
		}
	})
	want := `
# HELP plumbline_rule_store_dropped_total Samples not taken into the rule store because its series limit was reached.
# TYPE plumbline_rule_store_dropped_total counter
plumbline_rule_store_dropped_total 4
# HELP plumbline_rule_store_series Series held for rule evaluation.
# TYPE plumbline_rule_store_series gauge
plumbline_rule_store_series 3
# HELP plumbline_rules_loaded Rules that are running.
# TYPE plumbline_rules_loaded gauge
plumbline_rules_loaded 1
# HELP plumbline_alerts Alerts by state: pending, firing, blind (firing is held because data is missing).
# TYPE plumbline_alerts gauge
plumbline_alerts{state="blind"} 0
plumbline_alerts{state="firing"} 3
plumbline_alerts{state="pending"} 0
# HELP plumbline_rule_evaluations_total Rule evaluations.
# TYPE plumbline_rule_evaluations_total counter
plumbline_rule_evaluations_total 2
# HELP plumbline_rule_evaluation_failures_total Rule evaluations that failed.
# TYPE plumbline_rule_evaluation_failures_total counter
plumbline_rule_evaluation_failures_total 0
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}

func TestSelfMetricsAreInTheCatalogue(t *testing.T) {
	reg := prometheus.NewRegistry()
	newBench(t, simple, func(o *Options) { o.Registerer = reg })
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		m, ok := catalog.ByName(f.GetName())
		if !ok {
			t.Errorf("%s is not in the catalogue", f.GetName())
			continue
		}
		if !strings.EqualFold(f.GetType().String(), m.Type.String()) {
			t.Errorf("%s is a %s, the catalogue says %s", f.GetName(), f.GetType(), m.Type)
		}
	}
}

func TestIdleSeriesGo(t *testing.T) {
	st := storeFor(t, "x > 1", "rate(y[3h]) > 0")
	st.mustPut(t, 0, 1, "__name__", "x", "model", "old")
	st.mustPut(t, 0, 1, "__name__", "y", "model", "old")
	for i := range int64(300) {
		st.mustPut(t, i*60_000, 1, "__name__", "x", "model", "new")
		if at := i * 60_000; at == 2*3600_000 && st.count != 2 {
			t.Errorf("after two hours %d series, want the new x and the old y", st.count)
		}
	}
	if st.count != 1 {
		t.Errorf("%d series after five hours, want 1", st.count)
	}
}

func TestHistogramsBecomeClassicSeriesThatPromQLCanRead(t *testing.T) {
	b := newBench(t, rule(`histogram_quantile(0.5, sum by (le) (rate(plumbline_feature_value_bucket[5m]))) > 0`)+
		"      - alert: Mean\n        expr: rate(plumbline_feature_value_sum[5m]) / rate(plumbline_feature_value_count[5m]) > 0\n")
	n := uint64(0)
	var last float64
	for range 40 {
		b.now = b.now.Add(15 * time.Second)
		n += 10
		batch := catalog.Batch{Time: b.now}
		batch.AddHistogram(catalog.FeatureValue, &catalog.HistogramValue{Bounds: []float64{1, 2, 4}, Counts: []uint64{n, n, n, n}, Sum: float64(n) * 8}, "m", "f", "feature")
		if err := b.e.Append(batch); err != nil {
			t.Fatal(err)
		}
		for _, a := range b.eval() {
			if a.Name() == "Bad" {
				last = a.Value
			}
			if a.Name() == "Mean" && (a.Value < 1.99 || a.Value > 2.01) {
				t.Errorf("mean %g, want 8/4", a.Value)
			}
		}
	}
	if last != 2 { // half of the values lie at or below 2
		t.Errorf("median %g, want 2", last)
	}
}

func TestCatalogueSamplesAndPlainSeriesAreTheSame(t *testing.T) {
	b := newBench(t, rule("plumbline_alarm == 1"))
	batch := catalog.Batch{Time: b.now}
	batch.Add(catalog.Alarm, 0, "m", "f", "drift", "")
	batch.Add(catalog.Records, 1, "m", "") // no rule reads it
	if err := b.e.Append(batch); err != nil {
		t.Fatal(err)
	}
	b.put("plumbline_alarm", 1, "model", "m", "feature", "f", "cause", "drift")
	if b.e.st.count != 1 {
		t.Errorf("%d series, want 1", b.e.st.count)
	}
	if f, _, _ := states(b.eval()); f != 1 {
		t.Error("the later value of the same time does not count")
	}
}

func TestTheIteratorSeeksLikeAWalk(t *testing.T) {
	st := storeFor(t, "rate(x[1h]) > 0")
	rng := rand.New(rand.NewPCG(1, 2))
	at := int64(0)
	for range 3000 {
		at += 1 + rng.Int64N(20_000)
		st.mustPut(t, at, float64(at), "__name__", "x")
	}
	s := st.byName["x"].list[0]
	for range 2000 {
		from, to := rng.IntN(s.n), 0
		to = from + rng.IntN(s.n-from+1)
		target := s.at(0).t + rng.Int64N(at)
		it := view{s: s, from: from, to: to}.Iterator(nil)
		for range rng.IntN(3) {
			it.Next()
		}
		before := it.(*iterator).i
		got := it.Seek(target)
		want := max(before, from)
		for want < to && s.at(want).t < target {
			want++
		}
		if want == to {
			if got != chunkenc.ValNone || it.Next() != chunkenc.ValNone {
				t.Fatal("found something behind the end")
			}
			continue
		}
		if ts, v := it.At(); got != chunkenc.ValFloat || ts != s.at(want).t || v != s.at(want).v {
			t.Fatalf("seek %d from %d: got %d, want %d", target, before, ts, s.at(want).t)
		}
	}
}

func TestLabelQueriesAnswer(t *testing.T) {
	st := storeFor(t, "x > 1")
	st.mustPut(t, 1, 1, "__name__", "x", "model", "b")
	st.mustPut(t, 1, 1, "__name__", "x", "model", "a")
	q, _ := st.Querier(0, 10)
	values, _, err := q.LabelValues(context.Background(), "model", nil)
	if err != nil || strings.Join(values, ",") != "a,b" {
		t.Errorf("%v, %v", values, err)
	}
	names, _, err := q.LabelNames(context.Background(), nil)
	if err != nil || strings.Join(names, ",") != "__name__,model" {
		t.Errorf("%v, %v", names, err)
	}
	set := q.Select(context.Background(), true, nil, labels.MustNewMatcher(labels.MatchEqual, "__name__", "x"))
	var got []string
	for set.Next() {
		got = append(got, set.At().Labels().Get("model"))
	}
	if strings.Join(got, ",") != "a,b" {
		t.Errorf("sorted select gave %v", got)
	}
}
