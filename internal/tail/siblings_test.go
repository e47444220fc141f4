package tail

import (
	"slices"
	"testing"
)

func TestRotatedNamesAreRecognisedAndOrdered(t *testing.T) {
	for _, test := range []struct {
		live    string
		ordered []string // oldest first
	}{
		{"0.log", []string{"0.log.20261122-235959.gz", "0.log.20261123-010203.gz", "0.log.20261123-010204"}},
		{"app.log", []string{"app.log.10.gz", "app.log.9.gz", "app.log.2", "app.log.1"}},
		{"app.log", []string{"app.log-20261101.gz", "app.log-20261101-2", "app.log-20261102"}},
		{"app.log", []string{"app-2026-11-22T10-00-00.000.log.gz", "app-2026-11-23T10-00-00.000.log"}},
		{"app.log", []string{"app-20261101.log", "app-20261102.log"}},
		{"events", []string{"events.1700000000", "events.1700000060.zst"}},
		{"x-json.log", []string{"x-json.log.2", "x-json.log.1"}},
	} {
		ages := make([]age, 0, len(test.ordered))
		for _, base := range test.ordered {
			a, ok := ageOf(test.live, base)
			if !ok {
				t.Errorf("%s is not taken for a rotated %s", base, test.live)
			}
			ages = append(ages, a)
			found := false
			eachLive(base, func(live string) { found = found || live == test.live })
			if !found {
				t.Errorf("eachLive(%s) does not name %s", base, test.live)
			}
		}
		if !slices.IsSortedFunc(ages, func(a, b age) int {
			switch {
			case a.newer(b):
				return 1
			case b.newer(a):
				return -1
			}
			return 0
		}) || len(ages) > 1 && !ages[len(ages)-1].newer(ages[0]) {
			t.Errorf("%q are not in order: %v", test.ordered, ages)
		}
	}
}

func TestOtherNamesAreNotTakenForRotatedOnes(t *testing.T) {
	for _, base := range []string{"app.log", "app.log.gz", "app.log.summary", "app.log.1.tmp", "app.log.tmp", "app.logs", "app.log.", "app.log-", "application.log.1", "app.log.1x", "app2.log", "app-1.log", "app.log-1"} {
		if a, ok := ageOf("app.log", base); ok {
			t.Errorf("%s is taken for a rotated app.log of age %v", base, a)
		}
	}
}

func FuzzRotatedNames(f *testing.F) {
	f.Add("0.log", "0.log.20261122-235959.gz")
	f.Add("app.log", "app-2026-11-22T10-00-00.000.log.gz")
	f.Fuzz(func(t *testing.T, live, base string) {
		_, ok := ageOf(live, base)
		found := false
		eachLive(base, func(name string) { found = found || name == live })
		if ok && !found && live != "" {
			t.Fatalf("ageOf(%q, %q) holds but eachLive does not say so", live, base)
		}
	})
}
