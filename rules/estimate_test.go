package rules

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	promrules "github.com/prometheus/prometheus/rules"
)

// randomExpr writes an expression of the kinds that rules use.
func randomExpr(rng *rand.Rand, depth int) string {
	pick := func(list ...string) string { return list[rng.IntN(len(list))] }
	sel := func() string {
		s := pick("a", "b", "c")
		if rng.IntN(3) == 0 {
			s += pick(`{m="x"}`, `{m!="x"}`, `{m=~"x|y"}`)
		}
		return s
	}
	number := func() string { return pick("0", "1", "-1", "0.5", "2", "100", "1e9") }
	if depth <= 0 {
		return pick(sel(), sel(), sel()+" offset 2m", "vector("+number()+")")
	}
	sub := func() string { return randomExpr(rng, depth-1) }
	switch rng.IntN(12) {
	case 0:
		return pick("max", "min", "sum", "avg", "count") + pick(" by (m) ", " without (n) ", " ") + "(" + sub() + ")"
	case 1:
		return pick("rate", "increase", "deriv", "delta", "max_over_time", "min_over_time", "avg_over_time", "sum_over_time", "changes", "count_over_time", "last_over_time") +
			"(" + pick("a", "b", "c") + pick("[2m]", "[10m]") + ")"
	case 2, 3, 4:
		return "(" + sub() + " " + pick(">", "<", ">=", "<=", "==", "!=") + " " + number() + ")"
	case 5:
		return "(" + sub() + " " + pick(">", "<", ">= bool", "==") + " on (m, n) " + pick("a", "b") + ")"
	case 6:
		return "(" + sub() + " " + pick("+", "-", "*", "/") + " " + number() + ")"
	case 7:
		return "(" + sub() + " " + pick("and", "or", "unless") + " on (m) " + sub() + ")"
	case 8:
		return "(time() - " + sel() + " > " + number() + ")"
	case 9:
		return pick("abs", "-", "absent", "sort", "ceil") + "(" + sub() + ")"
	case 10:
		x := pick("a", "b", "c")
		return pick("max_over_time("+x+"[30m]) unless "+x, "max by (m) (max_over_time("+x+"[30m])) unless on (m) "+x, "max by (m) (max_over_time("+x+"[30m])) unless on (n) "+x)
	default:
		return "(" + number() + " " + pick(">", "<", "==") + " " + sub() + ")"
	}
}

func randomStore(rng *rand.Rand) (*store, time.Time) {
	n := newNeeds(26 * time.Hour)
	for _, name := range []string{"a", "b", "c"} {
		n.windows[name] = time.Hour.Milliseconds()
	}
	st := newStore(1000, 1024, n)
	start := t0
	for _, name := range []string{"a", "b", "c"} {
		for i := range rng.IntN(6) {
			s, _ := st.series(labels.FromStrings("__name__", name, "m", string("xyz"[i%3]), "n", fmt.Sprint(i/3)))
			kind, level := rng.IntN(4), float64(rng.IntN(3))
			for k := range 60 {
				if rng.IntN(40) == 0 {
					break // the series ends
				}
				v := level
				switch kind {
				case 1:
					v = level + float64(k)
				case 2:
					v = rng.NormFloat64()
				case 3:
					v = []float64{0, 1, math.NaN(), math.Float64frombits(value.StaleNaN), 1e9}[rng.IntN(5)]
				}
				_ = st.append(s, start.Add(time.Duration(k)*30*time.Second).UnixMilli(), v, true)
			}
		}
	}
	return st, start.Add(30 * time.Minute)
}

// The estimate may ask the engine for nothing, but it must never keep an alert from firing.
func TestEstimatesAndShortcutsAgreeWithTheEngine(t *testing.T) {
	p := parser.NewParser(parser.Options{})
	rng := rand.New(rand.NewPCG(5, 5))
	saved, short := 0, 0
	const rounds = 2000
	for range rounds {
		st, at := randomStore(rng)
		text := randomExpr(rng, 1+rng.IntN(3))
		if rng.IntN(4) == 0 {
			text = fmt.Sprintf("%s %s %s", []string{"a", "b", `c{m="x"}`, "a offset 3m"}[rng.IntN(4)], []string{">", "<", "==", "!=", ">=", "<="}[rng.IntN(6)], []string{"0", "1", "0.5"}[rng.IntN(3)])
		}
		expr, err := p.ParseExpr(text)
		if err != nil {
			continue // two scalars compared, for instance
		}
		engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1e6, Timeout: time.Minute, LookbackDelta: 5 * time.Minute, EnableAtModifier: true, EnableNegativeOffset: true,
			NoStepSubqueryIntervalFn: func(int64) int64 { return 15000 }})
		want, err := promrules.EngineQueryFunc(engine, st)(context.Background(), text, at)
		if err != nil {
			continue // many-to-many and the like
		}
		got := estimatorOf(expr, 5*time.Minute)(st, at.UnixMilli())
		if len(want) > got.n {
			t.Fatalf("%s: the engine finds %d, the estimate says at most %d\n%v", text, len(want), got.n, want)
		}
		for _, w := range want {
			if !math.IsNaN(w.F) && (w.F < got.lo || w.F > got.hi) {
				t.Fatalf("%s: the engine says %g, the estimate %v", text, w.F, got.bounds)
			}
		}
		if got.n == 0 {
			saved++
		}
		if s := shortcutOf(expr); s != nil {
			short++
			a, b := s.eval(st, at, 5*time.Minute), want
			show := func(v promql.Vector) string {
				var out []string
				for _, x := range v {
					out = append(out, fmt.Sprint(x.Metric, x.F))
				}
				slices.Sort(out)
				return strings.Join(out, "\n")
			}
			if show(a) != show(b) {
				t.Fatalf("%s: the shortcut says\n%s\nthe engine\n%s", text, show(a), show(b))
			}
		}
	}
	t.Logf("of %d expressions the engine was spared %d, and %d took the shortcut", rounds, saved, short)
	if saved < rounds/10 || short < rounds/10 {
		t.Error("the generator no longer makes what this test is for")
	}
}
