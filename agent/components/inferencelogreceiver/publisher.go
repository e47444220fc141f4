package inferencelogreceiver

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver/receiverhelper"

	"github.com/plumbline-ml/plumbline/agent/components/internal/board"
	"github.com/plumbline-ml/plumbline/agent/components/internal/metricdata"
	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// publisher puts batches on the board as they come, and sends them down the pipeline from a goroutine of its own, so that a
// consumer that blocks does not hold the loop that reads the logs.
type publisher struct {
	place     *board.Place
	sends     bool               // there is a pipeline that wants to have batches
	box       chan catalog.Batch // holds the newest batch that was not sent
	encoder   *metricdata.Encoder
	self      prometheus.Gatherer
	start     time.Time // of self-metrics that do not know their own
	omit      map[*catalog.Metric]bool
	next      consumer.Metrics
	obs       *receiverhelper.ObsReport
	published func()
	log       *slog.Logger
	failed    bool // the last publish was refused; so that the log says it once
}

// put shows a batch on the board and leaves it for run. A batch that still waits is replaced. Only the loop calls put.
func (p *publisher) put(b catalog.Batch) {
	p.place.Put(b)
	if !p.sends {
		p.published()
		return
	}
	select {
	case <-p.box:
	default:
	}
	p.box <- b
}

func (p *publisher) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case b := <-p.box:
			p.send(ctx, &b)
		}
	}
}

// last sends what waits when the loop has ended, so that a clean stop publishes what it committed.
func (p *publisher) last(ctx context.Context) {
	select {
	case b := <-p.box:
		p.send(ctx, &b)
	default:
	}
}

func (p *publisher) send(ctx context.Context, b *catalog.Batch) {
	families, gatherErr := p.self.Gather() // whatever could be gathered is there in spite of an error
	publish := p.encoder.Begin(b.Time)
	publish.Batch(b, p.omit)
	publish.Families(families, p.start)
	metrics := publish.End()

	ctx = p.obs.StartMetricsOp(ctx)
	points := metrics.DataPointCount()
	err := p.next.ConsumeMetrics(ctx, metrics)
	p.obs.EndMetricsOp(ctx, Type.String(), points, err)
	if err != nil {
		p.encoder.Refused()
	} else {
		p.published()
		err = gatherErr
	}
	switch {
	case err != nil && !p.failed:
		p.log.Warn("publishing failed; the next publish carries everything again", "err", err)
	case err == nil && p.failed:
		p.log.Info("publishing works again")
	}
	p.failed = err != nil
}

// omitted are the metrics of a batch that are not published: what the user names, and what the loop says about
// reloads, because the hub says it for all kinds of files.
func omitted(names []string) map[*catalog.Metric]bool {
	out := map[*catalog.Metric]bool{catalog.ReloadKindOK: true, catalog.ReloadTime: true}
	for _, n := range names {
		if m, ok := catalog.ByName(n); ok { // Validate has seen it
			out[m] = true
		}
	}
	return out
}
