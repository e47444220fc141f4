package dashboards

import "github.com/plumbline-ml/plumbline/internal/catalog"

// performance adds the row about how right the model is. Performance is published for the longest window only, so that
// the chosen window does not select here.
func (p *page) performance() {
	p.row("Performance")
	p.add(dashed(share(graph("Performance by the truth", "On the truths that came in the longest window, as a mean over the nodes; dashed, the same in the reference's labelled records, or in the first that got a truth.", "percentunit"))), half, 9,
		at(`avg by (metric) (%s{$S, bound="value"})`, catalog.Performance), "{{metric}}",
		at("avg by (metric) (%s{$S})", catalog.PerformanceExpected), "reference {{metric}}")
	p.add(dashed(share(graph("Performance as estimated without the truth", "From the scores of all predictions of the longest window, as a mean over the nodes; dashed, the bounds of precision and recall, three sampling errors. It assumes that a score means what it meant when it was calibrated.", "percentunit"))), half, 9,
		at(`avg by (metric) (%s{$S, bound="value"})`, catalog.PerformanceEstimate), "{{metric}}",
		at(`avg by (metric, bound) (%s{$S, bound=~"lower|upper", metric=~"precision|recall"})`, catalog.PerformanceEstimate), "limit {{metric}} {{bound}}")
	p.add(named(timeline("Estimate and truth disagree", "Orange while estimate and truth of the same predictions disagree beyond their intervals: a score is no longer worth what it was, and the estimate beside it must not be trusted."), "DISAGREE", "orange"), half, 6,
		at("max by (metric) (%s{$S})", catalog.Disagreement), "{{metric}}")
	p.add(graph("Predictions by outcome", "Predictions whose truth is known, a second, as they came: true and false positives and negatives, over all nodes.", "ops"), half, 6,
		at("sum by (outcome) (rate(%s{$S}[$__rate_interval]))", catalog.Confusion), "{{outcome}}")
	p.add(share(graph("Coverage by the truth", "Truths that came in the longest window, as a share of its predictions: what the performance beside it rests on.", "percentunit")), third, 8,
		at("avg by (instance) (%s{$S})", catalog.TruthCoverage), "{{instance}}")
	p.add(dashed(graph("Predictions that wait for their truth", "By node; dashed, how many may wait on one node before the oldest is given up.", "short")), third, 8,
		at("sum by (instance) (%s{$S})", catalog.TruthPending), "{{instance}}", at("min(%s{$S})", catalog.TruthPendingLimit), "limit")
	p.add(graph("Delay of the truth", "Quantiles of the time from a prediction to its truth in the longest window, on the slowest node; up to twice too high.", "s"), third, 8,
		at("max by (quantile) (%s{$S})", catalog.TruthDelay), "q{{quantile}}")
}

// parts adds the row about segments, replicas and versions, and about what was said and done about the reference.
func (p *page) parts() {
	p.row("Parts and versions")
	p.add(graph("Records per second by part", "Segments and replicas; the parts of one cut add up to the model. The twenty largest.", "reqps"), half, 9,
		at("topk(20, sum by (by, segment) (rate(%s{$S}[$__rate_interval])))", catalog.SegmentRecords), "{{by}}: {{segment}}")
	p.add(share(graph("Classes by part", "Share of each predicted class in the records of a part; the twenty largest.", "percentunit")), half, 9,
		at("topk(20, sum by (by, segment, class) (rate(%s{$S}[$__rate_interval])) / on (by, segment) group_left () (sum by (by, segment) (rate(%s{$S}[$__rate_interval])) > 0))", catalog.SegmentClass, catalog.SegmentRecords), "{{by}}: {{segment}} {{class}}")
	p.add(graph("Median score by part", "Median of the score in a part, read off its bins; the twenty with the most records. Empty when the model has a label and no score.", "short"), half, 8,
		at("histogram_quantile(0.5, sum by (by, segment, le) (rate(%s_bucket{$S}[$__rate_interval])))", catalog.SegmentScore), "{{by}}: {{segment}}")
	p.add(timeline("Alarms of segments and replicas", "Red while a part is in alarm: a segment against what it was (cause segment), a replica against its peers (cause replica)."), half, 8,
		at(`max by (feature, cause, segment) (%s{$S, segment!=""})`, catalog.Alarm), "{{segment}} {{feature}} {{cause}}")
	p.add(named(timeline("Tickets", "Orange while a stream is past its gates but may wake nobody: the reference is still being learned, or does not repeat itself. Empty when every stream may page."), "TICKET", "orange"), half, 8,
		at("max by (feature, cause, segment) (%s{$S})", catalog.Ticket), "{{feature}} {{cause}} {{segment}}")
	p.add(graph("Records by version", "Counted since the newest version was named; of one that answers no more, what it had before.", "short"), half, 8,
		at(`sum by (version) (%s{$S, what="records"})`, catalog.VersionStat), "{{version}}")
	p.add(graph("What versions predict", "Mean score and share of the positive class by version, on the same traffic while several run; as a mean over the nodes.", "short"), half, 8,
		at(`avg by (version, what) (%s{$S, what!="records"})`, catalog.VersionStat), "{{version}} {{what}}")
	p.add(table("The newest version against others", "By how much the newest version differs, with its 95 % interval and p-value: on the same traffic while both answer, or from what the other did before.",
		map[string]string{"A": "difference", "B": "from", "C": "to", "D": "p"}, "instance", "job"), half, 8,
		at(`avg by (version, against, traffic, what) (%s{$S, bound="value"})`, catalog.VersionDiff), "", at(`min by (version, against, traffic, what) (%s{$S, bound="lower"})`, catalog.VersionDiff), "",
		at(`max by (version, against, traffic, what) (%s{$S, bound="upper"})`, catalog.VersionDiff), "", at("min by (version, against, traffic, what) (%s{$S})", catalog.VersionDiffP), "")
	p.add(table("Changes of unit", "What a feature in alarm is multiplied by, when a known change of unit explains the alarm. Empty when there is none.",
		map[string]string{"A": "factor"}, "instance", "job"), half, 8,
		at("max by (feature, change) (%s{$S})", catalog.UnitChange), "")
	p.add(table("The reference", "Seconds since somebody last accepted what was seen as normal, with author and reason, and since the reference followed another version. Empty when neither happened.",
		map[string]string{"A": "accepted, s ago", "B": "another version's, s ago"}, "instance", "job"), half, 8,
		at("time() - max by (author, reason) (%s{$S})", catalog.ReferenceAccepted), "", at("time() - max by (version, how) (%s{$S})", catalog.RebaseTime), "")
}
