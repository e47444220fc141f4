package board

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

var at = time.Unix(2_000, 0)

func batch(t time.Time) catalog.Batch {
	b := catalog.Batch{Time: t, Start: time.Unix(1_000, 0)}
	b.Add(catalog.Records, 7, "spam", "v1")
	b.Add(catalog.Records, 3, "spam", "")
	b.Add(catalog.TailLag, 12)
	shared := catalog.Batch{}
	shared.Add(catalog.MissingShare, 0.25, "spam", "a \"b\"\\\n", "feature", "10m")
	shared.Add(catalog.FeatureMean, math.Inf(1), "spam", "x", "feature", "1h")
	shared.AddHistogram(catalog.FeatureValue, &catalog.HistogramValue{Bounds: []float64{0, 1}, Counts: []uint64{1, 2, 3}, Sum: 4.5}, "spam", "age", "feature")
	b.Shared = [][]catalog.Sample{shared.Samples}
	return b
}

func posted(batches ...catalog.Batch) []Posted {
	var b Board
	for _, x := range batches {
		b.Take(nil).Put(x)
	}
	return b.Read()
}

func text(t *testing.T, format expfmt.FormatType, p []Posted, self []*dto.MetricFamily) string {
	t.Helper()
	var out bytes.Buffer
	if err := Write(&out, expfmt.NewFormat(format), p, self); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestTheTextIsWhatAParserOfPrometheusReadsBack(t *testing.T) {
	got := text(t, expfmt.TypeTextPlain, posted(batch(at)), nil)
	want := `# HELP plumbline_feature_mean Mean of a numeric feature in the window.
# TYPE plumbline_feature_mean gauge
plumbline_feature_mean{model="spam",feature="x",role="feature",window="1h"} +Inf
`
	if !strings.HasPrefix(got, want) {
		t.Errorf("the text begins\n%s\nwant\n%s", got, want)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(got))
	if err != nil {
		t.Fatalf("%v in\n%s", err, got)
	}
	if len(families) != 5 {
		t.Errorf("%d families, want 5", len(families))
	}
	h := families[catalog.FeatureValue.Name].Metric[0].Histogram
	if h.GetSampleCount() != 6 || h.GetSampleSum() != 4.5 || len(h.Bucket) != 3 || h.Bucket[1].GetCumulativeCount() != 3 {
		t.Errorf("the histogram came back as %v", h)
	}
	if l := families[catalog.MissingShare.Name].Metric[0].Label[1]; l.GetValue() != "a \"b\"\\\n" {
		t.Errorf("a label with quotes, a backslash and a line end came back as %q", l.GetValue())
	}
	if n := len(families[catalog.Records.Name].Metric[1].Label); n != 1 {
		t.Errorf("an empty label value was written: %d labels", n)
	}
}

// Expected text: written by hand from the OpenMetrics 1.0 specification.
func TestOpenMetricsNamesCountersWithoutTotalAndEndsWithEOF(t *testing.T) {
	got := text(t, expfmt.TypeOpenMetrics, posted(batch(at)), nil)
	for _, want := range []string{
		"# TYPE plumbline_records counter\nplumbline_records_total{model=\"spam\",version=\"v1\"} 7.0\n",
		"plumbline_feature_value_bucket{model=\"spam\",feature=\"age\",role=\"feature\",le=\"1.0\"} 3\n",
		"plumbline_tail_lag_bytes 12.0\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("there is no %q in\n%s", want, got)
		}
	}
	if !strings.HasSuffix(got, "\n# EOF\n") {
		t.Error("the exposition does not end with # EOF")
	}
}

