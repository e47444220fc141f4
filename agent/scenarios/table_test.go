package scenarios

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestTheShortTablePagesForFaultsAndNotForTheirTwins plays each fault once and its twin on top of day and night. What is known to be
// missed is in Misses, and must be missed exactly so: an improvement has to take it off the list.
func TestTheShortTablePagesForFaultsAndNotForTheirTwins(t *testing.T) {
	outcomes, err := Play(context.Background(), ShortRows(), DefaultSeed, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range outcomes {
		switch {
		case o.OK():
		case len(o.Wrong) == 0:
			t.Errorf("%s: came out right; take it off Misses", o.Row.Key())
		default:
			t.Errorf("%s: %s", o.Row.Key(), strings.Join(o.Wrong, "; "))
		}
	}
	var b strings.Builder
	if err := Render(&b, outcomes, true); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"twin: nothing happens", "domain_rep is stale in 100% of requests"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the table does not say %q", want)
		}
	}
	if strings.Contains(b.String(), "WRONG") {
		t.Log(b.String())
	}
}

func TestEveryMissBelongsToARowAndNoTwinIsMissed(t *testing.T) {
	names := map[string]bool{}
	for _, r := range Rows() {
		if names[r.Key()] {
			t.Errorf("%s stands twice", r.Key())
		}
		names[r.Key()] = true
		_, missed := Misses[r.Name]
		if r.Twin && (missed || r.Cause != "") {
			t.Errorf("%s is a twin and must be silent", r.Key())
		}
		if !r.Twin && r.Cause == "" {
			t.Errorf("%s is a fault without a cause", r.Key())
		}
	}
	for name, m := range Misses {
		if !names[name] || m.Wrong == "" || m.Why == "" {
			t.Errorf("the miss %q belongs to no row, or does not say what and why", name)
		}
	}
}

func TestAnOutcomeIsWrongWhenItIsMissedInAnotherWayOrNotAtAll(t *testing.T) {
	miss := Miss{Wrong: "nobody was paged", Why: "for now"}
	for _, c := range []struct {
		wrong  []string
		missed Miss
		ok     bool
	}{
		{nil, Miss{}, true},
		{[]string{"paged for drift"}, Miss{}, false},
		{[]string{"nobody was paged for volume"}, miss, true},
		{[]string{"paged for drift"}, miss, false},
		{[]string{"nobody was paged for volume", "paged for drift"}, miss, false},
		{nil, miss, false},
	} {
		if got := (Outcome{Wrong: c.wrong, Missed: c.missed}).OK(); got != c.ok {
			t.Errorf("%v with %+v: %v", c.wrong, c.missed, got)
		}
	}
}

func TestAPageIsJudgedByCauseTimeTextAndEnd(t *testing.T) {
	good := Page{At: faultFrom + 7*time.Minute, Resolved: faultTo + time.Minute, Cause: "drift", Text: "len drifted\nlast_good: 2026-01-05 12:20:00 UTC\nonset: 2026-01-05 12:21:00 UTC"}
	for name, c := range map[string]struct {
		row   Row
		pages func(p Page) []Page
		wrong string
	}{
		"right":          {Row{Cause: "drift", Says: []string{"len"}}, func(p Page) []Page { return []Page{p} }, ""},
		"twin":           {Row{Twin: true}, func(p Page) []Page { return []Page{p} }, "paged for drift"},
		"early":          {Row{Cause: "drift"}, func(p Page) []Page { p.At = time.Minute; return []Page{p} }, "before the fault"},
		"other cause":    {Row{Cause: "missing"}, func(p Page) []Page { return []Page{p} }, "nobody was paged for missing"},
		"twice":          {Row{Cause: "drift"}, func(p Page) []Page { return []Page{p, p} }, "paged again"},
		"says less":      {Row{Cause: "drift", Says: []string{"ent"}}, func(p Page) []Page { return []Page{p} }, `does not say "ent"`},
		"never resolved": {Row{Cause: "drift"}, func(p Page) []Page { p.Resolved = -1; return []Page{p} }, "not resolved"},
		"resolved early": {Row{Cause: "drift"}, func(p Page) []Page { p.Resolved = faultTo - time.Minute; return []Page{p} }, "while the fault went on"},
		"no last good":   {Row{Cause: "drift"}, func(p Page) []Page { p.Text = "len drifted"; return []Page{p} }, "when it was last good"},
		"nothing told":   {Row{Tells: []string{"FeatureAppeared"}, Twin: true}, func(p Page) []Page { return nil }, "FeatureAppeared was not told"},
		"wrong onset":    {Row{Cause: "drift"}, func(p Page) []Page { p.Text = "last_good: x\nonset: 2026-01-05 12:01:00 UTC"; return []Page{p} }, "off by -19m0s"},
	} {
		o := Outcome{Row: c.row, Pages: c.pages(good)}
		o.judge()
		if found := slices.ContainsFunc(o.Wrong, func(w string) bool { return strings.Contains(w, c.wrong) }); found != (c.wrong != "") || c.wrong == "" && len(o.Wrong) > 0 {
			t.Errorf("%s: %v", name, o.Wrong)
		}
	}
}
