package monitor

import (
	"fmt"
	"testing"
	"time"
)

// TestCategoriesAreCountedAboutRightAndForgottenAfterTwoDays: ten named ones, then 3,000 that nobody names.
func TestCategoriesAreCountedAboutRightAndForgottenAfterTwoDays(t *testing.T) {
	h := newHarness(t, mustModel(t, "model: m\nlogs: {include: /l, format: json}\nfields: {timestamp: ts}\nfeatures: [{path: c, kind: category}]\nreference: {learn: 1000 records}\nmax_categories: 10\n"))
	now := start
	line := func(name string) {
		h.line(fmt.Appendf(nil, `{"ts":%q,"c":%q}`, now.Format(time.RFC3339), name), now)
		now = now.Add(time.Second)
		h.engine.Advance(now)
	}
	for i := range 1100 {
		line(fmt.Sprint("k", i%10))
	}
	s := h.collect()
	if v := value(t, s, "plumbline_reference_cardinality|m|c|feature"); v != 10 {
		t.Errorf("%v categories in the reference", v)
	}
	if v := value(t, s, "plumbline_feature_cardinality|m|c|feature"); v != 10 {
		t.Errorf("%v categories", v)
	}
	for i := range 6000 {
		line(fmt.Sprint("new", i%3000))
	}
	if v := value(t, h.collect(), "plumbline_feature_cardinality|m|c|feature"); v < 2850 || v > 3150 {
		t.Errorf("%v categories, want about 3010", v)
	}
	for range 3 {
		now = now.Add(24 * time.Hour)
		for i := range 50 {
			line(fmt.Sprint("late", i%5))
		}
	}
	if v := value(t, h.collect(), "plumbline_feature_cardinality|m|c|feature"); v < 4 || v > 16 {
		t.Errorf("%v categories three days later", v)
	}
	for key := range h.collect() {
		if len(key) > 4 && key[len(key)-4:] == "late" {
			t.Errorf("%s names what nobody allowed", key)
		}
	}
}
