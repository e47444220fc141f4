package rules

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/template"
	"go.yaml.in/yaml/v3"

	"github.com/plumbline-ml/plumbline/internal/alert"
)

var (
	severities = []string{alert.SeverityCritical, alert.SeverityWarning, alert.SeverityInfo}
	causes     = []string{"agent", "schema", "missing", "stale", "frozen", "version", "mix", "drift", "volume", "quality", "replica", "segment", "performance", "abuse"}
)

// decide warns of alerts that can never fire or never resolve, where that can be known.
func (c *checker) decide(r *ruleNode, expr parser.Expr) {
	severity := ""
	if n := r.label(alert.LabelSeverity); n != nil {
		severity = n.Value
	}
	c.comparisons(r, expr, severity)
	if hasCondition(expr) {
		return
	}
	if len(selectorsOf(expr, 0)) > 0 {
		c.add(c.src.within(r.expr, 0, len(r.expr.Value), ProblemWarning, "always", "there is no comparison: the alert fires for every series, whatever its value, for as long as the series exists"),
			"a condition", "compare it, for instance > 0")
	} else if severity != alert.SeverityInfo {
		c.add(c.src.within(r.expr, 0, len(r.expr.Value), ProblemWarning, "always", "this holds whatever happens: the alert never resolves"),
			"a metric", "a watchdog has the severity info")
	}
}

// comparisons looks at each filter of the expression. One that never holds makes the alert silent for ever, unless it stands on
// the right of unless or beside an or; one that always holds is as good as none.
func (c *checker) comparisons(r *ruleNode, expr parser.Expr, severity string) {
	parser.Inspect(expr, func(node parser.Node, path []parser.Node) error {
		b, ok := node.(*parser.BinaryExpr)
		if !ok || !b.Op.IsComparisonOperator() || b.ReturnBool {
			return nil
		}
		never, always := compare(b.Op, boundsOf(b.LHS), boundsOf(b.RHS))
		if !never && !always {
			return nil
		}
		for i, p := range path {
			parent, ok := p.(*parser.BinaryExpr)
			if !ok || !parent.Op.IsSetOperator() {
				continue
			}
			child := node
			if i+1 < len(path) {
				child = path[i+1]
			}
			if parent.Op == parser.LOR || (parent.Op == parser.LUNLESS && child == parent.RHS) {
				return nil
			}
		}
		if always && severity == alert.SeverityInfo && len(selectorsOf(expr, 0)) == 0 {
			return nil
		}
		from, to := int(b.PositionRange().Start), int(b.PositionRange().End)
		l, v := boundsOf(b.LHS), boundsOf(b.RHS)
		if never {
			c.add(c.src.within(r.expr, from, to, ProblemWarning, "never", fmt.Sprintf("this never holds: the left side is %s, the right side %s", l, v)), "a threshold within reach", "")
			return nil
		}
		c.add(c.src.within(r.expr, from, to, ProblemWarning, "always", fmt.Sprintf("this always holds: the left side is %s, the right side %s; the alert never resolves", l, v)),
			"a threshold within reach", "")
		return nil
	})
}

func (b bounds) String() string {
	show := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	switch {
	case b == anything:
		return "any number"
	case b.lo == b.hi:
		return show(b.lo)
	case b.lo > anything.lo && b.hi < anything.hi:
		return "between " + show(b.lo) + " and " + show(b.hi)
	case b.lo > anything.lo:
		return show(b.lo) + " or more"
	}
	return show(b.hi) + " or less"
}

// hasCondition reports whether something in the expression can take elements away.
func hasCondition(expr parser.Expr) bool {
	found := false
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.BinaryExpr:
			found = found || (n.Op.IsComparisonOperator() && !n.ReturnBool) || n.Op == parser.LUNLESS || n.Op == parser.LAND
		case *parser.Call:
			found = found || strings.HasPrefix(n.Func.Name, "absent")
		}
		return nil
	})
	return found
}

