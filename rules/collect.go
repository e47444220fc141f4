package rules

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	promrules "github.com/prometheus/prometheus/rules"

	"github.com/plumbline-ml/plumbline/internal/alert"
)

// Annotation that says why an alert ended when it was not the rule that ended it.
const annotationEnded = "ended_because"

// collect gathers what is to be told at ts: changes, re-sends, resolved alerts.
func (e *Engine) collect(ctx context.Context, ts time.Time) []alert.Alert {
	var out []alert.Alert
	for _, g := range e.groups {
		for _, r := range g.alerts {
			from := len(out)
			for _, in := range r.inst {
				if in.state != alert.Firing {
					continue
				}
				delete(e.ending, in.key) // fires again: the end before it is history
				missing := (in.held && !(in.carried && ts.Sub(in.heldSince) < darkGrace)) || r.failed
				if !in.sent.IsZero() && missing == in.sentMissing && ts.Sub(in.sent) < e.opts.Resend && !ts.Before(in.sent) {
					continue
				}
				if in.annotations == nil || !(in.held || r.failed) {
					in.annotations = r.render(ctx, in, ts, e.query)
					e.triage(in.annotations, in.lbls.Map(), in.activeAt, ts)
				}
				in.sent, in.sentMissing = ts, missing
				out = append(out, r.snapshot(in, ts))
			}
			slices.SortFunc(out[from:], byKey)
		}
	}
	from := len(out)
	for key, x := range e.ending {
		if x.sent.IsZero() || ts.Sub(x.sent) >= e.opts.Resend {
			x.sent = ts
			out = append(out, x.a.Clone())
		}
		if !ts.Before(x.until) {
			delete(e.ending, key)
			e.dirty = true
		}
	}
	slices.SortFunc(out[from:], byKey)
	return out
}

func byKey(a, b alert.Alert) int { return cmp.Compare(a.Key(), b.Key()) }

// snapshot is the alert value of a firing instance.
func (r *alertRule) snapshot(in *instance, ts time.Time) alert.Alert {
	return alert.Alert{
		Labels: r.fullLabels(in.lbls), Annotations: maps.Clone(in.annotations), State: alert.Firing, Value: in.value,
		ActiveAt: in.activeAt, StartsAt: in.startsAt, UpdatedAt: ts, DataMissing: in.sentMissing,
		Generator: r.file + ", group " + r.group,
	}
}

// close takes down that a rule resolved an alert.
func (e *Engine) close(r *alertRule, in *instance, ts time.Time) { e.end(r, in, ts, "") }

// end makes an alert resolved. It is returned by the next Eval and, in case that gets lost, again for a while.
func (e *Engine) end(r *alertRule, in *instance, ts time.Time, why string) {
	in.sentMissing = false
	a := r.snapshot(in, ts)
	a.State, a.EndsAt = alert.Resolved, ts
	if a.Annotations == nil {
		a.Annotations = map[string]string{}
	}
	if why != "" {
		a.Annotations[annotationEnded] = why
	}
	e.ending[in.key] = &ended{a: a, until: ts.Add(max(0, e.opts.ResolvedResend))}
	e.dirty = true
}

// drop makes Prometheus' rule forget one instance. It has no way to remove one, so the instance is made to look long resolved.
func (r *alertRule) drop(hash uint64) {
	r.ForEachActiveAlert(func(a *promrules.Alert) {
		if a.Labels.Hash() == hash {
			a.State, a.ResolvedAt = promrules.StateInactive, time.Unix(0, 0)
			r.quiet = false
		}
	})
}

// identity is what makes two rules the same over a reload.
func (r *alertRule) identity() string { return r.file + "\xff" + r.group + "\xff" + r.moved() }

// moved is what makes them the same when a rule went to another file or group.
func (r *alertRule) moved() string { return r.Name() + "\xff" + labelText(r.Labels()) }

func labelText(l labels.Labels) string { return l.String() }
