package rules

import (
	"context"
	"fmt"
	"math"
	"net/url"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	promrules "github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"
)

// TestOptions say how to run rule tests.
type TestOptions struct {
	Run      *regexp.Regexp // run the tests whose name matches; nil means all
	Fixtures Fixtures       // what plays scenarios; nil means that files with scenarios fail
}

// Test runs unit tests of rules. Items below "tests" mean exactly what they mean to promtool, alerts whose data vanishes resolving included:
// the same file passes or fails in both. Items below "scenarios" play a model through opts.Fixtures and the engine as it runs in the agent.
func Test(ctx context.Context, files []string, opts TestOptions) Report {
	var out Report
	for _, path := range files {
		out.add(testOne(ctx, path, opts))
	}
	return out
}

func testOne(ctx context.Context, path string, opts TestOptions) FileReport {
	out := FileReport{File: path, Tests: []TestReport{}}
	f, err := readTestFile(path)
	if err != nil {
		out.Error = err.Error()
		return out
	}
	p := parser.NewParser(parser.Options{})
	parsed, err := readAll(f.RuleFiles, p)
	if err != nil {
		out.Error = err.Error()
		return out
	}
	wanted := func(name string) bool { return opts.Run == nil || opts.Run.MatchString(name) }
	for i := range f.Tests {
		t := &f.Tests[i]
		if t.Name == "" {
			t.Name = "unnamed#" + strconv.Itoa(i)
		}
		if !wanted(t.Name) {
			continue
		}
		failures, err := t.run(ctx, f, parsed, p)
		if err != nil {
			failures = append(failures, TestFailure{What: "test", Message: err.Error()})
		}
		out.Tests = append(out.Tests, TestReport{Name: t.Name, Failures: append([]TestFailure{}, failures...)})
	}
	for i := range f.Scenarios {
		s := &f.Scenarios[i]
		if s.Name == "" {
			s.Name = "scenario#" + strconv.Itoa(i)
		}
		if wanted(s.Name) {
			out.Tests = append(out.Tests, s.run(ctx, path, f, opts.Fixtures))
		}
	}
	return out
}

