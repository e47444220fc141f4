package main

import "testing"

func TestSpansAreTwoMomentsWithTheEarlierFirst(t *testing.T) {
	spans, err := parseSpans([]string{"2026-11-02/2026-11-04", "2026-11-02T08:00:00Z/2026-11-02T09:30:00+01:00"})
	if err != nil || len(spans) != 2 || spans[0].To.Sub(spans[0].From).Hours() != 48 || spans[1].To.Sub(spans[1].From).Minutes() != 30 {
		t.Errorf("%v, %v", spans, err)
	}
	for _, bad := range []string{"", "2026-11-02", "2026-11-04/2026-11-02", "yesterday/today"} {
		if _, err := parseSpans([]string{bad}); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}
