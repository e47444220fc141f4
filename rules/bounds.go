package rules

import (
	"math"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// bounds is the interval that the values of an expression lie in, as far as the catalogue tells.
type bounds struct{ lo, hi float64 }

var (
	anything = bounds{math.Inf(-1), math.Inf(1)}
	positive = bounds{0, math.Inf(1)}
	fraction = bounds{0, 1}
)

// flags are gauges that are 0 or 1.
var flags = map[*catalog.Metric]bool{
	catalog.Alarm: true, catalog.Watchdog: true, catalog.BuildInfo: true, catalog.ModelState: true, catalog.ReloadOK: true, catalog.ReloadKindOK: true,
}

// unbounded are gauges that may be negative, or ratios that may exceed 1.
var unbounded = map[*catalog.Metric]bool{
	catalog.FeatureQuantile: true, catalog.RefQuantile: true, catalog.FeatureMean: true, catalog.RefMean: true, catalog.DriftEffect: true,
	catalog.EvidenceRatio: true, catalog.ModelEvidence: true, catalog.AlarmExpected: true, catalog.AlarmSeen: true, catalog.FeatureAge: true,
	catalog.FeatureSkew: true, catalog.DriftStatistic: true,
}

func metricBounds(name string) bounds {
	m, ok := catalog.Series(name)
	switch {
	case !ok || unbounded[m] || (m.Type == catalog.Histogram && strings.HasSuffix(name, "_sum")):
		return anything
	case flags[m] || (m.Unit == "ratio" && m.Type == catalog.Gauge):
		return fraction
	}
	return positive
}

// boundsOf is interval arithmetic over an expression; what it does not know can be anything.
func boundsOf(expr parser.Expr) bounds {
	switch e := expr.(type) {
	case *parser.NumberLiteral:
		return bounds{e.Val, e.Val}
	case *parser.ParenExpr:
		return boundsOf(e.Expr)
	case *parser.StepInvariantExpr:
		return boundsOf(e.Expr)
	case *parser.UnaryExpr:
		if b := boundsOf(e.Expr); e.Op == parser.SUB {
			return bounds{-b.hi, -b.lo}
		}
		return boundsOf(e.Expr)
	case *parser.VectorSelector:
		return metricBounds(selectorName(e))
	case *parser.MatrixSelector:
		return boundsOf(e.VectorSelector)
	case *parser.SubqueryExpr:
		return boundsOf(e.Expr)
	case *parser.AggregateExpr:
		b := boundsOf(e.Expr)
		switch e.Op {
		case parser.MAX, parser.MIN, parser.AVG, parser.TOPK, parser.BOTTOMK, parser.LIMITK, parser.LIMIT_RATIO:
			return b
		case parser.SUM:
			return summed(b)
		case parser.COUNT:
			return bounds{1, math.Inf(1)}
		case parser.STDDEV, parser.STDVAR:
			return positive
		case parser.GROUP:
			return bounds{1, 1}
		}
	case *parser.Call:
		return callBounds(e)
	case *parser.BinaryExpr:
		return binaryBounds(e)
	}
	return anything
}

func summed(b bounds) bounds {
	out := anything
	if b.lo >= 0 {
		out.lo = b.lo
	}
	if b.hi <= 0 {
		out.hi = b.hi
	}
	return out
}

func callBounds(e *parser.Call) bounds {
	arg := anything
	if len(e.Args) > 0 {
		arg = boundsOf(e.Args[0])
	}
	switch e.Func.Name {
	case "max_over_time", "min_over_time", "avg_over_time", "last_over_time", "first_over_time", "sort", "sort_desc", "vector", "scalar":
		return arg
	case "sum_over_time":
		return summed(arg)
	case "rate", "irate", "increase", "resets", "changes", "time", "timestamp", "stddev_over_time", "stdvar_over_time", "sqrt", "exp":
		return positive
	case "count_over_time":
		return bounds{1, math.Inf(1)}
	case "absent", "absent_over_time", "present_over_time":
		return bounds{1, 1}
	case "abs":
		if arg.lo >= 0 {
			return arg
		}
		return positive
	}
	return anything
}

func binaryBounds(e *parser.BinaryExpr) bounds {
	l, r := boundsOf(e.LHS), boundsOf(e.RHS)
	switch e.Op {
	case parser.LAND, parser.LUNLESS:
		return l
	case parser.LOR:
		return bounds{min(l.lo, r.lo), max(l.hi, r.hi)}
	}
	if e.Op.IsComparisonOperator() {
		if e.ReturnBool {
			return fraction
		}
		if e.LHS.Type() == parser.ValueTypeScalar { // the vector's values pass
			return r
		}
		return l
	}
	return arithmetic(e.Op, l, r)
}

// arithmetic is interval arithmetic for + - * / where it is simple.
func arithmetic(op parser.ItemType, l, r bounds) bounds {
	switch op {
	case parser.ADD:
		return bounds{l.lo + r.lo, l.hi + r.hi}.orAnything()
	case parser.SUB:
		return bounds{l.lo - r.hi, l.hi - r.lo}.orAnything()
	case parser.MUL:
		if l.lo >= 0 && r.lo >= 0 {
			return bounds{l.lo * r.lo, l.hi * r.hi}.orAnything()
		}
	case parser.DIV:
		if l.lo >= 0 && r.lo > 0 {
			return bounds{l.lo / r.hi, l.hi / r.lo}.orAnything()
		}
	}
	return anything
}

// orAnything mends what arithmetic on infinities leaves undefined.
func (b bounds) orAnything() bounds {
	if math.IsNaN(b.lo) {
		b.lo = math.Inf(-1)
	}
	if math.IsNaN(b.hi) {
		b.hi = math.Inf(1)
	}
	return b
}

// compare decides whether l op r can hold, and whether it always does.
func compare(op parser.ItemType, l, r bounds) (never, always bool) {
	switch op {
	case parser.GTR:
		return l.hi <= r.lo, l.lo > r.hi
	case parser.GTE:
		return l.hi < r.lo, l.lo >= r.hi
	case parser.LSS:
		return l.lo >= r.hi, l.hi < r.lo
	case parser.LTE:
		return l.lo > r.hi, l.hi <= r.lo
	case parser.EQLC:
		return l.hi < r.lo || l.lo > r.hi, l.lo == l.hi && r.lo == r.hi && l.lo == r.lo
	case parser.NEQ:
		return l.lo == l.hi && r.lo == r.hi && l.lo == r.lo, l.hi < r.lo || l.lo > r.hi
	}
	return false, false
}
