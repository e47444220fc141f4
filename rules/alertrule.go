package rules

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/promql"
	promrules "github.com/prometheus/prometheus/rules"

	"github.com/plumbline-ml/plumbline/internal/alert"
)

// alertRule is Prometheus' alerting rule with three additions: elements whose data vanished are put back into the result before
// the rule sees it, time during which nothing was seen does not count towards "for", and the instances can be saved and planted again.
//
// The state machine (pending, firing, keep_firing_for, resolved) stays Prometheus' own.
type alertRule struct {
	*promrules.AlertingRule
	file, group string
	interval    time.Duration
	stride      time.Duration // between evaluations, when it is longer on purpose
	text        string        // the expression, formatted once
	short       *shortcut
	estimate    estimator
	labels      labels.Labels
	annotations labels.Labels
	templated   bool // a rule label is a template
	selectors   []selector
	ext         map[string]string
	url         *url.URL

	st       *store
	lookback time.Duration
	max      int

	inst    map[uint64]*instance // pending and firing, by hash of lbls
	byHash  map[uint64]element   // scratch: the result of this evaluation, by the same hash
	quiet   bool                 // Prometheus' rule has nothing in hand, not even what resolved lately
	planted bool                 // Prometheus' rule knows the instances that were carried over
	evalAt  time.Time            // newest evaluation that got as far as a result
	failed  bool                 // the newest evaluation did not
	changed bool                 // something worth saving happened

	recorded bool // some rule reads ALERTS or ALERTS_FOR_STATE
	closed   func(*alertRule, *instance, time.Time)
}

// instance is one pending or firing alert.
type instance struct {
	elem     labels.Labels // the result's labels: what to look for in the store
	lbls     labels.Labels // the alert's labels, external ones not included
	key      string        // alert.Key with external labels
	value    float64
	state    alert.State
	activeAt time.Time
	startsAt time.Time
	keepFrom time.Time // when keep_firing_for began to run
	counts   []count   // series behind each selector while the condition held; nil means unknown
	gen      uint64    // of the store when counts was taken
	countAt  time.Time

	held      bool // the condition's data is gone
	heldSince time.Time
	carried   bool // restored from disk, and no data seen since

	annotations map[string]string // as last rendered
	sent        time.Time
	sentMissing bool
}

// darkGrace is how long an alert that was restored waits for its first data before it is called blind.
const darkGrace = 2 * time.Minute

// Labels implements promrules.Rule. Prometheus' rule inside has none: it gets elements that carry their final labels already.
func (r *alertRule) Labels() labels.Labels { return r.labels }

// String implements promrules.Rule.
func (r *alertRule) String() string { return "alert " + r.Name() + ": " + r.text }

// condition evaluates the expression, the short way where there is one.
func (r *alertRule) condition(ctx context.Context, at time.Time, query promrules.QueryFunc) (promql.Vector, error) {
	if r.short != nil {
		return r.short.eval(r.st, at, r.lookback), nil
	}
	if r.estimate(r.st, timestamp.FromTime(at)).n == 0 {
		return nil, nil
	}
	return query(ctx, r.text, at)
}

// silent reports whether nothing can come of evaluating the rule, as far as that can be told without a query.
func (r *alertRule) silent(at time.Time) bool {
	switch {
	case r.failed || r.recorded || !r.quiet || len(r.inst) > 0 || r.LastError() != nil:
		return false
	case r.short != nil:
		return len(r.short.eval(r.st, at, r.lookback)) == 0
	}
	return r.estimate(r.st, timestamp.FromTime(at)).n == 0
}

// Eval implements promrules.Rule.
func (r *alertRule) Eval(ctx context.Context, offset time.Duration, ts time.Time, query promrules.QueryFunc, u *url.URL, limit int) (promql.Vector, error) {
	found, err := r.condition(ctx, ts.Add(-offset), query)
	if err != nil {
		r.failed = r.failed || ctx.Err() == nil // a cancelled evaluation says nothing about the data
		return nil, err
	}
	if limit <= 0 {
		limit = r.max
	}
	if len(found) > limit { // before any state is touched: Prometheus would forget what fires
		r.failed = true
		return nil, fmt.Errorf("exceeded limit of %d with %d alerts", limit, len(found))
	}
	if len(found) == 0 && len(r.inst) == 0 && r.quiet {
		r.failed, r.evalAt = false, ts
		return nil, nil
	}
	clear(r.byHash)
	for i, s := range found {
		found[i].Metric = r.labelsOf(ctx, s, ts, query)
		h := found[i].Metric.Hash()
		if _, twice := r.byHash[h]; twice {
			r.failed = true
			return nil, promrules.ErrDuplicateAlertLabelSet
		}
		r.byHash[h] = element{raw: s.Metric, value: s.F}
	}
	r.failed = false
	if !r.planted {
		if err := r.plant(ctx, ts, u); err != nil {
			return nil, err
		}
	}
	gap := ts.Sub(r.evalAt)
	if r.evalAt.IsZero() {
		gap = 0
	}
	if r.steady(gap) {
		r.refresh(ts.Add(-offset), ts)
		return nil, nil
	}
	found = r.hold(found, ts.Add(-offset), ts, gap)
	r.evalAt = ts
	out, err := r.AlertingRule.Eval(ctx, offset, ts, answer(found), u, 0)
	if err != nil {
		r.failed = true
		return nil, err
	}
	r.reconcile(ts.Add(-offset), ts)
	r.quiet = r.ActiveAlertsCount() == 0
	if !r.recorded {
		return nil, nil
	}
	return out, nil
}

