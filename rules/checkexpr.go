package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// prefix of the metrics that are ours: of others nobody can say here whether they exist.
const prefix = "plumbline_"

// targetLabels may stand on any series besides the catalogue's: whoever scrapes or forwards adds them.
var targetLabels = []string{"instance", "job", "node", "cluster", "namespace", "pod", "container", "service", "endpoint", "host", "region", "zone", "tenant", "env", "environment"}

// metrics warns of metrics and labels that the catalogue does not have.
func (c *checker) metrics(r *ruleNode, expr parser.Expr, recorded map[string]bool) {
	parser.Inspect(expr, func(node parser.Node, path []parser.Node) error {
		vs, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		name := selectorName(vs)
		from := int(vs.PosRange.Start)
		if name == "" {
			c.add(c.src.within(r.expr, from, int(vs.PosRange.End), ProblemWarning, "selector", "a selector without the name of a metric makes the rule store keep every series"),
				"name{…}", "name the metric")
			return nil
		}
		c.reach(r, vs, path)
		if !strings.HasPrefix(name, prefix) || recorded[name] {
			return nil
		}
		m, known := catalog.Series(name)
		if !known {
			names := catalogNames()
			fix := ""
			if s := closest(name, names); s != "" {
				fix = "write " + s
			}
			if h, ok := catalog.ByName(name); ok && h.Type == catalog.Histogram {
				fix = "write " + name + "_bucket, _sum or _count"
			}
			c.add(c.src.within(r.expr, from, from+len(name), ProblemWarning, "metric", fmt.Sprintf("the agent has no metric %s, so this selects nothing", name)),
				"a metric of docs/metrics.md", fix)
			return nil
		}
		if m.Type == catalog.Histogram && name == m.Name {
			c.add(c.src.within(r.expr, from, from+len(name), ProblemWarning, "metric", name+" is a histogram: there is no series of that name"),
				"one of its series", "write "+name+"_bucket, _sum or _count")
			return nil
		}
		for _, lm := range vs.LabelMatchers {
			if lm.Name == nameLabel || hasLabel(m, name, lm.Name) || slices.Contains(targetLabels, lm.Name) {
				continue
			}
			at := strings.Index(r.expr.Value[from:], lm.Name)
			if at < 0 {
				at = 0
			}
			fix := "remove it"
			if s := closest(lm.Name, slices.Clone(m.Labels)); s != "" {
				fix = "write " + s
			}
			c.add(c.src.within(r.expr, from+at, from+at+len(lm.Name), ProblemWarning, "label", fmt.Sprintf("%s has no label %s", m.Name, lm.Name)),
				"one of "+strings.Join(m.Labels, ", "), fix)
		}
		return nil
	})
}

// reach warns of a look back that is longer than what the store keeps.
func (c *checker) reach(r *ruleNode, vs *parser.VectorSelector, path []parser.Node) {
	const retention = 26 * time.Hour
	if back := lookBack(vs, path, 0, 0); back > retention.Milliseconds() {
		c.add(c.src.within(r.expr, int(vs.PosRange.Start), int(vs.PosRange.End), ProblemWarning, "range",
			fmt.Sprintf("this looks back %s; the agent keeps %s", time.Duration(back)*time.Millisecond, retention)), "at most 26h", "record a shorter rate, or evaluate the rule in Prometheus")
	}
}

func selectorName(vs *parser.VectorSelector) string {
	for _, m := range vs.LabelMatchers {
		if m.Name == nameLabel && m.Type == labels.MatchEqual {
			return m.Value
		}
	}
	return ""
}

func hasLabel(m *catalog.Metric, series, label string) bool {
	return slices.Contains(m.Labels, label) || (label == labels.BucketLabel && strings.HasSuffix(series, "_bucket"))
}

func catalogNames() []string {
	var out []string
	for _, m := range catalog.All() {
		if m.Type == catalog.Histogram {
			out = append(out, m.Name+"_bucket", m.Name+"_sum", m.Name+"_count")
			continue
		}
		out = append(out, m.Name)
	}
	return out
}

// functions warns of functions on metrics of the wrong type.
func (c *checker) functions(r *ruleNode, expr parser.Expr) {
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		call, ok := node.(*parser.Call)
		if !ok || len(call.Args) == 0 {
			return nil
		}
		ms, ok := call.Args[0].(*parser.MatrixSelector)
		if !ok {
			return nil
		}
		name := selectorName(ms.VectorSelector.(*parser.VectorSelector))
		m, known := catalog.Series(name)
		if !known {
			return nil
		}
		counter := m.Type != catalog.Gauge
		from := int(call.PosRange.Start)
		switch call.Func.Name {
		case "rate", "irate", "increase", "resets":
			if !counter {
				c.add(c.src.within(r.expr, from, from+len(call.Func.Name), ProblemWarning, "function", fmt.Sprintf("%s is a gauge: %s takes each fall of it for a restart", name, call.Func.Name)),
					"a counter, *_total", "write deriv or delta")
			}
		case "delta", "idelta", "deriv":
			if counter {
				c.add(c.src.within(r.expr, from, from+len(call.Func.Name), ProblemWarning, "function", fmt.Sprintf("%s is a counter: %s goes wrong when it starts anew", name, call.Func.Name)),
					"a gauge", "write rate or increase")
			}
		}
		return nil
	})
}

