package rules

import (
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql/parser"
)

// A selector is one vector selector of a rule's expression, with what is needed to ask later whether the data that made
// an alert fire is still there.
//
// The question is answered by counting. While the condition holds, the series behind it are counted. When it no longer holds,
// the series that are fresh are counted again: if they became fewer, the condition may have ended only because its data did,
// and the alert is held. Counting instead of remembering names lets pods, versions and replicas be replaced by others
// without holding an alert for ever.
type selector struct {
	text     string // as in the expression; the key of the saved counts
	matchers []*labels.Matcher
	offset   int64    // milliseconds before the evaluation at which the selector ends
	window   int64    // milliseconds that it looks back from there
	fixed    bool     // has an @ modifier: its data does not come or go
	on       []string // labels that join it to the result; nil means all that both have
	ignoring []string // labels that the result has from elsewhere
}

// selectorsOf lists the vector selectors of an expression in order.
func selectorsOf(expr parser.Expr, lookback time.Duration) []selector {
	var out []selector
	parser.Inspect(expr, func(node parser.Node, path []parser.Node) error {
		vs, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		s := selector{text: vs.String(), matchers: vs.LabelMatchers, offset: vs.OriginalOffset.Milliseconds(), window: lookback.Milliseconds(),
			fixed: vs.Timestamp != nil || vs.StartOrEnd != 0}
		for i, p := range path {
			switch p := p.(type) {
			case *parser.MatrixSelector:
				s.window = p.Range.Milliseconds()
			case *parser.SubqueryExpr:
				s.window += p.Range.Milliseconds()
				s.offset += p.OriginalOffset.Milliseconds()
				s.fixed = s.fixed || p.Timestamp != nil || p.StartOrEnd != 0
			case *parser.BinaryExpr:
				below := node
				if i+1 < len(path) {
					below = path[i+1]
				}
				s.join(p, below)
			case *parser.Call:
				if (p.Func.Name == "label_replace" || p.Func.Name == "label_join") && len(p.Args) > 1 {
					if dst, ok := p.Args[1].(*parser.StringLiteral); ok {
						s.ignoring = append(s.ignoring, dst.Val)
					}
				}
			}
		}
		out = append(out, s)
		return nil
	})
	return out
}

// recording is what a recording rule adds to a selector that reads its result.
type recording struct {
	expr   parser.Expr
	labels []string // that the rule itself sets
}

// resolve replaces selectors of recorded series by those of the rules that record them: a recorded series may end because its rule has
// a condition, and then it says nothing about the data below. ALERTS is the same: it ends when an alert ends, and an alert whose data is
// gone does not end.
func resolve(list []selector, recorded map[string][]recording, lookback time.Duration, depth int) []selector {
	var out []selector
	for _, s := range list {
		name := ""
		for _, m := range s.matchers {
			if m.Name == nameLabel && m.Type == labels.MatchEqual {
				name = m.Value
			}
		}
		if name == "ALERTS" || name == "ALERTS_FOR_STATE" {
			continue
		}
		rules := recorded[name]
		if len(rules) == 0 || depth > 5 {
			out = append(out, s)
			continue
		}
		for _, r := range rules {
			for _, below := range resolve(selectorsOf(r.expr, lookback), recorded, lookback, depth+1) {
				below.text = s.text + " from " + below.text
				below.offset += s.offset
				below.window += s.window
				below.fixed = below.fixed || s.fixed
				below.ignoring = append(append(below.ignoring, s.ignoring...), r.labels...)
				switch {
				case below.on == nil:
					below.on = s.on
				case s.on != nil:
					below.on = slices.DeleteFunc(slices.Clone(below.on), func(l string) bool { return !slices.Contains(s.on, l) })
				}
				out = append(out, below)
			}
		}
	}
	return out
}

// join narrows the labels by which a series is recognised to those that survive a binary operation into its result.
func (s *selector) join(b *parser.BinaryExpr, side parser.Node) {
	m := b.VectorMatching
	if m == nil {
		return
	}
	if (m.Card == parser.CardManyToOne && side == b.LHS) || (m.Card == parser.CardOneToMany && side == b.RHS) {
		return // this side gives the result all its labels
	}
	if b.Op.IsSetOperator() && (side == b.LHS || b.Op == parser.LOR) {
		return
	}
	if m.On {
		names := slices.Clone(m.MatchingLabels)
		if s.on != nil {
			names = slices.DeleteFunc(names, func(n string) bool { return !slices.Contains(s.on, n) })
		}
		s.on = append([]string{}, names...)
	} else {
		s.ignoring = append(s.ignoring, m.MatchingLabels...)
	}
}

// feeds reports whether a series can have contributed to a result element: no label that both have differs.
func (s *selector) feeds(lbls, element labels.Labels) bool {
	ok := true
	lbls.Range(func(l labels.Label) {
		if !ok || l.Name == nameLabel || slices.Contains(s.ignoring, l.Name) || (s.on != nil && !slices.Contains(s.on, l.Name)) {
			return
		}
		if v := element.Get(l.Name); v != "" && v != l.Value {
			ok = false
		}
	})
	return ok
}

// visible counts the series of an element that a query at ts (milliseconds) sees.
func (s *selector) visible(st *store, element labels.Labels, ts int64) int {
	n := 0
	st.match(s.matchers, func(x *series) {
		if x.seen(ts-s.offset, s.window) && s.feeds(x.lbls, element) {
			n++
		}
	})
	return n
}

// fresh counts those whose newest sample is as recent as their own rhythm promises. That is stricter than what a
// query sees: rate() over half of its data falls, but not because anything got better.
func (s *selector) fresh(st *store, element labels.Labels, ts int64, interval, lookback time.Duration) int {
	n := 0
	st.match(s.matchers, func(x *series) {
		limit := lookback.Milliseconds()
		if x.step > 0 {
			limit = min(limit, max(3*x.step, 2*interval.Milliseconds()))
		}
		if x.seen(ts-s.offset, limit) && s.feeds(x.lbls, element) {
			n++
		}
	})
	return n
}

// seen reports whether the newest sample up to t is a real one and younger than window.
func (s *series) seen(t, window int64) bool {
	i := s.after(t)
	if i == 0 {
		return false
	}
	x := s.at(i - 1)
	return x.t > t-window && !value.IsStaleNaN(x.v)
}
