package rules

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/rulefmt"
)

// TestTheScenariosOfThePacksCoverEveryFaultAndEveryPack holds the list of faults that a pack must have an answer to. Every scenario plays
// all packs at once and says what each of them must keep silent about, so one scenario a fault is a row of the whole table.
func TestTheScenariosOfThePacksCoverEveryFaultAndEveryPack(t *testing.T) {
	type want struct {
		kind   string
		factor func(f float64) bool
	}
	any := func(float64) bool { return true }
	wanted := map[string]want{
		"null burst":         {"null_burst", any},
		"frozen feature":     {"frozen", any},
		"unit change x100":   {"unit", func(f float64) bool { return f == 0 || f == 100 }},
		"new category":       {"new_category", any},
		"rate doubles":       {"rate", func(f float64) bool { return f == 2 }},
		"rate halves":        {"rate", func(f float64) bool { return f == .5 }},
		"a class disappears": {"class_gone", any},
		"replica skew":       {"replica_skew", any},
		"delayed records":    {"delayed", any},
		"stale":              {"stale", any},
		"silence":            {"silence", any},
	}
	packOf := map[string]string{}
	eachAlert(t, func(file, _ string, r rulefmt.Rule) { packOf[r.Alert] = strings.TrimPrefix(file, builtin) })
	loud, quiet, packs := map[string]bool{}, false, map[string]bool{}
	for _, path := range glob(t, "packs/tests/scenarios/*.yaml") {
		f, err := readTestFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(f.RuleFiles) < len(glob(t, "packs/*.yaml")) {
			t.Errorf("%s plays %d rule files, want all packs", path, len(f.RuleFiles))
		}
		for _, s := range f.Scenarios {
			if !s.Silent {
				t.Errorf("%s: %q does not say that everything else is silent", path, s.Name)
			}
			quiet = quiet || len(s.Faults) == 0
			for _, e := range s.Expect {
				if packOf[e.Alert] == "" {
					t.Errorf("%s: %q expects %s, which no pack has", path, s.Name, e.Alert)
				}
				packs[packOf[e.Alert]] = true
			}
			for name, w := range wanted {
				if slices.ContainsFunc(s.Faults, func(f Fault) bool { return f.Kind == w.kind && w.factor(f.Factor) }) {
					loud[name] = true
				}
			}
		}
	}
	for name := range wanted {
		if !loud[name] {
			t.Errorf("no scenario plays: %s", name)
		}
	}
	for _, file := range glob(t, "packs/*.yaml") {
		if !packs[filepath.Base(file)] {
			t.Errorf("no scenario expects an alert of %s", filepath.Base(file))
		}
	}
	if !quiet {
		t.Error("no scenario in which nothing happens")
	}
}
