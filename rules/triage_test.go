package rules

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/alert"
)

const alarmRule = `
groups:
  - name: g
    rules:
      - alert: ModelDrift
        expr: plumbline_alarm == 1
        labels: {severity: critical}
        annotations: {summary: drifted, dashboard_url: "https://grafana.example/d/plumbline-model?var-model=m"}
      - alert: Own
        expr: plumbline_alarm == 1
        annotations: {expected: as ever, dashboard_url: "https://grafana.example/d/x?from=1"}
      - alert: Aggregated
        expr: max by (model, feature) (plumbline_feature_stale_share) > 0.5
        labels: {cause: stale}
        annotations: {dashboard_url: "https://grafana.example/d/plumbline-model"}
`

// alarmAt publishes an alarm that began at the onset, and a stranger that has the same names and another segment.
func alarmAt(b *bench, onset time.Time) {
	sec := func(d time.Duration) float64 { return float64(onset.Add(d).UnixNano()) / 1e9 }
	of := []string{"model", "m", "feature", "label", "cause", "drift", "segment", "country=CH", "instance", "i1"}
	with := func(kv ...string) []string { return append(append([]string(nil), of...), kv...) }
	b.put("plumbline_alarm", 1, of...)
	b.put("plumbline_alarm_onset_timestamp_seconds", sec(400*time.Millisecond), of...)
	b.put("plumbline_alarm_onset_earliest_timestamp_seconds", sec(-90*time.Second), of...)
	b.put("plumbline_alarm_onset_latest_timestamp_seconds", sec(time.Minute), of...)
	b.put("plumbline_alarm_records", 2833, of...)
	b.put("plumbline_alarm_effective_records", 1411.7, of...)
	for what, v := range map[string][2]float64{"share of spam": {.049, .102}, "mean": {1.5, -2}} {
		b.put("plumbline_alarm_expected", v[0], with("what", what)...)
		b.put("plumbline_alarm_seen", v[1], with("what", what)...)
	}
	b.put("plumbline_alarm_seen_low", -2.5, with("what", "mean")...)
	b.put("plumbline_alarm_seen_high", -1.5, with("what", "mean")...)
	b.put("plumbline_alarm_bin_expected", .01, with("bin", "RU")...)
	b.put("plumbline_alarm_bin_seen", .2, with("bin", "RU")...)
	for f, v := range map[string]float64{"label": .61, "score": .3, "len": .05, "ent": .02} {
		b.put("plumbline_alarm_contribution", v, "model", "m", "feature", f, "instance", "i1")
	}
	b.put("plumbline_model_version_change_timestamp_seconds", sec(-3*time.Minute), "model", "m", "version", "13", "instance", "i1")
	b.put("plumbline_model_version_change_timestamp_seconds", sec(-48*time.Hour), "model", "m", "version", "12", "instance", "i1")
	b.put("plumbline_model_version_change_timestamp_seconds", sec(-time.Minute), "model", "other", "version", "7", "instance", "i1")
	b.put("plumbline_alarm_seen", 9, "model", "m", "feature", "label", "cause", "drift", "what", "a stranger", "instance", "i1")
}

func byName(alerts []alert.Alert) map[string]alert.Alert {
	out := map[string]alert.Alert{}
	for _, a := range alerts {
		out[a.Name()] = a
	}
	return out
}

func TestAnAlertAboutAnAlarmCarriesTheTriage(t *testing.T) {
	b := newBench(t, alarmRule)
	b.now = b.now.Add(10 * time.Minute)
	alarmAt(b, t0)
	b.put("plumbline_feature_stale_share", 1, "model", "m", "feature", "age", "window", "10m")
	got := byName(b.eval())
	want := map[string]string{
		alert.AnnotationMoved: "mean", alert.AnnotationExpected: "1.5", alert.AnnotationSeen: "-2 (95% interval -2.5 to -1.5)", alert.AnnotationEffect: "-3.5",
		alert.AnnotationBreakdown: "share of spam: expected 4.9%, seen 10.2%\nshare of RU: expected 1%, seen 20%",
		alert.AnnotationOnset:     "2026-11-23 03:00:00 UTC", alert.AnnotationOnsetInterval: "02:58:30 to 03:01:00 UTC",
		alert.AnnotationLastGood: "2026-11-23 02:58:30 UTC",
		alert.AnnotationRecords:  "2833", alert.AnnotationEffectiveRecords: "1412", alert.AnnotationSegment: "country=CH",
		alert.AnnotationContributors:  "label: 61% of what changed\nscore: 30% of what changed\nlen: 5% of what changed",
		alert.AnnotationVersionChange: "to 13 at 2026-11-23 02:57:00 UTC, 3m before the onset",
		alert.AnnotationDashboard:     "https://grafana.example/d/plumbline-model?var-model=m&from=1795399200000&to=now",
		alert.AnnotationSummary:       "drifted",
	}
	have := got["ModelDrift"].Annotations
	for k, v := range want {
		if have[k] != v {
			t.Errorf("%s\n got %q\nwant %q", k, have[k], v)
		}
	}
	if len(have) != len(want) {
		t.Errorf("%d annotations, want %d: %q", len(have), len(want), have)
	}
	own := got["Own"].Annotations
	if own["expected"] != "as ever" || own["dashboard_url"] != "https://grafana.example/d/x?from=1" {
		t.Errorf("what the rule says itself was replaced: %q", own)
	}
	plain := got["Aggregated"].Annotations
	if plain[alert.AnnotationDashboard] != "https://grafana.example/d/plumbline-model?from=1795399800000&to=now" || plain[alert.AnnotationSeen] != "" || plain[alert.AnnotationContributors] != "" {
		t.Errorf("an alert about no alarm: %q", plain)
	}
	if !strings.Contains(plain[alert.AnnotationVersionChange], "13m before the onset") {
		t.Errorf("it does not name the version: %q", plain)
	}
}