func readAll(paths []string, p parser.Parser) ([]ruleFile, error) {
	files, err := sources(Options{Files: paths})
	if err != nil {
		return nil, err
	}
	for i := range files {
		if err := files[i].parse(p); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// stage is where one test plays: a store that keeps everything, a query engine, and Prometheus' rule groups as they are.
type stage struct {
	st     *store
	query  promrules.QueryFunc
	groups []*promrules.Group
	input  []loaded
}

type loaded struct {
	lbls   labels.Labels
	values []parser.SequenceValue
	next   int
}

func (t *testCase) run(ctx context.Context, f *testFile, files []ruleFile, p parser.Parser) ([]TestFailure, error) {
	if t.Interval == 0 {
		t.Interval = f.EvaluationInterval
	}
	s, err := t.stage(f, files, p)
	if err != nil {
		return nil, err
	}
	start := time.Unix(0, 0).UTC()
	if !t.StartTimestamp.IsZero() {
		start = t.StartTimestamp.Time
	}
	times, last, err := t.times()
	if err != nil {
		return nil, err
	}
	every := time.Duration(f.EvaluationInterval)
	var out []TestFailure
	for at := start; !at.After(start.Add(last)); at = at.Add(every) {
		if err := s.load(at, start, time.Duration(t.Interval)); err != nil {
			return out, err
		}
		for _, g := range s.groups {
			g.Eval(ctx, at)
			for _, r := range g.Rules() {
				if err := r.LastError(); err != nil {
					return out, fmt.Errorf("rule %s at %s: %w", r.Name(), model.Duration(at.Sub(start)), err)
				}
			}
		}
		for len(times) > 0 && at.Sub(start) <= times[0] && times[0] < at.Add(every).Sub(start) {
			out = append(out, t.compareAlerts(s, times[0])...)
			times = times[1:]
		}
	}
	for _, x := range t.ExprTests {
		out = append(out, x.compare(ctx, s, start, p, f.FuzzyCompare)...)
	}
	return out, nil
}

// times lists when alerts are looked at, and the end of the test.
func (t *testCase) times() ([]time.Duration, time.Duration, error) {
	var times []time.Duration
	var last time.Duration
	for _, a := range t.AlertTests {
		if a.Alertname == "" {
			return nil, 0, fmt.Errorf("an item below alert_rule_test at eval_time %s has no alertname", a.EvalTime)
		}
		times = append(times, time.Duration(a.EvalTime))
		last = max(last, time.Duration(a.EvalTime))
	}
	for _, x := range t.ExprTests {
		last = max(last, time.Duration(x.EvalTime))
	}
	slices.Sort(times)
	return slices.Compact(times), last, nil
}

func (t *testCase) stage(f *testFile, files []ruleFile, p parser.Parser) (*stage, error) {
	st := newStore(math.MaxInt, 1<<20, needs{anyName: true, any: math.MaxInt64, limit: math.MaxInt64})
	st.exact = true
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 50_000_000, Timeout: time.Minute, EnableAtModifier: true, EnableNegativeOffset: true,
		NoStepSubqueryIntervalFn: func(int64) int64 { return time.Duration(f.EvaluationInterval).Milliseconds() }, Parser: p})
	s := &stage{st: st, query: promrules.EngineQueryFunc(engine, st)}
	for _, in := range t.InputSeries {
		lbls, values, err := p.ParseSeriesDesc(in.Series + " " + in.Values)
		if err != nil {
			return nil, fmt.Errorf("input_series %s: %w", in.Series, err)
		}
		for _, v := range values {
			if v.Histogram != nil {
				return nil, fmt.Errorf("input_series %s: native histograms are not supported here; use the classic _bucket series", in.Series)
			}
		}
		s.input = append(s.input, loaded{lbls: lbls, values: values})
	}
	u, err := url.Parse(t.ExternalURL)
	if err != nil {
		return nil, fmt.Errorf("external_url: %w", err)
	}
	opts := &promrules.ManagerOptions{QueryFunc: s.query, Appendable: st, Context: context.Background(), ExternalURL: u,
		NotifyFunc: func(context.Context, string, ...*promrules.Alert) {}, Logger: promslog.NewNopLogger(), Parser: p, Metrics: promrules.NewGroupMetrics(nil)}
	order := map[string]int{}
	for i, name := range f.GroupEvalOrder {
		order[name] = i
	}
	for _, file := range files {
		for _, rg := range file.groups.Groups {
			list := make([]promrules.Rule, 0, len(rg.Rules))
			for _, r := range rg.Rules {
				expr, err := p.ParseExpr(r.Expr)
				if err != nil {
					return nil, err
				}
				lbls := promrules.FromMaps(rg.Labels, r.Labels)
				if r.Alert == "" {
					list = append(list, promrules.NewRecordingRule(r.Record, expr, lbls))
					continue
				}
				list = append(list, promrules.NewAlertingRule(r.Alert, expr, time.Duration(r.For), time.Duration(r.KeepFiringFor), lbls,
					labels.FromMap(r.Annotations), labels.FromMap(t.ExternalLabels), t.ExternalURL, true, opts.Logger))
			}
			interval := time.Duration(rg.Interval)
			if interval == 0 {
				interval = time.Duration(t.Interval)
			}
			s.groups = append(s.groups, promrules.NewGroup(promrules.GroupOptions{Name: rg.Name, File: file.name, Interval: interval,
				Limit: rg.Limit, Rules: list, Opts: opts, QueryOffset: (*time.Duration)(rg.QueryOffset)}))
		}
	}
	sort.SliceStable(s.groups, func(i, j int) bool { return order[s.groups[i].Name()] < order[s.groups[j].Name()] })
	return s, nil
}

