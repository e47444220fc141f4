package alerting

import (
	"strings"
	"time"

	amcommoncfg "github.com/prometheus/alertmanager/config/common"
	"github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/common/model"
)

// inhibitRule is one entry of inhibit_rules. Alertmanager's own Inhibitor asks the wall clock and lives in
// goroutines; a backtest needs an answer for the time it has, so the same rules are evaluated here.
type inhibitRule struct {
	source, target labels.Matchers
	equal          []model.LabelName
}

func newInhibitRule(c amcommoncfg.InhibitRule) (inhibitRule, error) {
	r := inhibitRule{source: labels.Matchers(c.SourceMatchers), target: labels.Matchers(c.TargetMatchers)}
	add := func(to *labels.Matchers, t labels.MatchType, name, value string) error {
		m, err := labels.NewMatcher(t, name, value)
		if err == nil {
			*to = append(*to, m)
		}
		return err
	}
	for k, v := range c.SourceMatch {
		if err := add(&r.source, labels.MatchEqual, k, v); err != nil {
			return r, err
		}
	}
	for k, v := range c.SourceMatchRE {
		if err := add(&r.source, labels.MatchRegexp, k, v.String()); err != nil {
			return r, err
		}
	}
	for k, v := range c.TargetMatch {
		if err := add(&r.target, labels.MatchEqual, k, v); err != nil {
			return r, err
		}
	}
	for k, v := range c.TargetMatchRE {
		if err := add(&r.target, labels.MatchRegexp, k, v.String()); err != nil {
			return r, err
		}
	}
	for _, n := range c.Equal {
		r.equal = append(r.equal, model.LabelName(n))
	}
	return r, nil
}

// key joins the values that must be equal. A label that is missing counts as empty, as in Alertmanager.
func (r *inhibitRule) key(set model.LabelSet) string {
	var b strings.Builder
	for _, n := range r.equal {
		v := string(set[n])
		b.WriteString(v)
		b.WriteByte(0xff) // cannot occur in a label value, which is UTF-8
	}
	return b.String()
}

// aftermath is how long a cause that has ended goes on holding back what began while it fired. A cause is over as soon as its
// evidence says so; its symptoms take longer, because windows still hold the bad hour. Without this, a table that was
// repaired would page for the drift that it had brought.
const aftermath = 30 * time.Minute

// inhibitor answers for one moment which alerts are inhibited. It is made anew by every Tick, and costs one
// pass over the alerts only when a rule is asked for the first time.
type inhibitor struct {
	rules   []inhibitRule
	alerts  map[string]*entry
	now     time.Time
	sources []map[string]sources // per rule: values of equal → who inhibits
}

// sources are the inhibiting alerts with equal labels. An alert that matches both sides of a rule is not
// inhibited by another one that does.
type sources struct {
	any     source // one that fires, or the one that ended last
	oneSide source // the same among those that do not match the target side
}

type source struct {
	key   string
	ended time.Time // zero while it fires
}

// stronger prefers what fires, then what ended last, then the smaller key, so that the answer depends on nothing else.
func (s source) stronger(o source) source {
	switch {
	case s.key == "":
		return o
	case s.ended.IsZero() != o.ended.IsZero():
		if s.ended.IsZero() {
			return s
		}
		return o
	case s.ended.After(o.ended) || s.ended.Equal(o.ended) && s.key < o.key:
		return s
	}
	return o
}

func (i *inhibitor) index(n int) map[string]sources {
	if i.sources == nil {
		i.sources = make([]map[string]sources, len(i.rules))
	}
	if i.sources[n] != nil {
		return i.sources[n]
	}
	r := &i.rules[n]
	idx := map[string]sources{}
	for _, e := range i.alerts {
		if age := i.now.Sub(e.ended); !e.firing() && (age < 0 || age >= aftermath) || !r.source.Matches(e.set) {
			continue
		}
		k := r.key(e.set)
		s, x := idx[k], source{key: e.key, ended: e.ended}
		s.any = s.any.stronger(x)
		if !r.target.Matches(e.set) {
			s.oneSide = s.oneSide.stronger(x)
		}
		idx[k] = s
	}
	i.sources[n] = idx
	return idx
}

// mutes names an alert that inhibits e, or nothing.
func (i *inhibitor) mutes(e *entry) string {
	for n := range i.rules {
		r := &i.rules[n]
		if !r.target.Matches(e.set) {
			continue
		}
		s := i.index(n)[r.key(e.set)]
		by := s.any
		if r.source.Matches(e.set) {
			by = s.oneSide
		}
		if by.key != "" && (by.ended.IsZero() || !e.start().After(by.ended)) {
			return by.key
		}
	}
	return ""
}
