package reference

import (
	"strings"
	"testing"

	"github.com/plumbline-ml/plumbline/internal/monitor"
)

func TestWhatCanBeSeenIsSaidInOneSentenceAModel(t *testing.T) {
	at := func(x float64) *float64 { return &x }
	all := []monitor.Sensitivity{
		{Model: "m", Feature: "score", Cause: "drift", What: "mean", Expected: .1, Shift: at(.041), PerHour: 2256},
		{Model: "m", Feature: "label", Cause: "drift", What: "share of spam", Expected: .0505, Shift: at(.036), PerHour: 2256},
		{Model: "m", Feature: "len", Cause: "missing", What: "share missing", Shift: at(.027), PerHour: 2256},
		{Model: "m", Feature: "len", Cause: "frozen", What: "share repeated", Shift: at(.8), PerHour: 2256},
		{Model: "m", Feature: "len", Cause: "drift", What: "share at or below 5", Expected: .5, Shift: at(.12), PerHour: 2256},
		{Model: "m", Feature: "tld", Cause: "quality", What: "share unseen", PerHour: 2256},
	}
	lines := SensitivityLines(all)
	want := "m: at the 2256 records an hour of its reference, pages within an hour when this moves: the score's mean by 0.041, " +
		"the share of spam by 0.036 (expected 0.0505), a half of any feature's values by 0.12, missing values by 0.027, unseen categories by none"
	if len(lines) != 1 || lines[0] != want {
		t.Errorf("%q\nwant %q", lines, want)
	}
	header, rows := SensitivityTable(all)
	if len(rows) != 4 || len(rows[0]) != len(header) || strings.Join(rows[2], " ") != "len share at or below 5 0.5 0.12 0.027 -" {
		t.Errorf("%q", rows)
	}
}
