package rules

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// publish is what an agent with some models publishes that the packs read, and a good deal that they do not.
func publish(models, features int, at time.Time, alarms int) catalog.Batch {
	b := catalog.Batch{Time: at}
	sec := float64(at.Unix())
	for m := range models {
		model := fmt.Sprintf("model-%d", m)
		for w, window := range []string{"10m", "1h", "24h"} {
			b.Add(catalog.WindowRecords, float64(600*(w*w*w*20+1)), model, window)
		}
		b.Add(catalog.LastRecord, sec, model)
		b.Add(catalog.LastArrival, sec, model)
		b.Add(catalog.SilenceLimit, 900, model)
		b.Add(catalog.Records, sec, model, "v1")
		b.Add(catalog.RecordsUntimed, 0, model)
		b.Add(catalog.BudgetRemaining, 1, model)
		b.Add(catalog.BudgetSpent, 0, model)
		b.Add(catalog.BudgetPages, 1, model)
		for _, s := range []string{"learning", "young", "ready"} {
			v := 0.0
			if s == "ready" {
				v = 1
			}
			b.Add(catalog.ModelState, v, model, s)
		}
		for f := range features {
			feature := fmt.Sprintf("feature_%d", f)
			b.Add(catalog.RefMissingShare, .01, model, feature, "feature")
			for _, cause := range []string{"missing", "frozen", "quality", "drift"} {
				v := 0.0
				if alarms > 0 && cause == "drift" {
					v, alarms = 1, alarms-1
					b.Add(catalog.AlarmOnset, sec-600, model, feature, cause, "")
					b.Add(catalog.AlarmRecords, 100, model, feature, cause, "")
					b.Add(catalog.AlarmExpected, .1, model, feature, cause, "", "share above 3")
					b.Add(catalog.AlarmSeen, .3, model, feature, cause, "", "share above 3")
				}
				b.Add(catalog.Alarm, v, model, feature, cause, "")
				b.Add(catalog.EvidenceRatio, .3, model, feature, cause, "")
			}
			for _, window := range []string{"10m", "1h", "24h"} {
				b.Add(catalog.MissingShare, .01+sec/1e12, model, feature, "feature", window)
				b.Add(catalog.UnseenShare, .001+sec/1e12, model, feature, "feature", window)
				b.Add(catalog.DriftEffect, .01, model, feature, "feature", window)
				for _, stat := range []string{"psi", "ks", "js", "tvd"} {
					b.Add(catalog.DriftStatistic, .01, model, feature, "feature", window, stat)
				}
				if f%5 == 0 {
					b.Add(catalog.FeatureStaleShare, .001, model, feature, window)
					b.Add(catalog.FeatureSkew, 0, model, feature, window)
				}
			}
		}
	}
	b.Add(catalog.TailLines, sec)
	b.Add(catalog.TailLag, 0)
	b.Add(catalog.TailGap, 0)
	b.Add(catalog.BuildInfo, 1, "v1", "go1.26")
	b.Add(catalog.StateErrors, 0)
	for _, r := range []string{"not_json", "truncated", "depth", "oversize", "bad_number"} {
		b.Add(catalog.ParseErrors, 0, r)
	}
	return b
}

// move brings a batch to a later time without building it anew.
func move(b *catalog.Batch, at time.Time) {
	b.Time = at
	for i := range b.Samples {
		switch b.Samples[i].Metric {
		case catalog.LastRecord, catalog.LastArrival, catalog.Records, catalog.TailLines:
			b.Samples[i].Value = float64(at.Unix())
		}
	}
}

// BenchmarkEvalPacks is one step of a backtest with three models of thirty features: append and evaluate all packs.
func BenchmarkEvalPacks(b *testing.B) {
	for _, alarms := range []int{0, 5} {
		b.Run(fmt.Sprintf("alarms=%d", alarms), func(b *testing.B) {
			e, err := New(Options{Packs: true, ResolvedResend: -1, Resend: 24 * time.Hour})
			if err != nil {
				b.Fatal(err)
			}
			at := t0
			batch := publish(3, 30, at, alarms)
			step := func() {
				at = at.Add(15 * time.Second)
				move(&batch, at)
				if err := e.Append(batch); err != nil {
					b.Fatal(err)
				}
				if _, err := e.Eval(context.Background(), at); err != nil {
					b.Fatal(err)
				}
			}
			for range 300 {
				step()
			}
			b.ReportAllocs()
			for b.Loop() {
				step()
			}
		})
	}
}

// BenchmarkAppend is the part of it that takes the samples in.
func BenchmarkAppend(b *testing.B) {
	e, err := New(Options{Packs: true})
	if err != nil {
		b.Fatal(err)
	}
	at := t0
	batch := publish(3, 30, at, 0)
	b.ReportAllocs()
	for b.Loop() {
		at = at.Add(time.Second)
		batch.Time = at
		if err := e.Append(batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(batch.Samples)), "samples/op")
}
