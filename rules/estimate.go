package rules

import (
	"math"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql/parser"
)

// Most rules hold for nothing most of the time, and a backtest evaluates them a hundred thousand times over. Before the query engine is asked, an
// estimate is made of what an expression can be at all, by interval arithmetic over the samples that are there. When the
// estimate says that nothing can come out, nothing does, and the engine is not asked. It errs on the side of asking: what it does
// not know can be anything.

// estimate says that an expression has at most n elements, whose values all lie within b.
type estimate struct {
	bounds
	n int
}

const many = math.MaxInt32

// estimator computes an estimate from the samples in the store at a time in Unix milliseconds.
type estimator func(st *store, ts int64) estimate

func unknown(*store, int64) estimate { return estimate{anything, many} }

// cachedSelector remembers which series a selector matches until the set of series changes.
type cachedSelector struct {
	matchers []*labels.Matcher
	offset   int64
	gen      uint64
	known    bool
	list     []*series
}

func (c *cachedSelector) series(st *store) []*series {
	if !c.known || c.gen != st.gen {
		c.list = c.list[:0]
		st.match(c.matchers, func(s *series) { c.list = append(c.list, s) })
		c.gen, c.known = st.gen, true
	}
	return c.list
}

func newCachedSelector(vs *parser.VectorSelector) *cachedSelector {
	return &cachedSelector{matchers: vs.LabelMatchers, offset: vs.OriginalOffset.Milliseconds()}
}

// estimatorOf compiles an expression.
func estimatorOf(expr parser.Expr, lookback time.Duration) estimator {
	sub := func(e parser.Expr) estimator { return estimatorOf(e, lookback) }
	switch e := expr.(type) {
	case *parser.NumberLiteral:
		if math.IsNaN(e.Val) {
			return unknown
		}
		return func(*store, int64) estimate { return estimate{bounds{e.Val, e.Val}, 1} }
	case *parser.ParenExpr:
		return sub(e.Expr)
	case *parser.StepInvariantExpr:
		return sub(e.Expr)
	case *parser.UnaryExpr:
		inner := sub(e.Expr)
		if e.Op != parser.SUB {
			return inner
		}
		return func(st *store, ts int64) estimate {
			x := inner(st, ts)
			return estimate{bounds{-x.hi, -x.lo}, x.n}
		}
	case *parser.VectorSelector:
		if !plain(e) {
			return unknown
		}
		return overSamples(newCachedSelector(e), lookback.Milliseconds(), true)
	case *parser.AggregateExpr:
		return estimateAggregate(e, sub(e.Expr))
	case *parser.Call:
		return estimateCall(e, lookback)
	case *parser.BinaryExpr:
		if e.Op == parser.LUNLESS {
			if still := stillThere(e, lookback); still != nil {
				return still
			}
		}
		return estimateBinary(e, sub(e.LHS), sub(e.RHS))
	}
	return unknown
}

// stillThere estimates "what was there lately unless it is there now": max_over_time(x[1h]) unless x. Nothing is left while every series with
// samples in the range has a recent one. It returns nil for expressions of another shape.
func stillThere(e *parser.BinaryExpr, lookback time.Duration) estimator {
	now, ok := e.RHS.(*parser.VectorSelector)
	left := e.LHS
	if agg, isAgg := left.(*parser.AggregateExpr); isAgg { // the labels that are matched must have come through
		if agg.Without || !e.VectorMatching.On || slices.ContainsFunc(e.VectorMatching.MatchingLabels, func(l string) bool { return !slices.Contains(agg.Grouping, l) }) {
			return nil
		}
		left = agg.Expr
	}
	call, isCall := left.(*parser.Call)
	if !ok || !isCall || len(call.Args) != 1 || !plain(now) || now.OriginalOffset != 0 {
		return nil
	}
	ms, isRange := call.Args[0].(*parser.MatrixSelector)
	if !isRange || ms.RangeExpr != nil {
		return nil
	}
	before := ms.VectorSelector.(*parser.VectorSelector)
	if !plain(before) || before.String() != now.String() {
		return nil
	}
	sel := newCachedSelector(now)
	return func(st *store, ts int64) estimate {
		for _, s := range sel.series(st) {
			if i := s.after(ts) - 1; i >= 0 && s.at(i).t > ts-ms.Range.Milliseconds() && !s.seen(ts, lookback.Milliseconds()) {
				return estimate{anything, many}
			}
		}
		return estimate{anything, 0}
	}
}

// plain reports whether a selector has none of the modifiers that move it through time in ways an estimate does not follow.
func plain(vs *parser.VectorSelector) bool {
	return vs.Timestamp == nil && vs.StartOrEnd == 0 && !vs.Anchored && !vs.Smoothed && vs.OriginalOffsetExpr == nil
}

