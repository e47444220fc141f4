package rules

import (
	"testing"

	"github.com/plumbline-ml/plumbline/internal/alert"
)

// TestEveryAlarmIsPagedByExactlyOneShippedRule holds for each cause, for those that nobody has thought of yet, for features, for the
// model as a whole and for parts of the records: an alarm that no rule pages for is spent budget, and one that two page for is two pages. Abuse spends none and never pages.
func TestEveryAlarmIsPagedByExactlyOneShippedRule(t *testing.T) {
	for _, cause := range append(causes, "novelty") {
		for _, feature := range []string{"label", "score", "x", ""} {
			for _, segment := range []string{"", "country=CH"} {
				b := newBench(t, "groups: []\n", func(o *Options) { o.Packs = true })
				alarm := []string{"model", "m", "feature", feature, "cause", cause, "segment", segment}
				b.put("plumbline_alarm", 1, alarm...)
				var pages []string
				for _, a := range b.eval() {
					if a.Severity() == alert.SeverityCritical {
						pages = append(pages, a.Name())
						if a.Labels[alert.LabelCause] != cause || a.Labels[labelSegment] != segment || a.Labels[alert.LabelFeature] != feature {
							t.Errorf("%q: the page is labelled %v", alarm, a.Labels)
						}
					}
				}
				want := 1
				if cause == "abuse" {
					want = 0 // it is a ticket
				}
				if len(pages) != want {
					t.Errorf("%q: paged by %v, want %d", alarm, pages, want)
				}
			}
		}
	}
}
