package rules

import (
	"time"

	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

// shortcut answers expressions of two common shapes without the engine: a metric compared with a number, and what depends on no data.
type shortcut struct {
	sel   *cachedSelector // nil for vector(limit)
	op    parser.ItemType
	limit float64
}

// shortcutOf returns nil when the expression has another shape.
func shortcutOf(expr parser.Expr) *shortcut {
	if c, ok := expr.(*parser.Call); ok && c.Func.Name == "vector" {
		if n, ok := c.Args[0].(*parser.NumberLiteral); ok {
			return &shortcut{limit: n.Val}
		}
	}
	b, ok := expr.(*parser.BinaryExpr)
	if !ok || !b.Op.IsComparisonOperator() || b.ReturnBool {
		return nil
	}
	vs, ok := b.LHS.(*parser.VectorSelector)
	limit, isNumber := b.RHS.(*parser.NumberLiteral)
	if !ok || !isNumber || !plain(vs) {
		return nil
	}
	return &shortcut{sel: newCachedSelector(vs), op: b.Op, limit: limit.Val}
}

func (s *shortcut) eval(st *store, at time.Time, lookback time.Duration) promql.Vector {
	var out promql.Vector
	ms := timestamp.FromTime(at)
	if s.sel == nil {
		return promql.Vector{{F: s.limit, T: ms}}
	}
	end := ms - s.sel.offset
	for _, x := range s.sel.series(st) {
		i := x.after(end) - 1
		if i < 0 {
			continue
		}
		p := x.at(i)
		if p.t <= end-lookback.Milliseconds() || value.IsStaleNaN(p.v) || !s.holds(p.v) {
			continue
		}
		out = append(out, promql.Sample{Metric: x.lbls, F: p.v, T: ms})
	}
	return out
}

func (s *shortcut) holds(v float64) bool {
	switch s.op {
	case parser.GTR:
		return v > s.limit
	case parser.GTE:
		return v >= s.limit
	case parser.LSS:
		return v < s.limit
	case parser.LTE:
		return v <= s.limit
	case parser.EQLC:
		return v == s.limit
	}
	return v != s.limit
}
