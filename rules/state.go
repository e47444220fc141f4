package rules

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"

	"github.com/plumbline-ml/plumbline/internal/alert"
)

// stateVersion changes when an old reader could misunderstand the file.
const stateVersion = 1

type savedState struct {
	Version     int          `json:"version"`
	EvaluatedAt time.Time    `json:"evaluated_at"`
	Rules       []savedRule  `json:"rules"`
	Ended       []savedEnded `json:"ended"`

	Counters []savedCounter `json:"counters"`
}

type savedRule struct {
	File   string       `json:"file"`
	Group  string       `json:"group"`
	Alert  string       `json:"alert"`
	Labels string       `json:"labels"` // of the rule, as text: only compared
	Alerts []savedAlert `json:"alerts"`
}

type savedAlert struct {
	Element     map[string]string `json:"element"`
	Labels      map[string]string `json:"labels"`
	Key         string            `json:"key"`
	Value       savedFloat        `json:"value"`
	State       alert.State       `json:"state"`
	ActiveAt    time.Time         `json:"active_at"`
	StartsAt    time.Time         `json:"starts_at"`
	KeepFrom    time.Time         `json:"keep_from"`
	Series      map[string]int    `json:"series"` // by selector; absent means unknown
	Held        bool              `json:"held"`
	HeldSince   time.Time         `json:"held_since"`
	Annotations map[string]string `json:"annotations"`
}

type savedEnded struct {
	Alert alert.Alert `json:"alert"`
	Until time.Time   `json:"until"`
}

// savedFloat survives JSON for NaN and the infinities, too.
type savedFloat float64

// MarshalText implements encoding.TextMarshaler.
func (f savedFloat) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%g", float64(f)), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (f *savedFloat) UnmarshalText(b []byte) error {
	_, err := fmt.Sscanf(string(b), "%g", (*float64)(f))
	return err
}

// saveIfNeeded saves when something changed; once a minute while an alert is pending, because how long it has been pending is known
// only by when it was last seen; and every five minutes for the sake of the counters.
func (e *Engine) saveIfNeeded(ts time.Time) error {
	if e.opts.State == nil {
		return nil
	}
	since := absDuration(ts.Sub(e.savedAt))
	if !e.dirty && since < 5*time.Minute && (since < time.Minute || !e.anyPending()) {
		return nil
	}
	if err := e.save(); err != nil {
		return err
	}
	e.savedAt, e.dirty = ts, false
	return nil
}

func (e *Engine) anyPending() bool {
	for _, g := range e.groups {
		for _, r := range g.alerts {
			for _, in := range r.inst {
				if in.state == alert.Pending {
					return true
				}
			}
		}
	}
	return false
}

func (e *Engine) save() error {
	if e.opts.State == nil {
		return nil
	}
	data, err := json.Marshal(e.export())
	if err == nil {
		err = e.opts.State.Save(data)
	}
	if err != nil {
		return fmt.Errorf("save the state of the alerts: %w", err)
	}
	return nil
}

func (e *Engine) export() savedState {
	out := savedState{Version: stateVersion, EvaluatedAt: e.evalAt, Rules: []savedRule{}, Ended: []savedEnded{}, Counters: e.st.counters()}
	if e.counters != nil {
		out.Counters = e.counters // not planted yet
	}
	for _, g := range e.groups {
		for _, r := range g.alerts {
			if len(r.inst) > 0 {
				out.Rules = append(out.Rules, r.export())
			}
		}
	}
	for _, x := range e.ending {
		out.Ended = append(out.Ended, savedEnded{Alert: x.a, Until: x.until})
	}
	slices.SortFunc(out.Ended, func(a, b savedEnded) int { return byKey(a.Alert, b.Alert) })
	return out
}

func (r *alertRule) export() savedRule {
	out := savedRule{File: r.file, Group: r.group, Alert: r.Name(), Labels: labelText(r.Labels())}
	for _, in := range r.inst {
		s := savedAlert{Element: in.elem.Map(), Labels: in.lbls.Map(), Key: in.key, Value: savedFloat(in.value), State: in.state, ActiveAt: in.activeAt,
			StartsAt: in.startsAt, KeepFrom: in.keepFrom, Held: in.held, HeldSince: in.heldSince, Annotations: in.annotations}
		if in.counts != nil {
			s.Series = map[string]int{}
			for i, c := range in.counts {
				s.Series[r.selectors[i].text] = c.n
			}
		}
		out.Alerts = append(out.Alerts, s)
	}
	slices.SortFunc(out.Alerts, func(a, b savedAlert) int { return strings.Compare(a.Key, b.Key) })
	return out
}

