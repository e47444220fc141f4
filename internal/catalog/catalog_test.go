package catalog

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/plumbline-ml/plumbline/internal/testkit"
)

func TestNamesFollowPrometheusConventions(t *testing.T) {
	name := regexp.MustCompile(`^plumbline_[a-z][a-z0-9_]*[a-z0-9]$`)
	label := regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	for _, m := range All() {
		if !name.MatchString(m.Name) {
			t.Errorf("%s is not a good metric name", m.Name)
		}
		if got := strings.HasSuffix(m.Name, "_total"); got != (m.Type == Counter) {
			t.Errorf("%s: counters end in _total, and only counters do", m.Name)
		}
		if m.Unit == "seconds" && !strings.Contains(m.Name, "_seconds") || m.Unit == "bytes" && !strings.Contains(m.Name, "_bytes") {
			t.Errorf("%s lacks its unit %s", m.Name, m.Unit)
		}
		if !strings.HasSuffix(m.Help, ".") || m.Group == "" {
			t.Errorf("%s: help is a full sentence and every metric has a group: %q", m.Name, m.Help)
		}
		for _, l := range m.Labels {
			if !label.MatchString(l) || l == "le" && m.Type == Histogram {
				t.Errorf("%s: bad label %s", m.Name, l)
			}
		}
		if len(slices.Compact(slices.Sorted(slices.Values(m.Labels)))) != len(m.Labels) {
			t.Errorf("%s has a label twice", m.Name)
		}
	}
}

func TestTheContractMetricsAreThereWithTheirLabels(t *testing.T) {
	for name, labels := range map[string][]string{
		"plumbline_records_total":                 {"model", "version"},
		"plumbline_tail_lines_total":              nil,
		"plumbline_tail_bytes_total":              nil,
		"plumbline_tail_lag_bytes":                nil,
		"plumbline_tail_gap_bytes_total":          nil,
		"plumbline_parse_errors_total":            {"reason"},
		"plumbline_config_last_reload_successful": nil,
	} {
		m, ok := ByName(name)
		if !ok || !slices.Equal(m.Labels, labels) {
			t.Errorf("%s: found %v, want labels %v", name, m, labels)
		}
	}
}

func TestHistogramSeriesBelongToTheirMetricAndOthersDoNot(t *testing.T) {
	for series, want := range map[string]*Metric{
		"plumbline_feature_value_bucket": FeatureValue,
		"plumbline_feature_value_sum":    FeatureValue,
		"plumbline_feature_value":        FeatureValue,
		"plumbline_up_bucket":            nil,
		"plumbline_nonsense":             nil,
	} {
		if got, _ := Series(series); got != want {
			t.Errorf("%s belongs to %v, want %v", series, got, want)
		}
	}
}

func TestAWrongNumberOfLabelsIsFoundAtOnce(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a sample with too few labels was taken")
		}
	}()
	new(Batch).Add(Records, 1, "only-the-model")
}

func TestTheCommittedDocumentIsWhatTheCatalogueSays(t *testing.T) {
	got, err := os.ReadFile(filepath.Join(testkit.RepoRoot(t), "docs", "metrics.md"))
	if err != nil || string(got) != Markdown() {
		t.Errorf("docs/metrics.md is out of date (%v): run make gen", err)
	}
}