func TestTheTriageIsSilentAboutWhatIsNotKnown(t *testing.T) {
	b := newBench(t, alarmRule)
	b.put("plumbline_alarm", 1, "model", "m", "feature", "f", "cause", "drift")
	got := byName(b.eval())["ModelDrift"].Annotations
	for name := range got {
		if name != alert.AnnotationSummary && name != alert.AnnotationDashboard {
			t.Errorf("%s: %q", name, got[name])
		}
	}
	// Without a ranking, evidence stands in; an onset that may be older than the windows has no beginning.
	b = newBench(t, alarmRule)
	b.put("plumbline_alarm", 1, "model", "m", "feature", "f", "cause", "drift")
	b.put("plumbline_alarm_onset_timestamp_seconds", float64(t0.Add(-26*time.Hour).Unix()), "model", "m", "feature", "f", "cause", "drift")
	b.put("plumbline_alarm_onset_latest_timestamp_seconds", float64(t0.Add(-time.Hour).Unix()), "model", "m", "feature", "f", "cause", "drift")
	b.put("plumbline_evidence_ratio", 1.2, "model", "m", "feature", "f", "cause", "drift")
	b.put("plumbline_evidence_ratio", .4, "model", "m", "feature", "g", "cause", "missing")
	b.put("plumbline_evidence_ratio", .1, "model", "m", "feature", "h", "cause", "drift")
	got = byName(b.eval())["ModelDrift"].Annotations
	if got[alert.AnnotationContributors] != "f: 120% of the evidence that an alarm needs\ng: 40% of the evidence that an alarm needs" {
		t.Errorf("contributors: %q", got[alert.AnnotationContributors])
	}
	if got[alert.AnnotationOnsetInterval] != "2026-11-23 02:00:00 UTC or earlier" {
		t.Errorf("interval: %q", got[alert.AnnotationOnsetInterval])
	}
}

func TestSharesAreTakenAsPointsAndFactorsAndNumbersInTheirUnit(t *testing.T) {
	for _, c := range []struct {
		share    bool
		was, now float64
		want     string
	}{
		{true, .049, .102, "+5.3 points, 2.08 times as much"}, {true, .5, .52, "+2 points"}, {true, .1, .05, "-5 points, 0.5 of what it was"},
		{true, 0, .2, "+20 points"}, {true, .2, 0, "-20 points"}, {false, 3.5, 351.25, "+347.8"}, {false, 1, 1, "+0"},
	} {
		if got := (quantity{share: c.share}).change(c.was, c.now); got != c.want {
			t.Errorf("from %v to %v: got %q, want %q", c.was, c.now, got, c.want)
		}
	}
}

// A recall of 0.62 is 62 %, and a factor of more than a thousand is no power of ten.
func TestRatiosAreToldAsPercentagesAndFactorsAsNumbers(t *testing.T) {
	b := newBench(t, alarmRule)
	alarm := []string{"model", "m", "feature", "recall", "cause", "performance", "segment", ""}
	b.put("plumbline_alarm", 1, alarm...)
	b.put("plumbline_alarm_expected", .91, append(slices.Clone(alarm), "what", "recall")...)
	b.put("plumbline_alarm_seen", .62, append(slices.Clone(alarm), "what", "recall")...)
	for _, a := range b.eval() {
		if a.Name() == "ModelDrift" && a.Annotations[alert.AnnotationExpected] != "91%" || a.Annotations[alert.AnnotationSeen] != "62%" {
			t.Errorf("%s: expected %q, seen %q", a.Name(), a.Annotations[alert.AnnotationExpected], a.Annotations[alert.AnnotationSeen])
		}
	}
	for _, c := range []struct {
		was, now float64
		want     string
	}{{.000625, .9994, "+99.9 points, 1599 times as much"}, {.05, .1, "+5 points, 2 times as much"}, {.1, .05, "-5 points, 0.5 of what it was"}} {
		if got := (quantity{share: true}).change(c.was, c.now); got != c.want {
			t.Errorf("%v to %v: %q, want %q", c.was, c.now, got, c.want)
		}
	}
}
