package rules

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	promrules "github.com/prometheus/prometheus/rules"

	"github.com/plumbline-ml/plumbline/internal/alert"
	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// Engine evaluates rules over the samples that it is given. Make one with New.
type Engine struct {
	opts    Options
	log     *slog.Logger
	parser  parser.Parser
	query   promrules.QueryFunc
	group   *promrules.Metrics
	metrics *metrics

	mu      sync.Mutex
	st      *store
	names   nameCache
	groups  []*groupState
	failing map[string]struct{} // rules whose last evaluation failed
	ending  map[string]*ended   // resolved alerts that are still returned, by key
	stride  time.Duration
	evalAt  time.Time
	savedAt time.Time
	dirty   bool
	shut    bool

	counters []savedCounter // from before the restart, until the first samples come
}

// ended is a resolved alert that is returned again for a while, in case the first time got lost.
type ended struct {
	a     alert.Alert
	until time.Time
	sent  time.Time
}

// New loads the rules and the saved state. A rule file that does not check is an error here; after start, Reload keeps the old rules.
func New(opts Options) (*Engine, error) {
	opts = opts.withDefaults()
	e := &Engine{opts: opts, log: opts.Logger, parser: parser.NewParser(parser.Options{}), ending: map[string]*ended{}, failing: map[string]struct{}{}}
	e.st = newStore(opts.MaxSeries, opts.MaxSamples, newNeeds(opts.Retention))
	e.names = nameCache{st: e.st}
	engine := promql.NewEngine(promql.EngineOpts{
		MaxSamples: 5_000_000, Timeout: 30 * time.Second, LookbackDelta: opts.Lookback,
		EnableAtModifier: true, EnableNegativeOffset: true, Parser: e.parser,
		NoStepSubqueryIntervalFn: func(int64) int64 { return opts.Interval.Milliseconds() },
	})
	e.query = promrules.EngineQueryFunc(engine, e.st)
	e.group = groupMetrics()
	files, err := sources(opts)
	if err != nil {
		return nil, err
	}
	groups, n, err := e.build(files)
	if err != nil {
		return nil, err
	}
	e.groups = groups
	e.st.setNeeds(n)
	e.metrics, err = newMetrics(opts.Registerer)
	if err != nil {
		return nil, err
	}
	if err := e.restore(); err != nil {
		return nil, err
	}
	e.observe()
	return e, nil
}

// Stride says that evaluations are so far apart on purpose, as a backtest over months has them: rules that wait do not take such a
// time for one in which the agent slept.
func (e *Engine) Stride(d time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stride = d
	for _, g := range e.groups {
		for _, r := range g.alerts {
			r.stride = d
		}
	}
}

func (e *Engine) managerOptions() *promrules.ManagerOptions {
	return &promrules.ManagerOptions{
		ExternalURL: e.opts.externalURL(), QueryFunc: e.query, Appendable: e.st, Queryable: e.st, Context: context.Background(),
		NotifyFunc: func(context.Context, string, ...*promrules.Alert) {}, Logger: slog.New(slog.DiscardHandler), Metrics: e.group, Parser: e.parser,
	}
}

// Interval is the smallest interval of the loaded groups: how often Eval needs to be called.
func (e *Engine) Interval() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	d := e.opts.Interval
	for i, g := range e.groups {
		if i == 0 || g.Interval() < d {
			d = g.Interval()
		}
	}
	return d
}

// Append takes the samples of one publish. Metrics that no rule reads cost next to nothing. The error is for programming mistakes only;
// what the bounds refuse is counted.
func (e *Engine) Append(b catalog.Batch) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	ms := b.Time.UnixMilli()
	e.begin(ms)
	e.names.begin()
	for x := range b.All() {
		e.names.append(x, ms)
	}
	e.observe()
	return nil
}

