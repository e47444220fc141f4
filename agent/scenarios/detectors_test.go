package scenarios

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

var update = flag.Bool("update", false, "write the page that lists what is watched")

// watched is one thing that goes wrong with data, and what we have against it.
type watched struct {
	what   string
	metric *catalog.Metric // in which it shows
	alert  string          // that tells it
	row    string          // of the table, in which it happens
}

// everything is what we say that we notice. Each entry must have a metric in the catalogue, a rule in a pack, a runbook page, a rule test in
// which it fires, and a row of the table, whose page says when it was last good. Who adds a detector adds it here.
var everything = []watched{
	{"a value is older than its limit", catalog.FeatureStaleShare, "FeatureStale", "the feature store stalls"},
	{"the same, with ages as Feast returns them", catalog.FeatureAge, "FeatureStale", "ages as Feast writes them, and the store stalls"},
	{"the feature writer's clock is wrong", catalog.FeatureSkew, "FeatureClockSkew", "the store's clock is five minutes ahead"},
	{"a feature repeats one value", catalog.RepeatShare, "FeatureFrozen", "ent freezes"},
	{"a feature takes a few values in turn", catalog.BinShare, "FeatureFrozen", "ent takes three values in turn"},
	{"each entity keeps its value", catalog.EvidenceRatio, "FeatureFrozen", "each sender keeps its ent"},
	{"values are null", catalog.MissingShare, "FeatureMissing", "null burst, 30 % of ent"},
	{"values are NaN", catalog.FeatureMissing, "FeatureMissing", "ent is NaN in 30 %"},
	{"values are missing for another reason, as many as ever", catalog.AlarmBinSeen, "FeatureMissing", "the nulls of ent become NaN"},
	{"keys are absent", catalog.MissingShare, "FeatureMissing", "ent goes missing, 0 to 95 %"},
	{"a default takes the place of values", catalog.AlarmSeen, "QualityAlarm", "ent is -1 in 20 % of records"},
	{"values lie beyond the range of the reference", catalog.OutOfRange, "FeatureOutOfRange", "2 % of ent lie beyond"},
	{"many do", catalog.OutOfRange, "QualityAlarm", "5 % of ent lie beyond all that it was"},
	{"categories are new", catalog.UnseenShare, "QualityAlarm", "new categories, 20 % of geo"},
	{"categories become countless", catalog.Cardinality, "QualityAlarm", "geo gets names of which each comes once"},
	{"a category comes no more", catalog.CategoryShare, "QualityAlarm", "a category of geo is seen no more"},
	{"a field disappears", catalog.MissingShare, "FeatureGone", "ent disappears"},
	{"a field appears", catalog.FieldAppeared, "FeatureAppeared", "a field appears"},
	{"a field changes its type", catalog.FeatureMissing, "FeatureTypeChanged", "ent becomes text"},
	{"a field changes its unit", catalog.UnitChange, "FeatureUnitChanged", "unit of len changes, x100"},
	{"traffic falls", catalog.VolumeExpected, "TrafficUnusual", "traffic falls to a fifth"},
	{"traffic grows", catalog.VolumeExpected, "TrafficUnusual", "traffic grows threefold"},
	{"the positive class comes no more", catalog.LastPositive, "NoPositives", "spam is predicted no more"},
	{"a rare positive class comes no more", catalog.PositiveLimit, "NoPositives", "one spam in 500 mails, then none"},
	{"no records: the log is silent", catalog.LastRecord, "ModelSilent", "traffic stops"},
	{"no records: the agent is behind", catalog.TailLag, "ModelSilent", "the agent does not come to read"},
	{"no records: the parser fails", catalog.LastUnreadable, "ModelSilent", "no line can be read"},
	{"no records: the model is not called", catalog.LastLine, "ModelSilent", "nobody asks, and the server writes other lines"},
	{"no records: the pod is gone", catalog.LogFiles, "ModelSilent", "the pod is gone"},
	{"a part of the lines cannot be read", catalog.ParseErrors, "QualityAlarm", "a third of the lines cannot be read"},
	{"records come too late", catalog.RecordsLate, "RecordsLate", "half of the records come ten minutes late"},
	{"a version behaves differently", catalog.VersionDiff, "VersionBehavesDifferently", "a version that calls twice as much spam"},
	{"the reference follows a version", catalog.RebaseTime, "ReferenceRebased", "a version with a reference of its own"},
	{"the reference cannot follow a version", catalog.RebaseFailures, "ReferenceNotRebased", "a version whose reference is not there"},
	{"one replica differs", catalog.SegmentClass, "ReplicaDiffers", "one replica of four doubles ent"},
	{"one segment drifts", catalog.SegmentRecords, "SegmentDrift", "spam of one tenant of four trebles"},
	{"the model is wrong more often", catalog.Performance, "PerformanceDrop", "half of the spam is none any more"},
	{"scores are no longer worth what they were", catalog.Disagreement, "PerformanceEstimateWrong", "half of the spam is none any more"},
	{"the label drifts", catalog.CategoryShare, "ModelDrift", "share of spam doubles"},
	{"a feature drifts", catalog.DriftEffect, "ModelDrift", "len grows by a half, which is no unit"},
}

