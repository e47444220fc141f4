package rules

import (
	"regexp"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// needs says which metrics the loaded rules read and how far back. It is what keeps the store small: most of what a
// model publishes is for dashboards, and no rule ever looks at it.
type needs struct {
	windows map[string]int64 // by metric name, milliseconds; 0 means the newest sample is enough
	any     int64            // for selectors without a fixed name: every metric is kept this far back
	anyName bool
	limit   int64 // Options.Retention

	// What only groups read that compare nodes: nothing, until there is more than one.
	peers     map[string]int64
	withPeers bool
}

// of returns the window of a metric, and false when no rule reads it.
func (n needs) of(name string) (int64, bool) {
	w, ok := n.windows[name]
	if n.withPeers {
		p, read := n.peers[name]
		w, ok = max(w, p), ok || read
	}
	if n.anyName {
		return min(max(w, n.any), n.limit), true
	}
	return min(w, n.limit), ok
}

func newNeeds(retention time.Duration) needs {
	return needs{windows: map[string]int64{}, peers: map[string]int64{}, limit: retention.Milliseconds()}
}

// merge takes what a group needs.
func (n *needs) merge(o needs) {
	for name, w := range o.windows {
		n.windows[name] = max(n.windows[name], w)
	}
	if o.anyName {
		n.anyName, n.any = true, max(n.any, o.any)
	}
}

// addPeers takes what a group needs that compares nodes.
func (n *needs) addPeers(p needs) {
	for name, w := range p.windows {
		n.peers[name] = max(n.peers[name], w)
	}
	if p.anyName {
		n.anyName, n.any = true, max(n.any, p.any)
	}
}

// addExpr takes the selectors of a rule's expression.
func (n *needs) addExpr(expr parser.Expr, lookback time.Duration) {
	parser.Inspect(expr, func(node parser.Node, path []parser.Node) error {
		if vs, ok := node.(*parser.VectorSelector); ok {
			n.add(vs, lookBack(vs, path, lookback, n.limit))
		}
		return nil
	})
}

func (n *needs) add(vs *parser.VectorSelector, window int64) {
	for _, m := range vs.LabelMatchers {
		if m.Name == nameLabel && m.Type == labels.MatchEqual {
			n.windows[m.Value] = max(n.windows[m.Value], window)
			return
		}
	}
	n.anyName = true
	n.any = max(n.any, window)
}

// lookBack is how far before the evaluation a selector reads, in milliseconds; 0 when the newest sample is all it wants.
func lookBack(vs *parser.VectorSelector, path []parser.Node, lookback time.Duration, limit int64) int64 {
	if vs.Timestamp != nil || vs.StartOrEnd != 0 {
		return limit
	}
	back := vs.OriginalOffset
	ranged := back > 0
	for _, node := range path {
		switch p := node.(type) {
		case *parser.MatrixSelector:
			back, ranged = back+p.Range, true
		case *parser.SubqueryExpr:
			back, ranged = back+p.Range+p.OriginalOffset, true
			if p.Timestamp != nil || p.StartOrEnd != 0 {
				return limit
			}
		}
	}
	if !ranged {
		return 0
	}
	return max(0, back+lookback).Milliseconds()
}

var (
	nameInText  = regexp.MustCompile(`[a-zA-Z_:][a-zA-Z0-9_:]*`)
	rangeInText = regexp.MustCompile(`\[([0-9a-z]+)(?::[0-9a-z]*)?\]|offset\s+([0-9a-z]+)`)
)

// addText takes what a template may query. The queries are often put together by printf, so they cannot be parsed here; every word
// in a text with actions counts as the name of a metric, which costs nothing when there is no such metric.
func (n *needs) addText(text string, lookback time.Duration) {
	if !strings.Contains(text, "{{") || !strings.Contains(text, "query") {
		return
	}
	var window time.Duration
	for _, m := range rangeInText.FindAllStringSubmatch(text, -1) {
		if d, err := model.ParseDuration(m[1] + m[2]); err == nil {
			window = max(window, time.Duration(d)+lookback)
		}
	}
	for _, name := range nameInText.FindAllString(text, -1) {
		n.windows[name] = max(n.windows[name], window.Milliseconds())
	}
}
