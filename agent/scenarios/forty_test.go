package scenarios

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/exporters/alerting"
	"github.com/plumbline-ml/plumbline/exporters/pagerduty"
	"github.com/plumbline-ml/plumbline/exporters/pagerduty/standin"
	"github.com/plumbline-ml/plumbline/internal/alert"
	"github.com/plumbline-ml/plumbline/internal/catalog"
	"github.com/plumbline-ml/plumbline/internal/monitor"
	"github.com/plumbline-ml/plumbline/internal/parse"
	"github.com/plumbline-ml/plumbline/rules"
)

const fortyModel = `model: ranker
logs: {include: ["*.jsonl"], format: json}
fields: {timestamp: ts}
predictions:
  score: {path: score, kind: probability}
  label: {path: label, positive: yes}
features:
  - {path: table.*, name: "*"}
reference: {learn: 1h, page_while_learning: true}
false_pages: 1 per 30d
windows: [10m, 1h]
`

const fortyFeatures = 40

// table writes records of a model that takes all its features from one upstream table. A broken table gives no value, and the model,
// which answers all the same, answers something else.
type table struct {
	dice   *rand.Rand
	broken float64 // share of records that the table fails
	gone   bool    // the keys are gone, too
}

func (w *table) line(buf []byte, at time.Time) []byte {
	fails := w.dice.Float64() < w.broken
	score := w.dice.Float64() * w.dice.Float64()
	if fails {
		score = .5 + score/2
	}
	label := "no"
	if score > .6 {
		label = "yes"
	}
	buf = fmt.Appendf(buf, `{"ts":%q,"score":%.4f,"label":%q,"table":{`, at.UTC().Format(time.RFC3339Nano), score, label)
	for i := range fortyFeatures {
		if fails && w.gone {
			break
		}
		if i > 0 {
			buf = append(buf, ',')
		}
		buf = fmt.Appendf(buf, `"f%02d":`, i)
		if fails {
			buf = append(buf, "null"...)
		} else {
			buf = fmt.Appendf(buf, "%.3f", w.dice.NormFloat64()*float64(1+i))
		}
	}
	return append(buf, "}}\n"...)
}

// TestOneBrokenUpstreamTableOfFortyFeaturesIsOnePage goes the whole way: lines, engine, the shipped packs, the built-in routes, and the
// stand-in that checks every event. The score and the label drift as well, and nobody is to be told of that a second time.
func TestOneBrokenUpstreamTableOfFortyFeaturesIsOnePage(t *testing.T) {
	for _, c := range []struct {
		name, cause string
		table       table
	}{
		{"null in most records", "missing", table{broken: .9}},
		{"keys that are gone", "schema", table{broken: 1, gone: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			now := start
			desk := standin.New(standin.Options{Now: func() time.Time { return now }})
			pager, err := pagerduty.New(pagerduty.Config{RoutingKey: strings.Repeat("a", 32), Client: &http.Client{Transport: desk.Transport()}, Now: func() time.Time { return now }})
			if err != nil {
				t.Fatal(err)
			}
			routes, err := alerting.New(alerting.Options{Node: "node-7", Default: pages{pager}, Now: func() time.Time { return now }})
			if err != nil {
				t.Fatal(err)
			}
			defer routes.Close()
			engine, err := rules.New(rules.Options{Packs: true, Interval: rowEvery, ExternalLabels: map[string]string{alert.LabelNode: "node-7"}})
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "ranker.yaml")
			if err := os.WriteFile(file, []byte(fortyModel), 0o600); err != nil {
				t.Fatal(err)
			}
			m, err := monitor.LoadModel(file)
			if err != nil {
				t.Fatal(err)
			}
			e, err := monitor.NewEngine(monitor.EngineOptions{Models: []*monitor.Model{m}})
			if err != nil {
				t.Fatal(err)
			}
			in := e.Instances()[0]
			parser := in.Plan().NewParser()
			var rec parse.Record
			var line []byte
			var offset int64
			healthy, broken := table{dice: rand.New(rand.NewPCG(1, 2))}, c.table
			broken.dice = healthy.dice

			const breaks, mends, ends = 70 * time.Minute, 100 * time.Minute, 150 * time.Minute
			for ; now.Before(start.Add(ends)); now = now.Add(time.Second) {
				at := now.Sub(start)
				w := &healthy
				if at >= breaks && at < mends {
					w = &broken
				}
				for i := range 4 {
					line = w.line(line[:0], now.Add(time.Duration(i)*250*time.Millisecond))
					if r := parser.Line(line[:len(line)-1], offset, &rec); r.Status != parse.Complete {
						t.Fatalf("%s: %v", line, r.Status)
					}
					offset += int64(len(line))
					in.Observe(&rec, in.Plan().Slots(), now)
				}
				e.Advance(now)
				if at > 65*time.Minute && now.Second()%30 == 0 {
					b := catalog.Batch{Time: now, Start: start}
					e.Collect(&b)
					if err := engine.Append(b); err != nil {
						t.Fatal(err)
					}
					alerts, err := engine.Eval(context.Background(), now)
					if err != nil {
						t.Fatal(err)
					}
					if err := routes.Process(now, alerts); err != nil {
						t.Fatal(err)
					}
				}
				if routes.Tick(now); now.Second()%5 == 0 {
					routes.Deliver(context.Background(), now)
				}
				if at == mends {
					judgeForty(t, desk, c.cause)
				}
			}
			if open := desk.Open(); len(open) > 0 {
				t.Errorf("still open %s after the table was mended: %s", ends-mends, open[0].Last.Summary)
			}
			if n := len(desk.Incidents()); n != 1 {
				t.Errorf("%d incidents in the end", n)
				for _, x := range desk.Incidents() {
					t.Log(x.OpenedAt.Sub(start), x.Last.Summary)
				}
			}
		})
	}
}

func judgeForty(t *testing.T, desk *standin.Server, cause string) {
	t.Helper()
	open := desk.Open()
	if len(open) != 1 {
		t.Errorf("%d pages, want one", len(open))
	}
	for _, call := range desk.History() {
		if len(call.Errors) > 0 {
			t.Errorf("an event against the contract: %v", call.Errors)
		}
	}
	for _, x := range open {
		if x.Last.Group != cause || x.Last.Component != "ranker" || x.Last.Source != "node-7" {
			t.Errorf("paged for %s of %s on %s: %s", x.Last.Group, x.Last.Component, x.Last.Source, x.Last.Summary)
		}
		var named []string
		for _, d := range x.Last.Details {
			if list, ok := d.Value.([]any); ok && d.Name == "features" {
				for _, v := range list {
					name, _, _ := strings.Cut(fmt.Sprint(v), ":")
					name, _, _ = strings.Cut(name, " ")
					named = append(named, name)
				}
			}
		}
		slices.Sort(named)
		if named = slices.Compact(named); len(named) != fortyFeatures {
			t.Errorf("the page names %d features, want %d: %v", len(named), fortyFeatures, named)
		}
		if t.Failed() {
			t.Log("\n" + standin.Render(x))
		}
	}
}

// pages takes what is critical to the pager and leaves tickets aside.
type pages struct{ *pagerduty.Notifier }

func (p pages) Send(ctx context.Context, n alerting.Notification) (alerting.RetryAdvice, error) {
	if n.Severity() != alert.SeverityCritical {
		return alerting.RetryAdvice{}, nil
	}
	return p.Notifier.Send(ctx, n)
}
