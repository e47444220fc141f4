package rules

import "testing"

func TestReadsNamesWhatTheLoadedRulesLookAt(t *testing.T) {
	b := newBench(t, simple+`
      - alert: A
        expr: x > 1
      - alert: B
        expr: rate(h_bucket{le="1"}[5m]) > 1
`)
	for name, want := range map[string]bool{"x": true, "h": true, "y": false} {
		if got := b.e.Reads(name); got != want {
			t.Errorf("Reads(%q) = %v, want %v", name, got, want)
		}
	}
	b.write(simple + `
      - alert: A
        expr: y > 1
`)
	if err := b.e.Reload(); err != nil {
		t.Fatal(err)
	}
	if b.e.Reads("x") || !b.e.Reads("y") {
		t.Error("after the reload the old answer holds")
	}
}
