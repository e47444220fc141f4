package dashboards

import (
	"fmt"
	"strings"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// q fills metric names into a PromQL text; %s takes the next metric.
func q(text string, metrics ...*catalog.Metric) string {
	names := make([]any, len(metrics))
	for i, m := range metrics {
		names[i] = m.Name
	}
	return fmt.Sprintf(text, names...)
}

// at is q for texts whose selectors are written as %s{…}: $S stands for the selector of the chosen model and node,
// $F for that of the chosen feature besides, $W for the chosen window.
func at(text string, metrics ...*catalog.Metric) string {
	text = strings.NewReplacer(
		"$F", `model="$model", instance=~"$node", feature="$feature"`,
		"$S", `model="$model", instance=~"$node"`,
		"$W", `window="$window"`,
	).Replace(text)
	return q(text, metrics...)
}

// Model is the page of one model: what it answers, what it is fed, how old that is, and what the evidence says.
func Model() Dashboard {
	var p page
	p.row("$model: state")
	p.add(stat("Records per second", "", "reqps", 0), sixth, 4, at("sum(rate(%s{$S}[$__rate_interval]))", catalog.Records), "")
	p.add(stat("Records in the window", "", "short", 0), sixth, 4, at("sum(%s{$S, $W})", catalog.WindowRecords), "")
	p.add(stat("Records in the reference", "", "short", 0), sixth, 4, at("max(%s{$S})", catalog.ReferenceRows), "")
	p.add(stat("Alarms", "", "", 1), sixth, 4, at("sum(%s{$S})", catalog.Alarm), "")
	p.add(stat("Pages left in the budget", "", "", 0), sixth, 4, at("min(%s{$S})", catalog.BudgetRemaining), "")
	p.add(stat("Age of the newest record", "", "s", 0), sixth, 4, at("time() - max(%s{$S})", catalog.LastRecord), "")
	p.add(timeline("Alarms", "Red while a stream is in alarm: evidence and effect past their gates, and no evidence of recovery yet."), full, 8,
		at("max by (feature, cause) (%s{$S})", catalog.Alarm), "{{feature}} {{cause}}")

	p.row("What the alarms say")
	p.add(table("What moved, and how far", "Each quantity in alarm with the 95 % interval of what was seen since the onset; shares as fractions, numbers in the feature's own unit.",
		map[string]string{"A": "expected", "B": "seen", "C": "at least", "D": "at most"}, "instance", "job"), half, 8,
		at("max by (feature, cause, segment, what) (%s{$S})", catalog.AlarmExpected), "", at("max by (feature, cause, segment, what) (%s{$S})", catalog.AlarmSeen), "",
		at("max by (feature, cause, segment, what) (%s{$S})", catalog.AlarmSeenLow), "", at("max by (feature, cause, segment, what) (%s{$S})", catalog.AlarmSeenHigh), "")
	p.add(table("Since when, in how many records", "Seconds from the onset until now: the most likely one, and the earliest and latest with 95 %. An onset that may be older than the windows has no earliest.",
		map[string]string{"A": "began, s ago", "B": "at the most, s", "C": "at the least, s", "D": "records"}, "instance", "job"), half, 8,
		at("time() - min by (feature, cause, segment) (%s{$S})", catalog.AlarmOnset), "", at("time() - min by (feature, cause, segment) (%s{$S})", catalog.AlarmEarliest), "",
		at("time() - max by (feature, cause, segment) (%s{$S})", catalog.AlarmLatest), "", at("sum by (feature, cause, segment) (%s{$S})", catalog.AlarmRecords), "")
	p.add(share(graph("What contributes", "A column's share of all that has changed in the model since the onset of its newest alarm.", "percentunit")), third, 8,
		at("max by (feature) (%s{$S})", catalog.Contribution), "{{feature}}")
	p.add(bars("Bins and categories that moved", "Shares since the onset and in the reference, of the alarms that stand.", "bin"), third, 8,
		at("max by (bin) (%s{$S})", catalog.AlarmBinSeen), "now", at("max by (bin) (%s{$S})", catalog.AlarmBinWas), "reference")
	p.add(share(graph("Smallest shift that pages", "What each stream would notice within an hour, from the size of the reference, the tolerance and the traffic; 1 when nothing would.", "percentunit")), third, 8,
		at("topk(10, max by (feature, cause) (%s{$S}))", catalog.SmallestShift), "{{feature}} {{cause}}")

	p.row("Predictions")
	p.add(dashed(graph("Score", "Quantiles of the score in the window; dashed, the same in the reference.", "short")), half, 9,
		at(`avg by (feature, quantile) (%s{$S, role="prediction", $W})`, catalog.FeatureQuantile), "{{feature}} q{{quantile}}",
		at(`avg by (feature, quantile) (%s{$S, role="prediction"})`, catalog.RefQuantile), "reference {{feature}} q{{quantile}}")
	p.add(dashed(share(graph("Classes", "Share of each predicted class in the window; dashed, the same in the reference.", "percentunit"))), half, 9,
		at(`avg by (feature, category) (%s{$S, role="prediction", $W})`, catalog.CategoryShare), "{{category}}",
		at(`avg by (feature, category) (%s{$S, role="prediction"})`, catalog.RefCategoryShare), "reference {{category}}")

	p.row("All features")
	p.add(table("Features in the window", "Evidence at 1 pages. PSI means nothing without the value it has when nothing changed, so that stands beside it. Effect is in the feature's own unit.",
		map[string]string{"A": "evidence", "B": "PSI", "C": "PSI without change", "D": "effect", "E": "missing", "F": "missing in reference"}, "instance", "job"), full, 10,
		at("max by (feature) (%s{$S})", catalog.EvidenceRatio), "",
		at(`max by (feature) (%s{$S, $W, statistic="psi"})`, catalog.DriftStatistic), "",
		at(`max by (feature) (%s{$S, $W, statistic="psi_expected"})`, catalog.DriftStatistic), "",
		at("avg by (feature) (%s{$S, $W})", catalog.DriftEffect), "",
		at("max by (feature) (%s{$S, $W})", catalog.MissingShare), "",
		at("max by (feature) (%s{$S})", catalog.RefMissingShare), "")
	p.add(line(graph("Evidence by feature", "Log-evidence of each stream as a share of what the budget asks for; the ten largest.", "percentunit"), 1), half, 9,
		at("topk(10, max by (feature, cause) (%s{$S}))", catalog.EvidenceRatio), "{{feature}} {{cause}}")
	p.add(dashed(share(graph("Missing values", "Share of records in the window without a usable value; the ten largest.", "percentunit"))), half, 9,
		at("topk(10, max by (feature) (%s{$S, $W}))", catalog.MissingShare), "{{feature}}")

	p.row("Feature $feature")
	p.add(bars("Bins now and in the reference", "Share of the window in each bin; le is the bin's upper edge.", "le"), half, 9,
		at("avg by (le) (%s{$F})", catalog.BinShare), "now", at("avg by (le) (%s{$F})", catalog.RefBinShare), "reference")
	p.add(dashed(graph("Quantiles", "In the feature's own unit.", "short")), half, 9,
		at("avg by (quantile) (%s{$F, $W})", catalog.FeatureQuantile), "q{{quantile}}",
		at("avg by (quantile) (%s{$F})", catalog.RefQuantile), "reference q{{quantile}}")
	p.add(heatmap("Values over time", "Records per second in each bin, added over the nodes: the bins are fixed by the reference, so they merge."), half, 9,
		at("sum by (le) (rate(%s_bucket{$F}[$__rate_interval]))", catalog.FeatureValue), "{{le}}")
	p.add(graph("Distance from the reference", "Descriptions: nothing pages on them.", "short"), half, 9,
		at(`max by (statistic) (%s{$F, $W, statistic=~"psi|psi_expected|ks|js|wasserstein_iqr"})`, catalog.DriftStatistic), "{{statistic}}")
	p.add(dashed(share(graph("Repeated values", "Share of values equal to the one before: near 1 when the feature is frozen.", "percentunit"))), half, 8,
		at("avg(%s{$F, $W})", catalog.RepeatShare), "now", at("avg(%s{$F})", catalog.RefRepeatShare), "reference")
	p.add(graph("Missing by reason", "Per second.", "short"), half, 8, at("sum by (reason) (rate(%s{$F}[$__rate_interval]))", catalog.FeatureMissing), "{{reason}}")

	p.row("Categories and staleness")
	p.add(dashed(share(graph("Categories", "Shares of the categorical features in the window; the fifteen largest.", "percentunit"))), half, 9,
		at(`topk(15, avg by (feature, category) (%s{$S, role="feature", $W}))`, catalog.CategoryShare), "{{feature}} {{category}}")
	p.add(share(graph("Unseen categories", "Share of the window with a category that the reference does not have.", "percentunit")), half, 9,
		at("max by (feature) (%s{$S, $W})", catalog.UnseenShare), "{{feature}}")
	p.add(dashed(graph("Age of features", "How old a value was when the model used it: median and 99 % quantile in the window; dashed, the limit.", "s")), half, 9,
		at(`max by (feature, quantile) (%s{$S, $W})`, catalog.FeatureAge), "{{feature}} q{{quantile}}",
		at("max by (feature) (%s{$S})", catalog.FeatureMaxAge), "limit {{feature}}")
	p.add(share(graph("Served too old", "Share of requests in the window that were served with a value older than the limit.", "percentunit")), half, 9,
		at("max by (feature) (%s{$S, $W})", catalog.FeatureStaleShare), "{{feature}}")

	p.row("Traffic")
	p.add(dashed(graph("Records per second, and what the hour usually brings", "Dashed, between what the hour of the week brings at the least and at the most; the two differ while the hour is not known yet.", "reqps")), half, 8,
		at("sum by (model) (rate(%s{$S}[$__rate_interval]))", catalog.Records), "now",
		at("sum by (bound) (%s{$S})", catalog.VolumeExpected), "limit {{bound}}")
	p.add(dashed(graph("Time since the last positive", "Of the class that the model file calls positive; dashed, how long the model may go on without one.", "s")), half, 8,
		at("time() - max(%s{$S})", catalog.LastPositive), "since the last positive", at("min(%s{$S})", catalog.PositiveLimit), "limit")

	p.performance()
	p.parts()

	p.row("Nodes")
	p.add(graph("Records per second by node", "", "reqps"), half, 8, at("sum by (instance) (rate(%s{$S}[$__rate_interval]))", catalog.Records), "{{instance}}")
	p.add(line(graph("Evidence by node", "One node apart from the others is a bad node, all of them together is a bad model.", "percentunit"), 1), half, 8,
		at("max by (instance) (%s{$S})", catalog.ModelEvidence), "{{instance}}")

	return dashboard("plumbline-model", "Plumbline / Model", "One model: what it answers, what it is fed, how old that is, and what the evidence says.", &p,
		[]Variable{
			variable("model", "Model", q("label_values(%s, model)", catalog.ModelState), false),
			variable("node", "Node", q(`label_values(%s{model="$model"}, instance)`, catalog.ModelState), true),
			variable("window", "Window", q(`label_values(%s{model="$model"}, window)`, catalog.WindowRecords), false),
			variable("feature", "Feature", q(`label_values(%s{model="$model"}, feature)`, catalog.RefMissingShare), false),
		},
		[]Annotation{alarms(at("max by (model, feature, cause) (%s{$S}) > 0", catalog.Alarm))})
}