// alertParts warns of what the on-call will miss.
func (c *checker) alertParts(r *ruleNode) {
	if r.misread {
		return
	}
	at := func(n *yaml.Node, check, message string) Problem { return c.src.at(n, ProblemWarning, check, message) }
	switch n := r.label(alert.LabelSeverity); {
	case n == nil:
		c.add(at(r.alert, "severity", "no severity: nobody is paged by it"), strings.Join(severities, ", "), "add labels: {severity: warning}")
	case !strings.Contains(n.Value, "{{") && !slices.Contains(severities, n.Value):
		fix := "critical pages somebody, warning opens a ticket, info is for dashboards"
		if s := closest(n.Value, slices.Clone(severities)); s != "" {
			fix = "write " + s
		}
		c.add(at(n, "severity", fmt.Sprintf("severity %q has no meaning here", n.Value)), strings.Join(severities, ", "), fix)
	}
	if n := r.label(alert.LabelCause); n != nil && !strings.Contains(n.Value, "{{") && !slices.Contains(causes, n.Value) {
		fix := ""
		if s := closest(n.Value, slices.Clone(causes)); s != "" {
			fix = "write " + s
		}
		c.add(at(n, "cause", fmt.Sprintf("cause %q is not one that routes and inhibition know", n.Value)), strings.Join(causes, ", "), fix)
	}
	if n := lookup(r.annotations, "summary", nil); n == nil || strings.TrimSpace(n.Value) == "" {
		c.add(at(r.alert, "summary", "no summary: the page will have no headline"), "annotations: summary", `add summary: "{{ $labels.model }}: …"`)
	}
	if n := lookup(r.annotations, "runbook_url", nil); n == nil || strings.TrimSpace(n.Value) == "" {
		c.add(at(r.alert, "runbook", "no runbook: whoever is woken will not know what to do"), "annotations: runbook_url", "add runbook_url: https://…")
	}
}

var (
	templateLine  = regexp.MustCompile(`template: [^:]*:(\d+):(?:\d+:)? ?(.*)`)
	templateLabel = regexp.MustCompile(`\$labels\.([a-zA-Z_][a-zA-Z0-9_]*)`)
)

// templates checks that labels and annotations parse as templates, and that they use labels that the result has.
func (c *checker) templates(r *ruleNode, expr parser.Expr) {
	have, known := []string(nil), false
	if expr != nil {
		have, known = labelsOf(expr)
	}
	for _, p := range append(slices.Clone(r.labels), r.annotations...) {
		if p.value.Kind != yaml.ScalarNode || !strings.Contains(p.value.Value, "{{") {
			continue
		}
		text := p.value.Value
		const defs = "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}"
		data := template.AlertTemplateData(map[string]string{}, map[string]string{}, "", promql.Sample{})
		err := template.NewTemplateExpander(context.Background(), defs+text, "__alert_"+r.alert.Value, data, model.Time(0), nil, nil, nil).ParseTest()
		if err != nil {
			line, message := 1, err.Error()
			if m := templateLine.FindStringSubmatch(message); m != nil {
				line, _ = strconv.Atoi(m[1])
				message = m[2]
			}
			offset := lineOffset(text, line)
			if i := strings.Index(text[offset:], "{{"); i >= 0 {
				offset += i
			}
			c.add(c.src.within(p.value, offset, offset+len(firstLine(text[offset:])), ProblemError, "template", p.key.Value+": "+message), "a Go template as Prometheus knows it", "")
			continue
		}
		if !known {
			continue
		}
		for _, m := range templateLabel.FindAllStringSubmatchIndex(text, -1) {
			name := text[m[2]:m[3]]
			if slices.Contains(have, name) || slices.Contains(targetLabels, name) || slices.Contains([]string{"alertname", "__name__"}, name) {
				continue
			}
			fix := "keep the label in the expression"
			if s := closest(name, slices.Clone(have)); s != "" {
				fix = "write $labels." + s
			}
			c.add(c.src.within(p.value, m[2], m[3], ProblemWarning, "label", fmt.Sprintf("the result of the expression has no label %s: this is always empty", name)),
				"one of "+strings.Join(have, ", "), fix)
		}
	}
	if n := r.hold; n != nil {
		if d, err := model.ParseDuration(n.Value); err == nil && time.Duration(d) > 30*24*time.Hour {
			c.add(c.src.at(n, ProblemWarning, "never", "for is longer than 30 days"), "minutes to days", "")
		}
	}
}

// lineOffset is where the n-th line of a text begins.
func lineOffset(text string, n int) int {
	at := 0
	for ; n > 1; n-- {
		i := strings.IndexByte(text[at:], '\n')
		if i < 0 {
			break
		}
		at += i + 1
	}
	return at
}
