// Package rules evaluates Prometheus rule files inside the agent and says which alerts fire.
//
// It keeps the few series that the loaded rules read in a bounded memory store, runs Prometheus' own rule groups
// over them at the times it is told, and returns alert values. Two things differ from Prometheus on purpose: an alert
// whose data vanishes keeps firing and is marked as blind instead of resolving, and pending, firing and blind
// states survive a restart, so a "for" clause does not start again.
//
// An Engine is safe for concurrent use; Append, Eval and Reload exclude each other. It starts no goroutine and reads
// no clock: the time of an evaluation is an argument, so a backtest runs the same code as a live agent. Memory is bounded by
// Options.MaxSeries, Options.MaxSamples and Options.MaxAlerts; what does not fit is counted.
//
// The package also checks rule files (Check), runs promtool's unit tests on them (Test), and ships packs of rules with
// their tests and runbooks. It does not route, group, silence or deliver: that is exporters/alerting.
package rules