// overSamples takes the bounds of all samples in a window; of the newest ones only when instant is set.
func overSamples(sel *cachedSelector, window int64, instant bool) estimator {
	return func(st *store, ts int64) estimate {
		out := estimate{bounds{math.Inf(1), math.Inf(-1)}, 0}
		end := ts - sel.offset
		for _, s := range sel.series(st) {
			last := s.after(end) - 1
			if last < 0 || s.at(last).t <= end-window {
				continue
			}
			if instant && value.IsStaleNaN(s.at(last).v) {
				continue
			}
			out.n++
			for i := last; i >= 0; i-- {
				x := s.at(i)
				if x.t <= end-window {
					break
				}
				if math.IsNaN(x.v) {
					if !value.IsStaleNaN(x.v) {
						out.bounds = anything
					}
					continue
				}
				out.lo, out.hi = min(out.lo, x.v), max(out.hi, x.v)
				if instant {
					break
				}
			}
		}
		return out
	}
}

func estimateAggregate(e *parser.AggregateExpr, inner estimator) estimator {
	return func(st *store, ts int64) estimate {
		x := inner(st, ts)
		if x.n == 0 {
			return x
		}
		switch e.Op {
		case parser.MAX, parser.MIN, parser.TOPK, parser.BOTTOMK, parser.LIMITK, parser.LIMIT_RATIO:
			return x
		case parser.AVG:
			return estimate{x.widen(), x.n}
		case parser.SUM:
			n := float64(x.n)
			return estimate{bounds{min(x.lo, x.lo*n), max(x.hi, x.hi*n)}.widen(), x.n}
		case parser.COUNT:
			return estimate{bounds{1, float64(x.n)}, x.n}
		}
		return estimate{anything, x.n}
	}
}

func estimateCall(e *parser.Call, lookback time.Duration) estimator {
	switch e.Func.Name {
	case "time":
		return func(_ *store, ts int64) estimate {
			t := float64(ts) / 1000
			return estimate{bounds{t, t}, 1}
		}
	case "vector":
		return estimatorOf(e.Args[0], lookback)
	case "absent", "absent_over_time", "scalar":
		return func(*store, int64) estimate { return estimate{anything, 1} }
	}
	if len(e.Args) == 0 {
		return unknown
	}
	if ms, ok := e.Args[0].(*parser.MatrixSelector); ok {
		vs := ms.VectorSelector.(*parser.VectorSelector)
		if !plain(vs) || ms.RangeExpr != nil {
			return unknown
		}
		inner := overSamples(newCachedSelector(vs), ms.Range.Milliseconds(), false)
		return func(st *store, ts int64) estimate {
			x := inner(st, ts)
			if x.n == 0 {
				return x
			}
			flat := x.lo == x.hi && !math.IsInf(x.lo, 0)
			switch e.Func.Name {
			case "max_over_time", "min_over_time", "last_over_time", "first_over_time":
				return x
			case "avg_over_time":
				return estimate{x.widen(), x.n}
			case "rate", "increase", "irate", "resets", "changes":
				if flat {
					return estimate{bounds{0, 0}, x.n}
				}
				if x.lo >= 0 { // below zero it is no counter, and a fall is mended with a negative number
					return estimate{positive, x.n}
				}
			case "deriv", "delta", "idelta":
				if flat {
					return estimate{bounds{0, 0}, x.n}
				}
			}
			return estimate{anything, x.n}
		}
	}
	if e.Args[0].Type() != parser.ValueTypeVector {
		return unknown // histogram_quantile, day_of_week() and the like
	}
	inner := estimatorOf(e.Args[0], lookback)
	return func(st *store, ts int64) estimate {
		x := inner(st, ts)
		if e.Func.Name == "abs" && x.lo >= 0 || e.Func.Name == "sort" || e.Func.Name == "label_replace" || e.Func.Name == "label_join" {
			return x
		}
		return estimate{anything, x.n}
	}
}

func estimateBinary(e *parser.BinaryExpr, left, right estimator) estimator {
	scalarLeft, scalarRight := e.LHS.Type() == parser.ValueTypeScalar, e.RHS.Type() == parser.ValueTypeScalar
	return func(st *store, ts int64) estimate {
		l := left(st, ts)
		if l.n == 0 && e.Op != parser.LOR {
			return l
		}
		r := right(st, ts)
		switch e.Op {
		case parser.LAND:
			return estimate{l.bounds, min(l.n, r.n*many)}
		case parser.LUNLESS:
			return l
		case parser.LOR:
			if l.n == 0 {
				return r
			}
			if r.n == 0 {
				return l
			}
			return estimate{bounds{min(l.lo, r.lo), max(l.hi, r.hi)}, min(l.n+r.n, many)}
		}
		n := max(l.n, r.n)
		if (!scalarLeft && l.n == 0) || (!scalarRight && r.n == 0) {
			n = 0
		}
		if !e.Op.IsComparisonOperator() {
			return estimate{arithmetic(e.Op, l.bounds, r.bounds).widen(), n}
		}
		if e.ReturnBool {
			return estimate{fraction, n}
		}
		if never, _ := compare(e.Op, l.bounds, r.bounds); never {
			return estimate{l.bounds, 0}
		}
		if scalarLeft {
			return estimate{r.bounds, n}
		}
		return estimate{l.bounds, n}
	}
}

// widen makes room for rounding: the engine may add and multiply in another order.
func (b bounds) widen() bounds {
	b = b.orAnything()
	b.lo -= math.Abs(b.lo) * 1e-9
	b.hi += math.Abs(b.hi) * 1e-9
	return b.orAnything()
}
