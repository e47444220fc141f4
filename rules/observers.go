package rules

import (
	"github.com/prometheus/client_golang/prometheus"
	promrules "github.com/prometheus/prometheus/rules"
)

// groupMetrics are the metrics that Prometheus' rule groups want to keep. Nobody registers them, and two summaries and two histograms for
// each evaluation of each rule are a good part of a backtest's time, so those four do nothing.
func groupMetrics() *promrules.Metrics {
	m := promrules.NewGroupMetrics(nil)
	m.EvalDuration, m.EvalDurationHistogram = silentSummary{m.EvalDuration}, silentHistogram{m.EvalDurationHistogram}
	m.IterationDuration, m.IterationDurationHistogram = silentSummary{m.IterationDuration}, silentHistogram{m.IterationDurationHistogram}
	return m
}

type silentSummary struct{ prometheus.Summary }

func (silentSummary) Observe(float64) {}

type silentHistogram struct{ prometheus.Histogram }

func (silentHistogram) Observe(float64) {}