// AppendSeries takes one sample of any series: a stock metric that was scraped beside ours. It errs like Append.
func (e *Engine) AppendSeries(ts time.Time, name string, lbls map[string]string, v float64) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, wanted := e.st.needs.of(name); !wanted {
		return nil
	}
	e.begin(ts.UnixMilli())
	b := labels.NewBuilder(labels.FromMap(lbls))
	b.Set(nameLabel, name)
	s, err := e.st.series(b.Labels())
	if s == nil {
		e.observe()
		if errors.Is(err, errStoreFull) {
			return nil
		}
		return err
	}
	_ = e.st.append(s, ts.UnixMilli(), v, true) // only an old sample is refused, and an old sample is of no use
	return nil
}

// begin plants the counters from before a restart, once.
func (e *Engine) begin(first int64) {
	if e.counters != nil {
		e.st.plantCounters(e.counters, first)
		e.counters = nil
	}
}

// Eval evaluates each group whose interval is due at ts. It returns every change of state, firing alerts that are due to be sent again, and
// recently resolved ones. Alerts are returned after their state is saved; when that fails they are returned together with the error.
func (e *Engine) Eval(ctx context.Context, ts time.Time) ([]alert.Alert, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.shut {
		return nil, errors.New("rule engine is closed")
	}
	if ts.Before(e.evalAt.Add(-10 * time.Second)) {
		e.log.Warn("the clock went back; samples from the future are forgotten", "from", e.evalAt, "to", ts)
		e.st.rewind(ts.UnixMilli())
	}
	if n := e.st.needs; !n.withPeers && len(n.peers) > 0 && len(e.st.nodes) > 1 {
		n.withPeers = true
		e.st.setNeeds(n)
		e.names.reset() // it knows what nobody read
	}
	for _, g := range e.groups {
		if !g.due(ts) || g.idle(e.st) {
			continue
		}
		if !g.quiet(ts) {
			g.Eval(ctx, ts)
		}
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("evaluate rules: %w", err)
		}
		e.account(g)
	}
	e.evalAt = ts
	out := e.collect(ctx, ts)
	e.observe()
	return out, e.saveIfNeeded(ts)
}

// account counts the evaluations of one group and notes whether there is something to save.
func (e *Engine) account(g *groupState) {
	for _, r := range g.Rules() {
		e.metrics.evaluations++
		err := r.LastError()
		if err != nil {
			e.metrics.failures++
		}
		e.report(g, r.Name(), err)
	}
	for _, r := range g.alerts {
		e.dirty = e.dirty || r.changed
		r.changed = false
	}
}

// report logs when a rule begins to fail and when it works again, not each time in between.
func (e *Engine) report(g *groupState, rule string, err error) {
	key := g.File() + "\xff" + g.Name() + "\xff" + rule
	_, failing := e.failing[key]
	switch {
	case err != nil && !failing:
		e.failing[key] = struct{}{}
		e.log.Warn("a rule fails; its alerts are held as they are", "file", g.File(), "group", g.Name(), "rule", rule, "error", err)
	case err == nil && failing:
		delete(e.failing, key)
		e.log.Info("a rule works again", "file", g.File(), "group", g.Name(), "rule", rule)
	}
}

// Forget resolves the alerts whose labels include all of lbls: whoever calls it knows that their subject is gone for good, for instance
// because its model file was removed. The next Eval returns them.
func (e *Engine) Forget(now time.Time, lbls map[string]string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := 0
	for _, g := range e.groups {
		for _, r := range g.alerts {
			for h, in := range r.inst {
				full := r.fullLabels(in.lbls)
				if !includes(full, lbls) {
					continue
				}
				if in.state == alert.Firing {
					e.end(r, in, now, "its subject was removed from the configuration")
					n++
				}
				delete(r.inst, h)
				r.drop(h)
				e.dirty = true
			}
		}
	}
	e.st.forget(lbls) // or the last samples would make it fire once more
	return n
}

func includes(have, want map[string]string) bool {
	for k, v := range want {
		if have[k] != v {
			return false
		}
	}
	return len(want) > 0
}

// Close saves the state.
func (e *Engine) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.shut {
		return nil
	}
	e.shut = true
	return e.save()
}