func readAll(t *testing.T, patterns ...string) string {
	t.Helper()
	var b strings.Builder
	for _, pattern := range patterns {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("no files match %s: %v", pattern, err)
		}
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			b.Write(data)
		}
	}
	return b.String()
}

func TestWhatIsWatchedHasAMetricARuleARunbookATestAndARow(t *testing.T) {
	packs := readAll(t, "../../rules/packs/*.yaml")
	tests := readAll(t, "../../rules/packs/tests/*.yaml", "../../rules/packs/tests/scenarios/*.yaml")
	rows := map[string]Row{}
	for _, r := range cases {
		rows[r.Name] = r
	}
	told := map[string]bool{}
	for _, w := range everything {
		if !slices.Contains(catalog.All(), w.metric) {
			t.Errorf("%s: its metric is not in the catalogue", w.what)
		}
		if !regexp.MustCompile(`(?m)^      - alert: ` + w.alert + `$`).MatchString(packs) {
			t.Errorf("%s: no pack has %s", w.what, w.alert)
		}
		if _, err := os.Stat(filepath.Join("../../rules/runbooks", w.alert+".md")); err != nil {
			t.Errorf("%s: %v", w.what, err)
		}
		// A rule test that expects it: promtool's have exp_alerts below the name, scenarios name it in expect.
		if !regexp.MustCompile(`(?m)alertname: ` + w.alert + `\n\s+exp_alerts:|\{alert: ` + w.alert + `,`).MatchString(tests) {
			t.Errorf("%s: no rule test expects %s", w.what, w.alert)
		}
		r, ok := rows[w.row]
		switch {
		case !ok:
			t.Errorf("%s: the table has no row %q", w.what, w.row)
		case r.Cause == "" && !slices.Contains(r.Tells, w.alert):
			t.Errorf("%s: the row %q neither pages nor tells %s", w.what, w.row, w.alert)
		}
		told[w.row] = true
	}
	for _, r := range cases {
		if r.Cause != "" && !told[r.Name] && !variations[r.Name] {
			t.Errorf("the row %q is about nothing that we say we watch", r.Name)
		}
	}
}

// variations are rows that show another size or direction of what another row shows.
var variations = map[string]bool{
	"unit of ttl changes, seconds to milliseconds": true, "caps becomes a percentage": true, "ent is 0 in 10 % of records": true,
	"share of spam halves": true, "a version that does not do what its reference says": true,
}

const watchedPage = "../../docs/internals/watched.md"

// TestThePageOfWhatIsWatchedIsUpToDate: go test ./agent/scenarios -run Page -update writes it.
func TestThePageOfWhatIsWatchedIsUpToDate(t *testing.T) {
	var b strings.Builder
	b.WriteString("# What is watched\n\nStaleness, quality, silence, versions, parts and performance: what may go wrong, and what there is against it. A test holds each line: the metric is in\n" +
		"the catalogue, the rule in a pack, its runbook there, a rule test expects it, and `make scenarios` plays it, alone and on top of day and night.\nThe page is written by that test (`go test ./agent/scenarios -run Page -update`).\n\n" +
		"| what goes wrong | shows in | told by | played as |\n|---|---|---|---|\n")
	for _, w := range everything {
		fmt.Fprintf(&b, "| %s | `%s` | [%s](../../rules/runbooks/%s.md) | %s |\n", w.what, w.metric.Name, w.alert, w.alert, w.row)
	}
	b.WriteString("\nThe innocent twins, which must stay silent:\n\n")
	for _, r := range cases {
		if r.Twin {
			fmt.Fprintf(&b, "* %s\n", r.Name)
		}
	}
	if *update {
		if err := os.WriteFile(watchedPage, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(watchedPage)
	if err != nil || string(have) != b.String() {
		t.Errorf("%s is not what is watched; write it with -update (%v)", watchedPage, err)
	}
}