// load appends the input up to a time.
func (s *stage) load(until, start time.Time, step time.Duration) error {
	for i := range s.input {
		in := &s.input[i]
		for ; in.next < len(in.values); in.next++ {
			at := start.Add(time.Duration(in.next) * step)
			if at.After(until) {
				break
			}
			if in.values[in.next].Omitted {
				continue
			}
			x, err := s.st.series(in.lbls)
			if err != nil {
				return err
			}
			if err := s.st.append(x, at.UnixMilli(), in.values[in.next].Value, true); err != nil && err != storage.ErrOutOfOrderSample {
				return fmt.Errorf("input_series %s: %w", in.lbls, err)
			}
		}
	}
	return nil
}

// compareAlerts checks all expectations at one time.
func (t *testCase) compareAlerts(s *stage, at time.Duration) []TestFailure {
	var out []TestFailure
	for _, want := range t.AlertTests {
		if time.Duration(want.EvalTime) != at {
			continue
		}
		var exp, got []shownAlert
		for _, a := range want.ExpAlerts {
			l := map[string]string{labels.AlertName: want.Alertname}
			for k, v := range a.Labels {
				l[k] = v
			}
			l[labels.AlertName] = want.Alertname
			exp = append(exp, shownAlert{labels: labels.FromMap(l).Map(), annotations: a.Annotations})
		}
		for _, g := range s.groups {
			for _, r := range g.AlertingRules() {
				if r.Name() != want.Alertname {
					continue
				}
				for _, a := range r.ActiveAlerts() {
					if a.State == promrules.StateFiring {
						got = append(got, shownAlert{labels: a.Labels.Map(), annotations: a.Annotations.Map()})
					}
				}
			}
		}
		if diff := diffAlerts(exp, got); diff != nil {
			out = append(out, TestFailure{What: want.Alertname, EvalTime: want.EvalTime.String(),
				Message: fmt.Sprintf("want %d firing, got %d", len(exp), len(got)), Diff: diff})
		}
	}
	return out
}

// compare runs one expression.
func (x exprTest) compare(ctx context.Context, s *stage, start time.Time, p parser.Parser, fuzzy bool) []TestFailure {
	fail := func(format string, args ...any) []TestFailure {
		return []TestFailure{{What: x.Expr, EvalTime: x.EvalTime.String(), Message: fmt.Sprintf(format, args...)}}
	}
	vec, err := s.query(ctx, x.Expr, start.Add(time.Duration(x.EvalTime)))
	if err != nil {
		return fail("%v", err)
	}
	type point struct {
		lbls labels.Labels
		v    float64
	}
	var want, got []point
	for _, e := range x.ExpSamples {
		if e.Histogram != "" {
			return fail("native histograms are not supported here")
		}
		l, err := p.ParseMetric(e.Labels)
		if err != nil {
			return fail("labels %q: %v", e.Labels, err)
		}
		want = append(want, point{l, e.Value})
	}
	for _, smp := range vec {
		got = append(got, point{smp.Metric, smp.F})
	}
	same := func(a, b float64) bool {
		return a == b || (fuzzy && (math.Nextafter(a, math.Inf(1)) == b || math.Nextafter(a, math.Inf(-1)) == b))
	}
	var diff []string
	for _, w := range want {
		at := slices.IndexFunc(got, func(g point) bool { return labels.Equal(w.lbls, g.lbls) && same(w.v, g.v) })
		if at < 0 {
			diff = append(diff, fmt.Sprintf("- %s %s", w.lbls, formatBound(w.v)))
			continue
		}
		got = slices.Delete(got, at, at+1)
	}
	for _, g := range got {
		diff = append(diff, fmt.Sprintf("+ %s %s", g.lbls, formatBound(g.v)))
	}
	if diff == nil {
		return nil
	}
	return []TestFailure{{What: strings.TrimSpace(x.Expr), EvalTime: x.EvalTime.String(), Message: "the result differs", Diff: diff}}
}