// restore takes over what was saved before a restart. State that cannot be read is reported and left behind: an agent that does not
// start helps nobody, and what still holds will fire again.
func (e *Engine) restore() error {
	if e.opts.State == nil {
		return nil
	}
	data, err := e.opts.State.Load()
	if err != nil {
		return fmt.Errorf("load the state of the alerts: %w", err)
	}
	if len(data) == 0 {
		return nil
	}
	var s savedState
	if err := json.Unmarshal(data, &s); err != nil || s.Version != stateVersion {
		e.log.Error("the saved state of the alerts cannot be read; starting without it", "version", s.Version, "error", err)
		return nil
	}
	e.adopt(s)
	e.counters = s.Counters
	return nil
}

// adopt gives saved alerts to the rules that they belong to. Firing alerts whose rule is gone end: nothing would ever resolve them.
func (e *Engine) adopt(s savedState) {
	e.evalAt = s.EvaluatedAt
	for _, x := range s.Ended {
		if key := x.Alert.Key(); e.ending[key] == nil { // over a reload it is there already, and was told
			e.ending[key] = &ended{a: x.Alert, until: x.Until}
		}
	}
	exact, moved := map[string][]*alertRule{}, map[string][]*alertRule{}
	for _, g := range e.groups {
		for _, r := range g.alerts {
			exact[r.identity()] = append(exact[r.identity()], r)
			moved[r.moved()] = append(moved[r.moved()], r)
		}
	}
	taken := map[*alertRule]bool{}
	take := func(list []*alertRule) *alertRule {
		for _, r := range list {
			if !taken[r] {
				taken[r] = true
				return r
			}
		}
		return nil
	}
	var homeless []savedRule
	for _, sr := range s.Rules {
		id := sr.Alert + "\xff" + sr.Labels
		if r := take(exact[sr.File+"\xff"+sr.Group+"\xff"+id]); r != nil {
			e.carry(r, sr, s.EvaluatedAt)
		} else {
			homeless = append(homeless, sr)
		}
	}
	for _, sr := range homeless {
		if r := take(moved[sr.Alert+"\xff"+sr.Labels]); r != nil {
			e.carry(r, sr, s.EvaluatedAt)
			continue
		}
		for _, a := range sr.Alerts {
			e.endSaved(sr, a, s.EvaluatedAt, "its rule was removed or changed")
		}
	}
}

// carry puts saved alerts into a rule.
func (e *Engine) carry(r *alertRule, sr savedRule, at time.Time) {
	r.evalAt = at
	for _, a := range sr.Alerts {
		in := &instance{elem: labels.FromMap(a.Element), value: float64(a.Value), state: a.State, activeAt: a.ActiveAt, startsAt: a.StartsAt,
			keepFrom: a.KeepFrom, held: a.Held, heldSince: a.HeldSince, carried: true, annotations: a.Annotations, sentMissing: a.Held}
		in.lbls = r.labelsOf(context.Background(), promql.Sample{Metric: in.elem, F: in.value}, at, e.query)
		in.key = alert.KeyOf(r.fullLabels(in.lbls))
		if a.Series != nil {
			in.counts = make([]count, len(r.selectors))
			for i := range r.selectors {
				n, known := a.Series[r.selectors[i].text]
				if !known { // the expression changed
					in.counts = nil
					break
				}
				in.counts[i] = count{n: n, at: at}
			}
		}
		r.inst[in.lbls.Hash()] = in
		if in.key != a.Key {
			e.endSaved(sr, a, at, "its labels changed")
		}
	}
}

func (e *Engine) endSaved(sr savedRule, a savedAlert, at time.Time, why string) {
	if a.State != alert.Firing {
		return
	}
	full := (&alertRule{ext: e.opts.ExternalLabels}).fullLabels(labels.FromMap(a.Labels))
	text := map[string]string{}
	for k, v := range a.Annotations {
		text[k] = v
	}
	text[annotationEnded] = why
	x := alert.Alert{Labels: full, Annotations: text, State: alert.Resolved, Value: float64(a.Value), ActiveAt: a.ActiveAt, StartsAt: a.StartsAt,
		UpdatedAt: at, EndsAt: at, Generator: sr.File + ", group " + sr.Group}
	e.ending[x.Key()] = &ended{a: x, until: at.Add(max(0, e.opts.ResolvedResend))}
	e.dirty = true
}

func absDuration(d time.Duration) time.Duration { return max(d, -d) }
