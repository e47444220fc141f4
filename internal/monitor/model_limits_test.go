package monitor

import (
	"fmt"
	"strings"
	"testing"
)

func TestEveryLimitOfALineIsTakenUpToItsEdge(t *testing.T) {
	const model = "model: m\nlogs: {include: [a], format: json, limits: {%s: %d}}\nfeatures: [x]\n"
	for _, l := range parseLimits {
		for _, v := range []int64{l.low, l.high} {
			m, err := ParseModel("m.yaml", fmt.Appendf(nil, model, l.key, v))
			if err != nil {
				t.Errorf("%s: %d: %v", l.key, v, err)
				continue
			}
			if _, opts := m.Format(); int64(*l.of(&opts)) != v {
				t.Errorf("%s: the parser was not told %d: %+v", l.key, v, opts)
			}
		}
		for _, v := range []int64{l.low - 1, l.high + 1} {
			if _, err := ParseModel("m.yaml", fmt.Appendf(nil, model, l.key, v)); err == nil || !strings.Contains(err.Error(), "logs.limits."+l.key) {
				t.Errorf("%s: %d was taken: %v", l.key, v, err)
			}
		}
	}
	m, err := ParseModel("m.yaml", []byte("model: m\nlogs: {include: [a], format: json}\nfeatures: [x]\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range parseLimits {
		if *l.of(&m.Logs.Limits) != 0 {
			t.Errorf("%s has a value although the file has none", l.key)
		}
	}
}

func TestMaxFeaturesBoundsWhatAModelFollows(t *testing.T) {
	text := func(n int, rest string) string {
		var b strings.Builder
		b.WriteString("model: m\nlogs: {include: [a], format: json}\nfeatures:\n")
		for i := range n {
			fmt.Fprintf(&b, "  - f%d\n", i)
		}
		return b.String() + rest
	}
	for _, c := range []struct {
		n    int
		rest string
		ok   bool
	}{{256, "", true}, {257, "", false}, {300, "max_features: 300\n", true}, {301, "max_features: 300\n", false}, {1, "max_features: 2048\n", true}, {1, "max_features: 2049\n", false}} {
		if _, err := ParseModel("m.yaml", []byte(text(c.n, c.rest))); (err == nil) != c.ok {
			t.Errorf("%d features, %q: %v", c.n, c.rest, err)
		}
	}
	h := newHarness(t, mustModel(t, "model: m\nlogs: {include: [a], format: json}\nfeatures: ['*']\nmax_features: 3\nprivacy: {min_category_count: 1}\n"))
	for range 3 {
		h.line([]byte(`{"a":1,"b":1,"c":1,"d":1,"e":1}`), start)
	}
	if len(h.in.cols) != 3 || h.in.counts.dropped[limitFeature] != 2 {
		t.Errorf("%d columns, %d dropped", len(h.in.cols), h.in.counts.dropped[limitFeature])
	}
}
