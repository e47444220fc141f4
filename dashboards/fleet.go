package dashboards

import "github.com/plumbline-ml/plumbline/internal/catalog"

// Fleet is the page to open first: every node and every model on one screen.
func Fleet() Dashboard {
	var p page
	p.row("Is anything wrong?")
	p.add(stat("Agents up", "Agents that Prometheus has seen within its look-back.", "", 0), sixth, 4, q("count(%s)", catalog.Watchdog), "")
	p.add(stat("Models", "Distinct models over all nodes.", "", 0), sixth, 4, q("count(count by (model) (%s))", catalog.ModelState), "")
	p.add(stat("Alarms", "Streams in alarm now, over all models.", "", 1), sixth, 4, q("sum(%s)", catalog.Alarm), "")
	p.add(stat("Models in alarm", "Models with at least one alarm.", "", 1), sixth, 4, q("sum(max by (model) (%s))", catalog.Alarm), "")
	p.add(stat("Bytes known lost", "Log bytes that vanished before they could be read, within the range.", "bytes", 1), sixth, 4, q("sum(increase(%s[$__range]))", catalog.TailGap), "")
	p.add(stat("Refused reloads", "Agents that run on an old configuration because the newest one is bad.", "", 1), sixth, 4, q("sum(1 - %s)", catalog.ReloadOK), "")

	p.add(table("Alarms by model and cause", "Number of streams in alarm. Zero is shown too: a model that is missing here is not followed.",
		map[string]string{"A": "alarms", "B": "nodes"}), half, 8,
		q("sum by (model, cause) (%s)", catalog.Alarm), "", q("count by (model, cause) (count by (model, cause, instance) (%s))", catalog.Alarm), "")
	p.add(line(graph("Evidence against the page budget", "Log-evidence averaged over all streams of a model, as a share of what its budget asks for. At 1 somebody is paged.", "percentunit"), 1), half, 8,
		q("max by (model) (%s)", catalog.ModelEvidence), "{{model}}")

	p.row("Traffic")
	p.add(graph("Records per second", "Inference records counted, by model.", "reqps"), half, 8, q("sum by (model) (rate(%s[$__rate_interval]))", catalog.Records), "{{model}}")
	p.add(graph("Age of the newest record", "Event time of the newest record of a model on any node, seen from now.", "s"), half, 8, q("time() - max by (model) (%s)", catalog.LastRecord), "{{model}}")
	p.add(graph("Page budget left", "Pages of the budget that are left in the current period.", ""), half, 8, q("min by (model) (%s)", catalog.BudgetRemaining), "{{model}}")
	p.add(share(graph("Largest share of missing values", "The worst feature of each model in its shortest window.", "percentunit")), half, 8, q("max by (model) (%s)", catalog.MissingShare), "{{model}}")

	p.row("The agents themselves")
	p.add(graph("Lines read per second", "By node.", "short"), third, 8, q("sum by (instance) (rate(%s[$__rate_interval]))", catalog.TailLines), "{{instance}}")
	p.add(graph("Lines that could not be read", "Per second, by reason.", "short"), third, 8, q("sum by (reason) (rate(%s[$__rate_interval]))", catalog.ParseErrors), "{{reason}}")
	p.add(graph("Bytes not read yet", "By node.", "bytes"), third, 8, q("sum by (instance) (%s)", catalog.TailLag), "{{instance}}")
	p.add(graph("Duration of the last snapshot", "By node.", "s"), third, 8, q("max by (instance) (%s)", catalog.StateSeconds), "{{instance}}")
	p.add(graph("Snapshots that failed", "Per second, by node.", "short"), third, 8, q("sum by (instance) (rate(%s[$__rate_interval]))", catalog.StateErrors), "{{instance}}")
	p.add(graph("Files followed", "By node.", "short"), third, 8, q("sum by (instance) (%s)", catalog.TailFiles), "{{instance}}")

	p.row("Alerts and pages")
	p.add(graph("Alerts", "By state; blind ones are held because the data that would resolve them is gone.", "short"), third, 8, q("sum by (state) (%s)", catalog.AlertsActive), "{{state}}")
	p.add(graph("Notifications", "Accepted within the interval, by destination and action.", "short"), third, 8, q("sum by (destination, action) (increase(%s[$__rate_interval]))", catalog.PagesSent), "{{destination}} {{action}}")
	p.add(graph("Attempts that failed", "Within the interval, by destination and reason.", "short"), third, 8, q("sum by (destination, reason) (increase(%s[$__rate_interval]))", catalog.PagesFailed), "{{destination}} {{reason}}")
	p.add(graph("Age of the oldest page that waits", "By destination.", "s"), third, 8, q("max by (destination) (%s)", catalog.PagesOldest), "{{destination}}")
	p.add(graph("Alerts held back", "Within the interval: silenced, inhibited, muted, or more than can be held.", "short"), third, 8, q("sum by (reason) (increase(%s[$__rate_interval]))", catalog.PagesSuppressed), "{{reason}}")
	p.add(graph("Rule evaluations that failed", "Per second, by node.", "short"), third, 8, q("sum by (instance) (rate(%s[$__rate_interval]))", catalog.RuleFailures), "{{instance}}")
	p.add(graph("Pages raised within the budget's period", "By model.", "short"), half, 8, q("max by (model) (%s)", catalog.BudgetSpent), "{{model}}")
	p.add(graph("Bad files", "1 where the newest change of models, rules or routes was refused and the old one runs on.", "short"), half, 8, q("max by (instance, kind) (1 - %s)", catalog.ReloadKindOK), "{{instance}} {{kind}}")

	return dashboard("plumbline-fleet", "Plumbline / Fleet", "Every node and every model on one screen.", &p, nil,
		[]Annotation{alarms(q("sum by (model, cause) (%s) > 0", catalog.Alarm))})
}

// alarms marks the times at which alarms were up.
func alarms(expr string) Annotation {
	return Annotation{Name: "Alarms", Enable: true, IconColor: "red", Datasource: prometheusSource(), Expr: expr, Step: "60s", TitleFormat: "{{model}}: {{cause}}", TextFormat: "{{feature}}", TagKeys: "model,cause"}
}