// matching warns of operations whose sides can never meet, because one has a label that the other lacks.
func (c *checker) matching(r *ruleNode, expr parser.Expr) {
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		b, ok := node.(*parser.BinaryExpr)
		if !ok || b.VectorMatching == nil || b.VectorMatching.On || b.Op == parser.LOR || b.Op == parser.LUNLESS {
			return nil
		}
		left, okl := labelsOf(b.LHS)
		right, okr := labelsOf(b.RHS)
		if !okl || !okr {
			return nil
		}
		drop := func(in []string) []string {
			return slices.DeleteFunc(slices.Clone(in), func(l string) bool { return slices.Contains(b.VectorMatching.MatchingLabels, l) })
		}
		left, right = drop(left), drop(right)
		for _, side := range [][2][]string{{left, right}, {right, left}} {
			for _, l := range side[0] {
				if slices.Contains(side[1], l) {
					continue
				}
				where, other := "left", "right"
				if slices.Contains(right, l) {
					where, other = "right", "left"
				}
				from := int(b.LHS.PositionRange().End)
				for from < len(r.expr.Value) && strings.ContainsRune(" \n\t)", rune(r.expr.Value[from])) {
					from++
				}
				both := slices.DeleteFunc(slices.Clone(left), func(l string) bool { return !slices.Contains(right, l) })
				c.add(c.src.within(r.expr, from, from+len(b.Op.String()), ProblemWarning, "never",
					fmt.Sprintf("the two sides never match: the %s one has the label %s, the %s one has not", where, l, other)),
					"the same labels on both sides, or on(…)", fmt.Sprintf("write %s on (%s)%s", b.Op, strings.Join(both, ", "), groupHint(b, left, right)))
				return nil
			}
		}
		return nil
	})
}

func groupHint(b *parser.BinaryExpr, left, right []string) string {
	switch {
	case b.Op.IsSetOperator() || len(left) == len(right):
		return ""
	case len(left) > len(right):
		return " group_left ()"
	}
	return " group_right ()"
}

// labelsOf is the exact set of labels of a result, as far as it follows from the catalogue. Labels that scraping adds are on both sides of
// everything and are left out.
func labelsOf(expr parser.Expr) ([]string, bool) {
	switch e := expr.(type) {
	case *parser.ParenExpr:
		return labelsOf(e.Expr)
	case *parser.UnaryExpr:
		return labelsOf(e.Expr)
	case *parser.StepInvariantExpr:
		return labelsOf(e.Expr)
	case *parser.MatrixSelector:
		return labelsOf(e.VectorSelector)
	case *parser.SubqueryExpr:
		return labelsOf(e.Expr)
	case *parser.VectorSelector:
		name := selectorName(e)
		m, ok := catalog.Series(name)
		if !ok || !strings.HasPrefix(name, prefix) {
			return nil, false
		}
		out := slices.Clone(m.Labels)
		if strings.HasSuffix(name, "_bucket") && m.Type == catalog.Histogram {
			out = append(out, labels.BucketLabel)
		}
		return out, true
	case *parser.AggregateExpr:
		in, ok := labelsOf(e.Expr)
		if e.Op == parser.COUNT_VALUES {
			return nil, false
		}
		if e.Op == parser.TOPK || e.Op == parser.BOTTOMK || e.Op == parser.LIMITK || e.Op == parser.LIMIT_RATIO {
			return in, ok
		}
		if !ok {
			return nil, false
		}
		return slices.DeleteFunc(in, func(l string) bool { return slices.Contains(e.Grouping, l) == e.Without }), true
	case *parser.Call:
		switch e.Func.Name {
		case "label_replace", "label_join", "absent", "absent_over_time", "vector", "info", "histogram_quantile", "histogram_fraction":
			return nil, false
		}
		for _, a := range e.Args {
			if t := a.Type(); t == parser.ValueTypeVector || t == parser.ValueTypeMatrix {
				return labelsOf(a)
			}
		}
		return nil, false
	case *parser.BinaryExpr:
		return labelsOfBinary(e)
	}
	return nil, false
}

func labelsOfBinary(e *parser.BinaryExpr) ([]string, bool) {
	left, right := e.LHS.Type(), e.RHS.Type()
	switch {
	case left == parser.ValueTypeScalar:
		return labelsOf(e.RHS)
	case right == parser.ValueTypeScalar || e.Op == parser.LAND || e.Op == parser.LUNLESS:
		return labelsOf(e.LHS)
	case e.Op == parser.LOR:
		return nil, false
	}
	m := e.VectorMatching
	switch m.Card {
	case parser.CardManyToOne:
		l, ok := labelsOf(e.LHS)
		return append(l, m.Include...), ok
	case parser.CardOneToMany:
		l, ok := labelsOf(e.RHS)
		return append(l, m.Include...), ok
	}
	if m.On {
		return slices.Clone(m.MatchingLabels), true
	}
	l, ok := labelsOf(e.LHS)
	return slices.DeleteFunc(l, func(n string) bool { return slices.Contains(m.MatchingLabels, n) }), ok
}
