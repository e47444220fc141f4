package ingest

import (
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/catalog"
	"github.com/plumbline-ml/plumbline/internal/monitor"
	"github.com/plumbline-ml/plumbline/internal/tail"
	"github.com/plumbline-ml/plumbline/internal/testkit"
)

// rspamdModel follows the corpus in the time of the mails, which stands in the name of each file.
const rspamdModel = `
model: rspamd
logs: {include: [/logs/*], format: rspamd}
fields:
  timestamp: {path: file, pattern: '^ord/\d+\.(\d{8}T\d{6})', layout: 20060102T150405}
predictions:
  score: {path: score, kind: number}
  label: {path: action, positive: reject}
features:
  - {path: len, kind: number}
  - {path: symbols, kind: number}
  - {path: bayes, kind: number}
reference: {from: 2002-08-01, until: 2002-09-01}
pane: 1h
bucket: 24h
windows: [24h, 7d]
lateness: 2h
min_records: 20
`

func parseModel(t testing.TB, text string) *monitor.Model {
	t.Helper()
	m, err := monitor.ParseModel(filepath.Join(t.TempDir(), "model.yaml"), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// withReference parses a model file that names ref.json beside it.
func withReference(t testing.TB, text string, reference []byte) *monitor.Model {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "ref.json"), reference, 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := monitor.ParseModel(filepath.Join(dir, "model.yaml"), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// watcher collects when each alarm was first seen, and the last value of every series.
type watcher struct {
	first map[string]time.Time
	told  map[string]float64 // alarm_expected and alarm_seen when they first appeared
	last  map[string]float64
}

func (w *watcher) publish(b catalog.Batch) error {
	if w.first == nil {
		w.first, w.told, w.last = map[string]time.Time{}, map[string]float64{}, map[string]float64{}
	}
	for _, s := range b.Samples {
		labels := s.Labels
		if i := slices.Index(s.Metric.Labels, "segment"); i >= 0 && labels[i] == "" {
			labels = slices.Delete(slices.Clone(labels), i, i+1)
		}
		key := s.Metric.Name + "|" + strings.Join(labels, "|")
		w.last[key] = s.Value
		switch s.Metric {
		case catalog.Alarm:
			if _, ok := w.first[key]; s.Value == 1 && !ok {
				w.first[key] = b.Time
			}
		case catalog.AlarmExpected, catalog.AlarmSeen:
			if _, ok := w.told[key]; !ok {
				w.told[key] = s.Value
			}
		}
	}
	return nil
}

// With August 2002 as the reference the score's median moves from −0.09 to 1.11 and 2.53 while the share of spam
// falls (medians by numpy over the same lines, in the notes beside the data).
func TestRspamdDriftOfAutumn2002IsNoticed(t *testing.T) {
	path := testkit.SharedFile(t, "data", "rspamd-2001-2002.log.gz")
	var w watcher
	stats, err := Replay(context.Background(), ReplayOptions{Models: []*monitor.Model{parseModel(t, rspamdModel)}, Files: []string{path}, Step: time.Hour, Publish: w.publish})
	if err != nil {
		t.Fatal(err)
	}
	if stats.Lines != 5451 || stats.Records != 5451 || stats.ErrorsTotal() != 0 {
		t.Errorf("%+v", stats)
	}
	at, ok := w.first["plumbline_alarm|rspamd|score|drift"]
	if !ok || at.Before(time.Date(2002, 9, 3, 0, 0, 0, 0, time.UTC)) || at.After(time.Date(2002, 10, 31, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("the score's drift was noticed at %v", at)
	}
	expected, seen := w.told["plumbline_alarm_expected|rspamd|score|drift|median"], w.told["plumbline_alarm_seen|rspamd|score|drift|median"]
	if expected < -.2 || expected > 0 || seen < .5 {
		t.Errorf("median expected %v, seen %v", expected, seen)
	}
	for key, at := range w.first {
		if at.Before(time.Date(2002, 9, 3, 0, 0, 0, 0, time.UTC)) {
			t.Errorf("%s was raised at %v, before anything drifted", key, at)
		}
		t.Log(at.Format(time.DateOnly), key)
	}
	for _, key := range slices.Sorted(func(yield func(string) bool) {
		for k := range w.told {
			if !yield(k) {
				return
			}
		}
	}) {
		t.Log(key, w.told[key])
	}
}

var mailTime = regexp.MustCompile(`(file: ord/\d+\.)(\d{8}T\d{6})`)

// shuffled deals the mails of August to October 2002 out in random order: the times stay where they were, the mails
// change places.
func shuffled(t *testing.T, path string, seed uint64) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var lines, times []string
	sc := bufio.NewScanner(z)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		m := mailTime.FindStringSubmatch(sc.Text())
		if m != nil && m[2] >= "20020801" && m[2] < "20021101" {
			lines, times = append(lines, sc.Text()), append(times, m[2])
		}
	}
	if err := sc.Err(); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(seed, 0))
	rng.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	var b strings.Builder
	for i, l := range lines {
		b.WriteString(mailTime.ReplaceAllString(l, "${1}"+times[i]) + "\n")
	}
	out := filepath.Join(t.TempDir(), fmt.Sprintf("shuffled-%d.log", seed))
	if err := os.WriteFile(out, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestShuffledRspamdMonthsRaiseNoAlarm(t *testing.T) {
	path := testkit.SharedFile(t, "data", "rspamd-2001-2002.log.gz")
	for seed := range uint64(8) {
		var w watcher
		stats, err := Replay(context.Background(), ReplayOptions{Models: []*monitor.Model{parseModel(t, rspamdModel)}, Files: []string{shuffled(t, path, seed)}, Step: time.Hour, Publish: w.publish})
		if err != nil {
			t.Fatal(err)
		}
		if stats.Records < 3700 || stats.Records != stats.Lines {
			t.Errorf("records: %d of %d lines", stats.Records, stats.Lines)
		}
		for key, at := range w.first {
			t.Errorf("seed %d: %s at %v", seed, key, at)
		}
		if w.last["plumbline_model_state|rspamd|learning"] != 0 || w.last["plumbline_model_evidence_ratio|rspamd"] >= 1 {
			t.Errorf("seed %d: the model never watched", seed)
		}
		t.Logf("seed %d: evidence ratio at the end %.2f", seed, w.last["plumbline_model_evidence_ratio|rspamd"])
	}
}

func TestAReferenceFromAFileIsWhatTheModelWouldHaveLearned(t *testing.T) {
	path := testkit.SharedFile(t, "data", "rspamd-2001-2002.log.gz")
	m := parseModel(t, rspamdModel)
	ref, stats, err := BuildReference(context.Background(), m, []string{path}, tail.Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if stats.Lines != 5451 || ref.Records != 1608 {
		t.Errorf("%+v, %d records in August 2002", stats, ref.Records)
	}
	var w watcher
	if _, err := Replay(context.Background(), ReplayOptions{Models: []*monitor.Model{m}, Files: []string{path}, Step: 24 * time.Hour, Publish: w.publish}); err != nil {
		t.Fatal(err)
	}
	for _, c := range ref.Columns {
		role, n := c.Role, float64(0)
		for _, k := range c.Missing {
			n += float64(k)
		}
		want := n / float64(ref.Records)
		if got := w.last[fmt.Sprintf("plumbline_reference_missing_share|rspamd|%s|%s", c.Name, role)]; got != want {
			t.Errorf("%s: missing share %v in the file, %v learned", c.Name, want, got)
		}
	}
}