// steady reports whether the same alerts fire as before, so that there is nothing for the state machine to decide.
func (r *alertRule) steady(gap time.Duration) bool {
	if r.recorded || gap <= 0 || len(r.byHash) != len(r.inst) || r.ActiveAlertsCount() != len(r.inst) {
		return false
	}
	for h, in := range r.inst {
		if _, ok := r.byHash[h]; !ok || in.state != alert.Firing || in.held || in.carried || !in.keepFrom.IsZero() {
			return false
		}
	}
	return true
}

// refresh takes over the new values of alerts that fire as before.
func (r *alertRule) refresh(at, ts time.Time) {
	r.evalAt = ts
	for h, in := range r.inst {
		x := r.byHash[h]
		in.elem, in.value = x.raw, x.value
		r.count(in, at, ts)
	}
}

// element is one element of the result: its labels before the rule's labels were added, and its value.
type element struct {
	raw   labels.Labels
	value float64
}

// answer hands out a result that is already there.
func answer(v promql.Vector) promrules.QueryFunc {
	return func(context.Context, string, time.Time) (promql.Vector, error) { return v, nil }
}

// hold puts back the elements whose data is gone and stops the clock of pending alerts for the time that nothing was seen.
func (r *alertRule) hold(found promql.Vector, at, ts time.Time, gap time.Duration) promql.Vector {
	dark := map[uint64]bool{}
	for h, in := range r.inst {
		if _, ok := r.byHash[h]; ok {
			continue
		}
		seen := r.sight(in, at)
		if seen == sighted || (seen == partial && in.held && ts.Sub(in.heldSince) > partialHold) {
			continue
		}
		if !in.held {
			in.held, in.heldSince, r.changed = true, ts, true
		}
		if in.state == alert.Pending && ts.Sub(in.heldSince) > max(r.HoldDuration(), 2*r.lookback) {
			continue // it never fired, and nobody knows any more whether it ever would have
		}
		dark[h] = true
		r.byHash[h] = element{in.elem, in.value}
		found = append(found, promql.Sample{Metric: in.lbls, F: in.value, T: timestamp.FromTime(at)})
	}
	for h, in := range r.inst { // data is back, or the condition is false on good evidence
		if in.held && !dark[h] {
			in.held, in.carried, r.changed = false, false, true
		} else if !in.held {
			in.carried = false
		}
	}
	slept := gap > max(2*r.interval, 2*r.stride, darkGrace)
	if gap < 0 || slept || len(dark) > 0 {
		r.ForEachActiveAlert(func(a *promrules.Alert) {
			switch {
			case gap < 0: // the clock went back: keep what is firing firing, and no start in the future
				a.ActiveAt = earlier(a.ActiveAt, ts)
				if a.State == promrules.StateFiring {
					a.ActiveAt = earlier(a.ActiveAt, ts.Add(-r.HoldDuration()))
				}
			case a.State == promrules.StatePending && (slept || dark[a.Labels.Hash()]):
				a.ActiveAt = a.ActiveAt.Add(gap)
			}
		})
	}
	return found
}

// sight says how much of the data behind an alert is there.
type sight uint8

const (
	sighted sight = iota // as much as while the condition held: its end is evidence
	partial              // less, but every selector has something
	blind                // a selector that had data has none
)

// partialHold is how long part of the data must show nothing wrong until it is believed for the whole: by then it is
// more likely that replicas, versions or windows were taken away than that only the bad ones are silent.
const partialHold = time.Hour