func TestProtocolBuffersSayTheSameAndWhenACounterBegan(t *testing.T) {
	raw := text(t, expfmt.TypeProtoDelim, posted(batch(at)), nil)
	d := expfmt.NewDecoder(strings.NewReader(raw), expfmt.NewFormat(expfmt.TypeProtoDelim))
	names := 0
	for {
		var f dto.MetricFamily
		if err := d.Decode(&f); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		names++
		switch f.GetName() {
		case catalog.Records.Name:
			if c := f.Metric[0].Counter; c.GetValue() != 7 || c.GetCreatedTimestamp().GetSeconds() != 1_000 {
				t.Errorf("the counter came as %v", c)
			}
		case catalog.FeatureValue.Name:
			if h := f.Metric[0].Histogram; h.GetSampleCount() != 6 || h.Bucket[1].GetCumulativeCount() != 3 {
				t.Errorf("the histogram came as %v", h)
			}
		}
	}
	if names != 5 {
		t.Errorf("%d families, want 5", names)
	}
}

func TestOfTwoPublishersTheNewerOneCountsAndTheRegistryBeforeBoth(t *testing.T) {
	old, newer := catalog.Batch{Time: at}, catalog.Batch{Time: at.Add(time.Second)}
	old.Add(catalog.TailLag, 1)
	old.Add(catalog.Records, 5, "only in the old one", "")
	old.Add(catalog.Watchdog, 0)
	newer.Add(catalog.TailLag, 2)
	up := prometheus.NewGauge(prometheus.GaugeOpts{Name: catalog.Watchdog.Name, Help: "h"})
	up.Set(1)
	reg := prometheus.NewRegistry()
	reg.MustRegister(up)
	self, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := text(t, expfmt.TypeTextPlain, posted(old, newer), self)
	for line, n := range map[string]int{"plumbline_tail_lag_bytes 2\n": 1, "plumbline_tail_lag_bytes 1\n": 0, "plumbline_up 1\n": 1, "plumbline_up 0\n": 0, "only in the old one": 1} {
		if c := strings.Count(got, line); c != n {
			t.Errorf("%q stands there %d times, want %d, in\n%s", line, c, n, got)
		}
	}
}

func TestWhatIsOmittedIsNotWrittenAndAPlaceThatIsLeftIsEmpty(t *testing.T) {
	var b Board
	p := b.Take(map[*catalog.Metric]bool{catalog.TailLag: true})
	if len(b.Read()) != 0 {
		t.Error("a place without a batch is read")
	}
	p.Put(batch(at))
	p.Put(batch(at.Add(3 * time.Second)))
	read := b.Read()
	if len(read) != 1 || read[0].Pace != 3*time.Second {
		t.Fatalf("read %d batches", len(read))
	}
	if got := text(t, expfmt.TypeTextPlain, read, nil); strings.Contains(got, catalog.TailLag.Name) || !strings.Contains(got, catalog.Records.Name) {
		t.Errorf("omit was not heeded:\n%s", got)
	}
	p.Leave()
	if len(b.Read()) != 0 {
		t.Error("a place that was left is read")
	}
}

// A scrape of a busy node must not need a copy of it: 40,000 samples are 4 MB of text.
func TestAScrapeAllocatesLittle(t *testing.T) {
	p := posted(many())
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := Write(io.Discard, expfmt.NewFormat(expfmt.TypeTextPlain), p, nil); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if bytes := after.TotalAlloc - before.TotalAlloc; bytes > 1<<20 {
		t.Errorf("a scrape allocates %d bytes, want at most 1 MiB", bytes)
	}
}

func many() catalog.Batch {
	b := catalog.Batch{Time: at}
	for m := range 10 {
		for f := range 50 {
			for _, w := range []string{"10m", "1h", "24h"} {
				for s := range 26 {
					b.Add(catalog.DriftStatistic, float64(s)/7, fmt.Sprint("model", m), fmt.Sprint("feature", f), "feature", w, fmt.Sprint("s", s))
				}
			}
		}
	}
	return b
}

func BenchmarkScrape(b *testing.B) {
	p := posted(many())
	b.ReportAllocs()
	for b.Loop() {
		if err := Write(io.Discard, expfmt.NewFormat(expfmt.TypeTextPlain), p, nil); err != nil {
			b.Fatal(err)
		}
	}
}
