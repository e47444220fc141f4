package parse

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestShapesAreEqualWhenShortKeysAre(t *testing.T) {
	var keys []string
	for n := range 20 {
		for _, c := range []string{"a", "b", "\x00"} {
			keys = append(keys, strings.Repeat("a", n)+c, c+strings.Repeat("a", n), strings.Repeat("ab", n/2)+c)
		}
	}
	for _, a := range keys {
		for _, b := range keys {
			if len(a) > shortKey || len(b) > shortKey {
				continue
			}
			if (keyShapeOf([]byte(a)) == keyShapeOf([]byte(b))) != (a == b) {
				t.Fatalf("shapes of %q and %q", a, b)
			}
		}
	}
}

// Every order of keys, of every length around the bounds of the quick look-up and with every way of writing them,
// gives the same record.
func TestTheOrderOfKeysDoesNotChangeARecord(t *testing.T) {
	var fields []Field
	var pairs []string
	for n := range 20 {
		key := strings.Repeat("k", n) + string(rune('a'+n))
		fields = append(fields, Field{Path: key})
		pairs = append(pairs, key)
	}
	p := compile(t, "json", FormatOptions{}, fields...)
	parser := p.NewParser()
	rng := rand.New(rand.NewPCG(1, 2))
	gaps := []string{"", "", "", " ", "  "}
	gap := func() string { return gaps[rng.IntN(len(gaps))] }
	var rec Record
	for range 2000 {
		var b strings.Builder
		b.WriteString("{")
		missing := rng.IntN(len(pairs))
		for i, at := range rng.Perm(len(pairs)) {
			if i > 0 {
				b.WriteString("," + gap())
			}
			key := pairs[at]
			if at == missing {
				key = "nobody" + key
			} else if rng.IntN(10) == 0 {
				key = fmt.Sprintf(`\u%04x`, key[0]) + key[1:]
			}
			fmt.Fprintf(&b, `"%s"%s:%s%d`, key, gap(), gap(), at)
		}
		b.WriteString("}")
		if res := parser.Line([]byte(b.String()), 0, &rec); res != (Result{}) {
			t.Fatalf("%v: %s", res, b.String())
		}
		for i := range pairs {
			v := rec.Values[i]
			if i == missing {
				if v.Kind != Absent {
					t.Fatalf("key %d: %v in %s", i, v, b.String())
				}
			} else if v.Kind != Number || v.Num != float64(i) {
				t.Fatalf("key %d: %v in %s", i, v, b.String())
			}
		}
	}
}