// sight compares what is fresh now with what was there while the condition held.
func (r *alertRule) sight(in *instance, at time.Time) sight {
	ms := timestamp.FromTime(at)
	if in.counts == nil { // the rule changed since: any data at all is accepted as evidence
		for i := range r.selectors {
			if r.selectors[i].fixed || r.selectors[i].fresh(r.st, in.elem, ms, r.interval, r.lookback) > 0 {
				return sighted
			}
		}
		if len(r.selectors) > 0 {
			return blind
		}
		return sighted
	}
	out := sighted
	for i := range r.selectors {
		s, had := &r.selectors[i], in.counts[i].n
		if had == 0 || s.fixed {
			continue
		}
		switch n := s.fresh(r.st, in.elem, ms, r.interval, r.lookback); {
		case n == 0:
			return blind
		case n < had:
			out = partial
		}
	}
	return out
}

// count is how many series stand behind a selector, and when that many were last fresh.
type count struct {
	n    int
	at   time.Time
	more time.Time // since when there have been more; zero when there are not
}

// count takes down how many series are behind an alert whose condition holds. When they become fewer, the old number stands for as
// long as a query can still see what vanished: the condition may hold only because of it. After that, whatever is left carries the alert. More series count
// only once they have stayed: while replicas are replaced, old and new are there together.
func (r *alertRule) count(in *instance, at, ts time.Time) {
	if in.counts != nil && in.gen == r.st.gen && ts.Sub(in.countAt) < time.Minute && !ts.Before(in.countAt) {
		return
	}
	in.gen, in.countAt = r.st.gen, ts
	ms := timestamp.FromTime(at)
	if in.counts == nil {
		in.counts = make([]count, len(r.selectors))
		for i := range r.selectors {
			in.counts[i] = count{n: r.selectors[i].visible(r.st, in.elem, ms), at: ts}
		}
		return
	}
	for i := range r.selectors {
		s, c := &r.selectors[i], &in.counts[i]
		n := s.fresh(r.st, in.elem, ms, r.interval, r.lookback)
		switch {
		case n > c.n && c.more.IsZero():
			c.at, c.more = ts, ts
		case n > c.n && ts.Sub(c.more) < r.lookback:
			c.at = ts
		case n == c.n:
			c.at, c.more = ts, time.Time{}
		case n > c.n || ts.Sub(c.at) > r.lookback+time.Duration(s.window)*time.Millisecond:
			*c = count{n: n, at: ts}
		default:
			c.more = time.Time{}
		}
	}
}

// reconcile brings our instances in line with what Prometheus' rule decided.
func (r *alertRule) reconcile(at, ts time.Time) {
	alive := make(map[uint64]bool, len(r.inst))
	r.ForEachActiveAlert(func(a *promrules.Alert) {
		h := a.Labels.Hash()
		in := r.inst[h]
		if a.State == promrules.StateInactive {
			if in != nil && in.state == alert.Firing {
				r.closed(r, in, ts)
				r.changed = true
			}
			return
		}
		alive[h] = true
		if in == nil {
			in = &instance{lbls: a.Labels.Copy()}
			in.key = alert.KeyOf(r.fullLabels(in.lbls))
			r.inst[h] = in
			r.changed = true
		}
		if x, ok := r.byHash[h]; ok { // not so while keep_firing_for runs
			in.elem, in.value = x.raw, x.value
			if !in.held {
				r.count(in, at, ts)
			}
		}
		in.activeAt, in.keepFrom = a.ActiveAt, a.KeepFiringSince
		state := alert.Pending
		if a.State == promrules.StateFiring {
			state = alert.Firing
		}
		if in.state != state {
			if state == alert.Firing {
				in.startsAt = a.FiredAt
			}
			in.state, r.changed = state, true
		}
	})
	for h := range r.inst {
		if !alive[h] {
			delete(r.inst, h)
			r.changed = true
		}
	}
}

// plant tells Prometheus' rule about instances that were carried over from before a restart or a reload.
func (r *alertRule) plant(ctx context.Context, ts time.Time, u *url.URL) error {
	r.planted = true
	if len(r.inst) == 0 {
		return nil
	}
	var vec promql.Vector
	for _, in := range r.inst {
		vec = append(vec, promql.Sample{Metric: in.lbls, F: in.value, T: timestamp.FromTime(ts)})
	}
	if _, err := r.AlertingRule.Eval(ctx, 0, ts, answer(vec), u, 0); err != nil {
		return fmt.Errorf("carry over alerts of %s: %w", r.Name(), err)
	}
	r.ForEachActiveAlert(func(a *promrules.Alert) {
		in := r.inst[a.Labels.Hash()]
		if in == nil {
			return
		}
		a.ActiveAt, a.KeepFiringSince = earlier(in.activeAt, ts), in.keepFrom
		a.State, a.FiredAt = promrules.StatePending, time.Time{}
		if in.state == alert.Firing {
			a.State, a.FiredAt = promrules.StateFiring, in.startsAt
			a.ActiveAt = earlier(a.ActiveAt, ts.Add(-r.HoldDuration())) // a longer "for" does not unfire it
		}
	})
	return nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
