package rules

import "testing"

func TestReadsNamesWhatTheLoadedRulesLookAt(t *testing.T) {
	b := newBench(t, simple+`
      - alert: A
        expr: first > 1
      - alert: B
        expr: rate(h_bucket{le="1"}[5m]) > 1
`)
	for name, want := range map[string]bool{"first": true, "h": true, "second": false} {
		if got := b.e.Reads(name); got != want {
			t.Errorf("Reads(%q) = %v, want %v", name, got, want)
		}
	}
	b.write(simple + `
      - alert: A
        expr: second > 1
`)
	if err := b.e.Reload(); err != nil {
		t.Fatal(err)
	}
	if b.e.Reads("first") || !b.e.Reads("second") {
		t.Errorf("after the reload first is read: %v, second is read: %v", b.e.Reads("first"), b.e.Reads("second"))
	}
}
