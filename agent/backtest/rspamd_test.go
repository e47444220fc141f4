package backtest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/alert"
	"github.com/plumbline-ml/plumbline/internal/testkit"
)

// The time of a mail stands in the name of its file; the wall time of the log is that of a replay. Some 25 to 70 mails
// a day, collected and not served, with a holes of weeks and months: windows of a day and a week, evidence once a day, silence after a year.
const rspamdModel = `
model: rspamd
logs: {include: ["*.log*"], format: rspamd}
fields:
  timestamp: {path: file, pattern: '\.(\d{8}T\d{6})\.', layout: 20060102T150405}
reference: {from: 2002-08-01, until: 2002-09-01}
windows: [1d, 7d]
pane: 1h
bucket: 1d
lateness: 1h
silence: 365d
false_pages: 1 per 30d
`

func modelFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRspamdPagesInAutumn2002ForTheDriftOfTheScore(t *testing.T) {
	log := testkit.SharedFile(t, "data", "rspamd-2001-2002.log.gz")
	r, err := Run(context.Background(), Options{ModelPaths: []string{modelFile(t, rspamdModel)}, Logs: []string{log}})
	if err != nil {
		t.Fatal(err)
	}
	if r.Lines != 5451 || r.Records != 5451 || r.Errors != 0 {
		t.Errorf("read %d lines, %d records, %d errors; want all 5451", r.Lines, r.Records, r.Errors)
	}
	september, november := time.Date(2002, 9, 1, 0, 0, 0, 0, time.UTC), time.Date(2002, 11, 1, 0, 0, 0, 0, time.UTC)
	if r.Pages == 0 {
		t.Fatal("nobody was paged")
	}
	for _, n := range r.Notes {
		if n.At.Before(september) && n.PagedAt != nil { // that there is no reference yet is a ticket
			t.Errorf("notified at %s, before anything changed: %s", n.At, n.Summary)
		}
	}
	for _, a := range r.Alerts {
		if a.Name == "ModelDrift" && a.Labels["feature"] == "score" && a.StartsAt.After(september) && a.StartsAt.Before(november) {
			said := fmt.Sprint(a.Annotations)
			if !strings.Contains(a.Annotations[alert.AnnotationSummary], "median") || a.Annotations[alert.AnnotationExpected] == "" || a.Annotations[alert.AnnotationSeen] == "" {
				t.Errorf("the page does not name the effect: %s", said)
			}
			return
		}
	}
	t.Errorf("no drift of the score in September or October 2002: %+v", r.Alerts)
}

var eventTime = regexp.MustCompile(`\.(\d{8})T\d{6}\.`)

// The same mails, but those of August to October dealt out over the same moments in random order: the reference is
// then made from what also follows it, and nothing may be paged.
func TestRspamdMailsDealtOutInRandomOrderPageNobody(t *testing.T) {
	log := testkit.SharedFile(t, "data", "rspamd-2001-2002.log.gz")
	for seed := range uint64(3) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			shuffled := filepath.Join(t.TempDir(), "shuffled.log")
			if err := os.WriteFile(shuffled, shuffle(t, log, seed), 0o600); err != nil {
				t.Fatal(err)
			}
			r, err := Run(context.Background(), Options{ModelPaths: []string{modelFile(t, rspamdModel)}, Logs: []string{shuffled}})
			if err != nil {
				t.Fatal(err)
			}
			if r.Records < 3700 || r.Pages != 0 {
				t.Errorf("%d records, %d pages, want none: %+v", r.Records, r.Pages, r.Notes)
			}
		})
	}
}

// shuffle keeps the mails of August to October 2002 and deals their times out among them.
func shuffle(t *testing.T, log string, seed uint64) []byte {
	t.Helper()
	f, err := os.Open(log)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zr, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var lines, times []string
	in := bufio.NewReader(zr)
	for {
		line, err := in.ReadString('\n')
		if m := eventTime.FindStringSubmatch(line); m != nil && m[1] >= "20020801" && m[1] < "20021101" {
			lines, times = append(lines, line), append(times, eventTime.FindString(line))
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	rng := rand.New(rand.NewPCG(seed, 2002))
	rng.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	var out bytes.Buffer
	for i, line := range lines {
		out.WriteString(eventTime.ReplaceAllLiteralString(line, times[i]))
	}
	return out.Bytes()
}
